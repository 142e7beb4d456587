"""A baseline as text: what it was made of, how far it is followed, how the face, the head and the voice rest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from ferce_agent.ontology.store import ontology
from ferce_agent.report.baseline import Baseline, HeadMeasure, Level
from ferce_agent.voice.usual import PITCH_ZERO_HZ

MOST_MOVEMENTS: Final = 5
"""Movements that are told, the strongest first."""
LEAST_SHARE: Final = 0.05
"""Expressions that are read in the calm face with less than this are not told."""
LEAST_INTENSITY: Final = 0.1
"""Movements that are weaker at rest are not told."""
HEAD: Final[tuple[tuple[HeadMeasure, str], ...]] = (("yaw", "turned"), ("pitch", "nodded"), ("roll", "tilted"))


def baseline_fields(baseline: Baseline, weight: float) -> Iterator[tuple[str, str]]:
    """Yield what a baseline says, as pairs of a label and a text.

    Args:
        baseline: Which.
        weight: How far it is followed, 0..1.
    """
    made = f"{baseline.made_at:%Y-%m-%d %H:%M} UTC"
    yield "made", f"{made}, of {', '.join(baseline.sources)}; {_amount(baseline)}"
    if baseline.readings:
        yield "followed", f"{weight:.0%}; less for a short one than for a long one"
        yield "face", _face(baseline)
        yield "movements", _movements(baseline)
        yield "head", _head(baseline)
    if baseline.voice:
        yield "voice", _voice(baseline)
    for doubt in baseline.doubts:
        yield "doubt", doubt


def _amount(baseline: Baseline) -> str:
    count = baseline.readings
    parts = [f"{count} reading{'s' if count > 1 else ''} of the face"] if count else []
    parts += [f"{baseline.seconds:.1f} s"] if baseline.seconds else []
    return ", ".join(parts)


def _face(baseline: Baseline) -> str:
    if baseline.odds is None:
        return "no expression, by the rules of the use it was made for; movements and head alone"
    shares = {name: math.exp(min(level.value, 0.0)) for name, level in baseline.odds.items()}
    whole = sum(shares.values())
    told = sorted(shares.items(), key=lambda one: -one[1])
    return "at rest read as " + ", ".join(
        f"{name} {share / whole:.0%}" for name, share in told if share / whole >= LEAST_SHARE
    )


def _movements(baseline: Baseline) -> str:
    units = ontology().action_units
    strongest = sorted(baseline.movements.items(), key=lambda one: -one[1].value)[:MOST_MOVEMENTS]
    told = [
        f"{units[unit].name.lower()} {_number(level, 2)}" for unit, level in strongest if level.value >= LEAST_INTENSITY
    ]
    return ", ".join(told) or "none to speak of"


def _head(baseline: Baseline) -> str:
    told = [f"{name} {_number(baseline.head[key], 0)}°" for key, name in HEAD if key in baseline.head]
    if "eyes_open" in baseline.head:
        told.append(f"eyes open {_number(baseline.head['eyes_open'], 2)} of the usual")
    return ", ".join(told) or "not measured"


def _voice(baseline: Baseline) -> str:
    voice, told = baseline.voice, []
    if "pitch_st" in voice:
        pitch = voice["pitch_st"]
        told.append(f"pitch {PITCH_ZERO_HZ * 2 ** (pitch.value / 12):.0f} Hz ± {pitch.error:.1f} semitones")
    for key, form in (("level_db", "level {} dB"), ("syllables_per_s", "{} syllables a second")):
        if key in voice:
            told.append(form.format(_number(voice[key], 1)))
    if "pause_share" in voice:
        told.append(f"pauses {voice['pause_share'].value:.0%} of the time")
    return ", ".join(told)


def _number(level: Level, digits: int) -> str:
    value = round(level.value, digits) + 0.0  # no minus before a zero
    return f"{value:.{digits}f} ± {level.error:.{digits}f}".replace("-", "−")
