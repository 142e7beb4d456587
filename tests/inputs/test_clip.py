"""`open_clip`: every kind of film gives all its frames at their times."""

from __future__ import annotations

import gc
import io
import random
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import (
    CameraError,
    ClipAccessError,
    ClipFormatError,
    ClipNotFoundError,
    ClipTimesError,
    ClipTooLargeError,
    ImageShapeError,
    SettingsError,
)
from ferce_agent.inputs.clip import Clip, open_camera, open_clip
from ferce_agent.inputs.frames import Frame
from tests.inputs.films import SIZE, drawn, film, sound_only

KINDS = [
    ("mp4", "libx264", {"bf": "2"}, "video/mp4"),
    ("mp4", "mpeg4", {"bf": "2"}, "video/mp4"),
    ("mp4", "libsvtav1", {}, "video/mp4"),
    ("mov", "libx264", {"bf": "2"}, "video/quicktime"),
    ("mov", "prores_ks", {}, "video/quicktime"),
    ("matroska", "libx264", {"bf": "2"}, "video/x-matroska"),
    ("webm", "libvpx-vp9", {}, "video/webm"),
    ("webm", "libvpx", {}, "video/webm"),
    ("avi", "libx264", {"bf": "2"}, "video/x-msvideo"),
    ("avi", "mpeg4", {"bf": "2"}, "video/x-msvideo"),
    ("avi", "mjpeg", {}, "video/x-msvideo"),
    ("mpegts", "libx264", {"bf": "2"}, "video/mp2t"),
    ("mpeg", "mpeg2video", {"bf": "2"}, "video/mpeg"),
    ("flv", "libx264", {}, "video/x-flv"),
    ("asf", "wmv2", {}, "video/x-ms-asf"),
    ("ivf", "libvpx-vp9", {}, "video/x-ivf"),
    ("yuv4mpegpipe", "rawvideo", {}, "video/x-yuv4mpeg"),
]


def times_of(clip: Clip) -> list[float]:
    with clip:
        return [frame.time for frame in clip]


def codes(clip: Clip) -> list[str]:
    return [note.code for note in clip.notes]


@pytest.mark.parametrize(("container", "codec", "options", "media_type"), KINDS)
def test_every_kind_gives_all_frames_at_their_times(
    container: str, codec: str, options: dict[str, Any], media_type: str
) -> None:
    with open_clip(film(container, codec, options=options)) as clip:
        frames = list(clip)
    assert [frame.time for frame in frames] == pytest.approx([number / 25 for number in range(30)], abs=0.0011)
    assert clip.notes == []
    assert (clip.info.media_type, clip.info.width, clip.info.height) == (media_type, *SIZE)
    assert clip.info.kind == "bytes"
    assert clip.info.sha256 is not None
    assert clip.frames_read == 30
    assert not clip.variable_rate
    assert clip.info.frame_rate == pytest.approx(25)
    for number in (0, 29):
        difference = np.abs(frames[number].pixels[..., ::-1].astype(int) - drawn(number)).mean()
        assert difference < 12, number


@pytest.mark.parametrize(("container", "codec", "options", "media_type"), KINDS)
def test_a_part_is_the_same_as_that_part_of_the_whole(
    container: str, codec: str, options: dict[str, Any], media_type: str
) -> None:
    options = {**options, "g": "12"}
    data = film(container, codec, options=options, times=75)
    with open_clip(data) as clip:
        whole = list(clip)
    for start, end in ((0.0, 0.5), (0.97, 1.61), (2.0, None), (whole[-1].time, None), (9.0, None)):
        with open_clip(data, start_s=start, end_s=end) as clip:
            part = list(clip)
        expected = [frame for frame in whole if start <= frame.time < (end or 99)]
        assert [frame.time for frame in part] == [frame.time for frame in expected]
        assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(part, expected, strict=True))
        assert clip.notes == []


def test_variable_rates_are_kept() -> None:
    times = [0.0, 0.033, 0.1, 0.15, 0.4, 0.417, 1.0, 1.02]
    with open_clip(film("matroska", times=times, rate=30, options={"bf": "2"})) as clip:
        found = [frame.time for frame in clip]
    assert found == pytest.approx(times, abs=1e-9)
    assert clip.variable_rate
    assert clip.notes == []


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_rotation_is_applied(turned: int) -> None:
    with open_clip(film(turned=turned)) as clip:
        pixels = next(clip).pixels
    assert pixels.shape[:2] == ((SIZE[1], SIZE[0]) if turned in (0, 180) else SIZE)
    assert (clip.info.height, clip.info.width) == pixels.shape[:2]
    expected = np.rot90(drawn(0), turned // 90)[..., ::-1].astype(int)
    assert np.abs(pixels.astype(int) - expected).mean() < 12


def test_pixels_that_are_not_square_are_made_square() -> None:
    with open_clip(film(ratio=Fraction(2, 1))) as clip:
        assert next(clip).pixels.shape == (48, 128, 3)
    assert (clip.info.width, clip.info.height) == (128, 48)


def test_frames_that_an_edit_list_cuts_off_are_not_shown() -> None:
    with open_clip(film("mov", times=[number / 25 - 0.2 for number in range(30)], options={"bf": "2"})) as clip:
        frames = list(clip)
    assert [frame.time for frame in frames] == pytest.approx([number / 25 for number in range(25)], abs=0.0011)
    assert np.abs(frames[0].pixels[..., ::-1].astype(int) - drawn(5)).mean() < 12
    assert clip.notes == []


def test_sound_is_noted_and_does_not_matter() -> None:
    with open_clip(film(sound=True)) as clip:
        assert clip.info.audio
        assert len(list(clip)) == 30
    assert clip.notes == []


def test_one_frame() -> None:
    assert times_of(open_clip(film(times=1))) == [0.0]


def test_a_film_without_times_says_so() -> None:
    clip = open_clip(film("h264"))
    assert times_of(clip) == pytest.approx([number / 25 for number in range(30)])
    assert codes(clip) == ["times_missing"]
    clip = open_clip(film("h264"), start_s=0.5)
    assert times_of(clip) == pytest.approx([number / 25 for number in range(13, 30)])


def test_thinning_keeps_real_frames_and_says_so() -> None:
    data = film(times=60, rate=30)
    clip = open_clip(data, fps=10)
    found = times_of(clip)
    assert found == pytest.approx([number / 10 for number in range(20)])
    assert [(note.code, note.count) for note in clip.notes] == [("frames_thinned", 40)]
    clip = open_clip(data, fps=12.5)
    whole = times_of(clip)
    assert len(whole) == 25
    parts = [times_of(open_clip(data, fps=12.5, start_s=start, end_s=end)) for start, end in ((0, 0.77), (0.77, 9))]
    assert parts[0] + parts[1] == whole
    clip = open_clip(data, fps=30)
    assert len(times_of(clip)) == 60
    assert clip.notes == []


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "flv", "mpegts"])
def test_a_film_that_is_cut_off_is_read_as_far_as_it_goes(container: str) -> None:
    muxer = {"movflags": "faststart"} if container == "mp4" else {}
    data = film(container, times=100, options={"g": "10"}, muxer=muxer)
    clip = open_clip(data[: int(len(data) * 0.6) // 188 * 188 + 50])
    found = times_of(clip)
    assert 10 < len(found) < 90
    note = next(note for note in clip.notes if note.code == "clip_truncated")
    assert note.from_s == pytest.approx(found[-1] + 0.04, abs=0.05)
    if container not in {"mpegts", "avi"}:
        assert note.to_s == pytest.approx(4.0, abs=0.1)


def test_a_damage_inside_is_left_out_and_reading_goes_on() -> None:
    data = bytearray(film(times=100, options={"g": "10"}))
    begin = data.index(b"mdat")
    at = begin + (data.index(b"moov") - begin) // 2
    data[at : at + 150] = bytes(150)
    clip = open_clip(bytes(data))
    found = times_of(clip)
    assert found[0] == 0
    assert found[-1] == pytest.approx(99 / 25)
    note = next(note for note in clip.notes if note.code == "clip_damaged")
    assert note.count == 100 - len(found)
    gap = max(range(1, len(found)), key=lambda index: found[index] - found[index - 1])
    assert (note.from_s, note.to_s) == (found[gap - 1], found[gap])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"This is a text and no film, whatever its name may be.\n" * 5, "text"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n", "list of other files"),
        (b"\n  #EXTM3U\n/etc/passwd\n", "list of other files"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "list of other files"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 5004 RTP/AVP 96\r\n", "list of other files"),
        (b"<?xml version='1.0'?><MPD><Period><BaseURL>/etc/passwd</BaseURL></Period></MPD>", "XML"),
        (random.Random(1).randbytes(5000), "supported format"),
        (film()[:2000], "table of contents"),
        (b"%PDF-1.4 " + bytes(500), "PDF"),
    ],
)
def test_what_is_no_film_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(ClipFormatError, match=says):
        open_clip(path)


def test_a_sound_is_no_film() -> None:
    with pytest.raises(ClipFormatError, match="sound"):
        open_clip(sound_only())


def test_lists_of_files_are_refused_by_ffmpeg_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first check is by content; FFmpeg's own list of formats holds where that finds nothing."""
    monkeypatch.setattr("ferce_agent.inputs.clip_video.refuse_other_kinds", lambda opened: None)
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(film())
    for content in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {secret}\n",
    ):
        with pytest.raises(ClipFormatError):
            open_clip(content.encode())


def test_too_many_pixels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from ferce_agent.inputs.limits import ClipLimits

    monkeypatch.setattr("ferce_agent.inputs.clip.DEFAULT_CLIP_LIMITS", ClipLimits(max_pixels=64 * 40))
    with pytest.raises(ClipTooLargeError, match="64x48"):
        open_clip(film())


def test_too_long_a_film_is_refused_but_a_part_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from ferce_agent.inputs.limits import ClipLimits

    monkeypatch.setattr("ferce_agent.inputs.clip.DEFAULT_CLIP_LIMITS", ClipLimits(max_seconds=1.0))
    with pytest.raises(ClipTooLargeError, match="start_s"):
        open_clip(film())
    assert len(times_of(open_clip(film(), end_s=0.9))) == 23
    clip = open_clip((number / 10, drawn(number)) for number in range(20))
    assert len(times_of(clip)) == 11
    assert codes(clip) == ["limit_reached"]


def test_most_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    from ferce_agent.inputs.limits import ClipLimits

    monkeypatch.setattr("ferce_agent.inputs.clip.DEFAULT_CLIP_LIMITS", ClipLimits(max_frames=7))
    clip = open_clip(film())
    assert len(times_of(clip)) == 7
    assert codes(clip) == ["limit_reached"]
    assert clip.notes[0].from_s == pytest.approx(7 / 25)


def test_paths_streams_and_data_urls(tmp_path: Path) -> None:
    import base64

    data = film()
    path = tmp_path / "a film.mp4"
    path.write_bytes(data)
    clip = open_clip(str(path))
    assert clip.info.kind == "file"
    assert len(times_of(clip)) == 30
    assert len(times_of(open_clip("a film.mp4", roots=[tmp_path]))) == 30
    assert len(times_of(open_clip("data:video/mp4;base64," + base64.b64encode(data).decode()))) == 30
    stream = io.BytesIO(data)
    stream.seek(11)
    assert len(times_of(open_clip(stream))) == 30
    assert not stream.closed
    assert stream.tell() == 11
    with path.open("rb") as file:
        assert len(times_of(open_clip(file))) == 30
        assert file.tell() == 0


class Pipe(io.RawIOBase):
    """A stream that cannot be wound back."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 1000))

    def readable(self) -> bool:
        return True


def test_a_pipe_is_kept_while_it_is_read() -> None:
    clip = open_clip(Pipe(film()))  # type: ignore[arg-type]  # has what is needed of IO[bytes]
    assert clip.info.kind == "bytes"
    assert len(times_of(clip)) == 30


class Failing(io.BytesIO):
    """A file on a disc that cannot be read from some place on."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 20_000:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_disc_that_cannot_be_read_on(capfd: pytest.CaptureFixture[str]) -> None:
    clip = open_clip(Failing(film("matroska", "mjpeg", times=200)))
    assert clip.info.sha256 is None
    assert 10 < len(times_of(clip)) < 200
    assert "clip_truncated" in codes(clip)
    assert capfd.readouterr() == ("", "")


def test_paths_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ClipNotFoundError):
        open_clip(tmp_path / "none.mp4")
    with pytest.raises(ClipAccessError):
        open_clip("https://example.org/film.mp4")
    with pytest.raises(ClipAccessError):
        open_clip("file:///etc/passwd")
    with pytest.raises(ClipAccessError):
        open_clip("/etc/passwd", roots=[tmp_path])
    with pytest.raises(ClipFormatError):
        open_clip(3)  # type: ignore[arg-type]
    with pytest.raises(ClipFormatError, match="text"):
        open_clip(io.StringIO("film"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [{"start_s": -1}, {"end_s": float("nan")}, {"start_s": 2, "end_s": 1}, {"fps": 0}, {"fps": True}, {"fps": "10"}],
)
def test_settings_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        open_clip(film(), **options)


def test_a_part_behind_the_end_of_everything() -> None:
    assert list(open_clip(film(), start_s=10**400)) == []
    assert len(list(open_clip(film(), end_s=10**400))) == len(list(open_clip(film())))


def test_given_frames_are_checked() -> None:
    pairs = [(0.5, drawn(0)), (0.9, drawn(1)[:, :, 0]), (1.0, drawn(2, (32, 48)))]
    with open_clip(iter(pairs)) as clip:
        frames = list(clip)
    assert [frame.time for frame in frames] == [0.5, 0.9, 1.0]
    assert np.array_equal(frames[0].pixels, drawn(0)[..., ::-1])
    assert all(frame.pixels.shape == (48, 64, 3) for frame in frames)
    assert codes(clip) == ["size_changed"]
    assert clip.info.kind == "frames"
    clip = open_clip([Frame(drawn(0), 0.0), Frame(drawn(1), 1.0)])
    assert clip.info.frames == 2
    assert np.array_equal(next(clip).pixels, drawn(0))
    for times in ([0, 0], [1, 0.5], [float("nan")], [-1], ["a"]):
        with pytest.raises(ClipTimesError):
            times_of(open_clip([(time, drawn(0)) for time in times]))  # type: ignore[arg-type]
    with pytest.raises(ImageShapeError):
        open_clip([(0.0, np.zeros((4, 4, 7)))])
    with pytest.raises(ClipFormatError):
        open_clip([])
    with pytest.raises(ClipFormatError):
        open_clip([1, 2])  # type: ignore[arg-type]


def test_photos_are_clips_of_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(drawn(0)).save(path)
    clip = open_clip(path)
    with clip:
        frames = list(clip)
    assert [frame.time for frame in frames] == [0.0]
    assert np.array_equal(frames[0].pixels, drawn(0)[..., ::-1])
    assert (clip.info.media_type, clip.info.frames, clip.notes) == ("image/png", 1, [])


DURATIONS = [30, 70, 10, 500, 40]


def moving(name: str, durations: list[int], **options: object) -> bytes:
    images = [Image.fromarray(drawn(number * 2)) for number in range(len(durations))]
    buffer = io.BytesIO()
    images[0].save(buffer, name, save_all=True, append_images=images[1:], duration=durations, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_have_their_own_times(name: str) -> None:
    options = {"lossless": True} if name == "WEBP" else {}
    clip = open_clip(moving(name, DURATIONS, **options))
    with clip:
        frames = list(clip)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.03, 0.1, 0.11, 0.61], abs=1e-6)
    for number, frame in enumerate(frames):
        assert np.abs(frame.pixels[..., ::-1].astype(int) - drawn(number * 2)).mean() < 6
    assert clip.notes == []
    assert clip.variable_rate


def test_an_animation_without_durations_or_end_says_so() -> None:
    clip = open_clip(moving("GIF", [0, 0, 0]))
    assert times_of(clip) == pytest.approx([0, 0.1, 0.2])
    assert codes(clip) == ["times_repaired"]
    data = moving("GIF", DURATIONS)
    clip = open_clip(data[: int(len(data) * 0.7)])
    assert 1 <= len(times_of(clip)) < 5
    assert "clip_truncated" in codes(clip)


def test_folders_are_read_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1, 100, 2):
        Image.fromarray(np.full((20, 30, 3), number, np.uint8)).save(tmp_path / f"img{number}.png")
    (tmp_path / "img5.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (tmp_path / "notes.txt").write_text("no photo")
    clip = open_clip(tmp_path, fps=200)
    with clip:
        frames = list(clip)
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [1, 2, 9, 10, 100]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.005, 0.015, 0.02, 0.025])
    assert [(note.code, note.count) for note in clip.notes] == [("clip_damaged", 1)]
    assert not clip.variable_rate
    clip = open_clip(tmp_path, start_s=0.1, roots=[tmp_path])
    assert times_of(clip) == pytest.approx([0.12, 0.16, 0.2])
    assert codes(clip) == ["times_missing"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ClipAccessError):
        open_clip(tmp_path, roots=[tmp_path / "empty"])
    with pytest.raises(ClipNotFoundError):
        open_clip(tmp_path / "empty")


def test_closing_from_another_thread_ends_the_iteration(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(film("matroska", times=400))
    clip = open_clip(path)
    seen = []
    began = threading.Event()

    def read() -> None:
        for frame in clip:
            seen.append(frame.time)
            began.set()

    thread = threading.Thread(target=read)
    thread.start()
    began.wait(10)
    clip.close()
    clip.close()
    thread.join(10)
    assert not thread.is_alive()
    assert next(clip, None) is None
    if len(seen) < 400:
        assert codes(clip) == ["stopped_early"]
    open_files = [Path(f"/proc/self/fd/{name.name}") for name in Path("/proc/self/fd").iterdir()]
    assert path not in [file.resolve() for file in open_files if file.is_symlink()]


def test_a_waiting_iterator_does_not_hold_up_closing() -> None:
    release = threading.Event()

    def waiting() -> Iterator[tuple[float, NDArray[np.uint8]]]:
        yield 0.0, drawn(0)
        release.wait(20)
        yield 1.0, drawn(1)

    clip = open_clip(waiting())
    found: list[float] = []
    thread = threading.Thread(target=lambda: found.extend(frame.time for frame in clip))
    thread.start()
    while not clip.frames_read:
        time.sleep(0.001)
    clip.close()
    release.set()
    thread.join(10)
    assert found == [0.0]
    assert codes(clip) == ["stopped_early"]


def test_leaving_early_is_told() -> None:
    with open_clip(film()) as clip:
        next(clip)
    assert codes(clip) == ["stopped_early"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "camera.avi"
    path.write_bytes(film("avi", "mjpeg", times=40))
    return path


def test_a_camera_gives_its_newest_picture(recording: Path) -> None:
    """OpenCV reads a recording as fast as it can, as if it were a very fast camera."""
    clip = open_camera(0, opener=lambda index: cv2.VideoCapture(str(recording)))
    with clip:
        assert (clip.info.kind, clip.info.width, clip.info.height) == ("camera", *SIZE)
        while not any(note.code == "stopped_early" for note in clip.notes) and next(clip, None) is not None:
            pass
    notes = {str(note.code): note for note in clip.notes}
    missed = notes["frames_thinned"].count if "frames_thinned" in notes else 0
    assert clip.frames_read + (missed or 0) == 40


def test_times_of_a_camera_grow_from_0_and_closing_releases_it(recording: Path) -> None:
    before = threading.active_count()
    clip = open_camera(0, opener=lambda index: cv2.VideoCapture(str(recording)))
    times = times_of(clip)
    assert times == sorted(set(times))
    assert times[0] >= 0
    assert threading.active_count() == before


def test_there_is_no_such_camera() -> None:
    with pytest.raises(CameraError, match="987"):
        open_camera(987)
    with pytest.raises(SettingsError):
        open_camera(-1)
    with pytest.raises(CameraError, match="no picture"):
        open_camera(0, opener=lambda index: cv2.VideoCapture("/nowhere.avi"))


def test_ffmpeg_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(film(times=60))
    data[600:900] = bytes(300)
    list(open_clip(bytes(data)))
    with pytest.raises(ClipFormatError):
        open_clip(film()[:1500])
    assert capfd.readouterr() == ("", "")


def test_films_put_together_go_on_and_keep_one_size() -> None:
    data = film("mpegts", times=20) + film("mpegts", times=20, size=(48, 48))
    clip = open_clip(data)
    with clip:
        whole = list(clip)
    assert len(whole) == 40
    assert all(frame.pixels.shape == (48, 64, 3) for frame in whole)
    assert {"size_changed", "times_repaired"} <= set(codes(clip))
    times = [frame.time for frame in whole]
    assert np.diff(times) == pytest.approx([0.04] * 39, abs=0.021)
    for start in (0.3, 0.9, 1.3):
        assert times_of(open_clip(data, start_s=start)) == [time for time in times if time >= start]


def test_a_beginning_behind_the_end_of_a_cut_film_is_told() -> None:
    data = film(times=100, options={"g": "10"}, muxer={"movflags": "faststart"})
    clip = open_clip(data[: int(len(data) * 0.85)], start_s=3.8)
    assert times_of(clip) == []
    assert "clip_truncated" in codes(clip)


def test_a_lost_beginning_does_not_move_the_rest() -> None:
    data = bytearray(film(times=60, options={"g": "10"}, muxer={"movflags": "faststart"}))
    at = data.index(b"mdat") + 4
    data[at : at + 900] = bytes(900)
    clip = open_clip(bytes(data))
    found = times_of(clip)
    assert found[0] >= 0.4
    assert found[-1] == pytest.approx(59 / 25)
    note = next(note for note in clip.notes if note.code == "clip_damaged")
    assert (note.from_s, note.to_s, note.count) == (0.0, found[0], 60 - len(found))
    assert times_of(open_clip(bytes(data), start_s=1.0)) == [time for time in found if time >= 1]


def test_colours_are_what_the_film_says() -> None:
    for pixel_format in ("yuv420p", "yuvj420p", "yuv444p"):
        with open_clip(film(pixel_format=pixel_format, options={"crf": "1"})) as clip:
            pixels = next(clip).pixels[..., ::-1].astype(int)
        assert np.abs(pixels - drawn(0)).mean() < 4, pixel_format


def test_how_many_frames_will_come() -> None:
    data = film(times=100)
    for options, expected in (({}, 100), ({"start_s": 1.0}, 75), ({"fps": 5}, 20), ({"end_s": 2.0, "fps": 50}, 50)):
        with open_clip(data, **options) as clip:
            assert clip.info.frames == expected
            assert sum(1 for _ in clip) == pytest.approx(expected, abs=1)


def test_a_camera_that_nobody_closed_is_released(recording: Path) -> None:
    captures = []

    def opener(index: int) -> cv2.VideoCapture:
        captures.append(cv2.VideoCapture(str(recording)))
        return captures[0]

    clip = open_camera(0, opener=opener)
    next(clip, None)
    del clip
    gc.collect()
    assert not captures[0].isOpened()


def test_a_lost_beginning_is_told_where_the_film_counts_from_0() -> None:
    data = film("webm", "libvpx-vp9", times=[1.0 + number / 25 for number in range(30)])
    clip = open_clip(data)
    assert times_of(clip)[0] == 0
    assert [(note.code, note.from_s) for note in clip.notes] == [("clip_damaged", 0.0)]
    assert "1.00 s" in clip.notes[0].message


def test_the_last_frame_missing_is_told() -> None:
    """A Windows Media film whose last packet is empty."""
    data = film("asf", "wmv2", times=50, rate=25)
    for zeros in (100, 200, 400, 1000):
        clip = open_clip(data[:-zeros] + bytes(zeros))
        assert len(times_of(clip)) == 50 or clip.notes


@pytest.mark.slow
def test_memory_is_flat_in_a_long_film(tmp_path: Path) -> None:
    from tests.inputs.memory import resident

    path = tmp_path / "long.mkv"
    path.write_bytes(film("matroska", times=40_000, options={"preset": "ultrafast"}))
    with open_clip(path) as clip:
        sizes = [resident() for _ in clip if clip.frames_read in {5_000, 39_000}]
    assert sizes[1] - sizes[0] < 10 * 2**20


@pytest.mark.parametrize(
    ("container", "codec", "options"),
    [
        ("mp4", "libx265", {"x265-params": "log-level=none:open-gop=1:bframes=3:keyint=10"}),
        ("matroska", "libx264", {"x264-params": "open-gop=1:keyint=15:bframes=3"}),
        ("matroska", "libx264", {"x264-params": "intra-refresh=1:keyint=20:bframes=0"}),
        ("mp4", "libx264", {"x264-params": "interlaced=1"}),
        ("webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "20"}),
        ("webm", "libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "20"}),
        ("matroska", "ffv1", {}),
    ],
)
def test_open_groups_hidden_frames_and_gradual_refresh(container: str, codec: str, options: dict[str, Any]) -> None:
    """What might look like a loss is none, and any part is the same as in the whole."""
    data = film(container, codec, times=60, options=options)
    clip = open_clip(data)
    whole = times_of(clip)
    assert len(whole) == 60
    assert clip.notes == []
    for start in (0.6, 1.37, 2.0):
        part = open_clip(data, start_s=start)
        assert times_of(part) == [time for time in whole if time >= start]
        assert part.notes == []


MEDIA = Path(__file__).parents[3] / "shared" / "media"


@pytest.mark.skipif(not MEDIA.is_dir(), reason="the clips for trying things out are not here")
def test_clips_of_phones_and_the_web() -> None:
    expected = {
        "WolfgangLanger_Pexels.mp4": (472, False),
        "single_face.mp4": (72, False),
        "face_noface.mov": (169, True),
    }
    for name, (frames, variable) in expected.items():
        clip = open_clip(MEDIA / name)
        assert len(times_of(clip)) == frames
        assert clip.variable_rate is variable
        assert clip.notes == []
