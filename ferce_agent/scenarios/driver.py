"""The scenario *driver*: closed eyes, signs of drowsiness and looks away from the road, as warnings and numbers.

An estimate from a camera and no certified safety device. Thresholds and their sources: `presets/driver.toml`.
"""

from __future__ import annotations

from math import nan
from typing import ClassVar, Final, cast

from ferce_agent.errors import FerceError
from ferce_agent.policy.decide import Decision
from ferce_agent.report.clip import ClipReport
from ferce_agent.report.clip_events import ClipEvent, DegradedEvent, ProgressEvent, ReadingEvent, ReportEvent
from ferce_agent.report.scenario import ScenarioDegradation, ScenarioDegradedCode, ScenarioSource
from ferce_agent.report.scenario_events import ScenarioDegradedEvent, ScenarioEvent
from ferce_agent.scenarios.driver_alerts import AlertBook
from ferce_agent.scenarios.driver_choice import DriverChoice
from ferce_agent.scenarios.driver_numbers import Drive, indicators
from ferce_agent.scenarios.driver_speed import DriverOptions, Speed
from ferce_agent.scenarios.driver_watch import DriverWatch
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.study import Findings, Options, Study
from ferce_agent.temporal.closures import LONGEST_STEP_S as BLINK_STEP_S
from ferce_agent.temporal.eye_events import EyeSample
from ferce_agent.temporal.glances import Direction
from ferce_agent.temporal.held import GAP_S

UNJUDGED_S: Final = 10.0
"""After so many seconds in which a face but no eyes could be judged, that is told at once."""
EYES_TEXT: Final = (
    "The eyes could not be judged {how}: covered, behind dark glasses, narrowed or turned away. There the head alone "
    "was followed, and closed eyes were not warned of."
)
GAZE_TEXT: Final = (
    "Where the eyes look in the head was not measured: looks away were told by the head, and by lids that look down. "
    "MediaPipe's landmark model measures it, where it is installed (extra 'landmarks')."
)
SPEED_TEXT: Final = (
    "The speed was not known for {seconds:.0f} s of the film: there the stricter limit held, that for 50 km/h and "
    "more. Give speed_kmh or speeds."
)


class DriverStudy(Study):
    """Follows the driver of one film or camera."""

    options_type: ClassVar[type[Options]] = DriverOptions

    def __init__(self, preset: Preset, options: Options, decision: Decision) -> None:
        """Begin before the film."""
        super().__init__(preset, options, decision)
        self._speed = Speed(cast(DriverOptions, options))
        self._restart(0)

    def _restart(self, number: int) -> None:
        self._number = number
        self._book = AlertBook(number)
        self._watch = DriverWatch(self.preset, self._speed, self._book)
        self._choice = DriverChoice()
        self._open: list[ReadingEvent] = []
        """Readings of the frame of which not all may be known yet."""
        self._report: ClipReport | None = None
        self._degraded: dict[ScenarioDegradedCode, ScenarioDegradation] = {}

    def begin(self, number: int, group: str | None) -> None:  # noqa: ARG002
        """Take the film."""
        self._restart(number)

    def clip(self, number: int, event: ClipEvent) -> list[ScenarioEvent]:  # noqa: ARG002
        """Take an event of the film; return the warnings that are known from now on."""
        if isinstance(event, ReadingEvent):
            told = self._frame() if self._open and event.frame != self._open[0].frame else []
            self._open.append(event)
            return told
        if isinstance(event, ProgressEvent):
            return [*self._frame(), *self._away(event.time_s)]
        if isinstance(event, DegradedEvent) and event.degraded.code == "landmarks_not_installed":
            return [self._note("landmarks_not_installed", event.degraded.message)]
        if isinstance(event, ReportEvent):
            self._report = event.report
            return [*self._frame(), *self._watch.finish()]
        return []

    def failed(self, number: int, error: FerceError) -> None:
        """Take note that the film could not be read."""
        self._frame()
        list(self._watch.finish())
        self._note("source_failed", f"The film could not be read: {error}", number)

    def _frame(self) -> list[ScenarioEvent]:
        """Take the readings of a frame, all of which are known."""
        readings, self._open = self._open, []
        chosen = self._choice.of(readings) if readings else None
        if chosen is None or (self._watch.first_s is not None and chosen.point.time_s <= self._watch.last_s):
            return []
        told: list[ScenarioEvent] = list(self._watch.push(sample_of(chosen)))
        unjudged = self._watch.faced_s - self._watch.judged_s
        if unjudged >= UNJUDGED_S and not self._watch.judged and "eyes_not_judged" not in self._degraded:
            told.append(self._note("eyes_not_judged", EYES_TEXT.format(how="for ten seconds")))
        return told

    def _away(self, time: float) -> list[ScenarioEvent]:
        """Take note of a time up to which nothing more was read of the driver."""
        return list(self._watch.lost(time)) if time - self._watch.last_s > GAP_S else []

    def _note(self, code: ScenarioDegradedCode, message: str, source: int | None = None) -> ScenarioDegradedEvent:
        made = ScenarioDegradation(code=code, message=message[:2000], source=self._number if source is None else source)
        self._degraded[code] = made
        return ScenarioDegradedEvent(degraded=made)

    def finish(self) -> Findings:
        """Return what was found."""
        source = self._source()
        self._note_all(source)
        why: str | None = None
        if self._watch.first_s is None:
            why = "source_failed" if "source_failed" in self._degraded else "no_face"
        drive = Drive(self.preset, self._watch, self._book, source.seconds, why)
        return Findings(
            summary=self._summary(why, source.seconds),
            sources=(source,),
            indicators=indicators(drive),
            alerts=self._book.alerts,
            curves=self._watch.curves.curves(),
            degraded=tuple(self._degraded.values()),
        )

    def _source(self) -> ScenarioSource:
        report, readable = self._report, round(self._watch.faced_s, 3)
        if report is None:
            seconds = self._watch.last_s - (self._watch.first_s or 0.0)
            people = int(self._watch.first_s is not None)
            return ScenarioSource(
                kind="clip", sha256=None, seconds=round(max(seconds, readable), 3), people=people, readable_s=readable
            )
        seconds = report.source.last_s - report.source.first_s
        kind = "camera" if report.source.kind == "camera" else "clip"
        return ScenarioSource(
            kind=kind,
            sha256=report.source.sha256,
            seconds=round(max(seconds, readable), 3),
            people=len(report.tracks),
            readable_s=readable,
        )

    def _note_all(self, source: ScenarioSource) -> None:
        """Note what could not be done."""
        watch, seen = self._watch, self._watch.glances.seen_s
        if watch.first_s is None:
            if "source_failed" not in self._degraded:
                self._note("no_face", "No face was found: nothing is said of the driver.")
            return
        unjudged = 1 - watch.judged_s / watch.faced_s if watch.faced_s > 0 else 1.0
        if "eyes_not_judged" in self._degraded or unjudged > 0.25:
            self._note("eyes_not_judged", EYES_TEXT.format(how=f"in {unjudged:.0%} of the time the face was read"))
        if watch.gaze_s < seen / 2:
            self._note("gaze_not_measured", GAZE_TEXT)
        if watch.step > BLINK_STEP_S:
            self._note("frame_rate_too_low", "Too few frames a second to see blinks: give 15 or more.")
        if watch.glances.unknown_speed_s > 0:
            self._note("speed_not_known", SPEED_TEXT.format(seconds=watch.glances.unknown_speed_s))
        if self._choice.several:
            self._note("several_faces", "Several faces were seen; the largest was taken for the driver's.")
        if source.seconds < self.preset.value("perclos_window_s"):
            self._note("not_enough_time", "PERCLOS needs a minute of film.")
        if self._book.left_out:
            text = f"{self._book.left_out} more alerts were told and are not in the report."
            self._note("limit_reached", text)

    def _summary(self, why: str | None, seconds: float) -> str:
        if why is not None:
            return "Nothing could be read of the driver, so nothing is said; that is no sign that all was well."
        told = self._book.counts
        words = {
            "microsleep": "closed eyes",
            "sleep": "of them three seconds or longer",
            "drowsy_eyes": "a high PERCLOS",
            "long_glance": "long looks away from the road",
            "short_glances": "short looks away that added up",
            "head_nod": "nods",
            "yawn": "yawns",
        }
        found = ", ".join(f"{name} ({told[kind]})" for kind, name in words.items() if told[kind])
        read, judged = (min(one / max(seconds, 1e-9), 1) for one in (self._watch.faced_s, self._watch.judged_s))
        return (
            f"Told: {found or 'no warning'}. The face could be read in {read:.0%} of {seconds:.0f} s and the eyes "
            f"judged in {judged:.0%}; nothing is said of the rest. An estimate from a camera, no certified safety "
            "device."
        )


def sample_of(event: ReadingEvent) -> EyeSample:
    """Return what a reading tells of eyes, mouth and direction."""
    eyes, point = event.eyes, event.point
    if eyes is None:
        return EyeSample(point.time_s, nan, nan, nan, Direction(nan, nan, nan, nan))
    direction = Direction(_or_nan(eyes.yaw), _or_nan(eyes.pitch), _or_nan(point.gaze_x), _or_nan(point.gaze_y))
    return EyeSample(
        point.time_s, _or_nan(eyes.left), _or_nan(eyes.right), _or_nan(eyes.mouth), direction, lowered=eyes.lowered
    )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
