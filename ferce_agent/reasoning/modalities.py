"""Face, voice and words of one turn of speech together: late fusion by measured reliability.

The face gives calibrated probabilities, voice and words enter by the confusion tables measured for them
(`ferce_agent.reasoning.fusion`)::

    p(expression) ∝ L_face(reading | expression) · L_voice(answer | expression)^w · L_words(answer | expression)^w
    L = trust · (row of the table for the expression) + (1 - trust) · (mean of its rows)

w is the exponent measured for the source. Trust is how far it can be relied on here, 0..1: how much of the stretch the
face could be read, whether its mouth talks, how unlike its training the voice model finds the voice, how sure the words
are; without trust the answer is as if about any expression, and changes nothing. (Trust as a factor on the exponent
would leave a face that is nearly certain of something nearly certain: on generated combinations the expected
calibration error was 0.09 in that form.) A source that is missing is absent from the product. Without a face all
eight expressions are taken to be equally likely beforehand.
Arousal and valence are means weighted by precision, the inverse of the squared error measured for each source.

Where two sources clearly stand apart, that is a conflict (`ferce_agent.reasoning.modal_conflicts`), and no expression
is named for the stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.fusion import fuse_shares
from ferce_agent.reasoning.modal_conflicts import Place, Stance, find_conflict
from ferce_agent.reasoning.modal_reliability import ModalReliability, ModalTables, installed_tables
from ferce_agent.report.speech import (
    Fused,
    Modality,
    ModalityConflict,
    Share,
    SpeechProsody,
    TurnWords,
    VoiceExpression,
)
from ferce_agent.report.timed import TimeSpan

MOUTH_BORNE: Final = frozenset({"happiness", "surprise", "disgust", "contempt"})
"""Expressions that are read mostly from the lower face (Smith et al. 2005, Transmitting and Decoding Facial
Expressions), which talking moves, too; contempt is a movement of a corner of the lips."""
SPEAKING_TRUST: Final = 0.6
"""Trust in such an expression while the mouth talks; a convention."""
ENOUGH_SHARE: Final = 0.5
"""A face that could be read for this share of the stretch is trusted fully."""
GOOD_QUALITY: Final = 0.5
"""Quality score from which on a face is trusted fully; its probabilities allow for the rest by themselves."""
LONG_SPEECH_S: Final = 2.0
"""Speech from this length on, in seconds, is trusted fully; the recordings of the training last two to three."""
UNUSABLE: Final = frozenset({"unlike_training", "too_short"})
"""Doubts for which a voice is not fused at all."""
NAMED: Final = 0.6
"""Least fused probability of an expression that is named."""
LEAST_RELIABILITY: Final = 0.2
"""Least reliability of the best source for an expression to be named."""
WITHIN: Final = 0.25
"""Standard deviation of arousal and valence, scale -1..1, within one expression of a face; a convention."""
SURE_WORDS: Final = 0.35
"""Confidence from which on an expression of words is trusted fully: about the median of those that the table was
measured on (`ferce_agent.evaluation.voice.said_words` shows how often they are right by confidence)."""
CERTAIN_WORDS: Final = 0.8
"""Trust from which on words take part in a conflict."""
CALM_VALENCE: Final = 0.01
"""Pleasantness, taken absolutely, under which words without an expression are neutral and not mixed."""
UNSTEADY_JITTER: Final = 0.036
"""Jitter from which on a voice is called unsteady: nine in ten neutral utterances of EMO-DB lie below it. By itself it
tells no emotion apart (`ferce_agent.evaluation.voice.unsteady`); it describes a voice that sounds anxious or sad."""
FLAT: Final = np.full(len(CANONICAL), 1 / len(CANONICAL))


@dataclass(frozen=True, slots=True, eq=False)
class FaceStretch:
    """What one face shows over a stretch of time, or in a photo.

    Attributes:
        probabilities: Calibrated, canonical order, shape (8,), sum one: the mean over the readable frames.
        expression: The term named for the stretch; None where none is.
        arousal: Activation, -1..1; None where it is not known.
        valence: Pleasantness, -1..1; None where it is not known.
        readable_s: How much of the stretch it could be read, in seconds; for a photo the length of the stretch.
        quality: Quality score, 0..1: the mean over the readable frames.
        speaking: Whether this mouth talks during the stretch.
    """

    probabilities: NDArray[np.float64]
    expression: str | None
    arousal: float | None
    valence: float | None
    readable_s: float
    quality: float
    speaking: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SourceAnswer:
    """What one source says, ready to be fused.

    Attributes:
        modality: Which source.
        expression: The term it names by itself, or None.
        shares: Its answer as shares of the K terms of its table, of the eight expressions for a face, shape (K,).
        trust: How far it can be relied on here, 0..1.
        table: What was measured for it; None for a face, and for a source that was never measured.
        doubtful: Whether it leaves open what it says; it then takes part in no conflict.
        arousal: Value and precision; None where it has none.
        valence: The same.
    """

    modality: Modality
    expression: str | None
    shares: NDArray[np.float64]
    trust: float
    table: ModalReliability | None = None
    doubtful: bool = False
    arousal: tuple[float, float] | None = None
    valence: tuple[float, float] | None = None

    @property
    def weight(self) -> float:
        """The exponent measured for it, 0..2: 1 for a face, 0 where it was never measured."""
        return 1.0 if self.modality == "face" else self.table.exponent if self.table is not None else 0.0

    @property
    def reliability(self) -> float:
        """The exponent times trust, at most 1."""
        return min(self.weight * self.trust, 1.0)

    def fused_with(self, probabilities: NDArray[np.float64], weight: float, trust: float) -> NDArray[np.float64]:
        """Return what is known, shape (8,), after this answer, with such an exponent and trust; shape (8,)."""
        # A face is its own likelihood: with equal shares beforehand, p(reading | expression) is proportional to p.
        table = np.eye(len(CANONICAL)) if self.table is None else self.table.array
        doubted = trust * table + (1 - trust) * table.mean(0)
        return np.asarray(fuse_shares(probabilities[None], self.shares[None], doubted, weight)[0], np.float64)

    @property
    def stance(self) -> Stance:
        """Where it stands in a conflict: with exponent 1 and without discount, since nothing is multiplied there.

        Even so a voice is hardly surer than one half: its table spreads over expressions that were never measured.
        """
        given = self.shares if self.table is None else self.shares @ canonical_forms(self.table.columns)
        return Stance(given, self.fused_with(FLAT, 1.0, self.trust))


def canonical_forms(terms: Sequence[str]) -> NDArray[np.float64]:
    """Return of which canonical expressions K terms are forms, shape (K, 8); rows sum to one."""
    families = [ontology().canonical_of(name) for name in terms]
    return np.array([[(name in family) / len(family) for name in CANONICAL] for family in families], np.float64)


def fuse_sources(sources: Sequence[SourceAnswer]) -> NDArray[np.float64]:
    """Return the fused probabilities in canonical order, shape (8,); equal shares without any source."""
    fused = FLAT
    for one in sources:
        if one.reliability > 0:
            fused = one.fused_with(fused, one.weight, one.trust)
    return fused


def fuse_turn(  # noqa: PLR0913
    span: TimeSpan,
    *,
    face: FaceStretch | None,
    voice: VoiceExpression | None,
    words: TurnWords | None,
    track: str | None,
    turn: str | None,
    evidence: Sequence[str],
    prosody: SpeechProsody | None = None,
    tables: ModalTables | None = None,
) -> tuple[Fused | None, ModalityConflict | None]:
    """Return what the sources say together over a stretch, and the conflict between them if there is one.

    Args:
        span: The stretch.
        face: What the face shows; None where none is seen.
        voice: What the voice sounds like; None where nobody speaks or there is no model.
        words: What is said; None without a transcript.
        track: Whose face.
        turn: Which turn of speech; without one there is no conflict.
        evidence: Ids of what it rests on, at least one.
        prosody: How the turn is spoken, where that was measured.
        tables: Reliability tables; the installed ones by default.

    Returns:
        The fused answer, None where no source that is present has a measured reliability; the conflict or None.

    Raises:
        DataError: An installed table is damaged.
    """
    tables = tables or installed_tables()
    seconds = span.to_s - span.from_s
    found = (face_answer(face, seconds), voice_answer(voice, seconds, tables.voice), words_answer(words, tables.words))
    sources = [one for one in found if one is not None]
    if not any(one.reliability > 0 for one in sources):
        return None, None
    unsteady = prosody is not None and prosody.jitter is not None and prosody.jitter >= UNSTEADY_JITTER
    place = Place(span, track, turn, tuple(evidence), unsteady)
    certain = {one.modality: one.stance for one in sources if one.reliability > 0 and not one.doubtful}
    conflict = find_conflict(certain, place)
    fused = fuse_sources(sources)
    made = Fused(
        span=span,
        track=track,
        turn=turn,
        evidence=place.evidence,
        probabilities={name: round(float(share), 4) for name, share in zip(CANONICAL, fused, strict=True)},
        expression=None if conflict else named_expression(fused, sources),
        arousal=_mean([one.arousal for one in sources]),
        valence=_mean([one.valence for one in sources]),
        confidence=round(float(fused.max()), 4),
        shares=tuple(
            Share(modality=one.modality, reliability=round(one.reliability, 4), expression=one.expression)
            for one in sources
        ),
    )
    return made, conflict


def named_expression(fused: NDArray[np.float64], sources: Sequence[SourceAnswer]) -> Canonical | None:
    """Return the expression that may be named, or None.

    It needs a probability of `NAMED`, a source of at least `LEAST_RELIABILITY`, and a source with any reliability that
    names it by itself: what every source left open, be it for a covered face, stays open.
    """
    top = CANONICAL[int(fused.argmax())]
    alone = {
        form
        for one in sources
        if one.reliability > 0 and one.expression is not None
        for form in ontology().canonical_of(one.expression)
    }
    sure = fused.max() >= NAMED and max(one.reliability for one in sources) >= LEAST_RELIABILITY
    return top if sure and top in alone else None


def face_answer(face: FaceStretch | None, seconds: float) -> SourceAnswer | None:
    """Return what a face says over a stretch of so many seconds; None without a face that could be read.

    Raises:
        ValueError: The probabilities are not eight finite numbers that are not negative and have a sum.
    """
    if face is None or (face.readable_s <= 0 and seconds > 0):
        return None
    shares = np.asarray(face.probabilities, np.float64)
    if shares.shape != (len(CANONICAL),) or not np.isfinite(shares).all() or shares.min() < 0 or shares.sum() <= 0:
        raise ValueError("a face needs eight probabilities")
    shares = shares / shares.sum()
    trust = face_trust(face, shares, seconds)
    terms = ontology().terms
    return SourceAnswer(
        "face",
        face.expression,
        shares,
        trust,
        doubtful=face.expression is None,
        arousal=_spread(face.arousal, [terms[name].arousal for name in CANONICAL], shares, trust),
        valence=_spread(face.valence, [terms[name].valence for name in CANONICAL], shares, trust),
    )


def face_trust(face: FaceStretch, shares: NDArray[np.float64], seconds: float) -> float:
    """Return how far a face can be relied on over a stretch of so many seconds, 0..1.

    The product of: readable for `ENOUGH_SHARE` of the stretch, quality of `GOOD_QUALITY`; while it talks, the more of
    its probability lies on expressions of the mouth, the nearer to `SPEAKING_TRUST`.
    """
    readable = min(face.readable_s / (ENOUGH_SHARE * seconds), 1.0) if seconds > 0 else 1.0
    clear = min(max(face.quality, 0.0) / GOOD_QUALITY, 1.0)
    mouth = sum(share for name, share in zip(CANONICAL, shares, strict=True) if name in MOUTH_BORNE)
    return float(readable * clear * (1 - (1 - SPEAKING_TRUST) * mouth if face.speaking else 1.0))


def voice_answer(voice: VoiceExpression | None, seconds: float, table: ModalReliability | None) -> SourceAnswer | None:
    """Return what a voice says in a turn of so many seconds; None without a voice.

    Its reliability is 0 without a table for the terms it gives, and where a doubt of `UNUSABLE` stands against it.
    """
    if voice is None:
        return None
    if table is None or set(table.columns) != set(voice.probabilities) or UNUSABLE & set(voice.doubt):
        return SourceAnswer("voice", voice.expression, FLAT, 0.0)
    trust = (1 - voice.unlike_training) * min(seconds / LONG_SPEECH_S, 1.0)
    return SourceAnswer(
        "voice",
        voice.expression,
        np.array([voice.probabilities[name] for name in table.columns], np.float64),
        trust,
        table,
        doubtful=bool(voice.doubt),
        arousal=_weighed(voice.arousal, table.arousal_error, trust),
        valence=_weighed(voice.valence, table.valence_error, trust),
    )


def words_answer(words: TurnWords | None, table: ModalReliability | None) -> SourceAnswer | None:
    """Return what words say; None where nothing was said or it was not understood."""
    term = None if words is None else words_term(words)
    if words is None or (term is None and words.valence is None):
        return None
    if table is None:
        return SourceAnswer("words", words.expression, FLAT, 0.0)
    sure = min((words.expression_confidence or 0.0) / SURE_WORDS, 1.0)
    trust = sure * (1.0 if words.confidence is None else words.confidence)
    return SourceAnswer(
        "words",
        words.expression,
        np.array([float(name == term) for name in table.columns]),
        trust if term in table.columns else 0.0,
        table,
        doubtful=trust < CERTAIN_WORDS,
        valence=_weighed(words.valence, table.valence_error, trust),
    )


def words_term(words: TurnWords) -> str | None:
    """Return the expression of words: ``neutral`` where they were understood and say nothing pleasant or unpleasant."""
    if words.expression is not None or words.valence is None:
        return words.expression
    return "neutral" if abs(words.valence) < CALM_VALENCE else None


def _spread(
    value: float | None, places: Sequence[float], shares: NDArray[np.float64], trust: float
) -> tuple[float, float] | None:
    """Return a face's value and its precision: the spread of the expressions it may show, and that within each."""
    if value is None or trust <= 0:
        return None
    where = np.array(places, np.float64)
    variance = float(shares @ (where - shares @ where) ** 2) + WITHIN**2
    return value, trust / variance


def _weighed(value: float | None, error: float | None, trust: float) -> tuple[float, float] | None:
    return None if value is None or error is None or trust <= 0 else (value, trust / error**2)


def _mean(values: Sequence[tuple[float, float] | None]) -> float | None:
    known = [one for one in values if one is not None]
    total = sum(precision for _, precision in known)
    if not known or total <= 0:
        return None
    return round(min(max(sum(value * precision for value, precision in known) / total, -1.0), 1.0), 4)
