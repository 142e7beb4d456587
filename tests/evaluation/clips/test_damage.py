"""Damaged clips are typed errors or frames with a note, and the suite that says so can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.evaluation.clips.damage import DAMAGES, damaged_clips, judge, run_damage
from ferce_agent.evaluation.clips.damage_reading import ClipProcess, Reading
from ferce_agent.evaluation.clips.made_films import FILMS, make_film

FEW = [film for film in FILMS if film.suffix in {".avi", ".gif"}]


def test_clips_depend_on_the_seed_alone() -> None:
    films = {film: make_film(film, 12) for film in FEW}
    assert films == {film: make_film(film, 12) for film in FEW}
    first, again, other = (damaged_clips(films, 60, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert {clip.damage for clip in first} == set(DAMAGES)
    changed = [clip for clip in first if clip.data != films[clip.film]]
    assert len(changed) > 45


@pytest.mark.parametrize(
    ("reading", "outcome"),
    [
        (Reading(60), "whole"),
        (Reading(61), "whole"),
        (Reading(59), "fault"),
        (Reading(59, ("clip_damaged",)), "noted"),
        (Reading(error="clip_format"), "refused"),
        (Reading(60, fault="a crash"), "fault"),
    ],
)
def test_fewer_frames_without_a_note_are_a_fault(reading: Reading, outcome: str) -> None:
    assert judge(reading, 60)[0] == outcome


def test_a_process_reads_one_clip_after_the_other(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    film.write_bytes(make_film(FEW[0], 12))
    text = tmp_path / "text.mp4"
    text.write_bytes(b"no film at all, only words")
    (tmp_path / "process").mkdir()
    with ClipProcess(tmp_path / "process") as process:
        assert process.read(film) == Reading(12)
        assert process.read(text) == Reading(error="clip_format")
        assert process.read(tmp_path / "none.mp4") == Reading(error="clip_not_found")


@pytest.mark.slow
def test_no_damaged_clip_is_a_fault() -> None:
    numbers = run_damage(count=300, seed=1)
    assert numbers.faults == ()
    assert numbers.refused + numbers.noted + numbers.whole == numbers.clips == 300
    assert numbers.noted >= 100
