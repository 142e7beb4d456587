"""The report as plain text for a terminal, to be read in ten seconds."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import SettingsError
from ferce_agent.report import (
    Cause,
    Claim,
    Conflict,
    EmotionReport,
    Expression,
    Person,
    Relationship,
    VoiceReport,
    wording,
)
from ferce_agent.report import voice_wording as heard
from ferce_agent.validation.printable import clean
from ferce_agent.views.alike import alike
from ferce_agent.views.characters import fitted

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

MIN_WIDTH: Final = 40
"""Narrower than this, the labels leave no room for what they label."""
LABEL_WIDTH: Final = 12
"""Columns of the labels on the left."""
BAR_WIDTH: Final = 20
"""Columns of a full bar; 8 where lines have less than 60 columns."""
SHOWN: Final = 3
"""How many entries of the distribution are shown."""
MOST_RELATIONSHIPS: Final = 6
"""How many relations between people are shown."""
MOST_CAUSES: Final = 6
"""How many causes are shown where not everything is; those that the caller's words or the scene give come first."""
FEW: Final = 2
"""So many people are always told about in full by the command line."""
STATUS_STYLE: Final = {"supported": "green", "contradicted": "bold red", "unverified": "yellow"}

Row = tuple[str, "Text"]
"""A label and what it labels."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What the text is written for.

    Attributes:
        console: Lays the text out in lines of its width.
        encoding: Encoding of the stream it goes to.
    """

    console: Console
    encoding: str

    @property
    def bar(self) -> int:
        """Columns of a full bar."""
        return BAR_WIDTH if self.console.width >= 60 else 8

    def fit(self, text: Text) -> Text:
        """Return the text with look-alikes for what the encoding cannot show.

        Lines are laid out as they will be seen.
        """
        from rich.text import Text

        fit = Text(overflow=text.overflow, no_wrap=text.no_wrap)
        for piece in text.render(self.console):
            fit.append(fitted(piece.text, self.encoding), piece.style)
        return fit


def to_text(
    report: EmotionReport, width: int = 88, colour: bool = False, *, full: bool = True, encoding: str = "utf-8"
) -> str:
    """Return the report as text whose lines have at most `width` columns.

    Control characters in the report are dropped, so that no text of it can steer the terminal.

    Args:
        report: The report.
        width: Columns, at least `MIN_WIDTH`.
        colour: Whether to add ANSI colours.
        full: Whether to tell everything about everyone; else more than two people get a line or two each.
        encoding: Encoding of the stream it goes to; characters that it cannot show are replaced by look-alikes.

    Raises:
        SettingsError: `width` is below `MIN_WIDTH`.
    """
    if width < MIN_WIDTH:
        raise SettingsError(f"A width of {width} columns is too narrow.", hint=f"Give at least {MIN_WIDTH} columns.")
    console = new_console(width, colour)
    paper = Paper(console, encoding)
    for block in _blocks(report, paper, full or len(report.people) <= FEW):
        console.print(block)
    lines = console.export_text(styles=colour).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def new_console(width: int, colour: bool) -> Console:
    """Return a console that only records and takes nothing from the environment."""
    from rich.console import Console

    return Console(
        file=io.StringIO(),
        record=True,
        width=width,
        force_terminal=colour,
        force_jupyter=False,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )


def _blocks(report: EmotionReport, paper: Paper, full: bool) -> Iterator[RenderableType]:
    yield paper.fit(words(report.summary, "bold"))
    yield ""
    if full:
        for person in report.people:
            yield paper.fit(words(wording.headline(person), "bold"))
            yield grid(_about(person, report, paper), paper)
            yield ""
    else:
        yield _overview(report, paper)
        yield ""
    if report.degraded:
        yield grid(_gaps(report), paper)
        yield ""
    yield grid(_around(report, full), paper)
    yield ""
    yield paper.fit(words(_timings(report), "dim"))
    if not full:
        yield paper.fit(words("All about everyone: --full here, --html as a page, --json as data.", "dim"))


def _overview(report: EmotionReport, paper: Paper) -> RenderableType:
    """Return a line for each person: number, expression, how sure, how strong.

    And below it what is doubtful and asked for.
    """
    from rich.table import Table

    table = Table.grid(padding=(0, 1, 0, 0), expand=False, pad_edge=False)
    table.add_column(width=3, justify="right", style="dim")
    table.add_column(overflow="fold")
    for person in report.people:
        table.add_row(wording.person_number(person.id), paper.fit(_in_short(person, report, paper)))
    return table


def _in_short(person: Person, report: EmotionReport, paper: Paper) -> Text:
    expression = person.expression
    line = words("")
    if expression is not None:
        # A long bar beside "unsure" would say the opposite; the doubt behind it names the numbers.
        named = not expression.abstained
        share = wording.percent(expression.confidence) if named else ""
        line.append(f"{bar(expression.confidence if named else 0, paper.bar // 2)} {share:>4} ", "cyan")
    line.append(clean(wording.short_name(person)), "bold")
    if expression is not None and expression.primary not in {None, "neutral"}:
        line.append(f", {wording.intensity_word(expression.intensity.value)}")
    if doubt := wording.main_doubt(person, report):
        line.append(clean(f"; {doubt}"), "yellow")
    if person.labels:
        line.append_text(indented(f"your words: {_ranked(person, 3)}"))
    return line


def _ranked(person: Person, most: int) -> str:
    return ", ".join(f"{one.label} {wording.percent(one.score)}" for one in person.labels[:most])


def words(text: str, style: str = "") -> Text:
    """Return a text without control characters, in a style of `rich`."""
    from rich.text import Text

    return Text(clean(text), style=style, overflow="fold")


def grid(rows: Iterable[Row], paper: Paper) -> RenderableType:
    """Return rows with a hanging indent: labels to the left, the rest wrapped beside them."""
    from rich.table import Table

    table = Table.grid(padding=(0, 1, 0, 0), expand=False, pad_edge=False)
    table.add_column(width=LABEL_WIDTH, style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for label, content in rows:
        table.add_row(f"  {label}", paper.fit(content))
    return table


def _gaps(report: EmotionReport) -> Iterator[Row]:
    for index, entry in enumerate(report.degraded):
        where = f"{wording.person_name(entry.person)}: " if entry.person else ""
        yield "Not done" if index == 0 else "", words(where + entry.message, "yellow")


def _about(person: Person, report: EmotionReport, paper: Paper) -> Iterator[Row]:
    if person.expression is not None:
        yield "Likeliest", _bars(person.expression, paper.bar)
        yield from _parts(person.expression)
    if person.labels:
        yield "Your words", words(_ranked(person, 8))
    yield "Observed", words(person.description.observed)
    yield "Inferred", words(person.description.inferred, "italic")
    for index, claim in enumerate(person.rationale):
        yield "Why" if index == 0 else "", _claim(claim, report)
    if person.vlm is not None:
        yield "Model says", words(wording.vlm_words(person.vlm))
    if person.posture.text:
        yield "Posture", words(f"{person.posture.text} ({wording.BASIS[person.posture.basis]})")
    yield "Quality", words(wording.quality_words(person.face.quality))


def _bars(expression: Expression, columns: int) -> Text:
    """Return the likeliest expressions, one per line: bar, probability, label."""
    from rich.text import Text

    lines = Text(overflow="fold")
    for term, share in expression.distribution.ranked()[:SHOWN]:
        chosen = term in expression.prediction_set
        lines.append(f"{bar(share, columns)} {wording.percent(share):>4} ", "cyan" if chosen else "dim")
        lines.append(clean(wording.term_label(term)) + "\n", "bold" if chosen else "dim")
    lines.rstrip()
    return lines


def bar(share: float, columns: int = BAR_WIDTH) -> str:
    """Return a bar of `columns` columns for a share from 0 to 1, in steps of half a column."""
    halves = round(min(max(share, 0.0), 1.0) * columns * 2)
    return ("█" * (halves // 2) + "▌" * (halves % 2)).ljust(columns, "·")


def _parts(expression: Expression) -> Iterator[Row]:
    if expression.components:
        shares = (f"{wording.term_label(part.term)} {wording.percent(part.weight)}" for part in expression.components)
        yield "Made up of", words(", ".join(shares))


def _claim(claim: Claim, report: EmotionReport) -> Text:
    """Return a claim with how it was checked, and below it what it rests on."""
    symbol, word = wording.SUPPORT[claim.status]
    line = words("").append(f"{symbol} {word}: ", STATUS_STYLE[claim.status])
    line.append(clean(f"{claim.text} ({wording.BASIS[claim.basis]})"))
    return line.append_text(indented(_evidence(claim.evidence, report)))


def indented(text: str) -> Text:
    """Return what something rests on, to be put below it."""
    from rich.text import Text

    return Text("\n→ ", style="dim").append(clean(text))


def _evidence(ids: Iterable[str], report: EmotionReport) -> str:
    entries = {entry.id: entry for entry in report.evidence}
    return " ".join(
        f"“{entries[name].text}”" if entries[name].kind == "context" else entries[name].text for name in ids
    )


def _around(report: EmotionReport, full: bool) -> Iterator[Row]:
    if report.scene.text:
        yield "Scene", words(f"{report.scene.text} ({wording.BASIS[report.scene.basis]})")
    shown = [one for one in report.relationships if one.kind != "apart" or len(report.people) < 3]
    shown = shown[: MOST_RELATIONSHIPS if full else FEW]
    for relationship in shown:
        yield "Together", words(_relationship(relationship))
    if rest := len(report.relationships) - len(shown):
        yield "", words(f"{rest} more in the report (--json, --html)", "dim")
    if report.group is not None:
        yield "Group", words(report.group.text)
    groups = sorted(alike(report.causes), key=lambda group: group[0].source == "people")
    for causes in groups if full else groups[:MOST_CAUSES]:
        yield "Cause", _cause(causes, report, full)
    if not full and len(groups) > MOST_CAUSES:
        yield "", words(f"{len(groups) - MOST_CAUSES} more in the report (--full, --json, --html)", "dim")
    for said in report.text_emotions:
        yield "Words", words(f"{said.text} ({wording.confidence_word(said.confidence)})")
    if report.voice is not None:
        yield from _voice(report.voice, full)
    for conflict in report.conflicts:
        yield "Conflict", _conflict(conflict, report)
    yield "Advice", words(f"{report.guidance.suggestion} Tone: {report.guidance.tone}.{_pace(report)}")
    if report.guidance.avoid:
        yield "Avoid", words("; ".join(report.guidance.avoid))
    decision = "" if report.policy.decision == "allowed" else f"Use {report.policy.decision}. "
    yield "Note", words(decision + report.policy.notice, "bold" if decision else "")


def _voice(voice: VoiceReport, full: bool) -> Iterator[Row]:
    """Return the voice message that came with the picture: each turn in a line, and what does not go together."""
    turns = voice.speech if full else voice.speech[:FEW]
    for index, turn in enumerate(turns):
        tone = heard.arousal_words(turn.arousal)
        said = f"; {heard.turn_words_line(turn.words)}" if turn.words else ""
        line = f"{heard.turn_name(turn.id)}: {heard.voice_words(turn.voice)}{f'; {tone}' if tone else ''}{said}"
        yield "Voice" if index == 0 else "", words(line)
    if rest := len(voice.speech) - len(turns):
        yield "", words(f"{rest} more in the report (--full, --json, --html)", "dim")
    for one in voice.conflicts:
        yield "Conflict", words(one.text).append_text(indented(f"It could be: {'; '.join(one.readings)}."))
    for entry in voice.degraded:
        yield "Voice", words(entry.message, "yellow")


def _relationship(entry: Relationship) -> str:
    sure = f"{wording.confidence_word(entry.confidence)}, {entry.confidence:.2f}"
    return f"{entry.text} ({wording.BASIS[entry.basis]}; {sure})"


def _cause(causes: Sequence[Cause], report: EmotionReport, full: bool) -> Text:
    """Return what may be behind it for one or several people, how sure, what it rests on and what else it may mean."""
    cause = causes[0]
    fit = "fits what the face shows" if cause.agrees else "does not fit what the face shows"
    sure = f"{wording.confidence_word(cause.confidence)}, {cause.confidence:.2f}"
    people = wording.people_names([one.person for one in causes])
    start = f"{people}, {wording.appraisal_label(cause.appraisal)}: {cause.text}"
    line = words(f"{start} ({wording.BASIS[cause.basis]}; {sure}; {fit})")
    if full:
        line.append_text(indented(_evidence(cause.evidence, report)))
        for other in cause.alternatives:
            line.append_text(indented(f"or {wording.appraisal_label(other.appraisal)}: {other.text}"))
    return line


def _pace(report: EmotionReport) -> str:
    return {"slower": " Take it slowly.", "brisk": " Be brief.", "as_is": ""}[report.guidance.pace]


def _conflict(conflict: Conflict, report: EmotionReport) -> Text:
    """Return a conflict, and below it what it rests on and what could explain it."""
    line = words(f"{wording.person_name(conflict.person)}: {conflict.text}")
    line.append_text(indented(_evidence(conflict.evidence, report)))
    return line.append_text(indented(f"It could be: {'; '.join(conflict.readings)}."))


def _timings(report: EmotionReport) -> str:
    steps = report.provenance.timings_ms.items()
    times = ", ".join(f"{wording.code_words(name)} {wording.milliseconds(time)}" for name, time in steps)
    sent = f"; sent elsewhere: {', '.join(report.provenance.left_machine)}" if report.provenance.left_machine else ""
    return f"Time: {times or 'not measured'}{sent}; schema {report.schema_version}"
