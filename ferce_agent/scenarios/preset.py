"""What a scenario is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import FaceReading, Pipeline
from ferce_agent.policy.decide import permit
from ferce_agent.policy.use import UseContext
from ferce_agent.settings import Settings
from ferce_agent.temporal import Sample, Signal


@dataclass(frozen=True)
class Scenario:
    """A preset for one use. Reports under it are made by ``Engines(scenario.settings, use=scenario.use)``.

    Attributes:
        name: Name of the scenario.
        settings: How faces are read.
        use: What that is used for; the rules that follow from it apply, and no caller can loosen them.
        signals: Which numbers of a face to follow over time.
    """

    name: str
    settings: Settings
    use: UseContext
    signals: tuple[Signal[FaceReading], ...] = ()

    def read(self, frames: Sequence[Frame]) -> list[FaceReading]:
        """Read the faces of a clip as the rules on the use allow: movements alone where no expression may be inferred.

        Args:
            frames: Pictures with their times, in seconds.

        Returns:
            As `Pipeline.read` gives them, with the scenario's settings.

        Raises:
            PolicyError: The rules refuse the use.
            EngineError: The detector failed.
            WeightsError: The detector's weights are missing.
        """
        decision = permit(self.use, remote=False)
        return _pipeline(self.settings).read(frames, infer=decision.may_infer)

    def follow(self, readings: Iterable[FaceReading]) -> dict[int, dict[str, tuple[Sample, ...]]]:
        """Return the samples of each signal by its name, for each face by its track.

        Args:
            readings: In the order of their times.

        Returns:
            By track (see `FaceReading.track`), then by the signal's name: one sample for each reading of that face.

        Raises:
            SettingsError: The time constant of a signal is below 0.
            InputError: The times of a face do not grow, or a value is no finite number.
        """
        tracks: dict[int, list[FaceReading]] = {}
        for reading in readings:
            tracks.setdefault(reading.track, []).append(reading)
        return {
            track: {signal.name: tuple(signal(own)) for signal in self.signals} for track, own in sorted(tracks.items())
        }


@once_each
def _pipeline(settings: Settings) -> Pipeline:
    return Pipeline(settings)
