"""What is heard in a film, and what bodies do, as rows of text with labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ferce_agent.report import ClipReport, SpeechTurn, Track
from ferce_agent.report import voice_wording as heard
from ferce_agent.report.clip_wording import clock, listed, track_name
from ferce_agent.views.text import Row, words
from ferce_agent.views.turn_choice import worth_telling
from ferce_agent.views.voice_text import conflict_row, turn_headline

MOST: Final = 6
"""How many turns, postures, answers or conflicts are listed where not everything is told."""


def turns_of(report: ClipReport, speaker: str | None) -> tuple[SpeechTurn, ...]:
    """Return the turns of a face, of somebody off camera (``off_camera``), or of nobody known (None)."""
    return tuple(turn for turn in report.speech if turn.speaker == speaker)


def track_rows(track: Track, report: ClipReport, full: bool) -> Iterator[Row]:
    """Yield what a face says by its voice, and what the body does; nothing where neither was measured."""
    turns = turns_of(report, track.id)
    chosen = turns if full else worth_telling(turns, MOST)
    for index, turn in enumerate(chosen):
        yield "Speaks" if index == 0 else "", words(turn_line(turn))
    if rest := len(turns) - len(chosen):
        yield "", words(f"{rest} more turn{'s' * (rest != 1)} of speech", "dim")
    for index, fact in enumerate(track.body[: 99 if full else MOST]):
        yield "Body" if index == 0 else "", words(heard.body_words(fact))


def turn_line(turn: SpeechTurn) -> str:
    """Return a turn of a known face in a line: when, what it sounds like, how activated, what is said."""
    parts = [heard.voice_words(turn.voice), heard.arousal_words(turn.arousal), heard.turn_words_line(turn.words)]
    return f"{clock(turn.start_s)} to {clock(turn.end_s)}: {'; '.join(filter(None, parts))}"


def heard_rows(report: ClipReport, full: bool) -> Iterator[Row]:
    """Yield who speaks off camera or unseen, what face, voice and words say together, and where they conflict."""
    others = tuple(turn for turn in report.speech if turn.speaker in (None, "off_camera"))
    chosen = others if full else worth_telling(others, MOST)
    for index, turn in enumerate(chosen):
        yield "Heard" if index == 0 else "", words(turn_headline(turn))
    if rest := len(others) - len(chosen):
        yield "", words(f"{rest} more turn{'s' * (rest != 1)} of speech", "dim")
    for index, fused in enumerate(report.fused[: 99 if full else MOST]):
        names = [track_name(fused.track)] if fused.track else []
        names += [heard.turn_name(fused.turn)] if fused.turn else []
        who = listed(names) or "nobody known"
        line = f"{clock(fused.span.from_s)}, {who}: {heard.fused_words(fused)}"
        yield "All in all" if index == 0 else "", words(line)
    for conflict in report.conflicts[: 99 if full else MOST]:
        yield conflict_row(conflict)
