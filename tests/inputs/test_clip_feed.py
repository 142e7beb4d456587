from __future__ import annotations

import contextlib
import gc
import itertools
import threading
import weakref
from math import floor
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.errors import (
    ClipFormatError,
    ClipTimesError,
    FerceError,
    ImageFormatError,
    ImageShapeError,
    ImageTooLargeError,
    ImageTruncatedError,
    SettingsError,
)
from ferce_agent.inputs.clip_feed import Feed, open_feed
from ferce_agent.inputs.clip_times import EARLY, ROUNDED
from ferce_agent.inputs.limits import ImageLimits

SIZE = (64, 48)


def pixels(level: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 3), level, np.uint8)


def jpeg(level: int, size: tuple[int, int] = SIZE) -> bytes:
    return cv2.imencode(".jpg", pixels(level, size))[1].tobytes()


def damaged() -> bytes:
    """A JPEG whose header is sound and whose pixels break off."""
    noise = np.random.default_rng(3).integers(0, 255, (48, 64, 3), np.uint8)
    data = cv2.imencode(".jpg", noise)[1].tobytes()
    return data[: len(data) * 2 // 3]


def codes(clip: Any) -> dict[str, int | None]:
    return {str(note.code): note.count for note in clip.notes}


def test_the_newest_picture_is_read_and_what_it_replaced_is_counted() -> None:
    feed = Feed()
    assert feed.put(jpeg(10), 0.0)
    clip = open_feed(feed)
    assert (clip.info.kind, clip.info.width, clip.info.height) == ("camera", *SIZE)
    assert next(clip).time == 0
    for number in range(1, 5):
        assert feed.put(jpeg(40 * number), number / 10)
    frame = next(clip)
    assert frame.time == 0.4
    assert abs(float(frame.pixels.mean()) - 160) < 3
    assert feed.skipped == 3
    feed.close()
    assert list(clip) == []
    assert codes(clip) == {"frames_thinned": 3}


def test_closing_the_feed_ends_the_clip_after_the_picture_that_waits() -> None:
    feed = Feed()
    feed.put(jpeg(10), 0.0)
    clip = open_feed(feed)
    next(clip)
    feed.put(jpeg(20), 1.0)
    feed.close()
    assert not feed.put(jpeg(30), 2.0)
    assert [frame.time for frame in clip] == [1.0]
    assert codes(clip) == {}


def test_a_silent_feed_is_waited_for() -> None:
    feed = Feed()
    feed.put(jpeg(10), 0.0)
    clip = open_feed(feed)
    times: list[float] = []
    began = threading.Event()

    def read() -> None:
        for frame in clip:
            times.append(frame.time)
            began.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert began.wait(10)
    assert thread.is_alive()
    feed.put(jpeg(20), 100.0)
    feed.close()
    thread.join(10)
    assert times == [0.0, 100.0]


def test_closing_the_clip_from_another_thread_ends_the_waiting_and_the_feed() -> None:
    feed = Feed()
    feed.put(jpeg(10), 0.0)
    clip = open_feed(feed)
    next(clip)
    thread = threading.Thread(target=lambda: list(clip))
    thread.start()
    clip.close()
    thread.join(10)
    assert not thread.is_alive()
    assert feed.closed
    assert not feed.put(jpeg(20), 1.0)


def test_arrays_are_rgb_and_copied() -> None:
    feed = Feed()
    buffer = pixels(0)
    buffer[..., 0] = 200
    feed.put(buffer, 0.0)
    buffer[:] = 0
    feed.close()
    (frame,) = open_feed(feed)
    assert frame.pixels[0, 0].tolist() == [0, 0, 200]


def test_what_cannot_be_decoded_is_left_out_and_told() -> None:
    feed = Feed()
    feed.put(jpeg(10), 0.0)
    clip = open_feed(feed)
    times: list[float] = []
    thread = threading.Thread(target=lambda: times.extend(frame.time for frame in clip))
    thread.start()
    feed.put(damaged(), 0.5)
    while "clip_damaged" not in codes(clip):  # the reader is at it
        thread.join(0.01)
    feed.put(jpeg(20), 1.0)
    feed.close()
    thread.join(10)
    assert times[-1] == 1.0
    assert 0.5 not in times
    (note,) = [note for note in clip.notes if note.code == "clip_damaged"]
    assert (note.count, note.from_s) == (1, 0.5)
    assert "left out" in note.message


def test_nothing_that_can_be_decoded() -> None:
    feed = Feed()
    feed.put(damaged(), 0.0)
    feed.close()
    with pytest.raises(ClipFormatError, match="could not be decoded"):
        open_feed(feed)
    feed = Feed()
    feed.close()
    with pytest.raises(ClipFormatError, match="before its first picture"):
        open_feed(feed)
    with pytest.raises(ClipFormatError, match="no feed"):
        open_feed("feed")  # type: ignore[arg-type]
    with pytest.raises(SettingsError):
        open_feed(Feed(), fps=0)


def test_times_that_do_not_grow_are_left_out() -> None:
    feed = Feed()
    feed.put(jpeg(10), 1.0)
    clip = open_feed(feed)
    next(clip)
    assert feed.put(jpeg(20), 1.0)
    assert feed.put(jpeg(30), 0.5)
    feed.put(jpeg(40), 1.5)
    feed.close()
    assert [frame.time for frame in clip] == [1.5]
    assert codes(clip) == {"times_repaired": 2}


def test_other_sizes_are_scaled_to_the_first() -> None:
    feed = Feed()
    feed.put(jpeg(10), 0.0)
    clip = open_feed(feed)
    next(clip)
    feed.put(jpeg(20, (128, 96)), 1.0)
    feed.close()
    (frame,) = clip
    assert frame.pixels.shape == (48, 64, 3)
    assert codes(clip) == {"size_changed": 1}


def test_a_rate_thins_out() -> None:
    feed = Feed()
    feed.put(jpeg(10), 0.0)
    clip = open_feed(feed, fps=2)
    taken = [next(clip).time]
    thread = threading.Thread(target=lambda: taken.extend(frame.time for frame in clip))
    thread.start()
    for number in range(1, 11):
        feed.put(jpeg(10), number / 10)
    feed.close()
    thread.join(10)
    # Which pictures are still there depends on when the thread runs: each is the first seen of its slot, which begins
    # a little early, or about as far from the one before as the rate asks for.
    for earlier, later in itertools.pairwise(taken):
        next_slot = floor(later * 2 + EARLY) > floor(earlier * 2 + EARLY)
        assert next_slot or (later - earlier) * 2 >= 1 - ROUNDED, taken


@pytest.mark.parametrize(
    ("picture", "time", "error"),
    [
        (b"", 0.0, ImageFormatError),
        (b"GIF89a" + bytes(50), 0.0, ImageFormatError),
        (b"\xff\xd8\xff\xe0" + bytes(50), 0.0, ImageTruncatedError),
        ("text", 0.0, ImageFormatError),
        (None, 0.0, ImageFormatError),
        (jpeg(1, (200, 200)), 0.0, ImageTooLargeError),
        (bytes(5000), 0.0, ImageTooLargeError),
        (jpeg(1, (8, 4)), 0.0, ImageShapeError),
        (np.zeros((4, 64, 3), np.uint8), 0.0, ImageShapeError),
        (np.zeros((64, 64, 2), np.uint8), 0.0, ImageShapeError),
        (np.zeros(64, np.uint8), 0.0, ImageShapeError),
        (np.zeros((101, 101), np.uint8), 0.0, ImageTooLargeError),
        (jpeg(1), -1.0, ClipTimesError),
        (jpeg(1), float("nan"), ClipTimesError),
        (jpeg(1), float("inf"), ClipTimesError),
        (jpeg(1), True, ClipTimesError),
        (jpeg(1), "1", ClipTimesError),
        (jpeg(1), None, ClipTimesError),
    ],
)
def test_what_cannot_be_pushed(picture: Any, time: Any, error: type[FerceError]) -> None:
    feed = Feed(ImageLimits(max_bytes=4000, max_pixels=100 * 100))
    with pytest.raises(error) as caught:
        feed.put(picture, time)
    assert type(caught.value) is error
    assert caught.value.hint
    assert feed.put(jpeg(1), 1.0)


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_a_picture_or_a_typed_error(data: bytes, begins_well: bool) -> None:
    feed = Feed()
    try:
        feed.put(jpeg(5)[:300] + data if begins_well else data, 0.0)
    except FerceError:
        return
    feed.close()
    with contextlib.suppress(ClipFormatError):
        list(open_feed(feed))


def test_nothing_is_left_of_a_clip_that_nobody_closed() -> None:
    feed = Feed()
    feed.put(jpeg(10), 0.0)
    clip = open_feed(feed)
    next(clip)
    gone = weakref.ref(clip)
    del clip
    gc.collect()
    assert gone() is None
    assert feed.closed
