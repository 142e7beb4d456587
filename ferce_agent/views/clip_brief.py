"""A clip's report as an agent reads it: `to_clip_brief` makes the short form, `to_clip_brief_text` writes it in words.

A tool's answer holds both, so the limit of `MOST` tokens is for the two together, however long the clip is and however
many faces are in it. Who, when and what is told first; then more is added in a fixed order as far as there is room.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from ferce_agent.report import ClipReport, Episode, SpeechTurn, Track, wording
from ferce_agent.report import clip_wording as words_of
from ferce_agent.report.brief import BriefPolicy
from ferce_agent.report.clip import ClipDegradedCode, GapReason
from ferce_agent.report.clip_brief import (
    BriefBetween,
    BriefBody,
    BriefClipConflict,
    BriefEpisode,
    BriefGap,
    BriefMoment,
    BriefSpeech,
    BriefTrack,
    ClipBrief,
    clip_brief_schema,
)
from ferce_agent.report.voice_wording import BODY, CONFLICT, DOUBT
from ferce_agent.views.brief import MARGIN, rough_tokens, two_decimals
from ferce_agent.views.turn_choice import worth_telling

__all__ = ["MOST", "ClipBrief", "clip_brief_schema", "to_clip_brief", "to_clip_brief_text"]

MOST: Final = 700
"""Most tokens of text and data together."""
LONG_S: Final = 600.0
"""A film that lasts longer is told about in whole seconds."""

Clock = Callable[[float], float]
"""Rounds a time."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a report goes into the brief; the defaults are the least.

    Attributes:
        tracks: Faces.
        leading: Of how many of them more is told than times and shares.
        shares: Expressions whose share of the time is told.
        episodes: Expressions of a leading face.
        gaps: Reasons why a leading face could not be read.
        about: Whether mean valence, liveliness and possible micro-expressions are told.
        movements: Movements of a leading face.
        eyes: Whether blinks and closed eyes are told.
        between: What people did together.
        speech: Turns of speech.
        heard_conflicts: Where face, voice and words do not go together.
        body: Postures and gestures.
        moments: Frames to look at.
        codes: Rules, and what could not be done.
    """

    tracks: int
    leading: int = 0
    shares: int = 1
    episodes: int = 1
    gaps: int = 1
    about: bool = False
    movements: int = 0
    eyes: bool = False
    between: int = 0
    speech: int = 0
    heard_conflicts: int = 0
    body: int = 0
    moments: int = 0
    codes: int = 1


UNSEEN: Final[dict[tuple[bool, bool], Literal["begin", "end", "both"]]] = {
    (False, True): "begin",
    (True, False): "end",
    (False, False): "both",
}
"""Which end of an episode was not seen, by whether the onset and the offset were."""
LEAST: Final[dict[str, Any]] = {"episodes": 0, "gaps": 0, "about": False, "movements": 0, "eyes": False, "shares": 1}
"""What is told of faces that are not leading."""
STARTS: Final = (8, 7, 6, 4, 3, 2, 1)
"""Faces that are told about, the most that have room."""
UPGRADES: Final[tuple[dict[str, Any], ...]] = (
    {"leading": 1},
    {"codes": 3},
    {"heard_conflicts": 1, "speech": 1},
    {"leading": 2},
    {"speech": 2},
    {"episodes": 2},
    {"leading": 4},
    {"between": 1},
    {"leading": 8},
    {"about": True},
    {"episodes": 3},
    {"shares": 2},
    {"speech": 4, "heard_conflicts": 2},
    {"moments": 2},
    {"body": 2},
    {"gaps": 2},
    {"eyes": True},
    {"movements": 2},
    {"episodes": 5},
    {"between": 3},
    {"codes": 6},
    {"moments": 4},
    {"shares": 4},
    {"movements": 4},
    {"episodes": 8},
    {"speech": 8, "heard_conflicts": 6, "body": 6},
    {"gaps": 4, "codes": 12},
)
"""What is added to the least, in this order, as far as there is room; what does not fit is passed over."""


def to_clip_brief(report: ClipReport, more: str | None = None) -> ClipBrief:
    """Return a clip's report in short, within `MOST` tokens.

    Args:
        report: The report.
        more: Address of the whole report, if there is one.
    """
    for tracks in STARTS:
        detail = Detail(tracks)
        best = clip_brief_with(report, detail, more)
        if size(best) <= MOST / MARGIN:
            break
    for upgrade in UPGRADES:
        richer = replace(detail, **upgrade)
        brief = clip_brief_with(report, richer, more)
        if size(brief) <= MOST / MARGIN:
            best, detail = brief, richer
    return best


def size(brief: ClipBrief) -> int:
    """Return the tokens of text and data together, by a cautious estimate."""
    return rough_tokens(to_clip_brief_text(brief)) + rough_tokens(json.dumps(brief.told(), ensure_ascii=False))


def clip_brief_with(report: ClipReport, detail: Detail, more: str | None) -> ClipBrief:
    """Return a clip's report in short, with a given amount of detail."""
    longest = sorted(report.tracks, key=lambda track: track.first_s - track.last_s)
    clock = rounding(report)
    return ClipBrief(
        first=clock(report.source.first_s),
        last=clock(report.source.last_s),
        frames=report.source.frames,
        faces=len(report.tracks),
        tracks=tuple(
            track_of(track, detail if place < detail.leading else replace(detail, **LEAST), clock)
            for place, track in enumerate(longest[: detail.tracks])
        ),
        more_tracks=max(len(longest) - detail.tracks, 0),
        between=tuple(_between(report))[: detail.between],
        **heard_in_short(report, detail, clock),
        moments=tuple(
            BriefMoment(at=clock(one.time_s), track=one.track, why=one.why) for one in report.moments[: detail.moments]
        ),
        cuts=len(report.cuts_s),
        policy=BriefPolicy(decision=report.policy.decision, rules=report.policy.rules[: detail.codes]),
        not_done=tuple(undone(report))[: detail.codes],
        more=more,
    )


def heard_in_short(report: ClipReport, detail: Detail, clock: Clock) -> dict[str, Any]:
    """Return what is heard and what bodies do in short, as fields of the brief."""
    together = {turn.id: _together(report, turn.id) for turn in report.speech}
    told = worth_telling(report.speech, detail.speech)
    surest = sorted(report.conflicts, key=lambda one: -one.confidence)[: detail.heard_conflicts]
    marked = sorted(((fact, track) for track in report.tracks for fact in track.body), key=lambda one: -one[0].strength)
    return {
        "speech": tuple(_speech(turn, together.get(turn.id), clock) for turn in told),
        "more_speech": len(report.speech) - len(told),
        "conflicts": tuple(
            BriefClipConflict(turn=one.turn, track=one.track, kind=one.kind, pattern=one.pattern) for one in surest
        ),
        "body": tuple(
            BriefBody(track=track.id, kind=fact.kind, start=clock(fact.span.from_s), end=clock(fact.span.to_s))
            for fact, track in marked[: detail.body]
        ),
    }


def _together(report: ClipReport, turn: str) -> str | None:
    """Return the expression of face, voice and words in a turn, where all its stretches have the same."""
    named = {one.expression for one in report.fused if one.turn == turn}
    return next(iter(named)) if len(named) == 1 else None


def _speech(turn: SpeechTurn, together: str | None, clock: Clock) -> BriefSpeech:
    voice = turn.voice
    named = voice is not None and voice.expression is not None
    return BriefSpeech(
        id=turn.id,
        start=clock(turn.start_s),
        end=clock(turn.end_s),
        speaker=turn.speaker,
        sounds=voice.expression if voice else None,
        confidence=two_decimals(voice.confidence) if voice and named else None,
        doubts=voice.doubt if voice else (),
        arousal=None if turn.arousal is None else round(turn.arousal, 2),
        together=together,
    )


def undone(report: ClipReport) -> list[ClipDegradedCode]:
    """Return the codes of what could not be done, each once, that of a rule first."""
    return sorted(dict.fromkeys(entry.code for entry in report.degraded), key=lambda code: code != "policy_restricted")


def rounding(report: ClipReport) -> Clock:
    """Return what rounds the times of a film: to tenths of a second, in a long one to whole seconds."""
    digits = 1 if report.source.last_s - report.source.first_s < LONG_S else 0
    return lambda seconds: round(seconds, digits)


def track_of(track: Track, detail: Detail, clock: Clock) -> BriefTrack:
    """Return one face in short, with times as `clock` rounds them."""
    shown = words_of.expressions_of(track)
    told = sorted(sorted(shown, key=_weight)[: detail.episodes], key=lambda one: one.onset_s)
    summary, eyes = track.summary, track.eyes if detail.eyes else None
    moved = Counter(words_of.movement_label(str(one.movement)) for one in words_of.movements_of(track))
    return BriefTrack(
        id=track.id,
        first=clock(track.first_s),
        last=clock(track.last_s),
        readable=clock(summary.readable_s) if summary.readable_s < 0.95 * (track.last_s - track.first_s) else None,
        shares=_shares(summary.shares, detail.shares),
        episodes=tuple(episode_of(one, clock) for one in told),
        more_episodes=len(shown) - len(told) if told else 0,
        valence=round(summary.valence, 2) if summary.valence is not None and detail.about else None,
        liveliness=summary.liveliness if detail.about else None,
        movements=tuple(name for name, _ in moved.most_common(detail.movements)),
        blinks_per_minute=eyes.blinks_per_minute if eyes else None,
        perclos=eyes.perclos if eyes else None,
        micro=len(track.micro) if detail.about else 0,
        unread=tuple(gaps_of(track))[: detail.gaps],
        alone=None if track.rest is None else _shares({**track.rest.absolute_shares}, detail.shares),
        doubtful=track.rest is not None and bool(track.rest.baseline.doubts),
    )


def _weight(one: Episode) -> tuple[bool, float]:
    """Return what sorts the weightiest episode first: certain and long; calm comes last."""
    return one.expression == "neutral", -one.confidence * max(one.offset_s - one.onset_s, 0.1)


def _shares(shares: Mapping[Any, float], most: int) -> dict[str, float]:
    largest = sorted(shares.items(), key=lambda item: (item[0] == "neutral", -item[1]))
    return {term: two_decimals(share) for term, share in largest[:most] if share > 0}


def episode_of(one: Episode, clock: Clock) -> BriefEpisode:
    """Return an expression in short, with times as `clock` rounds them."""
    return BriefEpisode(
        shows=str(one.expression),
        onset=clock(one.onset_s),
        apex=clock(one.apex_s),
        offset=clock(one.offset_s),
        confidence=two_decimals(one.confidence),
        cut=UNSEEN.get((one.onset_seen, one.offset_seen)),
    )


def gaps_of(track: Track) -> Iterator[BriefGap]:
    """Yield why a face could not be read, each reason once with all its time, longest first."""
    seconds: dict[GapReason, float] = {}
    for gap in track.gaps:
        seconds[gap.reason] = seconds.get(gap.reason, 0.0) + gap.to_s - gap.from_s
    for reason, time in sorted(seconds.items(), key=lambda item: -item[1]):
        yield BriefGap(reason=reason, seconds=round(time, 1))


def _between(report: ClipReport) -> Iterator[BriefBetween]:
    """Yield what people did together, what is least likely by chance first."""
    for one in sorted(report.between, key=lambda one: 1.0 if one.p_value is None else one.p_value):
        chance = None if one.p_value is None else two_decimals(one.p_value)
        yield BriefBetween(
            kind=one.kind, tracks=one.tracks, shows=one.expression, lag=round(one.lag_s, 1), by_chance=chance
        )


def to_clip_brief_text(brief: ClipBrief) -> str:
    """Return a brief in words: a line on the film, one on each face, what they did together, and what is missing."""
    return "\n".join(line for line in _lines(brief) if line) + "\n"


def _lines(brief: ClipBrief) -> Iterator[str]:
    faces = f"{brief.faces} face{'s' * (brief.faces != 1)}" if brief.faces else "no face found"
    cuts = f", {brief.cuts} cut{'' if brief.cuts == 1 else 's'}" if brief.cuts else ""
    shares = ", % of the readable time" if any(track.shares for track in brief.tracks) else ""
    yield f"Film {brief.first:g}-{brief.last:g} s: {faces}{cuts}. Times in s{shares}. Shown is not felt"
    restricted = "policy_restricted" in brief.not_done
    yield from (_track_line(track, restricted) for track in brief.tracks)
    if brief.more_tracks:
        yield f"{brief.more_tracks} more faces, seen more briefly"
    yield from map(_between_line, brief.between)
    yield from map(_speech_line, brief.speech)
    if brief.more_speech:
        yield f"{brief.more_speech} {'more ' if brief.speech else ''}turns of speech"
    for one in brief.conflicts:
        whose = f" {one.track}" if one.track else ""
        yield f"{one.turn}{whose}: {CONFLICT[one.kind].lower()} ({wording.code_words(one.pattern)})"
    if brief.body:
        facts = (f"{one.track} {BODY[one.kind]} {one.start:g}-{one.end:g}" for one in brief.body)
        yield f"Body: {'; '.join(facts)}"
    if brief.moments:
        yield "Look at: " + "; ".join(
            f"{one.at:g}{f' {one.track}' if one.track else ''} ({words_of.MOMENT[one.why]})" for one in brief.moments
        )
    if brief.not_done:
        yield "Not done: " + "; ".join(words_of.CLIP_DEGRADED[code].lower() for code in brief.not_done)
    yield f"Use {brief.policy.decision} ({', '.join(brief.policy.rules)})".replace(" ()", "")
    if brief.more:
        yield f"Whole report: {brief.more}"


def _speech_line(turn: BriefSpeech) -> str:
    parts = ["no expression inferred"]
    if turn.sounds is not None:
        sure = f"{wording.confidence_word(turn.confidence or 0)} {turn.confidence or 0:.2f}"
        parts = [f"sounds like {wording.term_label(turn.sounds)} ({sure})"]
    elif turn.doubts:
        parts = [f"no expression named: {', '.join(DOUBT[doubt] for doubt in turn.doubts)}"]
    parts += [f"arousal {turn.arousal:+g}"] if turn.arousal is not None else []
    parts += [f"together {wording.term_label(turn.together)}"] if turn.together else []
    who = {None: "", "off_camera": ", off camera"}.get(turn.speaker, f", {turn.speaker}")
    return f"{turn.id} {turn.start:g}-{turn.end:g}{who}: {', '.join(parts)}"


def _track_line(track: BriefTrack, restricted: bool) -> str:
    parts = [", ".join(map(_episode_words, track.episodes))] if track.episodes else []
    if track.more_episodes:
        parts[0] += f", {track.more_episodes} more"
    if track.shares:
        names = (f"{wording.term_label(term)} {wording.percent(one)}" for term, one in track.shares.items())
        parts.append(", ".join(names))
    if not parts:
        parts.append("no expression inferred, by rule" if restricted else "no expression named")
    if track.liveliness:
        parts.append(track.liveliness)
    parts += _eye_words(track)
    if track.movements:
        parts.append(", ".join(track.movements))
    parts += [f"not read {gap.seconds:g} s: {words_of.GAP[gap.reason]}" for gap in track.unread]
    if track.alone is not None:
        shares = ", ".join(f"{term} {wording.percent(share)}" for term, share in track.alone.items())
        doubtful = " (doubtful baseline)" if track.doubtful else ""
        parts.append(f"against own rest; without baseline: {shares or 'none named'}{doubtful}")
    return f"{track.id} {track.first:g}-{track.last:g}: {'; '.join(parts)}"


def _eye_words(track: BriefTrack) -> list[str]:
    words = [f"{track.blinks_per_minute:.2g} blinks a minute"] if track.blinks_per_minute is not None else []
    words += [f"eyes closed up to {wording.percent(track.perclos)} of a minute"] if track.perclos is not None else []
    return [*words, *([f"{track.micro} possible micro-expressions"] if track.micro else [])]


def _episode_words(one: BriefEpisode) -> str:
    start = "?" if one.cut in {"begin", "both"} else ""
    end = "?" if one.cut in {"end", "both"} else ""
    sure = f"{wording.confidence_word(one.confidence)} {one.confidence:.2f}"
    return f"{wording.term_label(one.shows)} {start}{one.onset:g}-{one.offset:g}{end}, apex {one.apex:g} ({sure})"


def _between_line(one: BriefBetween) -> str:
    chance = f", by chance {one.by_chance}" if one.by_chance is not None else ""
    if one.kind == "followed":
        return f"{one.tracks[1]} shows {one.shows} {one.lag:g} s after {one.tracks[0]}{chance}"
    return f"Valence of {one.tracks[0]} and {one.tracks[1]} moves together, lag {one.lag:g} s{chance}"
