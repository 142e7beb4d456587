"""The body of a face that is followed: looks at it some times a second, and what they come to.

A posture or a gesture is a measured fact, as a smile is a movement: the AI Act's recital 18 sets the detection of
gestures apart from inferring emotions, so facts are told where expressions may not be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.face_samples import Masks, hidden_parts, without_covered
from ferce_agent.clips.readable import COVERED
from ferce_agent.clips.samples import TrackSample
from ferce_agent.errors import SetupError
from ferce_agent.faces.body import BodyReader
from ferce_agent.inputs.frames import Frame
from ferce_agent.ontology.store import ontology
from ferce_agent.report import REGIONS, ClipDegradation, ClipEvidence
from ferce_agent.report.clip import BodyFact
from ferce_agent.report.clip_wording import track_name
from ferce_agent.report.timed import TimeSpan
from ferce_agent.specialist.runner import SpecialistCard
from ferce_agent.temporal.body import FoundPosture, find_postures
from ferce_agent.temporal.body_measures import WIDTH, BodyLook, behind_hand, look_at
from ferce_agent.temporal.filtering import from_plain, plain

EVERY_S: Final = 0.19
"""Seconds between two looks: about five a second."""
SELDOM_S: Final = 1.0
"""The same where no body was seen."""
BODIES: Final = 2
"""Bodies that are looked at in one frame, those of the largest faces: each look takes 25 ms."""
STRETCH: Final = 3000
"""Looks that are kept until postures are looked for, ten minutes; what is usual is taken from them."""
MOST_FACTS: Final = 200
"""Facts of a face; of more, the least marked go."""
HOLDS_S: Final = 0.5
"""A hand that was seen over the face counts for so many seconds, unless the next look says otherwise."""


class BodyWatch:
    """The body of one face; its state does not grow with the film."""

    def __init__(self) -> None:
        """Begin before the first look."""
        self._rows: list[NDArray[np.float64]] = []
        self._found: list[FoundPosture] = []
        self._looked_at: float | None = None
        self._behind: tuple[str, ...] = ()
        self._seen = True

    def due(self, time: float) -> bool:
        """Return whether it is time to look again."""
        return self._looked_at is None or time - self._looked_at >= (EVERY_S if self._seen else SELDOM_S)

    def look(self, reader: BodyReader, pixels: NDArray[np.uint8], sample: TrackSample) -> None:
        """Look at the body of a face.

        Args:
            reader: The pose model.
            pixels: The picture, shape (H, W, 3), uint8, BGR.
            sample: The face in it.

        Raises:
            EngineError: The model failed.
        """
        self._looked_at = sample.time
        pose = reader.read(pixels, sample.box)
        self._seen = pose is not None
        if pose is None:
            self._behind = ()
            return
        self.take(look_at(sample.time, pose.points, pose.visibility, sample.box, float(sample.pose[2])))

    def take(self, look: BodyLook) -> None:
        """Take what a look says."""
        self._looked_at, self._behind = look.time, behind_hand(look)
        self._rows.append(look.row())
        if len(self._rows) >= STRETCH:
            self._find()

    def behind(self, time: float) -> tuple[str, ...]:
        """Return the regions of the face that a hand is over, ``eyes`` or ``mouth``, by the last look before a time."""
        recent = self._looked_at is not None and time - self._looked_at <= HOLDS_S
        return self._behind if recent else ()

    def finish(self) -> tuple[FoundPosture, ...]:
        """Return everything that was found, by time."""
        self._find()
        return tuple(sorted(self._found, key=lambda one: (one.from_s, one.kind, one.side or "")))

    def _find(self) -> None:
        self._found += find_postures(np.array(self._rows).reshape(-1, WIDTH))
        self._found = sorted(self._found, key=lambda one: -one.strength)[:MOST_FACTS]
        self._rows = []

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "rows": [plain(row) for row in self._rows],
            "found": [asdict(one) for one in self._found],
            "looked_at": self._looked_at,
            "behind": list(self._behind),
            "seen": self._seen,
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> BodyWatch:
        """Return the watch that a dump was made of."""
        made = cls()
        made._rows = [from_plain(row) for row in dump["rows"]]
        made._found = [FoundPosture(**one) for one in dump["found"]]
        made._looked_at, made._behind, made._seen = dump["looked_at"], tuple(dump["behind"]), dump["seen"]
        return made


def with_hand(sample: TrackSample, regions: Sequence[str], masks: Masks) -> TrackSample:
    """Return a sample in which what a hand is over counts as covered.

    The gate network takes a hand beside half of the mouth for a free mouth; where knuckles lie in the box of the face,
    what is behind them is doubtful and not read.

    Args:
        sample: The face.
        regions: Regions that a hand is over.
        masks: What they hide.
    """
    covered = tuple(COVERED[region] for region in REGIONS if region in regions)
    new = tuple(reason for reason in covered if reason not in sample.reasons)
    return without_covered(replace(sample, reasons=(*sample.reasons, *new)), masks) if new else sample


class Bodies:
    """Looks at the bodies of the faces of a film, where the pose model is installed.

    Attributes:
        notes: What could not be done.
    """

    def __init__(self, card: SpecialistCard, *, wanted: bool) -> None:
        """Find out whether the pose model is there.

        Args:
            card: The specialist's, whose movements a hand may hide.
            wanted: Whether bodies are looked at.
        """
        self.notes: list[ClipDegradation] = []
        self._masks: Masks = hidden_parts(card)
        self._time, self._looks = float("nan"), 0
        self._reader = BodyReader() if wanted else None
        try:
            if self._reader is not None:
                self._reader.load()
        except SetupError as error:
            self._without("body_not_installed", f"Posture and gestures were not measured. {error}")

    def look(self, watch: BodyWatch, frame: Frame | None, sample: TrackSample) -> TrackSample:
        """Look at the body of a face, if it is time to, and return the sample without what a hand is over.

        Args:
            watch: Of this face.
            frame: The picture it is in; None where it is not held any more.
            sample: The face.
        """
        if self._reader is not None and frame is not None and watch.due(sample.time) and self._has_time(sample.time):
            try:
                watch.look(self._reader, frame.pixels, sample)
            except Exception as failure:  # a film is read without its bodies rather than not at all
                self._without("body_failed", f"Posture and gestures were measured only until here: {failure}")
        return self.behind_hand(watch, sample)

    def behind_hand(self, watch: BodyWatch, sample: TrackSample) -> TrackSample:
        """Return a sample without what a hand is over, by the last look at the body."""
        return with_hand(sample, watch.behind(sample.time), self._masks)

    def dump(self) -> list[dict[str, Any]]:
        """Return as plain data what failed; what is not installed is found out again."""
        return [one.model_dump(mode="json") for one in self.notes if one.code == "body_failed"]

    def go_on(self, dump: Sequence[Mapping[str, Any]]) -> None:
        """Go on from a dump: after a failure no body is looked at any more, as the note says."""
        if dump:
            self._reader = None
            self.notes = [ClipDegradation.model_validate(one) for one in dump]

    def _has_time(self, time: float) -> bool:
        """Count the looks in a frame; only so many bodies are looked at in each."""
        self._time, self._looks = time, self._looks + 1 if time == self._time else 1
        return self._looks <= BODIES

    def _without(self, code: Literal["body_not_installed", "body_failed"], message: str) -> None:
        self._reader = None
        self.notes.append(ClipDegradation(stage="body", code=code, message=message[:2000]))


def facts_of(track: str, found: Sequence[FoundPosture]) -> tuple[BodyFact, ...]:
    """Return the report's entries of what was found of a body."""
    return tuple(
        BodyFact(
            kind=one.kind,
            span=_span(one),
            side=one.side,
            strength=round(one.strength, 3),
            confidence=round(one.confidence, 3),
            evidence=(_name(track, number),),
        )
        for number, one in enumerate(found, 1)
    )


def evidence_for(track: str, found: Sequence[FoundPosture]) -> tuple[ClipEvidence, ...]:
    """Return what these entries rest on."""
    labels = ontology().body
    return tuple(
        ClipEvidence(
            id=_name(track, number),
            kind="body",
            text=(
                f"Joints of {track_name(track)}: {labels[one.kind].label} from {_span(one).from_s:.1f} s to "
                f"{_span(one).to_s:.1f} s; strength {one.strength:.2f}, visibility {one.confidence:.2f}."
            ),
            track=track,
            span=_span(one),
            value=round(one.strength, 3),
        )
        for number, one in enumerate(found, 1)
    )


def _name(track: str, number: int) -> str:
    return f"{track}.body-{number}"


def _span(one: FoundPosture) -> TimeSpan:
    begin = round(max(one.from_s, 0.0), 3)
    return TimeSpan(from_s=begin, to_s=max(round(one.to_s, 3), begin))
