"""A clip's report as plain text for a terminal, to be read in ten seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import SettingsError
from ferce_agent.report import Between, ClipReport, EyeSummary, Track, TrackPoint, wording
from ferce_agent.report import clip_wording as words_of
from ferce_agent.validation.printable import clean
from ferce_agent.views.clip_heard import heard_rows, track_rows
from ferce_agent.views.text import LABEL_WIDTH, MIN_WIDTH, Paper, Row, grid, new_console, words

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

FEW: Final = 4
"""So many faces are always told about in full by the command line."""
MOST: Final = 6
"""How many episodes, moments or gaps are listed where not everything is told."""
STRIP: Final = 60
"""Most columns of the strip that shows expressions over time."""
LETTERS: Final = {
    "neutral": "·",
    "happiness": "H",
    "surprise": "U",
    "sadness": "S",
    "anger": "A",
    "disgust": "D",
    "fear": "F",
    "contempt": "C",
}
"""What stands for an expression in the strip."""
UNREAD: Final = "/"
"""What stands in the strip for a stretch that could not be read."""
UNSURE: Final = "?"
"""What stands in the strip where no expression is clear."""
CALM: Final = 0.5
"""Mean probability of a neutral expression from which on a stretch is called neutral."""
COLOURS: Final = {
    "happiness": "yellow",
    "surprise": "magenta",
    "sadness": "blue",
    "anger": "red",
    "disgust": "green",
    "fear": "cyan",
    "contempt": "white",
}
"""Styles of the letters; the letters alone say it too."""


def to_clip_text(
    report: ClipReport, width: int = 88, colour: bool = False, *, full: bool = True, encoding: str = "utf-8"
) -> str:
    """Return a clip's report as text whose lines have at most `width` columns.

    Control characters in the report are dropped, so that no text of it can steer the terminal.

    Args:
        report: The report.
        width: Columns, at least `MIN_WIDTH`.
        colour: Whether to add ANSI colours.
        full: Whether to tell everything about every face; else lists are cut, and more than four faces get two lines.
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


def _blocks(report: ClipReport, paper: Paper, full: bool) -> Iterator[RenderableType]:
    yield paper.fit(words(report.summary, "bold"))
    yield paper.fit(words(source_words(report), "dim"))
    yield ""
    detailed = full or len(report.tracks) <= FEW
    for track in report.tracks:
        yield paper.fit(words(headline(track), "bold"))
        yield grid(_about(track, report, paper, full) if detailed else _in_short(track, report, paper), paper)
        if detailed:
            yield ""
    if not detailed:
        yield ""
    if report.degraded:
        yield grid(_undone(report), paper)
        yield ""
    yield grid(_around(report, full), paper)
    if not full:
        yield paper.fit(words("Everything: --full here, --html as a page, --json as data, --csv as a table.", "dim"))


def source_words(report: ClipReport) -> str:
    """Return how much was read: times, frames, frames a second."""
    source = report.source
    uneven = ", unevenly" if source.variable_rate else ""
    rate = f" at {source.frame_rate:.3g} a second{uneven}" if source.frame_rate else ""
    frames = f"{source.frames:,} frame{'' if source.frames == 1 else 's'}"
    times = f"{words_of.clock(source.first_s)} to {words_of.clock(source.last_s)}"
    size = f"{source.width} × {source.height} pixels"
    return f"Read {times}: {frames}{rate}, {size}."


def headline(track: Track) -> str:
    """Return who is seen from when to when."""
    seen = f"{words_of.clock(track.first_s)} to {words_of.clock(track.last_s)}"
    lively = f", {track.summary.liveliness}" if track.summary.liveliness else ""
    return f"{words_of.track_name(track.id)}, seen {seen}{lively}"


def _in_short(track: Track, report: ClipReport, paper: Paper) -> Iterator[Row]:
    if has_strip(track, report):
        yield "Over time", strip(track, report, _columns(paper))
    yield "", words(track.summary.text)


def _columns(paper: Paper) -> int:
    return min(paper.console.width - LABEL_WIDTH - 4, STRIP)


def _about(track: Track, report: ClipReport, paper: Paper, full: bool) -> Iterator[Row]:
    if track.summary.text not in report.summary:
        yield "In short", words(track.summary.text)
    if has_strip(track, report):
        yield "Over time", strip(track, report, _columns(paper))
    yield from _expressions(track, full)
    if moved := Counter(words_of.episode_label(one) for one in words_of.movements_of(track)):
        names = [f"{name}{f' {times}×' if times > 1 else ''}" for name, times in moved.most_common(99 if full else 5)]
        rest = len(moved) - len(names)
        yield "Movements", words(", ".join(names) + (f", {rest} more" if rest else ""))
    for index, micro in enumerate(track.micro[: 99 if full else 3]):
        sure = f"confidence {wording.percent(micro.confidence)}"
        yield "Micro" if index == 0 else "", words(f"{words_of.micro_words(micro)}, {sure}")
    if track.eyes is not None:
        yield "Eyes", words(eye_words(track.eyes))
    yield from track_rows(track, report, full)
    yield from _gaps(track, full)
    if track.summary.valence is not None and track.summary.arousal is not None:
        yield "On average", words(_average(track.summary.valence, track.summary.arousal))


def _expressions(track: Track, full: bool) -> Iterator[Row]:
    shown = words_of.expressions_of(track)
    likeliest = shown if full else sorted(shown, key=lambda one: -one.confidence * (one.offset_s - one.onset_s))[:MOST]
    for index, one in enumerate(sorted(likeliest, key=lambda one: one.onset_s)):
        yield "Shows" if index == 0 else "", words(words_of.episode_words(one))
    if rest := len(shown) - len(likeliest):
        yield "", words(f"{rest} shorter or less certain ones", "dim")


def _gaps(track: Track, full: bool) -> Iterator[Row]:
    listed = track.gaps if full else sorted(track.gaps, key=lambda gap: gap.from_s - gap.to_s)[: MOST // 2]
    for index, gap in enumerate(sorted(listed, key=lambda gap: gap.from_s)):
        yield "Not read" if index == 0 else "", words(words_of.gap_words(gap), "yellow")
    if rest := len(track.gaps) - len(listed):
        yield "", words(f"{rest} shorter ones; {words_of.lasting(words_of.unread_s(track.gaps))} in all", "yellow")


def _average(valence: float, arousal: float) -> str:
    pleasant = f"{wording.word_for(valence, wording.VALENCE)} ({wording.signed(valence)})"
    return f"{pleasant}, {wording.word_for(arousal, wording.AROUSAL)} ({wording.signed(arousal)})"


def eye_words(eyes: EyeSummary) -> str:
    """Return what the eyes did in a line: blinks, closures, yawns, glances away."""
    rate = f" ({eyes.blinks_per_minute:.2g} a minute)" if eyes.blinks_per_minute is not None else ""
    parts = ["blinks could not be counted" if eyes.blinks is None else f"{counted(eyes.blinks, 'blink')}{rate}"]
    if eyes.closures:
        longest = words_of.lasting(eyes.longest_closure_s)
        parts.append(f"{counted(eyes.closures, 'longer closure')}, the longest {longest}")
    if eyes.perclos is not None:
        parts.append(f"at most {wording.percent(eyes.perclos)} of a minute closed")
    if eyes.yawns:
        parts.append(counted(eyes.yawns, "yawn"))
    if eyes.glances_away:
        parts.append(f"{counted(eyes.glances_away, 'glance')} away, {words_of.lasting(eyes.away_s)} in all")
    return "; ".join(parts)


def counted(number: int, name: str) -> str:
    """Return ``1 blink`` or ``4 blinks``."""
    return f"{number} {name}{'s' * (number != 1)}"


def has_strip(track: Track, report: ClipReport) -> bool:
    """Return whether there is something to show over time: more than one frame, and expressions that may be told."""
    return bool(track.samples) and report.source.last_s > report.source.first_s and not words_of.is_restricted(report)


def strip(track: Track, report: ClipReport, columns: int) -> Text:
    """Return the film as one line: a letter a column for what the face shows there, and below it what they mean.

    Args:
        track: The face.
        report: The report it is in, for the times of the whole film.
        columns: Width of the strip.
    """
    from rich.text import Text

    letters = [_letter(track, start, end) for start, end in _slices(report, columns)]
    line = Text(overflow="fold")
    for term, letter in letters:
        line.append(letter, COLOURS.get(term, "dim"))
    met = dict.fromkeys(letter for _, letter in letters)
    names = [f"{letter} {wording.term_label(term)}" for term, letter in LETTERS.items() if letter in met]
    names += [f"{letter} {words}" for letter, words in ((UNSURE, "unsure"), (UNREAD, "not read")) if letter in met]
    return line.append("\n" + clean(", ".join(names)), "dim")


def _slices(report: ClipReport, columns: int) -> list[tuple[float, float]]:
    start, step = report.source.first_s, (report.source.last_s - report.source.first_s) / max(columns, 1)
    return [(start + step * place, start + step * (place + 1)) for place in range(columns)]


def _letter(track: Track, start: float, end: float) -> tuple[str, str]:
    """Return the expression of a slice of the film and its letter; a blank where nobody is seen.

    An expression that is shown in it at all comes before calm, however short it is beside the slice.
    """
    if end < track.first_s or start > track.last_s:
        return "", " "
    shown = [one for one in track.episodes if one.expression in LETTERS and one.onset_s < end and one.offset_s > start]
    if shown:
        longest = max(shown, key=lambda one: min(one.offset_s, end) - max(one.onset_s, start))
        return str(longest.expression), LETTERS[str(longest.expression)]
    within = [point for point in track.samples if start <= point.time_s <= end] or [_nearest(track, (start + end) / 2)]
    read = [point.distribution.neutral for point in within if point.distribution is not None]
    if not read or any(gap.from_s <= start and end <= gap.to_s for gap in track.gaps):
        return "", UNREAD
    # Only what the report says is said here: an expression outside of its episodes was not sure enough.
    return ("neutral", LETTERS["neutral"]) if sum(read) / len(read) >= CALM else ("", UNSURE)


def _nearest(track: Track, time: float) -> TrackPoint:
    return min(track.samples, key=lambda point: abs(point.time_s - time))


def _undone(report: ClipReport) -> Iterator[Row]:
    for index, entry in enumerate(report.degraded):
        where = f"{words_of.track_name(entry.track)}: " if entry.track else ""
        when = f" ({words_of.clock(entry.span.from_s)} to {words_of.clock(entry.span.to_s)})" if entry.span else ""
        yield "Not done" if index == 0 else "", words(f"{where}{entry.message}{when}", "yellow")


def _around(report: ClipReport, full: bool) -> Iterator[Row]:
    yield from heard_rows(report, full)
    for index, one in enumerate(report.between[: 99 if full else MOST]):
        yield "Together" if index == 0 else "", words(one.text + chance_words(one))
    for index, moment in enumerate(report.moments[: 99 if full else MOST]):
        yield "Look at" if index == 0 else "", words(f"{words_of.clock(moment.time_s)}: {moment.text}")
    if (rest := len(report.moments) - (99 if full else MOST)) > 0:
        yield "", words(f"{rest} more moments", "dim")
    if report.cuts_s:
        yield "Cuts", words(_times(report.cuts_s, 99 if full else MOST))
    decision = "" if report.policy.decision == "allowed" else f"Use {report.policy.decision}. "
    yield "Note", words(decision + report.policy.notice, "bold" if decision else "")


def chance_words(one: Between) -> str:
    """Return what the test against shuffled time says, to be put behind the statement; empty where there is none."""
    if one.p_value is None:
        return ""
    return f" ({wording.percent(one.p_value)} of curves shuffled in time agree as well)"


def _times(times: Sequence[float], most: int) -> str:
    rest = f" and {len(times) - most} more" if len(times) > most else ""
    return ", ".join(words_of.clock(time) for time in times[:most]) + rest
