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
    yield from _left_out(len(turns) - len(chosen), "turn{s} of speech")
    facts = track.body if full else track.body[:MOST]
    for index, fact in enumerate(facts):
        yield "Body" if index == 0 else "", words(heard.body_words(fact))
    yield from _left_out(len(track.body) - len(facts), "posture{s} or gesture{s}")


def _left_out(count: int, what: str) -> Iterator[Row]:
    """Yield a row that says how many more there are, if any; `{s}` in their name is for several."""
    if count:
        yield "", words(f"{count} more {what.format(s='s' * (count != 1))}", "dim")


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
    yield from _left_out(len(others) - len(chosen), "turn{s} of speech")
    together = report.fused if full else report.fused[:MOST]
    for index, fused in enumerate(together):
        names = [track_name(fused.track)] if fused.track else []
        names += [heard.turn_name(fused.turn)] if fused.turn else []
        who = listed(names) or "nobody known"
        line = f"{clock(fused.span.from_s)}, {who}: {heard.fused_words(fused)}"
        yield "All in all" if index == 0 else "", words(line)
    yield from _left_out(len(report.fused) - len(together), "part{s} read together")
    conflicts = report.conflicts if full else report.conflicts[:MOST]
    yield from map(conflict_row, conflicts)
    yield from _left_out(len(report.conflicts) - len(conflicts), "conflict{s}")
