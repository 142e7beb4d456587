"""What the words of turns of speech tell: their language, what they express by themselves, and likely causes.

The same reasoning as for words beside a photo (`causes`, `conflicts`), for each turn by itself. Words are not kept
unless that is asked for: then no text that is made here quotes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ferce_agent.context.causes import (
    AGREES,
    STATED_CONFIDENCE,
    StatedAppraisal,
    alternative,
    as_told,
    clearest,
    distinct,
    expected_share,
    rank,
    stated_appraisals,
)
from ferce_agent.context.conflicts import text_emotion
from ferce_agent.context.events import NOTHING, EventMatcher
from ferce_agent.context.language import ENGLISH, SHORT, UNKNOWN, language_name, language_of
from ferce_agent.context.statements import Statement
from ferce_agent.context.turn_alignment import Aligned, Said, align
from ferce_agent.context.turn_distress import LEFT_OVER, SPEAKER, distress_in, statements_of, words_id
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.ontology.store import ontology
from ferce_agent.report import wording
from ferce_agent.report.context import Cause
from ferce_agent.report.speech import SoundDegradation, SoundEvidence, TurnWords, VoiceExpression
from ferce_agent.report.timed import TimeSpan
from ferce_agent.vlm.extraction.hygiene import shorten

__all__ = ["Aligned", "Said", "WordsRead", "align", "read_words", "turn_causes", "turn_words"]

MAX_CAUSES: Final = 3
"""Causes reported for a turn."""
GUESSED: Final = 0.5
"""Factor on confidences where it is a guess that the words belong to the turn."""
CALM: Final = 0.55
"""Least probability of telling nothing, in every sentence, for words to count as neutral."""
MAX_TEXT: Final = 2000
"""Characters of the words that a report keeps for a turn."""


@dataclass(frozen=True, slots=True)
class _VoiceShares:
    """Probabilities of the eight expressions as a voice model gives them; those it does not know are 0."""

    shares: Mapping[Canonical, float]

    def items(self) -> Iterator[tuple[Canonical, float]]:
        """Yield each expression with its probability."""
        for name in CANONICAL:
            yield name, self.shares[name]

    def ranked(self) -> list[tuple[Canonical, float]]:
        """Return them, most probable first."""
        return sorted(self.items(), key=lambda one: -one[1])


@dataclass(frozen=True, slots=True)
class _Sounds:
    """What a voice sounds like, where that is clear."""

    distribution: _VoiceShares


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Whoever speaks in a turn, in the place of a person of a photo."""

    id: str
    expression: _Sounds | None


@dataclass(frozen=True, slots=True)
class _Read:
    """The words of a turn, read once.

    Attributes:
        turn: Id of the turn.
        said: What is said.
        language: Its language; empty where it is in none, ``und`` where it is unknown.
        statements: The words as statements.
        stated: What they state about events.
    """

    turn: str
    said: Said
    language: str
    statements: list[Statement]
    stated: list[StatedAppraisal]

    @property
    def understood(self) -> bool:
        """Whether the words are English, or in no language at all (names, figures)."""
        return self.language in {ENGLISH, ""}


@dataclass(frozen=True, slots=True)
class WordsRead:
    """Everything that the words of a sound tell, as parts of a report.

    Attributes:
        turns: The words of each turn; None where nothing is said.
        speakers: Who speaks in each turn by the transcript; None where it does not say. Names are only to be reported
            where words are kept.
        evidence: An entry for each turn with words (``speech-1.words``), and for words outside that speak of distress.
        causes: Likely causes, turn by turn.
        distress: Ids of the evidence that speaks of distress; empty where none does.
        degraded: What was not understood, not heard, or only placed by a guess.
    """

    turns: tuple[TurnWords | None, ...]
    speakers: tuple[str | None, ...]
    evidence: tuple[SoundEvidence, ...]
    causes: tuple[Cause, ...]
    distress: tuple[str, ...]
    degraded: tuple[SoundDegradation, ...]


def read_words(
    aligned: Aligned,
    turns: Mapping[str, tuple[float, float]],
    *,
    keep: bool,
    voices: Mapping[str, VoiceExpression | None] | None = None,
    matcher: EventMatcher | None = None,
) -> WordsRead:
    """Read what is said in all turns.

    Args:
        aligned: From `align`, with as many turns as `turns`.
        turns: Beginning and end of each turn in seconds, by its id, in the order of `aligned`.
        keep: Whether the words may be in the report.
        voices: What each turn sounds like, by its id: causes say whether they agree with it.
        matcher: Compares sentences with examples, where a sentence encoder is at hand; without it only cue words count.

    Raises:
        WeightsError: The matcher's classifier or encoder cannot be read.
    """
    reads = {
        turn: None if said is None else _read(turn, said, matcher)
        for turn, said in zip(turns, aligned.turns, strict=True)
    }
    words = {turn: None if read is None else _words(read, keep, matcher) for turn, read in reads.items()}
    spoken = [read for read in reads.values() if read is not None]
    distress = distress_in(aligned, tuple(turns))
    evidence = [_evidence(read, words[read.turn], turns[read.turn]) for read in spoken]
    if LEFT_OVER in distress:
        first, last = (aligned.outside.span if aligned.outside else None) or (0.0, 0.0)
        text = "Words that lie in no turn of speech speak of distress."
        evidence.append(_entry(LEFT_OVER, text, (first, last), None))
    heard = voices or {}
    return WordsRead(
        turns=tuple(words.values()),
        speakers=tuple(None if said is None else said.speaker for said in aligned.turns),
        evidence=tuple(evidence),
        causes=tuple(cause for read in spoken for cause in _causes(read, keep, heard.get(read.turn))),
        distress=distress,
        degraded=tuple(_notes(aligned, spoken)),
    )


def turn_words(said: Said, *, keep: bool, matcher: EventMatcher | None = None) -> TurnWords:
    """Return what the words of a turn tell by themselves.

    Words of feeling count fully, cues of events by half, likeness to examples by its probability. Words that tell of
    nothing have a valence of 0 and no expression, where sentences are compared with examples; without that it is not
    known whether they are neutral. Words in other languages than English are not understood: they have neither.

    Args:
        said: The words.
        keep: Whether the words themselves may be in the report.
        matcher: Compares sentences with examples; without it only cue words count.

    Raises:
        WeightsError: The matcher's classifier or encoder cannot be read.
    """
    return _words(_read("speech-1", said, matcher), keep, matcher)


def turn_causes(
    turn: str,
    said: Said,
    *,
    keep: bool,
    voice: VoiceExpression | None = None,
    matcher: EventMatcher | None = None,
) -> tuple[Cause, ...]:
    """Return what the words of a turn state that may be a cause of how it sounds, likeliest first.

    A cause agrees if the voice sounds like what one would expect with a probability of `causes.AGREES`, and where the
    voice is unclear; then it has half of the confidence that a cause can have.

    Args:
        turn: Id of the turn; becomes the cause's `person`.
        said: What is said.
        keep: Whether texts may quote the words.
        voice: What the turn sounds like.
        matcher: Compares sentences with examples; without it only cue words count.

    Raises:
        WeightsError: The matcher's classifier or encoder cannot be read.
    """
    return tuple(_causes(_read(turn, said, matcher), keep, voice))


def _read(turn: str, said: Said, matcher: EventMatcher | None) -> _Read:
    language = turn_language(said)
    found = statements_of(turn, said) if language in {ENGLISH, ""} else []
    return _Read(turn, said, language, found, stated_appraisals(found, matcher))


def turn_language(said: Said) -> str:
    """Return the language of what is said: a code, ``und`` for an unknown one, empty where it is in none.

    The language that came with the transcript decides where the words alone do not tell, as in a turn of a few words.
    """
    found = language_of(said.text)
    told = said.language
    unclear = found in {"", UNKNOWN} or (found == ENGLISH and said.count <= SHORT)
    return told if told is not None and unclear and (found or told != ENGLISH) else found


def _words(read: _Read, keep: bool, matcher: EventMatcher | None) -> TurnWords:
    said = read.said
    expression, valence, sure = _expressed(read, matcher)
    return TurnWords(
        text=shorten(said.text, MAX_TEXT) if keep else None,
        count=said.count,
        language=None if read.language in {"", UNKNOWN} else read.language,
        origin=said.origin,
        confidence=None if said.confidence is None else round(min(max(said.confidence, 0.0), 1.0), 4),
        expression=expression,
        valence=valence,
        expression_confidence=sure,
    )


def _expressed(read: _Read, matcher: EventMatcher | None) -> tuple[Canonical | None, float | None, float | None]:
    """Return the expression that the words fit, their pleasantness, and how sure both are."""
    if not read.understood:
        return None, None, None
    factor = GUESSED if read.said.guessed else 1.0
    emotion = text_emotion(read.statements, read.stated, SPEAKER, None)
    if emotion is not None:
        return emotion.primary, emotion.valence, round(emotion.confidence * factor, 4)
    calm = _calm(read.statements, matcher)
    return (None, None, None) if calm is None else (None, 0.0, round(calm * factor, 4))


def _calm(said: Sequence[Statement], matcher: EventMatcher | None) -> float | None:
    """Return how sure it is that the words tell of nothing; None where that is not likely, or cannot be told."""
    sentences = [sentence.text for one in said for sentence in one.sentences if sentence.real]
    if matcher is None or not sentences:
        return None
    least = min(as_told(scores.near)[NOTHING] for scores in matcher.read(sentences))
    return least if least >= CALM else None


def _causes(read: _Read, keep: bool, voice: VoiceExpression | None) -> Iterator[Cause]:
    speaker = _Speaker(read.turn, _sounds(voice))
    ranked = sorted(read.stated, key=lambda item: -rank(speaker, item))
    for item in distinct(clearest(speaker, ranked))[:MAX_CAUSES]:
        yield _cause(speaker, item, distinct(ranked), keep=keep, guessed=read.said.guessed)


def _sounds(voice: VoiceExpression | None) -> _Sounds | None:
    """Return the voice's probabilities of the eight expressions; None where there is doubt about them."""
    if voice is None or voice.doubt:
        return None
    shares: dict[Canonical, float] = dict.fromkeys(CANONICAL, 0.0)
    for term, share in voice.probabilities.items():
        family = ontology().canonical_of(term)
        for name in family:
            shares[name] += share / len(family)
    return _Sounds(_VoiceShares(shares))


def _cause(
    speaker: _Speaker, item: StatedAppraisal, ranked: Sequence[StatedAppraisal], *, keep: bool, guessed: bool
) -> Cause:
    share = 0.0
    agrees = True
    if speaker.expression is not None and item.appraisal.expressions:
        share = expected_share(speaker, item.appraisal)
        agrees = share >= AGREES
    quoted = f" (“{item.phrase}”)" if keep else ""
    text = f"What is said in {speaker.id} states something appraised as {item.appraisal.reading}{quoted}."
    if not agrees:
        text += " The voice does not sound like what that would lead one to expect."
    others = [other for other in ranked if other.appraisal.id != item.appraisal.id][:2]
    sure = STATED_CONFIDENCE * (0.5 + 0.5 * share if agrees else 0.5 * (1 - share)) * (GUESSED if guessed else 1.0)
    return Cause(
        person=speaker.id,
        appraisal=item.appraisal.id,
        text=text,
        basis="stated",
        evidence=(words_id(speaker.id),),
        agrees=agrees,
        confidence=round(sure, 4),
        alternatives=tuple(alternative(other.appraisal) for other in others),
        source="words",
    )


def _evidence(read: _Read, words: TurnWords | None, span: tuple[float, float]) -> SoundEvidence:
    """Return the entry for the words of a turn; it quotes them only where they are kept."""
    assert words is not None
    text = f"The words of {read.turn} {_account(read, words)}."
    if words.text is not None:
        text += f" They are: “{shorten(words.text, 600)}”"
    return _entry(words_id(read.turn), text, span, words.expression_confidence)


def _account(read: _Read, words: TurnWords) -> str:
    if not read.understood:
        name = language_name(read.language)
        return f"are {f'probably in {name}' if name else 'in a language'} that is not understood here"
    if words.expression is not None and words.expression_confidence is not None:
        return f"fit {wording.term_label(words.expression)} best ({wording.percent(words.expression_confidence)})"
    if words.valence is None:
        return "express no emotion that could be found"
    return "express several emotions alike" if words.valence else "are neutral"


def _entry(name: str, text: str, span: tuple[float, float], value: float | None) -> SoundEvidence:
    return SoundEvidence(id=name, kind="words", text=text, span=TimeSpan(from_s=span[0], to_s=span[1]), value=value)


def _notes(aligned: Aligned, spoken: Sequence[_Read]) -> Iterator[SoundDegradation]:
    """Yield an entry of `degraded` for each way in which words were not understood, not heard, or not placed."""
    strange = [read for read in spoken if not read.understood]
    for read in strange[:10]:
        name = language_name(read.language)
        message = (
            f"What is said is not in English{f' (probably {name})' if name else ''} and was not understood: no causes "
            "or emotions are taken from it, only words of distress were looked for."
        )
        count = len(strange) if len(strange) > 10 and read is strange[9] else None
        yield SoundDegradation(
            stage="words", code="language_not_understood", message=message, turn=read.turn, count=count
        )
    if aligned.guessed:
        message = (
            "The transcript has no times: which words belong to which turn is a guess from how long the turns are. "
            "Give subtitles or words with times."
        )
        yield SoundDegradation(stage="words", code="words_not_aligned", message=message)
    if not spoken and not aligned.left_over:
        message = "There are no words in the transcript."
        yield SoundDegradation(stage="words", code="words_not_heard", message=message)
    if aligned.left_over:
        message = (
            "Some words of the transcript lie in no turn of speech; its times may be those of another recording, or "
            "the speech there was too quiet."
        )
        yield SoundDegradation(stage="words", code="words_not_heard", message=message, count=aligned.left_over)
