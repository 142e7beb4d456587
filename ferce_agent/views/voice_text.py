"""A voice report as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import SettingsError
from ferce_agent.report import ModalityConflict, SpeechTurn, VoiceReport, wording
from ferce_agent.report import voice_wording as heard
from ferce_agent.report.clip_wording import clock, lasting
from ferce_agent.views.text import MIN_WIDTH, Paper, Row, grid, indented, new_console, words
from ferce_agent.views.turn_choice import worth_telling

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_TURNS: Final = 8
"""How many turns are told about where not everything is; those that say something clear come first."""


def voice_text(
    report: VoiceReport, width: int = 88, colour: bool = False, *, full: bool = True, encoding: str = "utf-8"
) -> str:
    """Return a voice report as text whose lines have at most `width` columns.

    Control characters in the report are dropped, so that no text of it can steer the terminal.

    Args:
        report: The report.
        width: Columns, at least `MIN_WIDTH`.
        colour: Whether to add ANSI colours.
        full: Whether to tell about every turn; else about `MOST_TURNS` of them.
        encoding: Encoding of the stream it goes to; characters that it cannot show are replaced by look-alikes.

    Raises:
        SettingsError: `width` is below `MIN_WIDTH`.
    """
    if width < MIN_WIDTH:
        raise SettingsError(f"A width of {width} columns is too narrow.", hint=f"Give at least {MIN_WIDTH} columns.")
    console = new_console(width, colour)
    paper = Paper(console, encoding)
    for block in _blocks(report, paper, full):
        console.print(block)
    lines = console.export_text(styles=colour).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _blocks(report: VoiceReport, paper: Paper, full: bool) -> Iterator[RenderableType]:
    yield paper.fit(words(report.summary, "bold"))
    yield paper.fit(words(f"Listened to {heard.sound_words(report.source)}.", "dim"))
    yield ""
    yield from turn_blocks(report.speech, paper, full)
    if report.degraded:
        yield grid(_undone(report), paper)
        yield ""
    yield grid(_around(report), paper)
    if not full and len(report.speech) > MOST_TURNS:
        yield paper.fit(
            words("Everything: --full here, --json as data, --output FILE.html as a page, FILE.csv as a table.", "dim")
        )


def turn_blocks(turns: tuple[SpeechTurn, ...], paper: Paper, full: bool) -> Iterator[RenderableType]:
    """Yield a heading and what is known for each turn; of many turns, unless `full`, those worth telling."""
    chosen = turns if full else worth_telling(turns, MOST_TURNS)
    for turn in chosen:
        yield paper.fit(words(turn_headline(turn), "bold"))
        yield grid(_about(turn), paper)
        yield ""
    if rest := len(turns) - len(chosen):
        yield paper.fit(words(f"{rest} more turn{'s' * (rest != 1)} of speech", "dim"))
        yield ""


def turn_headline(turn: SpeechTurn) -> str:
    """Return who speaks from when to when, and what it sounds like: a turn in a line."""
    who = heard.speaker_name(turn)
    told = f", told to be {turn.told_speaker}" if turn.told_speaker else ""
    sure = f" ({wording.percent(turn.speaker_confidence)})" if turn.speaker_confidence is not None else ""
    when = f"{clock(turn.start_s)} to {clock(turn.end_s)}"
    return f"{heard.turn_name(turn.id)}, {when}{f', {who}{sure}' if who else ''}{told}: {heard.voice_words(turn.voice)}"


def _about(turn: SpeechTurn) -> Iterator[Row]:
    tone = "; ".join(filter(None, (heard.arousal_words(turn.arousal), heard.valence_words(turn.valence))))
    if tone:
        yield "Voice", words(tone)
    told = "; ".join(filter(None, (heard.prosody_words(turn.prosody), heard.relative_words(turn.prosody))))
    if told:
        yield "Spoken", words(told)
    if turn.words is not None:
        yield "Words", words(heard.turn_words_line(turn.words))


def conflict_row(conflict: ModalityConflict) -> Row:
    """Return a conflict with what could explain it, as a row with a label."""
    line = words(f"{heard.turn_name(conflict.turn)}, {clock(conflict.span.from_s)}: {conflict.text}")
    sure = f"{wording.confidence_word(conflict.confidence)}, {wording.percent(conflict.confidence)}"
    return "Conflict", line.append_text(indented(f"It could be: {'; '.join(conflict.readings)}. ({sure})"))


def _undone(report: VoiceReport) -> Iterator[Row]:
    for index, entry in enumerate(report.degraded):
        where = f"{heard.turn_name(entry.turn)}: " if entry.turn else ""
        yield "Not done" if index == 0 else "", words(f"{where}{entry.message}", "yellow")


def _around(report: VoiceReport) -> Iterator[Row]:
    for fused in report.fused:
        where = heard.turn_name(fused.turn) if fused.turn else clock(fused.span.from_s)
        yield "Together", words(f"{where}: {heard.fused_words(fused)}")
    for conflict in report.conflicts:
        yield conflict_row(conflict)
    for cause in report.causes:
        name = heard.turn_name(cause.person)
        sure = f"{wording.confidence_word(cause.confidence)}, {wording.percent(cause.confidence)}"
        yield "Cause", words(f"{name}, {wording.appraisal_label(cause.appraisal)}: {cause.text} ({sure})")
    yield "Advice", words(f"{report.guidance.suggestion} Tone: {report.guidance.tone}.")
    if report.guidance.avoid:
        yield "Avoid", words("; ".join(report.guidance.avoid))
    decision = "" if report.policy.decision == "allowed" else f"Use {report.policy.decision}. "
    yield "Note", words(decision + report.policy.notice, "bold" if decision else "")
    if report.source.speech_s:
        yield "Speech", words(f"{lasting(report.source.speech_s)}; how a voice sounds is not what the speaker feels.")
