"""A camera: always its newest picture, so that no delay builds up however slow the reader is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import CameraError
from ferce_agent.inputs.clip_open import StoppedError
from ferce_agent.inputs.clip_parts import ClipInfo, ClipNote, ClipNotes, TimedPicture
from ferce_agent.inputs.photo import PIXELS

FIRST_S: Final = 10.0
"""How long a camera may take for its first picture, in seconds."""
SILENT_S: Final = 5.0
"""How long a camera may give no picture before it counts as gone, in seconds."""
Opener = Callable[[int], Any]
"""Returns an opened ``cv2.VideoCapture`` for the number of a camera."""


def open_capture(index: int) -> Any:
    """Open a camera with OpenCV, which says nothing on the terminal meanwhile.

    Raises:
        CameraError: There is no such camera, or it is in use.
    """
    if sys.platform == "linux" and not Path(f"/dev/video{index}").exists():
        raise _no_camera(index)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(index)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not capture.isOpened():
        capture.release()
        raise _no_camera(index)
    return capture


def _no_camera(index: int) -> CameraError:
    return CameraError(
        f"Camera {index} cannot be opened.",
        hint="Check that it is plugged in, that no other program uses it, and that this program may use it.",
    )


class CameraReader:
    """Takes pictures in a thread of its own; time 0 is the first, by a clock that only goes forward."""

    def __init__(self, index: int, opener: Opener = open_capture) -> None:
        """Open a camera and wait for its first picture.

        Args:
            index: Its number, 0 for the first.
            opener: Opens it; called in this thread.

        Raises:
            CameraError: There is no such camera, or it gives no picture.
        """
        self.notes = ClipNotes()
        self._index = index
        self._capture = opener(index)
        self._changed = threading.Condition()
        self._newest: tuple[float, NDArray[np.uint8]] | None = None
        self._stopped = self._gone = False
        self._missed = 0
        self._began: float | None = None
        self._thread = threading.Thread(target=self._take, name=f"ferce-camera-{index}", daemon=True)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._gone, FIRST_S)
            newest = self._newest
        if newest is None:
            self.stop()
            self.close()
            raise CameraError(f"Camera {index} gives no picture.", hint="Unplug it and plug it in again.")
        height, width = newest[1].shape[:2]
        rate = float(self._capture.get(cv2.CAP_PROP_FPS) or 0)
        self.info = ClipInfo("camera", PIXELS, width, height, frame_rate=rate if 0 < rate <= 1000 else None)

    def _take(self) -> None:
        """Take pictures until stopped, each in place of the one before."""
        heard = time.monotonic()
        while not self._stopped:
            read, pixels = self._capture.read()
            now = time.monotonic()
            if read and pixels is not None and pixels.size:
                heard = now
                self._keep(now, np.asarray(pixels, np.uint8))
            elif now - heard > SILENT_S or not self._capture.isOpened():
                break
            else:
                time.sleep(0.005)
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _keep(self, now: float, pixels: NDArray[np.uint8]) -> None:
        with self._changed:
            if self._began is None:
                self._began = now
            self._missed += self._newest is not None
            self._newest = now - self._began, pixels
            self._changed.notify_all()

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the newest picture each time, waiting for it; ends when the camera is gone."""
        last = -1.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._gone or self._stopped)
                newest, self._newest = self._newest, None
                missed = self._missed
            if self._stopped:
                raise StoppedError
            if newest is None:
                message = f"Camera {self._index} stopped giving pictures."
                self.notes.put(ClipNote("stopped_early", message, max(last, 0.0)))
                return
            if missed:
                self._tell_missed(missed)
            if newest[0] > last:
                last = newest[0]
                yield TimedPicture(last, partial(_same, newest[1]))

    def _tell_missed(self, missed: int) -> None:
        message = "The camera gave more pictures than could be read; the newest was taken each time."
        self.notes.put(ClipNote("frames_thinned", message, count=missed))

    def stop(self) -> None:
        """End the waiting and the taking of pictures."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, wait for the thread and release the camera."""
        self.stop()
        self._thread.join()
        self._capture.release()
        self._newest = None


def _same(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels
