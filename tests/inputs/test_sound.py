"""Sounds of every kind that can be written here: their times, what is told of damaged ones, and what is refused."""

from __future__ import annotations

import base64
import io
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferce_agent.errors import (
    InputError,
    NoSoundError,
    SettingsError,
    SoundAccessError,
    SoundFormatError,
    SoundNotFoundError,
    SoundShapeError,
    SoundTooLargeError,
)
from ferce_agent.inputs.sound import Sound, SoundNote, open_sound, read_sound
from tests.inputs.films import film
from tests.inputs.sounds import CODED, SETTLING_S, coded, tone

RATE = 16_000
SHARED = Path(__file__).parents[3] / "shared" / "media"
HEADED = ["wav", "flac", "mp3", "opus", "aiff", "au", "webm", "matroska", "transport stream"]


def read(source: Any, **asked: Any) -> tuple[np.ndarray, float, list[SoundNote]]:
    with open_sound(source, **asked) as stream:
        blocks = list(stream)
        notes = stream.notes
    for one, following in pairwise(blocks):
        assert following.first_s == pytest.approx(one.end_s, abs=1e-6)
    samples = np.concatenate([block.samples for block in blocks]) if blocks else np.zeros(0, np.float32)
    assert samples.dtype == np.float32
    return samples, blocks[0].first_s if blocks else 0.0, notes


def codes(notes: list[SoundNote]) -> set[str]:
    return {note.code for note in notes}


@pytest.mark.parametrize("name", CODED)
def test_every_kind(name: str) -> None:
    samples, first, notes = read(coded(name, 3.0, from_s=1.0))
    late = SETTLING_S.get(name, 0.002)
    assert codes(notes) <= ({"sound_clipped"} if name == "wav adpcm" else set())
    assert len(samples) / RATE == pytest.approx(3.0, abs=late + 0.06)
    assert first == 0.0
    assert np.argmax(np.abs(samples) > 0.1) / RATE == pytest.approx(1.0, abs=late + 0.003)
    heard = samples[int(1.5 * RATE) : int(2.5 * RATE)]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)
    assert np.sqrt((heard**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.15 if name == "amr" else 0.05)


@pytest.mark.parametrize("name", CODED)
def test_what_is_told_before_it_is_read(name: str) -> None:
    with open_sound(coded(name, 2.0)) as stream:
        info = stream.info
    assert (info.kind, info.rate, info.channels) == ("bytes", CODED[name][2], 1)
    assert info.media_type.startswith(("audio/", "video/mp2t"))
    assert info.sha256 is not None and len(info.sha256) == 64
    assert info.duration_s is None or info.duration_s == pytest.approx(2.0, abs=0.08)


@pytest.mark.parametrize("name", HEADED)
def test_a_file_that_ends_early(name: str) -> None:
    data = coded(name, 6.0)
    samples, _, notes = read(data[: int(0.6 * len(data))])
    assert "sound_truncated" in codes(notes)
    assert 1.0 < len(samples) / RATE < 5.5


@pytest.mark.parametrize("name", ["mp3", "flac", "aac", "amr", "opus", "ogg flac"])
def test_damage_in_the_middle(name: str) -> None:
    data = bytearray(coded(name, 12.0))
    at = len(data) // 2
    data[at : at + 400] = np.random.default_rng(1).integers(0, 256, 400, np.uint8).tobytes()
    samples, _, notes = read(bytes(data))
    assert codes(notes) & {"sound_damaged", "sound_truncated"}
    assert len(samples) / RATE > 5.0


def test_after_a_loss_the_times_are_those_of_the_file() -> None:
    """Packets are lost in the middle of a transport stream; the end is still where it was."""
    data = coded("transport stream", 12.0)
    at = len(data) // 2 // 188 * 188
    samples, _, notes = read(data[:at] + data[at + 188 * 60 :])
    assert len(samples) / RATE == pytest.approx(12.0, abs=0.1)
    assert (np.abs(samples) < 1e-6).mean() > 0.01
    assert codes(notes) == {"sound_damaged"}


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "opus", "m4a"])
def test_a_part(name: str) -> None:
    rate = CODED[name][2]
    times = np.arange(25 * rate) / rate
    rising = (0.5 * np.sin(2 * np.pi * (200 * times + 10 * times**2))).astype(np.float32)
    data = coded(name, samples=rising)
    whole, _, _ = read(data)
    samples, first, notes = read(data, start_s=22.25, end_s=23.5)
    assert first == pytest.approx(22.25, abs=1e-4)
    assert len(samples) == pytest.approx(1.25 * RATE, abs=1)
    assert not notes
    begin = round(22.25 * RATE)
    same = np.corrcoef(samples[:16_000], whole[begin : begin + 16_000])[0, 1]
    assert same > 0.98


def test_behind_the_end() -> None:
    with pytest.raises(NoSoundError):
        read_sound(coded("wav", 1.0), start_s=5.0)


def test_a_film_and_one_without_sound() -> None:
    sound = read_sound(film(sound=True))
    assert sound.duration_s > 0.5
    with pytest.raises(NoSoundError, match="no sound track"):
        open_sound(film())


def test_ways_to_give_it(tmp_path: Path) -> None:
    data = coded("flac", 1.0)
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    expected = read_sound(data).samples
    url = "data:audio/flac;base64," + base64.b64encode(data).decode()
    for source in (path, str(path), bytearray(data), io.BytesIO(data), url):
        np.testing.assert_array_equal(read_sound(source).samples, expected)


def test_a_stream_is_left_where_it_was() -> None:
    stream = io.BytesIO(coded("wav", 1.0))
    stream.seek(7)
    read_sound(stream)
    assert stream.tell() == 7
    assert not stream.closed


def test_arrays() -> None:
    sound = tone(2.0, 44_100)
    expected = read_sound((44_100, sound)).samples
    assert len(expected) == pytest.approx(2 * RATE, abs=1)
    whole = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    np.testing.assert_allclose(read_sound((44_100, whole)).samples, expected, atol=1e-4)
    two = np.stack([sound, np.zeros_like(sound)], 1)
    np.testing.assert_allclose(read_sound((44_100, two)).samples, expected / 2, atol=1e-5)
    six = np.stack([sound] * 6, 1)
    np.testing.assert_allclose(read_sound((44_100, six)).samples, expected, atol=1e-5)


def test_blocks_come_as_they_are_given() -> None:
    given_blocks: list[int] = []

    def microphone() -> Any:
        for number in range(5):
            given_blocks.append(number)
            yield RATE, tone(0.1, RATE)

    with open_sound(microphone()) as stream:
        next(stream)
        assert given_blocks == [0]
        assert sum(len(block.samples) for block in stream) <= 4 * 1600 + 1600
    assert given_blocks == [0, 1, 2, 3, 4]


def test_a_gap_between_blocks_is_silence() -> None:
    blocks = [Sound(tone(1.0, RATE), RATE, 2.0), Sound(tone(1.0, RATE), RATE, 4.0)]
    samples, first, _ = read(blocks)
    assert (first, len(samples)) == (2.0, 3 * RATE)
    assert np.abs(samples[RATE + 100 : 2 * RATE - 100]).max() < 1e-3


def test_a_clock_that_jumps_is_told() -> None:
    blocks = [Sound(tone(1.0, RATE), RATE, 5.0), Sound(tone(1.0, RATE), RATE, 0.0), Sound(tone(1.0, RATE), RATE, 1.0)]
    samples, first, notes = read(blocks)
    assert (first, len(samples)) == (5.0, 3 * RATE)
    assert [(note.code, note.count) for note in notes] == [("times_repaired", 1)]


def test_what_is_loud_quiet_or_silent_is_told() -> None:
    assert codes(read((RATE, np.clip(tone(2.0, RATE, level=3.0), -1, 1)))[2]) == {"sound_clipped"}
    assert codes(read((RATE, tone(2.0, RATE, level=0.002)))[2]) == {"sound_quiet"}
    assert codes(read((RATE, np.zeros(RATE, np.float32)))[2]) == {"sound_silent"}


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (b"", SoundFormatError, "empty"),
        (b"\x00" * 5000, SoundFormatError, "not a sound|no sound"),
        (np.random.default_rng(0).bytes(50_000), SoundFormatError, "not a sound|no sound"),
        (b"#EXTM3U\nhttp://127.0.0.1/a.mp3\n", SoundFormatError, "list of other files"),
        (b"MThd\0\0\0\6\0\1\0\1", SoundFormatError, "MIDI"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, SoundFormatError, "picture"),
        (b"Dear reader, these are words and no sound at all.", SoundFormatError, "text"),
        ("https://example.org/a.mp3", SoundAccessError, "Addresses"),
        ("there/is/none.wav", SoundNotFoundError, "none.wav"),
        ((RATE, np.zeros((2, 3, 4))), SoundShapeError, "shape"),
        ((RATE, np.zeros((2, 4000), np.float32)), SoundTooLargeError, "transposed"),
        ((0, np.zeros(100)), SoundShapeError, "samples a second"),
        ((RATE, np.zeros((100, 0))), SoundShapeError, "no channel"),
        ([Sound(np.zeros(100, np.float32), RATE, None)], SoundShapeError, "begins at None"),  # type: ignore[arg-type]
        ((16_000.5, np.zeros(100)), SoundShapeError, "whole number"),
        ((RATE, np.array([0.0, np.nan])), SoundShapeError, "finite"),
        ((RATE, np.array([0.0, 20_000.0])), SoundShapeError, "full scale"),
        ((RATE, np.array(["a"])), SoundShapeError, "no sound"),
        ([], NoSoundError, "no blocks"),
        ([1, 2], SoundFormatError, "int"),
        (7, SoundFormatError, "int"),
        (np.zeros(100), SoundFormatError, "ndarray"),
        (io.StringIO("text"), SoundFormatError, "opened as text"),
    ],
)
def test_what_is_refused(source: Any, error: type[InputError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        read_sound(source)
    assert caught.value.message
    assert "picture first" not in str(caught.value)


@pytest.mark.parametrize(
    "asked", [{"start_s": -1}, {"end_s": float("nan")}, {"start_s": 2, "end_s": 1}, {"end_s": True}]
)
def test_times_that_are_none(asked: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        open_sound((RATE, np.zeros(100)), **asked)


@pytest.mark.parametrize("late", [10**400, 1e307])
def test_times_behind_the_end_of_everything(late: float) -> None:
    with pytest.raises(NoSoundError):
        read_sound((RATE, np.zeros(RATE, np.float32)), start_s=late)
    assert read_sound((RATE, np.zeros(RATE, np.float32)), end_s=late).duration_s == 1.0


def test_roots(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.wav").write_bytes(coded("wav", 0.5))
    (tmp_path / "b.wav").write_bytes(coded("wav", 0.5))
    assert read_sound("a.wav", roots=[inside]).duration_s == pytest.approx(0.5, abs=0.01)
    with pytest.raises(SoundAccessError):
        read_sound(str(tmp_path / "b.wav"), roots=[inside])


def test_closing_ends_it() -> None:
    stream = open_sound(coded("wav", 5.0))
    next(stream)
    stream.close()
    assert list(stream) == []
    assert codes(stream.notes) == {"stopped_early"}
    stream.close()


def test_half_an_hour_needs_no_more_memory_than_a_minute() -> None:
    def long() -> Any:
        block = tone(1.0, RATE)
        for _ in range(1800):
            yield RATE, block

    tracemalloc.start()
    try:
        with open_sound(long()) as stream:
            for _ in stream:
                pass
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert stream.level.seconds == pytest.approx(1800, abs=0.01)


def test_too_long_to_keep() -> None:
    blocks = ((4000, np.zeros(600 * 4000, np.int8)) for _ in range(7))
    with pytest.raises(SoundTooLargeError, match="kept in memory"):
        read_sound(blocks)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["wav", "flac", "mp3", "opus", "m4a", "aac", "amr", "aiff", "caf", "webm"]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=60)), max_size=4),
    st.floats(0.02, 1),
)
def test_whatever_happens_to_the_bytes(name: str, changes: list[tuple[float, bytes]], kept: float) -> None:
    """Sound or a typed error, never anything else; samples stay finite and within full scale."""
    data = bytearray(_made(name))
    for place, new in changes:
        at = int(place * (len(data) - 1))
        data[at : at + len(new)] = new
    try:
        sound = read_sound(bytes(data[: max(int(kept * len(data)), 1)]), end_s=60.0)
    except InputError:
        return
    assert np.isfinite(sound.samples).all()
    assert np.abs(sound.samples).max(initial=0) <= 1
    assert sound.duration_s <= 60.01


_MADE: dict[str, bytes] = {}


def _made(name: str) -> bytes:
    if name not in _MADE:
        _MADE[name] = coded(name, 1.0)
    return _MADE[name]


@pytest.mark.skipif(not (SHARED / "single_face.mp4").exists(), reason="the shared films are not here")
def test_a_real_film() -> None:
    sound = read_sound(SHARED / "single_face.mp4")
    assert sound.first_s == 0.0
    assert sound.duration_s == pytest.approx(2.42, abs=0.05)


@pytest.mark.skipif(not (SHARED / "face_noface.mov").exists(), reason="the shared films are not here")
def test_a_track_that_begins_later_than_its_film() -> None:
    sound = read_sound(SHARED / "face_noface.mov")
    assert sound.first_s == pytest.approx(2.43, abs=0.01)
    assert sound.end_s == pytest.approx(6.4, abs=0.05)
