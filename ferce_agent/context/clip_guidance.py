"""How an assistant might answer somebody who was seen in a clip: what the face shows last, for long, and after what.

The table is that of photos (`ferce_agent.context.guidance`). Where nothing is clear at the end of the clip, the advice
is the safe default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any, Final, Literal

from ferce_agent.context.guidance import AS_CERTAIN, CONFIDENT, advice_table
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import ClipReport, Episode, Guidance, Moment, Track
from ferce_agent.report.clip_wording import expressions_of, is_restricted

LATELY_S: Final = 5.0
"""What was over for longer than this when the face was last seen is not what it shows at the end."""
LASTED_S: Final = 2.0
"""An expression that was there for at least so long is more than a passing one."""
MOSTLY: Final = 0.5
"""Least share of the readable time in which an expression was there for it to be what the face mostly shows."""
CLEAR: Final = 0.6
"""Least probability of a calm face, and of an episode, about what an expression needs to be named on a photo."""
AT_APEX_S: Final = 0.3
"""A frame that is at most so far from an episode's apex tells whether a photo of it would name the expression."""
SHOWN: Final = frozenset(CANONICAL) - {"neutral"}
UNPLEASANT: Final = frozenset({"sadness", "anger", "fear", "disgust", "contempt"})

ClipCase = Literal["shows", "calm", "lasted", "changed", "unclear", "unread"]
"""What a clip says about a face at its end.

It shows an expression, or none (``calm``); it mostly showed one that is over (``lasted``); it was unpleasant before and
is pleasant now (``changed``); nothing is clear; nothing could be read, or may be told.
"""


@dataclass(frozen=True, slots=True)
class ClipSays:
    """What a clip says about one face at its end.

    Attributes:
        case: See `ClipCase`.
        expression: The expression it is about: the latest, or the one that lasted; ``neutral`` for a calm face, None
            where none is named.
        before: For a change, what was shown before.
        confidence: Probability of the expression, 0 to 1; 0 where none is named.
        evidence: Ids of the report that this rests on.
    """

    case: ClipCase
    expression: str | None = None
    before: str | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()


def main_face(report: ClipReport) -> Track | None:
    """Return the largest of the faces that are there at the end, else the largest of all; None without a face."""
    last = report.source.last_s
    there = [track for track in report.tracks if last - track.last_s <= LATELY_S]
    return max(there or report.tracks, key=lambda track: track.box.width * track.box.height, default=None)


def said_of(track: Track, report: ClipReport) -> ClipSays:
    """Return what a clip says about one face at its end."""
    if is_restricted(report) or track.summary.readable_s <= 0:
        return ClipSays("unread")
    clear = clear_episodes(track, report.moments)
    bad = _lasting(clear)
    if clear and track.last_s - clear[-1].offset_s <= LATELY_S:
        return _latest(clear[-1], bad)
    if bad is not None and _seconds(bad) >= MOSTLY * track.summary.readable_s:
        return ClipSays("lasted", bad[0].expression, None, _mean(bad), bad[-1].evidence)
    calm = _calm_at_end(track)
    return ClipSays("unclear") if calm is None else ClipSays("calm", "neutral", None, calm)


def guide_clip(says: ClipSays | None) -> Guidance:
    """Return advice for answering the person; the safe default where nothing is clear.

    A clip alone never counts as distress: that takes words.
    """
    if says is None or says.expression is None:
        return Guidance(**_advice("mixed"), evidence=())
    fields = _advice("changed" if says.case == "changed" else says.expression)
    sure = says.confidence >= CONFIDENT
    if not sure:
        fields["suggestion"] = advice_table()["mixed"].suggestion
        fields["avoid"] = (*fields["avoid"], AS_CERTAIN)
    fields["acknowledge"] = bool(fields["acknowledge"]) and sure and says.case == "shows"
    return Guidance(**fields, evidence=says.evidence)


def clear_episodes(track: Track, moments: Sequence[Moment]) -> list[Episode]:
    """Return a face's expressions by time, without those that the report itself doubts.

    Doubted is an episode of low probability, and one whose apex, read as a photo, does not show it.
    """
    named = [one for one in expressions_of(track) if one.expression in SHOWN and one.confidence >= CLEAR]
    return [one for one in named if not _doubted(one, [entry for entry in moments if entry.track == track.id])]


def _doubted(episode: Episode, moments: Sequence[Moment]) -> bool:
    read = [one for one in moments if one.expression and abs(one.time_s - episode.apex_s) <= AT_APEX_S]
    nearest = min(read, key=lambda one: abs(one.time_s - episode.apex_s), default=None)
    if nearest is None or nearest.expression is None:
        return False
    shown = {str(part.term) for part in nearest.expression.components} or {str(nearest.expression.primary)}
    return str(episode.expression) not in shown


def _latest(last: Episode, bad: Sequence[Episode] | None) -> ClipSays:
    if bad is not None and last.expression == "happiness" and bad[-1].onset_s < last.onset_s:
        ids = (*bad[-1].evidence, *last.evidence)
        return ClipSays("changed", last.expression, bad[0].expression, last.confidence, tuple(dict.fromkeys(ids)))
    return ClipSays("shows", last.expression, None, last.confidence, last.evidence)


def _lasting(clear: Sequence[Episode]) -> list[Episode] | None:
    """Return the episodes of the unpleasant expression that was there longest; None if none lasted."""
    bad = sorted((one for one in clear if one.expression in UNPLEASANT), key=lambda one: str(one.expression))
    kinds = [list(group) for _, group in groupby(bad, key=lambda one: one.expression)]
    longest = max(kinds, key=_seconds, default=None)
    return longest if longest is not None and _seconds(longest) >= LASTED_S else None


def _seconds(episodes: Sequence[Episode]) -> float:
    return sum(one.offset_s - one.onset_s for one in episodes)


def _mean(episodes: Sequence[Episode]) -> float:
    """Return the probability of several episodes together: the mean, each by how long it lasted."""
    return sum(one.confidence * (one.offset_s - one.onset_s) for one in episodes) / _seconds(episodes)


def _calm_at_end(track: Track) -> float | None:
    """Return how probable a neutral face is at the end; None where it is not, or cannot be told."""
    late = [one for one in track.samples if track.last_s - one.time_s <= LATELY_S]
    neutral = [one.distribution.neutral for one in late if one.distribution is not None]
    most = median(neutral) if len(neutral) * 2 > len(late) else 0.0
    return most if most >= CLEAR else None


def _advice(name: str) -> dict[str, Any]:
    return dict(advice_table()[name])
