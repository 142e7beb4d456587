"""Before a screen: how long faces are turned to it, blinks, lowered brows; of groups only means of five or more.

Where a face is turned is seen; attention is not. Lowered brows with tight lids or a tilted head are told as that: in
studies of tutoring such movements went along with confusion (Craig, D'Mello, Witherspoon and Graesser 2008; Grafsgaard,
Boyer and Lester 2011), but also with effort, bright light and bad eyesight.

All numbers rest on windows (slides, or steps of time) in which at least five people were seen, and windows with fewer
count in nothing else, so that none of their values can be had by subtraction. Alone, a person's own numbers are told
only where that is asked for as the person's own use, never in the EU at work or in education.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, ValidationInfo

from ferce_agent.errors import FerceError, PolicyError, SettingsError
from ferce_agent.policy.decide import Decision
from ferce_agent.report import ClipDegradation
from ferce_agent.report.clip_events import ClipEvent, ReportEvent
from ferce_agent.report.scenario import (
    Curve,
    CurvePoint,
    Indicator,
    ScenarioDegradation,
    ScenarioDegradedCode,
    ScenarioSource,
)
from ferce_agent.report.scenario_events import ScenarioEvent
from ferce_agent.scenarios.engagement_numbers import (
    AWAY,
    BLINKS,
    BROWS,
    FACING,
    TOGETHER,
    WHY,
    Measure,
    Room,
    Told,
    in_words,
    indicator,
    percent,
    unit_of,
)
from ferce_agent.scenarios.facing import Cone, Windows
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.study import Findings, Options, Study
from ferce_agent.scenarios.timeline import Markers, Shift, shift_of
from ferce_agent.scenarios.viewers import Seats

EU_RULES: Final = {"eu-ai-act-5-1-f", "eu-ai-act-5-1-f-exception"}
"""Rules that hold in the EU at work and in education; there nothing of a single person is told."""


def _said_by_the_program(own: bool, info: ValidationInfo) -> bool:
    """Return it; an agent, whose options may name no files either, cannot know who reads."""
    if own and not (info.context or {}).get("files", True):
        raise ValueError("who reads the numbers is not an agent's to say; give films of at least five people")
    return own


class EngagementOptions(Options):
    """What a caller may choose."""

    markers: Markers = ()
    """When each slide or task begins: a list of times and names, or a file with lines such as ``12.5,Title``."""
    offset_s: Shift | tuple[Shift, ...] = 0.0
    """Where in a source the content begins, in seconds; one for all sources, or one for each."""
    length_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """How long the content is, in seconds; null for as long as the films."""
    screen: tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-60, le=60)]] = (0.0, 0.0)
    """Yaw and pitch in degrees of a face that looks at the middle of the screen; 0, 0 for a camera at the screen."""
    step_s: Annotated[float, Field(ge=5, le=3600)] = 10.0
    """Length of the steps of a curve without markers, in seconds."""
    own: Annotated[bool, AfterValidator(_said_by_the_program)] = False
    """Whether the one person shown reads it, or wants a tutor to: then the numbers of one person are told."""


class EngagementStudy(Study):
    """Films of people before a screen, or one of several people."""

    options_type: ClassVar[type[Options]] = EngagementOptions

    def __init__(self, preset: Preset, options: EngagementOptions, decision: Decision) -> None:
        """Begin before the first source.

        Raises:
            PolicyError: The numbers of one person are asked for in the EU at work or in education.
        """
        super().__init__(preset, options, decision)
        self.options = options
        if options.own and EU_RULES & set(decision.rules):
            raise PolicyError(
                "In the EU at work and in education nothing of a single person's engagement is told.",
                hint="Leave out own, and give films of at least five people: then means are told.",
            )
        self._windows = Windows(options.markers, options.step_s, options.length_s or inf)
        self._cone = Cone.of(preset, options.screen)
        self._sources: dict[int, Seats] = {}
        self._begun = 0
        self._failed: list[str] = []
        self._digests: set[str] = set()
        self._twice = 0

    def begin(self, number: int, group: str | None) -> None:
        """Take the next source.

        Raises:
            SettingsError: Groups are given, or offsets for fewer sources.
        """
        if group is not None:
            raise SettingsError("Engagement compares no groups.", hint="Run it for each group, or use: audience")
        self._begun += 1
        offset = shift_of(self.options.offset_s, number)
        self._sources[number] = Seats(self._windows, self._cone, self.preset, offset)

    def clip(self, number: int, event: ClipEvent) -> list[ScenarioEvent]:
        """Take an event of a film; nothing is told before the end."""
        self._sources[number].push(event)
        if isinstance(event, ReportEvent) and (digest := event.report.source.sha256) is not None:
            if digest in self._digests:  # the same film is nobody else, and five of it would tell of one person
                self._twice += 1
                del self._sources[number]
            self._digests.add(digest)
        return []

    def failed(self, number: int, error: FerceError) -> None:
        """Leave out a source that could not be read."""
        self._sources.pop(number, None)
        self._failed.append(error.code)

    def finish(self) -> Findings:
        """Return the numbers."""
        sources = list(self._sources.values())
        room = Room(self.preset, [one.seated() for one in sources], alone=self._may_be_alone(sources))
        measures = [FACING, AWAY, BLINKS, BROWS, *([TOGETHER] if self.decision.may_infer else [])]
        places = room.published()
        whole = {one.id: room.told(one, places) for one in measures}
        return Findings(
            summary=self._summary(room, whole),
            sources=self._told_sources(sources, room),
            indicators=(
                *(indicator(one, whole[one.id]) for one in measures),
                *(slide for one in measures[:1] for slide in self._slides(one, room)),
            ),
            curves=tuple(curve for one in measures if (curve := self._curve(one, room)) is not None),
            degraded=tuple(self._degraded(sources, room, whole)),
        )

    def _may_be_alone(self, sources: Sequence[Seats]) -> bool:
        return self.options.own and self._begun == 1 and len(sources) == 1

    def _slides(self, measure: Measure, room: Room) -> list[Indicator]:
        return [
            indicator(measure, room.told(measure, [place]), prefix=f"slide-{place + 1}.", of=f": {marker.name}")
            for place, marker in enumerate(self.options.markers)
        ]

    def _curve(self, measure: Measure, room: Room) -> Curve | None:
        """Return a number over slides or time; None where nothing may be told at all."""
        last = len(self.options.markers) or room.last + 1
        found = [(place, room.told(measure, [place])) for place in range(last)]
        if all(one.value is None for _, one in found):
            return None
        step = self.options.step_s
        return Curve(
            id=measure.id,
            name=measure.name,
            unit=unit_of(measure),
            axis="slide" if self.options.markers else "seconds",
            points=tuple(
                CurvePoint(
                    at=place + 1 if self.options.markers else place * step,
                    value=one.value,
                    low=one.low,
                    high=one.high,
                    people=one.people if one.value is not None else 0,
                )
                for place, one in found
            ),
        )

    def _told_sources(self, sources: Sequence[Seats], room: Room) -> tuple[ScenarioSource, ...]:
        """Return the source of a person's own use, or all as one without digests."""
        reports = [one.report for one in sources if one.report is not None]
        if not reports:
            return ()
        alone = room.alone
        return (
            ScenarioSource(
                kind="camera" if reports[0].source.kind == "camera" else "clip",
                sha256=reports[0].source.sha256 if alone else None,
                seconds=round(sum(one.seconds for one in sources), 2),
                people=room.people,
                readable_s=round(sum(one.readable_s for one in room.seated), 2),
            ),
        )

    def _summary(self, room: Room, whole: dict[str, Told]) -> str:
        facing = whole[FACING.id]
        one = room.alone or room.people == 1
        who = "One person" if one else f"{room.people} people at least" if room.many else f"{room.people} people"
        if facing.value is None:
            return f"{'Nobody was seen' if not room.people else who}; no number is told: {WHY[facing.withheld or '']}."
        parts = [f"{who}. {FACING.text.format(in_words(FACING, facing))}."]
        slides = [
            (told.value, marker.name)
            for place, marker in enumerate(self.options.markers)
            if (told := room.told(FACING, [place])).value is not None
        ]
        (least, low_name), (most, high_name) = min(slides, default=(0.0, "")), max(slides, default=(0.0, ""))
        if percent(most) != percent(least):
            parts.append(f"Most during '{high_name}' ({percent(most)}), least during '{low_name}' ({percent(least)}).")
        return f"{' '.join(parts)} Where faces are turned is no measure of attention."[:2000]

    def _degraded(self, sources: Sequence[Seats], room: Room, whole: dict[str, Told]) -> list[ScenarioDegradation]:
        notes: list[ScenarioDegradation] = []

        def note(code: ScenarioDegradedCode, message: str, count: int | None = None) -> None:
            notes.append(ScenarioDegradation(code=code, message=message, count=count))

        if self._failed:
            kinds = ", ".join(sorted(set(self._failed)))
            note("source_failed", f"Some sources could not be read ({kinds}).", len(self._failed))
        if self._twice:
            note("readings_left_out", "Some films were given twice and count once.", self._twice)
        if not room.people:
            note("no_face", "No face was seen.")
        elif whole[FACING.id].withheld == "too_few_people":
            note("too_few_people", self._too_few(room))
        elif whole[FACING.id].withheld == "not_enough_time":
            note("not_enough_time", "No face was seen long enough.")
        if room.many:
            note(
                "people_not_told_apart",
                "Nobody is recognised: in films of several people each face counts by the time for which it was seen.",
            )
        total = room.total()
        if total.seen_s and total.gaze_s < total.seen_s / 2:
            note("gaze_not_measured", GAZE_NOTE)
        if total.seen_s and not total.eyes_s:
            note("eyes_not_judged", "Blinks were not counted: too few frames a second, or eyes that cannot be judged.")
        if not self.options.markers:
            note("no_markers", "No slides were given (markers), so the curves run over time.")
        if not self.decision.may_infer:
            note("policy_restricted", f"Only movements are told, no patterns of them. {self.decision.cited}"[:2000])
        if any(one.code == "landmarks_not_installed" for source in sources for one in _notes_of(source)):
            note(
                "landmarks_not_installed",
                "The landmark model is not installed. Install it with: ferce-agent[landmarks]",
            )
        return notes

    def _too_few(self, room: Room) -> str:
        least = int(self.preset.value("least_people"))
        if room.people >= least:
            return (
                f"In no step were {least} of the {room.people} people seen for "
                f"{self.preset.value('least_time'):.0f} seconds each, with none of them for more than half of the time."
            )
        seen = "one was" if room.people == 1 else f"{room.people} were"
        message = f"Numbers are told of at least {least} people together; {seen} seen at once at most."
        if room.people == 1 and self._begun == 1 and not EU_RULES & set(self.decision.rules):
            return f"{message} If the person shown reads this, or wants a tutor to, say so: own = true."
        return message


GAZE_NOTE: Final = (
    "Where the eyes look was measured for less than half of the time, so the head alone says where a face is turned: "
    "eyes that leave the screen while the head stays are not seen."
)


def _notes_of(source: Seats) -> Sequence[ClipDegradation]:
    return () if source.report is None else source.report.degraded
