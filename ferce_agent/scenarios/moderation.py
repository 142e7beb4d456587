"""The scenario *moderation*: what a human reviewer should look at in pictures and films. It never decides.

Faces that show distress, movements as in anger or pain, the mood of all faces together, and always how many faces could
not be read. Age is not read. Thresholds and their sources: `presets/moderation.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ferce_agent.errors import FerceError, SettingsError
from ferce_agent.policy.decide import Decision
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent, ReportEvent
from ferce_agent.report.scenario import Alert, Indicator, ScenarioDegradation, ScenarioSource
from ferce_agent.report.scenario_events import AlertEvent, ScenarioEvent
from ferce_agent.scenarios.intervals import mean_of_shares
from ferce_agent.scenarios.moderation_signals import (
    UNIT_OF,
    Followed,
    Kind,
    Signal,
    Stretch,
    limit_of,
    mood_of,
    shown_in,
    signals_of,
    urgency_of,
)
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.study import Findings, Options, Study

WORDS: Final[dict[Kind, str]] = {
    "distress_shown": "{face} shows sadness or fear (probability {value:.2f}). Have a person look",
    "anger_like_movements": "{face} shows movements as in anger, with lowered brows or pressed lips (probability "
    "{value:.2f}). Have a person look; it says nothing about what the person does",
    "pain_like_movements": "{face} shows lowered brows, narrowed lids and a raised lip together, as in pain but also "
    "in effort or bright light (intensity {value:.2f}). Have a person look",
}
MOODS: Final = (
    ("pleasant", "Pleasant expressions", "happiness"),
    ("neither", "Neutral or surprised faces", "no marked expression, or surprise"),
    ("unpleasant", "Unpleasant expressions", "sadness, anger, disgust, fear or contempt"),
)
KINDS: Final[tuple[tuple[Kind, str], ...]] = (
    ("distress_shown", "Signals of shown distress"),
    ("anger_like_movements", "Signals of movements as in anger"),
    ("pain_like_movements", "Signals of movements as in pain"),
)
NO_DECISION: Final = "No decision, and no judgement of the people shown: what it means only a person can see."
AGE: Final = "Age is not read: whether minors are shown is not known, and has to be looked at by a person."


class ModerationStudy(Study):
    """Photos and films that wait for a reviewer."""

    def __init__(self, preset: Preset, options: Options, decision: Decision) -> None:
        """Begin before the first source."""
        super().__init__(preset, options, decision)
        self._sources: dict[int, ScenarioSource] = {}
        self._alerts: list[Alert] = []
        self._faces: dict[str, Followed] = {}
        self._moods: list[tuple[float, float, float]] = []
        self._unread = 0
        self._several = 0
        self._failed: dict[int, str] = {}

    def begin(self, number: int, group: str | None) -> None:  # noqa: ARG002
        """Take the next source; a film's faces are followed anew.

        Raises:
            SettingsError: Groups are given.
        """
        if group is not None:
            raise SettingsError("Moderation compares no groups.", hint="Leave the groups out.")
        self._faces = {}

    def photo(self, number: int, report: EmotionReport) -> list[ScenarioEvent]:
        """Take the report of a photo."""
        told: list[ScenarioEvent] = []
        for person in report.people:
            answer = person.expression if self.decision.may_infer else None
            # What is no more than unsure counts by its probabilities; those of a face that is covered or cut do not.
            readable = answer is not None and answer.abstain_reason in (None, "unsure")
            shown = answer.distribution if answer and readable else None
            if shown is None:
                self._unread += 1
            else:
                self._moods.append(mood_of(shown))
            moves = {unit.id: unit.intensity for unit in person.action_units}
            for kind, signal in signals_of(shown, moves, self.preset).items():
                stretch = Stretch(0.0, 0.0, told_s=0.0, number=self._next())
                stretch.add(0.0, signal)
                alert = self._alert(number, kind, person.id, stretch, over=True)
                self._alerts.append(alert)
                told.append(AlertEvent(event="alert_begins", time_s=0.0, alert=alert))
        self._sources[number] = ScenarioSource(
            kind="photo", sha256=report.source.sha256, seconds=0.0, people=len(report.people), readable_s=0.0
        )
        return told

    def clip(self, number: int, event: ClipEvent) -> list[ScenarioEvent]:
        """Take an event of a film; signals are told once they have lasted long enough."""
        if isinstance(event, ReadingEvent):
            return list(self._read(number, event))
        if isinstance(event, ReportEvent):
            return list(self._over(number, event.report))
        return []

    def failed(self, number: int, error: FerceError) -> None:
        """Take note that a source could not be read; what was told of it before stays."""
        self._failed[number] = error.code
        for name, face in self._faces.items():
            for kind, stretch in face.open.items():
                if stretch.told_s is not None:
                    self._alerts.append(self._alert(number, kind, name, stretch, over=False))
        seen = len(self._faces)  # listed all the same, so that the numbers of the sources stay those of the caller
        self._sources[number] = ScenarioSource(
            kind="clip" if seen else "photo", sha256=None, seconds=0.0, people=seen, readable_s=0.0
        )
        self._faces = {}

    def finish(self) -> Findings:
        """Return the signals, the mood and what could not be read."""
        alerts = sorted(self._alerts, key=lambda one: (one.source, one.onset_s, one.id))
        sources = tuple(self._sources[number] for number in sorted(self._sources))
        return Findings(
            summary=self._summary(sources, alerts),
            sources=sources,
            indicators=(
                self._count("faces", "Faces seen", sum(one.people for one in sources), "Nobody was recognised."),
                self._count("unread_faces", "Faces not read", self._unread, self._unread_words()),
                _minors(),
                *self._signal_counts(alerts),
                *self._mood(),
            ),
            alerts=tuple(alerts),
            degraded=tuple(self._degraded(sources)),
        )

    def _read(self, number: int, event: ReadingEvent) -> Iterator[ScenarioEvent]:
        face = self._faces.setdefault(event.track, Followed())
        shown = shown_in(event) if self.decision.may_infer else None
        face.count(shown)
        now = event.point.time_s
        yield from self._ended(number, now)
        for kind, signal in signals_of(shown, event.point.movements, self.preset).items():
            yield from self._goes_on(number, event.track, kind, (now, signal))

    def _goes_on(self, number: int, track: str, kind: Kind, at: tuple[float, Signal]) -> Iterator[ScenarioEvent]:
        now, signal = at
        stretch = self._faces[track].open.setdefault(kind, Stretch(now, now))
        stretch.add(now, signal)
        if stretch.told_s is None and now - stretch.onset_s >= self.preset.value("hold"):
            stretch.told_s, stretch.number = now, self._next()
            alert = self._alert(number, kind, track, stretch, over=False)
            yield AlertEvent(event="alert_begins", time_s=now, alert=alert)

    def _ended(self, number: int, now: float) -> Iterator[ScenarioEvent]:
        """Close what was not seen again for too long."""
        wait = self.preset.value("bridge")
        for track, face in self._faces.items():
            for kind, stretch in list(face.open.items()):
                if now - stretch.last_s <= wait:
                    continue
                del face.open[kind]
                if stretch.told_s is not None:
                    alert = self._alert(number, kind, track, stretch, over=True)
                    self._alerts.append(alert)
                    yield AlertEvent(event="alert_ends", time_s=now, alert=alert)

    def _over(self, number: int, report: ClipReport) -> Iterator[ScenarioEvent]:
        end = report.source.last_s
        yield from self._ended(number, end)
        for track, face in self._faces.items():
            for kind, stretch in face.open.items():
                if stretch.told_s is not None:  # it went on when the film ended
                    self._alerts.append(self._alert(number, kind, track, stretch, over=False))
        believed = {track.id for track in report.tracks}
        for track, face in self._faces.items():
            if track in believed and face.read:
                pleasant, neither, unpleasant = (total / face.read for total in face.moods)
                self._moods.append((pleasant, neither, unpleasant))
        self._unread += sum(not (one.id in self._faces and self._faces[one.id].read) for one in report.tracks)
        self._sources[number] = ScenarioSource(
            kind="clip",
            sha256=report.source.sha256,
            seconds=max(end - report.source.first_s, 0.0),
            people=len(report.tracks),
            readable_s=sum(track.summary.readable_s for track in report.tracks),
        )
        self._faces = {}

    def _next(self) -> int:
        self._several += 1
        return self._several

    def _alert(self, source: int, kind: Kind, face: str, stretch: Stretch, *, over: bool) -> Alert:
        """Return what is told of a stretch, as far as it is known."""
        confidence = round(stretch.confidence, 4)
        words = WORDS[kind].format(face=f"The face {face}", value=stretch.largest)
        return Alert(
            id=f"{kind}-{stretch.number}",
            kind=kind,
            urgency=urgency_of(kind, confidence, self.preset),
            source=source,
            onset_s=stretch.onset_s,
            told_s=stretch.onset_s if stretch.told_s is None else stretch.told_s,
            offset_s=stretch.last_s if over else None,
            value=round(stretch.largest, 4),
            unit=UNIT_OF[kind],
            limit=limit_of(kind, self.preset),
            confidence=confidence,
            text=f"{words}.",
        )

    def _count(self, id_: str, name: str, count: int, more: str) -> Indicator:
        return Indicator(
            id=id_,
            name=name,
            value=float(count),
            unit="count",
            low=None,
            high=None,
            level=None,
            text=f"{name}: {count}. {more}",
            is_not="Not the number of people: somebody may be seen twice, and faces are missed.",
        )

    def _unread_words(self) -> str:
        return "They may show anything: look at them." if self._unread else "All that were found could be read."

    def _signal_counts(self, alerts: Sequence[Alert]) -> Iterator[Indicator]:
        for kind, name in KINDS:
            if self.decision.may_infer:
                found = [one for one in alerts if one.kind == kind]
                where = len({one.source for one in found})
                yield self._count(kind, name, len(found), f"In {where} of {len(self._sources)} sources. {NO_DECISION}")
            else:
                yield _withheld(kind, name, "count", "policy_restricted", "The rules for this use allow none")

    def _mood(self) -> Iterator[Indicator]:
        count = len(self._moods)
        for place, (id_, name, what) in enumerate(MOODS):
            if not self._moods:
                why = "no_face_read" if self.decision.may_infer else "policy_restricted"
                yield _withheld(f"mood.{id_}", name, "share", why, "No expression was read")
                continue
            mean, low, high = mean_of_shares([one[place] for one in self._moods], [1.0] * count)
            yield Indicator(
                id=f"mood.{id_}",
                name=name,
                value=mean,
                unit="share",
                low=low,
                high=high,
                people=count,
                text=f"{name}: {mean:.0%} of {count} faces that were read ({low:.0%} to {high:.0%}, 95 %): {what}.",
                is_not="Not what these people feel, and not the mood of those whose faces were not read.",
            )

    def _summary(self, sources: Sequence[ScenarioSource], alerts: Sequence[Alert]) -> str:
        faces = sum(one.people for one in sources)
        what = f"{len(sources)} source{'s' * (len(sources) != 1)}, {faces} face{'s' * (faces != 1)}"
        if not self.decision.may_infer:
            return f"{what}. Expressions may not be read for this use, so there are no signals. {AGE}"
        soon = sum(one.urgency == "warning" for one in alerts)
        signals = f"{len(alerts)} signal{'s' * (len(alerts) != 1)} to look at" + (f", {soon} of them soon" * bool(soon))
        unread = f" {self._unread} could not be read." if self._unread else ""
        return f"{what}.{unread} {signals}. {AGE} A person decides."

    def _degraded(self, sources: Sequence[ScenarioSource]) -> Iterator[ScenarioDegradation]:
        for number, code in sorted(self._failed.items()):
            yield ScenarioDegradation(
                code="source_failed", message=f"It could not be read ({code}): have a person look at it.", source=number
            )
        if not any(one.people for one in sources):
            yield ScenarioDegradation(code="no_face", message="No face was found. Look at the pictures all the same.")
        if len(sources) > 1:
            yield ScenarioDegradation(
                code="people_not_told_apart",
                message="Nobody is recognised: who is seen in several sources counts several times.",
            )
        if not self.decision.may_infer:
            yield ScenarioDegradation(code="policy_restricted", message=f"No signals: {self.decision.cited}"[:2000])


def _minors() -> Indicator:
    return _withheld("minors", "Minors shown", "count", "age_not_read", AGE.rstrip("."))


def _withheld(id_: str, name: str, unit: str, why: str, words: str) -> Indicator:
    return Indicator(
        id=id_,
        name=name,
        value=None,
        unit=unit,
        low=None,
        high=None,
        level=None,
        withheld=why,
        text=f"{words}.",
        is_not="Not a sign that there are none.",
    )
