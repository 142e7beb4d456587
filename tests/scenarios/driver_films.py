"""Events of clips that show a driver: what `stream_clip` would tell of a drive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

from ferce_agent.policy.decide import Decision, permit
from ferce_agent.report import Box, TrackPoint
from ferce_agent.report.clip_events import ClipEvent, EyesSeen, ProgressEvent, ReadingEvent
from ferce_agent.report.scenario_events import AlertEvent, ScenarioEvent
from ferce_agent.scenarios import preset, study_of
from ferce_agent.scenarios.driver import DriverStudy
from ferce_agent.scenarios.study import read_options
from ferce_agent.temporal.eye_events import EyeSample


def study(**options: Any) -> DriverStudy:
    chosen = preset("driver")
    kind = study_of("driver")
    made = kind(chosen, read_options(kind, options), decision())
    assert isinstance(made, DriverStudy)
    made.begin(0, None)
    return made


def decision() -> Decision:
    return permit(preset("driver").use, remote=False, scenario="driver")


def reading(sample: EyeSample, frame: int, *, track: str = "track-1", size: float = 100.0) -> ReadingEvent:
    """The event of a sample."""
    blank: dict[str, Any] = dict.fromkeys(("distribution", "valence", "arousal", "eyes_open", "gaze_x", "gaze_y"))
    known = {
        name: round(value, 3) if isfinite(value) else None
        for name, value in (
            ("left", sample.left),
            ("right", sample.right),
            ("mouth", sample.jaw),
            ("yaw", sample.direction.yaw),
            ("pitch", sample.direction.pitch),
        )
    }
    return ReadingEvent(
        frame=frame,
        track=track,
        box=Box(x=10, y=10, width=size, height=size),
        score=0.9,
        carried=False,
        reasons=(),
        point=TrackPoint(time_s=sample.time, movements={}, yaw=0, pitch=0, roll=0, quality=0.9, **blank),
        eyes=EyesSeen(lowered=sample.lowered, **known),
    )


def events(samples: Iterable[EyeSample]) -> Iterator[ClipEvent]:
    """A reading and a progress a frame, as of a camera."""
    for frame, sample in enumerate(samples):
        yield reading(sample, frame)
        yield ProgressEvent(time_s=sample.time, frames=frame + 1, of=None)


def fed(made: DriverStudy, told: Iterable[ClipEvent]) -> list[ScenarioEvent]:
    return [each for event in told for each in made.clip(0, event)]


def alerts(told: Iterable[ScenarioEvent], event: str = "alert_begins") -> list[AlertEvent]:
    return [one for one in told if isinstance(one, AlertEvent) and one.event == event]
