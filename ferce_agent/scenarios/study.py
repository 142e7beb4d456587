"""What the module of a scenario is: it takes the events of films, reports of photos or a session, and gives findings.

A study is plain Python without models or files: whoever runs it (`ferce_agent.graphs.scenario_runs`, a test, a
benchmark with made events) reads the sources and passes on what was found in them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ferce_agent.errors import FerceError, SettingsError
from ferce_agent.policy.decide import Decision
from ferce_agent.report import EmotionReport
from ferce_agent.report.clip_events import ClipEvent
from ferce_agent.report.scenario import (
    Alert,
    Curve,
    Indicator,
    Peak,
    ScenarioDegradation,
    ScenarioName,
    ScenarioSource,
)
from ferce_agent.report.scenario_events import ScenarioEvent
from ferce_agent.report.session import SessionReport
from ferce_agent.scenarios.preset import Preset
from ferce_agent.validation.refusal import unusable

HOME: Final[dict[ScenarioName, str]] = {
    "driver": "ferce_agent.scenarios.driver:DriverStudy",
    "wellbeing": "ferce_agent.scenarios.wellbeing:WellbeingStudy",
    "engagement": "ferce_agent.scenarios.engagement:EngagementStudy",
    "audience": "ferce_agent.scenarios.audience:AudienceStudy",
    "moderation": "ferce_agent.scenarios.moderation:ModerationStudy",
}
"""Where the study of each scenario is; imported when it is run."""


class Options(BaseModel):
    """What a caller may choose; each scenario has its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a study found, once all sources are read.

    Attributes:
        summary: In a few sentences; never empty.
        sources: What was read; one entry for all where single people may not be told apart.
        indicators: The numbers.
        alerts: What somebody should look at, by time; of a person's sessions the most urgent first.
        curves: Numbers over time.
        peaks: Where curves are clearly higher than around.
        degraded: What could not be done.
    """

    summary: str
    sources: tuple[ScenarioSource, ...]
    indicators: tuple[Indicator, ...] = ()
    alerts: tuple[Alert, ...] = ()
    curves: tuple[Curve, ...] = ()
    peaks: tuple[Peak, ...] = ()
    degraded: tuple[ScenarioDegradation, ...] = ()


class Study(ABC):
    """One run of a scenario. Not to be shared between threads.

    Attributes:
        options_type: What a caller may choose.
    """

    options_type: ClassVar[type[Options]] = Options

    def __init__(self, preset: Preset, options: Options, decision: Decision) -> None:
        """Begin before the first source.

        Args:
            preset: Its file.
            options: What the caller chose, of `options_type`.
            decision: What the rules allow; without ``may_infer`` no expression may be used or told.
        """
        self.preset, self.decision = preset, decision
        self._options = options

    def begin(self, number: int, group: str | None) -> None:  # noqa: B027  # most need nothing here
        """Take the next source.

        Args:
            number: Which, from 0.
            group: Name of the group it belongs to, for comparisons; None without groups.
        """

    def clip(self, number: int, event: ClipEvent) -> list[ScenarioEvent]:  # noqa: ARG002  # for those that take them
        """Take an event of a film or camera, its `ReportEvent` last; return what is to be told now.

        Raises:
            SettingsError: The scenario takes no films.
        """
        raise self._not_taken("films and cameras")

    def photo(self, number: int, report: EmotionReport) -> list[ScenarioEvent]:  # noqa: ARG002  # for those that take them
        """Take the report of a photo.

        Raises:
            SettingsError: The scenario takes no photos.
        """
        raise self._not_taken("photos")

    def session(self, number: int, report: SessionReport) -> list[ScenarioEvent]:  # noqa: ARG002  # for those that take them
        """Take the report of a person's session.

        Raises:
            SettingsError: The scenario takes no sessions.
        """
        raise self._not_taken("sessions")

    def _not_taken(self, what: str) -> SettingsError:
        hint = f"It takes: {', '.join(self.preset.takes)}."
        return SettingsError(f"The scenario {self.preset.name} does not take {what}.", hint=hint)

    @abstractmethod
    def failed(self, number: int, error: FerceError) -> None:
        """Take note that a source could not be read; the others go on."""

    @abstractmethod
    def finish(self) -> Findings:
        """Return what was found."""


def study_of(name: ScenarioName) -> type[Study]:
    """Return the study of a scenario."""
    module, _, member = HOME[name].partition(":")
    found: type[Study] = getattr(import_module(module), member)
    return found


def read_options(study: type[Study], given: dict[str, Any] | None, *, files: bool = True) -> Options:
    """Return a caller's options, checked.

    Args:
        study: Whose options.
        given: By name.
        files: Whether an option may name a file to be read; not where an agent or a remote caller gives the options.

    Raises:
        SettingsError: An option is unknown or has an unusable value; the message names it.
    """
    try:
        return study.options_type.model_validate(given or {}, context={"files": files})
    except ValidationError as error:
        raise unusable(error, "The scenario", study.options_type) from error
    except TypeError as error:
        raise SettingsError("The options must be an object with fields.") from error
