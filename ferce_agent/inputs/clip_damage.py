"""Which decoded frames can be trusted, and which stretches of a film are missing.

A frame that the decoder had to patch is not given, nor are the frames that were predicted from it: up to the next key
frame they show a mixture of two pictures.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.inputs.clip_parts import ClipNote, ClipNotes
from ferce_agent.inputs.clip_times import SPREAD, SPREAD_S
from ferce_agent.inputs.notes import MOST_STRETCHES

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

HEALED_S: Final = 10.0
"""A film without a key frame for so long after a damage renews its pictures piece by piece; they are given again."""
INVISIBLE: Final = frozenset({"vp8", "libvpx"})
"""Decoders whose films hold packets that are not meant to give a frame."""


HOLE: Final = 1.8
"""A distance of so many usual ones is a hole."""
LEAST_EVEN: Final = 10
"""Usual distances after which a rate is known to be even."""
FEW_HOLES: Final = 0.02
"""Share of the distances that are holes, above which frames were rather left out when the film was made."""
ALWAYS_FEW: Final = 3
"""So many holes are always few."""


class HoleWatch:
    """Finds missing frames in a film whose frames otherwise come at one distance.

    Some containers do not number their frames: what reads them goes on behind a damage and says nothing.
    """

    def __init__(self, step: float) -> None:
        """Take the usual distance between two frames, in seconds."""
        self._step = step
        self._last: float | None = None
        self._usual = self._odd = 0
        self._holes: list[tuple[float, float]] = []

    def add(self, time: float, *, after_gap: bool) -> None:
        """Take the time of the next frame in seconds, and whether it is known already that some are missing."""
        last, self._last = self._last, time
        if last is None or after_gap:
            return
        distance = time - last
        if abs(distance - self._step) <= max(SPREAD_S, SPREAD * self._step):
            self._usual += 1
        elif distance > HOLE * self._step and len(self._holes) < MOST_STRETCHES:
            self._holes.append((last, time))
        else:
            self._odd += 1

    def notes(self) -> list[ClipNote]:
        """Return a note for each hole, at the end; none where the rate varies anyway."""
        few = max(ALWAYS_FEW, FEW_HOLES * self._usual)
        if self._odd or self._usual < LEAST_EVEN or len(self._holes) > few:
            return []
        message = "There are no pictures for a while: the film is damaged, or none were recorded."
        return [
            ClipNote("clip_damaged", message, begin, end, max(round((end - begin) / self._step) - 1, 1))
            for begin, end in self._holes
        ]


class DamageWatch:
    """Follows packets and frames of one stream, and notes what is missing."""

    def __init__(self, notes: ClipNotes, *, since: float, countable: bool) -> None:
        """Begin.

        Args:
            notes: Where to note it.
            since: Stretches that end before this time of the film, in seconds, are not noted.
            countable: Whether each packet stands for one frame and carries that frame's time.
        """
        self._notes = notes
        self._since = since
        self._countable = countable
        self._pending: list[int] = []
        self._missed: set[int] = set()
        self._broken = 0
        self._mixed = False
        self._known_s: float | None = None
        self._mixed_from = 0.0

    def sent(self, packet: Packet[Any]) -> None:
        """Take a packet that goes to the decoder."""
        if self._countable and packet.pts is not None and packet.size and not packet.is_discard:
            heapq.heappush(self._pending, packet.pts)

    def failed(self, *, sent: bool) -> None:
        """Take that a packet could not be decoded, or was not even read and so not `sent`."""
        if not self._countable or not sent:
            self._broken += 1
        self._begin()

    @property
    def losing(self) -> bool:
        """Whether frames are missing that were not noted yet."""
        return bool(self._broken) or self._mixed

    def _begin(self) -> None:
        if not self._mixed:
            self._mixed = True
            self._mixed_from = self._known_s if self._known_s is not None else 0.0

    def trusts(self, frame: VideoFrame, time: float | None) -> bool:
        """Return whether a frame shows what was filmed.

        Args:
            frame: As decoded.
            time: Its time in seconds, where it has one.
        """
        self._came(frame)
        if frame.is_corrupt:
            self._begin()
        elif self._mixed and (frame.key_frame or (time is not None and time > self._mixed_from + HEALED_S)):
            self._mixed = False
        if self._mixed:
            self._broken += 1
        return not self._mixed

    def _came(self, frame: VideoFrame) -> None:
        """Count the packets before this frame that gave none."""
        pts = frame.pts
        if pts in self._missed:  # it comes late, after frames that follow it
            self._missed.remove(pts)
            self._broken -= 1
        while pts is not None and self._pending and self._pending[0] <= pts:
            sent = heapq.heappop(self._pending)
            if sent < pts:
                self._missed.add(sent)
                self._broken += 1

    def given(self, time: float) -> bool:
        """Take that a frame is given at a time of the film; what was missing before it is noted.

        Returns:
            Whether anything was missing since the frame before.
        """
        gap = bool(self._broken)
        if gap:
            self._note(time)
        self._known_s = time
        return gap

    def _note(self, until: float | None) -> None:
        if until is None or until >= self._since:
            count = self._broken
            known = self._known_s if self._known_s is not None else 0.0
            message = "A part of the film is damaged; the pictures in it are left out."
            self._notes.stretch(ClipNote("clip_damaged", message, known, until, max(count, 1)))
        self._broken = 0
        self._missed.clear()

    def ended(self, end: float | None) -> bool:
        """Take that the film is over: what is still missing is noted.

        Args:
            end: Where it ends, in seconds, if that is known.

        Returns:
            Whether anything was missing at the end.
        """
        self._broken += len(self._pending)
        self._pending = []
        missing = bool(self._broken)
        if missing:
            self._note(end)
        return missing
