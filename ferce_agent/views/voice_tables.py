"""Turns of speech as a table: a row a turn."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import SpeechTurn
from ferce_agent.views.tables import Cell, safe_cell

MORE_TERMS: Final = ("boredom",)
"""Expressions that voice models know beside the eight of faces."""
TURN: Final = "turn start_s end_s confidence speaker speaker_confidence expression voice_confidence doubt"
TONE: Final = "unlike_training arousal valence"
PROSODY: Final = (
    "pitch_hz pitch_spread_st level_db loudness_spread jitter shimmer_db hnr_db f1_hz f2_hz f3_hz "
    "f1_level_db f2_level_db f3_level_db h1_h2_db h1_a3_db alpha_db "
    "hammarberg_db spectral_flux syllables_per_s voiced_share pauses pause_share flat pitch_relative loudness_relative "
    "rate_relative baseline_s relative_to"
)
WORDS: Final = "words language words_origin words_expression words_valence text told_speaker"


def turn_columns() -> tuple[str, ...]:
    """Return the columns of a row a turn.

    Times are in seconds of the recording or film. ``p_…`` is the voice model's probability of an expression. Prosody
    has the units of `ferce_agent.report.SpeechProsody`; ``…_relative`` is in standard deviations of the same voice's
    other turns, or against the person's baseline, as ``relative_to`` says. ``words`` is how many; ``text`` is empty
    where words are not kept.
    """
    probabilities = (f"p_{name}" for name in (*CANONICAL, *MORE_TERMS))
    return (*TURN.split(), *probabilities, *TONE.split(), *PROSODY.split(), *WORDS.split())


def turn_rows(turns: Iterable[SpeechTurn]) -> Iterator[dict[str, Any]]:
    """Yield a row for each turn by column; what is not known is None."""
    for turn in turns:
        yield _who(turn) | _tone(turn) | _prosody(turn) | _words(turn)


def turns_csv(turns: Iterable[SpeechTurn]) -> str:
    """Return turns of speech as a CSV file with a header; see `ferce_agent.views.tables` for its form."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = turn_columns()
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in turn_rows(turns))
    return file.getvalue()


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    return round(value, 6) if isinstance(value, float) else safe_cell(value)


def _who(turn: SpeechTurn) -> dict[str, Any]:
    row: dict[str, Any] = {"turn": turn.id, "start_s": turn.start_s, "end_s": turn.end_s, "confidence": turn.confidence}
    return row | {"speaker": turn.speaker, "speaker_confidence": turn.speaker_confidence}


def _tone(turn: SpeechTurn) -> dict[str, Any]:
    row: dict[str, Any] = {"arousal": turn.arousal, "valence": turn.valence}
    voice = turn.voice
    if voice is None:
        return row
    row |= {"expression": voice.expression, "voice_confidence": voice.confidence, "doubt": ";".join(voice.doubt)}
    row |= {f"p_{term}": share for term, share in voice.probabilities.items()}
    return row | {"unlike_training": voice.unlike_training}


def _prosody(turn: SpeechTurn) -> dict[str, Any]:
    row = turn.prosody.model_dump(exclude={"formants_hz", "formant_levels_db", "relative"})
    row |= dict(zip(("f1_hz", "f2_hz", "f3_hz"), turn.prosody.formants_hz, strict=True))
    row |= dict(zip(("f1_level_db", "f2_level_db", "f3_level_db"), turn.prosody.formant_levels_db, strict=True))
    against = turn.prosody.relative
    if against is not None:
        row |= {"pitch_relative": against.pitch, "loudness_relative": against.loudness, "rate_relative": against.rate}
        row |= {"baseline_s": against.baseline_s, "relative_to": against.to}
    return row


def _words(turn: SpeechTurn) -> dict[str, Any]:
    row: dict[str, Any] = {"told_speaker": turn.told_speaker}
    words = turn.words
    if words is None:
        return row
    row |= {"words": words.count, "language": words.language, "words_origin": words.origin, "text": words.text}
    return row | {"words_expression": words.expression, "words_valence": words.valence}
