"""How a clip is put into words: times, names of faces and movements, reason codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ferce_agent.ontology.store import ontology
from ferce_agent.report.clip import ClipDegradedCode, ClipReport, Episode, Gap, MicroMovement, MomentReason, Track
from ferce_agent.report.wording import QUALITY, confidence_word, percent, term_label

GAP: Final = {str(reason): words for reason, words in QUALITY.items()} | {
    "not_found": "no face was found there",
    "not_read": "reading failed",
    "unsure": "no expression was clear",
}
"""Why a face could not be read for a while, in words, by `GapReason`."""

MOMENT: Final[dict[MomentReason, str]] = {
    "apex": "strongest expression",
    "together": "several people at once",
    "change": "the expression changes",
    "appears": "a face appears",
    "disappears": "a face is seen for the last time",
    "covered": "the face is covered",
    "micro": "a possible micro-expression",
    "eyes_closed": "the eyes are closed",
}
"""Why a frame is worth looking at, in words."""

EVENTS: Final = {
    "blink": "blink",
    "eye_closure": "long eye closure",
    "yawn": "yawn",
    "glance_away": "glance away",
}
"""Movements that are no action units, in words."""

CLIP_DEGRADED: Final[dict[ClipDegradedCode, str]] = {
    "no_face": "No face found",
    "more_faces_than_limit": "Some faces left out",
    "brief_faces_left_out": "Faces seen too briefly were left out",
    "face_failed": "A face was not read",
    "action_units_not_measured": "Facial movements were not measured",
    "clip_truncated": "The film ends early",
    "clip_damaged": "Damaged frames were left out",
    "times_missing": "Frames without a time",
    "times_repaired": "Times were repaired",
    "frames_thinned": "Not every frame was read",
    "size_changed": "The size of the picture changes",
    "limit_reached": "A limit was reached",
    "stopped_early": "Stopped before the end",
    "frame_rate_too_low": "Too few frames a second",
    "micro_not_looked_for": "Micro-expressions were not looked for",
    "landmarks_not_installed": "Eyes were measured coarsely",
    "vlm_not_configured": "No vision-language model set up",
    "vlm_failed": "The vision-language model did not answer",
    "vlm_skipped": "The vision-language model was not asked",
    "sound_not_read": "The sound was not read",
    "no_speech": "Nobody was heard to speak",
    "sound_damaged": "Parts of the sound are damaged",
    "sound_truncated": "The sound ends early",
    "sound_clipped": "The sound is overdriven",
    "sound_quiet": "The sound is very quiet",
    "sound_silent": "The sound is silent",
    "speech_too_short": "Too little speech",
    "speech_detector_not_installed": "The speech detector is not installed",
    "voice_model_not_installed": "No voice model is installed",
    "voice_model_failed": "The voice model failed",
    "voice_unlike_training": "A voice is unlike what the voice model was trained on",
    "speaker_not_known": "It is not clear who speaks",
    "baseline_not_applied": "Not read against the person's baseline",
    "words_not_heard": "Words are missing, or lie in no turn of speech",
    "words_not_aligned": "Which turn words belong to is a guess",
    "language_not_understood": "A language was not understood",
    "transcriber_failed": "The speech recogniser failed",
    "body_not_installed": "Posture and gestures were not measured",
    "body_failed": "Measuring posture and gestures failed",
    "policy_restricted": "Not inferred by rule",
    "step_failed": "A step of the work failed",
}
"""A heading for each reason code of a clip's `degraded`."""


def clock(seconds: float, decimals: int = 1) -> str:
    """Return a time of the film as ``0:03.2``, or ``1:02:03.2`` from an hour on.

    Args:
        seconds: The time, at least 0.
        decimals: Decimals of the seconds.
    """
    # Rounded before it is split, so that 59.96 s is 1:00.0 and not 0:60.0.
    units = round(seconds * 10**decimals)
    whole, fraction = divmod(units, 10**decimals)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{rest:02d}" + (f".{fraction:0{decimals}d}" if decimals else "")


def lasting(seconds: float) -> str:
    """Return a duration in words: ``0.35 s``, ``12.4 s``, ``3 min 20 s``, ``1 h 2 min``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def track_number(track_id: str) -> str:
    """Return ``1`` for ``track-1``."""
    return track_id.removeprefix("track-")


def track_name(track_id: str) -> str:
    """Return ``Face 1`` for ``track-1``.

    A track is a face and not a person: whoever comes back after a longer absence has a new one.
    """
    return f"Face {track_number(track_id)}"


def movement_label(movement: str) -> str:
    """Return a movement in words: the ontology's name of an action unit, or what an event is called."""
    if movement in EVENTS:
        return EVENTS[movement]
    unit = ontology().action_units.get(movement)
    return unit.name if unit else movement


def episode_label(episode: Episode) -> str:
    """Return what an episode is of: ``happiness``, ``lip corner puller (left)``."""
    name = term_label(episode.expression) if episode.expression else movement_label(episode.movement or "")
    return f"{name} ({episode.side})" if episode.side else name


def span_words(episode: Episode) -> str:
    """Return from when to when an episode lasts, and where it began or ended unseen."""
    start = clock(episode.onset_s) if episode.onset_seen else f"under way at {clock(episode.onset_s)}"
    end = clock(episode.offset_s) if episode.offset_seen else f"{clock(episode.offset_s)} or later"
    return f"{start} to {end}"


def episode_words(episode: Episode) -> str:
    """Return an episode in a line: what, from when to when, strongest when, how sure."""
    sure = f"{confidence_word(episode.confidence)}, {percent(episode.confidence)}"
    return f"{episode_label(episode)} {span_words(episode)}, strongest at {clock(episode.apex_s)} ({sure})"


def micro_words(micro: MicroMovement) -> str:
    """Return a possible micro-expression in a line."""
    where = ", ".join(micro.regions)
    return f"possible micro-expression ({where}) {clock(micro.onset_s)} to {clock(micro.offset_s)}"


def gap_words(gap: Gap) -> str:
    """Return a stretch that could not be read in a line: ``0:04.0 to 0:06.5: the mouth is covered``."""
    return f"{clock(gap.from_s)} to {clock(gap.to_s)}: {GAP[gap.reason]}"


def is_restricted(report: ClipReport) -> bool:
    """Return whether a rule forbids to infer expressions, so that only movements are reported."""
    return any(entry.code == "policy_restricted" for entry in report.degraded)


def expressions_of(track: Track) -> list[Episode]:
    """Return the episodes of expressions of a track, by onset."""
    return [episode for episode in track.episodes if episode.expression is not None]


def movements_of(track: Track) -> list[Episode]:
    """Return the episodes of movements of a track, by onset."""
    return [episode for episode in track.episodes if episode.movement is not None]


def unread_s(gaps: Iterable[Gap]) -> float:
    """Return how long all gaps last, in seconds; what overlaps counts once."""
    total, end = 0.0, float("-inf")
    for gap in sorted(gaps, key=lambda gap: gap.from_s):
        total += max(0.0, gap.to_s - max(gap.from_s, end))
        end = max(end, gap.to_s)
    return total


def listed(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
