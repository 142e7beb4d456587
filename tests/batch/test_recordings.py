from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.api import analyze_clip, analyze_voice
from ferce_agent.batch.executor import Row
from ferce_agent.batch.items import Held, Item, PartOfFile
from ferce_agent.batch.outcomes import ReadItem
from ferce_agent.batch.recordings import ClipWork, PartReader, VoiceWork
from ferce_agent.batch.running import BatchPlan, BatchProgress, run_batch
from ferce_agent.errors import SettingsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.views.clip_tables import reading_columns
from tests.batch.here import QUICK, Here
from tests.clips.speech_films import talking_film
from tests.tools.voices import message, silence


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photo: Path) -> Path:
    """Photos, clips and voices, good ones and bad ones."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "a.jpg").symlink_to(photo)
    (folder / "b.mp4").write_bytes(talking_film("speaks", seconds=0.8))
    (folder / "c.wav").write_bytes(message())
    (folder / "d.wav").write_bytes(silence())
    (folder / "e.mov").write_bytes(b"no film")
    (folder / "f.ogg").write_bytes(b"")
    (folder / "g.txt").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a batch makes of them."""
    out = tmp_path_factory.mktemp("whole") / "out"
    run_batch(plan_of(folder), out, Here())
    return out


def plan_of(folder: Path) -> BatchPlan:
    return BatchPlan([str(folder)], reports=True, frames=True, settings=QUICK)


def rows(out: Path, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in pq.read_table(out / table).to_pylist()]


def told(row: Row) -> list[object]:
    return [row[name] for name in ("source", "status", "code")]


def test_every_file_has_its_rows_in_the_table_of_its_kind(out: Path) -> None:
    assert [told(row) for row in rows(out, "faces")] == [["a.jpg", "read", None]]
    assert [told(row) for row in rows(out, "clips")] == [["b.mp4", "read", None], ["e.mov", "failed", "clip_format"]]
    assert [[row["kind"], *told(row)] for row in rows(out, "voices")] == [
        ["clip", "b.mp4", "unsure", None],
        ["voice", "c.wav", "unsure", None],
        ["voice", "d.wav", "no_speech", "no_speech"],
        ["voice", "f.ogg", "failed", "sound_format"],
    ]
    assert "empty" in rows(out, "voices")[3]["message"]
    assert {row["source"] for row in rows(out, "episodes")} == {"b.mp4"}
    assert len((out / "reports" / "part-00000.jsonl").read_bytes().splitlines()) == 4


def test_frames_of_all_clips_of_a_shard_are_one_table(folder: Path, out: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).symlink_to(folder / "b.mp4")
    run_batch(BatchPlan([str(tmp_path)], frames=True, settings=QUICK), tmp_path / "out", Here(window=2))
    both = pq.read_table(tmp_path / "out" / "frames" / "part-00000.parquet")
    one = pq.read_table(out / "frames" / "part-00000.parquet")
    assert one.column_names == ["source", *reading_columns()[1:]]
    assert one["source"].unique().to_pylist() == ["b.mp4"]
    assert len(one) == rows(out, "tracks")[0]["frames"]
    assert both.slice(len(one)).equals(one)
    assert both["source"].unique().to_pylist() == ["a.mp4", "b.mp4"]
    with pytest.raises(SettingsError, match="clips"):
        BatchPlan([str(folder)], ("photo",), frames=True)


def test_rows_say_what_the_reports_say(folder: Path, out: Path, engines: Engines) -> None:
    film = analyze_clip(folder / "b.mp4", engines=engines)
    (clip, _), (track,), (turn, *_) = (rows(out, table) for table in ("clips", "tracks", "voices"))
    assert (clip["frames"], clip["tracks"], clip["turns"]) == (film.source.frames, 1, len(film.speech))
    assert (clip["sha256"], clip["summary"]) == (film.source.sha256, film.summary)
    assert (clip["expression_episodes"], clip["movement_episodes"]) == (
        track["expression_episodes"],
        track["movement_episodes"],
    )
    kinds = [row["kind"] for row in rows(out, "episodes")]
    assert clip["expression_episodes"] == kinds.count("expression") > 0
    assert clip["movement_episodes"] == kinds.count("movement")
    assert (track["source"], track["frames"]) == ("b.mp4", film.tracks[0].frames)
    assert (turn["speaker"], turn["start_s"]) == (film.speech[0].speaker, film.speech[0].start_s)
    heard = analyze_voice(folder / "c.wav", engines=engines)
    spoken = rows(out, "voices")[1]
    assert spoken["pitch_hz"] == heard.speech[0].prosody.pitch_hz
    assert (spoken["sha256"], spoken["speech_s"]) == (heard.source.sha256, heard.source.speech_s)


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_stop_changes_no_byte_and_what_is_read_is_named(folder: Path, tmp_path: Path, stop: int) -> None:
    plan = replace(plan_of(folder), kinds=("voice",), reports=False, frames=False, shard_size=16, chunk_size=1)
    run_batch(plan, tmp_path / "whole", Here())
    with pytest.raises(KeyboardInterrupt):
        run_batch(plan, tmp_path / "stopped", Here(stop))
    seen: list[BatchProgress] = []
    ended = run_batch(plan, tmp_path / "stopped", Here(), seen.append)
    assert (ended.items, ended.failed, ended.reading) == (3, 1, ())
    assert ("f.ogg",) in [one.reading for one in seen]
    files = [tables(tmp_path / name) for name in ("whole", "stopped")]
    assert len(files[0]) == 3
    assert files[0] == files[1]


def tables(out: Path) -> dict[str, bytes]:
    return {str(file.relative_to(out)): file.read_bytes() for file in out.glob("*/part-*")}


def test_clips_and_voices_are_read_from_where_they_are(folder: Path, tmp_path: Path, engines: Engines) -> None:
    film, sound = (folder / "b.mp4").read_bytes(), (folder / "c.wav").read_bytes()
    archive = tmp_path / "archive"
    archive.write_bytes(b"front" + film + sound + b"rest")
    clip, voice = PartOfFile(str(archive), 5, len(film)), PartOfFile(str(archive), 5 + len(film), len(sound))
    first, second = ClipWork(engines, None)([Item("a", "clip", clip), Item("a", "clip", Held(film))])
    assert first == second
    assert first.rows[0]["status"] == "read"
    first, second = VoiceWork(engines, None)([Item("a", "voice", voice), Item("a", "voice", Held(sound))])
    assert first == second
    assert first.rows[0]["turn"] == "speech-1"
    missing = PartOfFile(str(tmp_path / "none"), 0, 9)
    assert [code(one) for one in ClipWork(engines, None)([Item("a", "clip", missing)])] == ["clip_not_found"]
    assert [code(one) for one in VoiceWork(engines, None)([Item("a", "voice", missing)])] == ["sound_not_found"]


def code(read: ReadItem) -> object:
    assert read.failed
    return read.rows[0]["code"]


@given(
    data=st.binary(max_size=40),
    offset=st.integers(0, 20),
    steps=st.lists(st.tuples(st.sampled_from(["read", "seek"]), st.integers(0, 30), st.integers(0, 2)), max_size=8),
)
def test_a_part_of_a_file_is_a_file_of_its_own(data: bytes, offset: int, steps: list[tuple[str, int, int]]) -> None:
    part = data[offset : offset + 15]
    mine: io.RawIOBase = PartReader(io.BytesIO(data), offset, len(part))
    plain = io.BytesIO(part)
    for what, number, whence in steps:
        if what == "read":
            assert mine.read(number) == plain.read(number)
        else:
            assert mine.seek(number, whence) == plain.seek(number, whence)
    with pytest.raises(OSError, match="before"):
        mine.seek(-1)
