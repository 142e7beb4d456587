"""What an audience shows: shares of viewers over the time of the content, peaks, and two versions compared.

One film a viewer. Only shares of at least five viewers are told (`ferce_agent.scenarios.audience_curves`); all films
become one source without digests, so that nothing of a single viewer leaves. A share of 0 or 1 does say what each of
its viewers showed: that is what a share is, and why viewers have to agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Annotated, ClassVar, Final

from pydantic import Field

from ferce_agent.errors import FerceError, SettingsError
from ferce_agent.policy.decide import Decision
from ferce_agent.report import ClipSource, slug
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent, ReportEvent
from ferce_agent.report.scenario import Indicator, Peak, ScenarioDegradation, ScenarioDegradedCode, ScenarioSource
from ferce_agent.report.scenario_events import ScenarioEvent
from ferce_agent.scenarios.crowd import Choices, Crowd, percent
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.study import Findings, Options, Study
from ferce_agent.scenarios.timeline import Markers, Shift, shift_of
from ferce_agent.scenarios.viewer_records import ViewerRecord

MOST_GROUPS: Final = 4
"""Groups that are compared, each with each."""
LONGEST_GROUP: Final = 60
"""Letters of a group's name."""


class AudienceOptions(Options):
    """What a caller may choose."""

    timeline: Markers = ()
    """What the content shows when: a list of times and titles, or a file with lines such as ``1:05,Title``."""
    offset_s: Shift | tuple[Shift, ...] = 0.0
    """Where in a film the content begins, in seconds; one for all films, or one for each."""
    length_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """How long the content is, in seconds; null for as long as the films."""
    step_s: Annotated[float, Field(ge=0.5, le=60)] = 1.0
    """Length of the steps of the curves, in seconds."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Of the random shifts and labellings of the tests, so that a run can be repeated."""


class AudienceStudy(Study):
    """Films of viewers of the same content, one a viewer."""

    options_type: ClassVar[type[Options]] = AudienceOptions

    def __init__(self, preset: Preset, options: AudienceOptions, decision: Decision) -> None:
        """Begin before the first source."""
        super().__init__(preset, options, decision)
        self.options = options
        self._least = int(preset.value("least_people"))
        self._viewers: dict[int, ViewerRecord] = {}
        self._groups: dict[int, str | None] = {}
        self._keys: dict[str, str] = {}
        self._seconds: dict[int, float] = {}
        self._failed: list[str] = []
        self._digests: set[str] = set()
        self._twice = 0

    def begin(self, number: int, group: str | None) -> None:
        """Take the next viewer.

        Raises:
            SettingsError: There are too many groups, names of them that are too much alike, or fewer offsets.
        """
        if group is not None:
            self._name(group)
        options = self.options
        offset = shift_of(options.offset_s, number)
        self._groups[number] = group
        self._viewers[number] = ViewerRecord(self.preset, options.step_s, offset, options.length_s or inf)

    def _name(self, group: str) -> None:
        if not group.strip() or len(group) > LONGEST_GROUP:
            raise SettingsError(f"A group's name has 1 to {LONGEST_GROUP} letters.")
        if group not in self._keys and slug(group) in self._keys.values():
            raise SettingsError("The names of two groups are too much alike.", hint="Call them a and b.")
        self._keys[group] = slug(group)
        if len(self._keys) > MOST_GROUPS:
            raise SettingsError(f"At most {MOST_GROUPS} groups are compared.", hint="Run them apart.")

    def clip(self, number: int, event: ClipEvent) -> list[ScenarioEvent]:
        """Take an event of a film; nothing is told before the end."""
        if isinstance(event, ReadingEvent):
            self._viewers[number].push(event)
        elif isinstance(event, ReportEvent):
            self._end(number, event.report.source)
        return []

    def _end(self, number: int, source: ClipSource) -> None:
        """Take a film that was read; the same one again is no other viewer, and five of it would tell of one."""
        self._seconds[number] = max(source.last_s - source.first_s, 0.0)
        if source.sha256 is not None and source.sha256 in self._digests:
            self._twice += 1
            del self._viewers[number], self._groups[number]
        elif source.sha256 is not None:
            self._digests.add(source.sha256)

    def failed(self, number: int, error: FerceError) -> None:
        """Leave out a film that could not be read."""
        self._viewers.pop(number, None)
        self._groups.pop(number, None)
        self._failed.append(error.code)

    def finish(self) -> Findings:
        """Return what the viewers show together."""
        records = {number: one.record() for number, one in self._viewers.items()}
        read = {number: one for number, one in records.items() if one is not None}
        options = self.options
        choices = Choices(options.step_s, options.timeline, options.seed, self.decision.may_infer)
        groups = [self._groups[number] for number in read]
        crowd = Crowd(self.preset, choices, list(read.values()), groups, self._keys)
        peaks = tuple(crowd.peaks())
        indicators = tuple(crowd.indicators())
        return Findings(
            summary=self._summary(crowd, indicators, peaks),
            sources=self._source(len(read)),
            indicators=indicators,
            curves=crowd.curves,
            peaks=peaks,
            degraded=tuple(self._degraded(crowd)),
        )

    def _source(self, people: int) -> tuple[ScenarioSource, ...]:
        if not self._seconds:
            return ()
        seconds = sum(self._seconds.get(number, 0.0) for number in self._viewers)
        readable = min(sum(one.readable_s for one in self._viewers.values()), seconds)
        source = ScenarioSource(
            kind="clip", sha256=None, seconds=round(seconds, 1), people=people, readable_s=round(readable, 1)
        )
        return (source,)

    def _summary(self, crowd: Crowd, indicators: Sequence[Indicator], peaks: Sequence[Peak]) -> str:
        if not crowd.curves:
            read = f"{crowd.viewers} viewer{'s' * (crowd.viewers != 1)}"
            return f"Nothing is told: {read} could be read, and at least {self._least} are needed."
        parts = [f"{crowd.viewers} viewers."]
        parts += [one.text for one in indicators if one.id == "smile.share"]
        first = sorted(peaks, key=lambda one: (one.p_value, -one.value))[:3]
        parts += [peak_in_words(one, crowd.names[one.curve]) for one in sorted(first, key=lambda one: one.at_s)]
        if not peaks:
            parts.append("No peak stands out from chance.")
        return " ".join([*parts, *crowd.differing[:2], "What is shown is not what is felt or liked."])[:2000]

    def _degraded(self, crowd: Crowd) -> Iterator[ScenarioDegradation]:
        def note(code: ScenarioDegradedCode, message: str, count: int | None = None) -> ScenarioDegradation:
            return ScenarioDegradation(code=code, message=message, count=count)

        if self._failed:
            kinds = ", ".join(sorted(set(self._failed)))
            yield note("source_failed", f"Some films could not be read ({kinds}).", len(self._failed))
        if self._twice:
            yield note("readings_left_out", "Some films were given twice and count once.", self._twice)
        without = len(self._viewers) - crowd.viewers
        if without:
            yield note("no_face", "In some films no face was read.", without)
        if not crowd.curves:
            yield note(
                "too_few_people", f"Shares are told of at least {self._least} viewers; could be read: {crowd.viewers}."
            )
        elif self._keys and not crowd.groups:
            yield note("too_few_people", f"Groups are told where each, and who is in none, has {self._least} viewers.")
        elif crowd.hidden_steps:
            yield note("too_few_people", "In some steps too few viewers could be read.", crowd.hidden_steps)
        if shared := sum(one.is_shared for one in self._viewers.values()):
            yield note("several_faces", "Some films show several faces; the one seen longest counts.", shared)
        if crowd.curves and not crowd.is_long:
            yield note("not_enough_time", "The content is too short to tell peaks from chance.")
        if not self.options.timeline:
            yield note("no_markers", "No time line of the content was given (timeline), so peaks have times only.")
        if not self.decision.may_infer:
            yield note("policy_restricted", f"Only smiles are told, no expressions. {self.decision.cited}"[:2000])


def peak_in_words(peak: Peak, name: str) -> str:
    """Return a peak as a sentence."""
    during = f" during '{peak.marker}'" if peak.marker else ""
    return f"{name}: {percent(peak.value)} at {peak.at_s:.0f} s{during} (p = {peak.p_value:.3g})."
