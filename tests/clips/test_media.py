"""Clips of real people, where they are at hand beside the repository; they are not part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent import analyze_clip
from ferce_agent.report import ClipReport, Track

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MEDIA.is_dir(), reason="the clips are not at hand"),
]


def report_of(name: str) -> ClipReport:
    return analyze_clip(MEDIA / name)


def shown(track: Track) -> list[tuple[str | None, float, float]]:
    return [(one.expression, one.onset_s, one.offset_s) for one in track.episodes if one.expression]


def test_a_woman_cries_covers_her_face_and_laughs() -> None:
    (track,) = report_of("WolfgangLanger_Pexels.mp4").tracks
    first, *_, last = shown(track)
    assert first[0] in {"sadness", "fear"}
    assert first[1] < 1
    assert last[0] == "happiness"
    assert last[1] == pytest.approx(9.5, abs=0.7)
    assert last[2] > 19
    assert any(gap.reason == "mouth_covered" and gap.from_s < 4.5 and gap.to_s > 5.5 for gap in track.gaps)
    assert not [term for term, begin, end in shown(track) if begin < 5.4 and end > 4.2]


def test_a_man_begins_to_smile() -> None:
    (track,) = report_of("single_face.mp4").tracks
    ((term, onset, _),) = shown(track)
    assert term == "happiness"
    assert onset == pytest.approx(0.55, abs=0.15)  # seen frame by frame it begins between 0.50 and 0.57 s


def test_nobody_is_seen_in_a_drawn_film() -> None:
    (track,) = report_of("face_noface.mov").tracks
    assert track.last_s == pytest.approx(2.4, abs=0.15)
    drawn = report_of("no_face.mp4")
    assert drawn.tracks == ()
    assert [entry.code for entry in drawn.degraded if entry.code == "no_face"]
