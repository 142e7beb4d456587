from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.modal_reliability import ModalReliability, ModalTables
from ferce_agent.reasoning.modalities import (
    FaceStretch,
    face_answer,
    fuse_sources,
    fuse_turn,
    voice_answer,
    words_answer,
)
from ferce_agent.report.speech import Fused, ModalityConflict, SpeechProsody, TurnWords, VoiceExpression
from ferce_agent.report.timed import TimeSpan

VOICE_TERMS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
SPAN = TimeSpan(from_s=1.0, to_s=4.0)


def make_table(source: str = "voice", right: float = 0.8, **changes: object) -> ModalReliability:
    columns = VOICE_TERMS if source == "voice" else CANONICAL
    rows = np.ones((len(CANONICAL), len(columns)))
    for place, name in enumerate(CANONICAL):
        own = np.array([name in ontology().canonical_of(column) for column in columns])
        if own.any():
            rows[place] = np.where(own, right / own.sum(), (1 - right) / (~own).sum())
    rows /= rows.sum(1, keepdims=True)
    fields = {"engine": "1", "items": 500, "accuracy": right, "weight": 0.9, "discount": 0.8, "columns": columns}
    return ModalReliability(**{"source": source, **fields, "table": tuple(map(tuple, rows.tolist())), **changes})  # type: ignore[arg-type]


TABLES = ModalTables(make_table(), make_table("words", 0.6))


def make_face(term: str | None, share: float = 0.9, **changes: object) -> FaceStretch:
    likely = term or "neutral"
    shares = np.array([share if name == likely else (1 - share) / 7 for name in CANONICAL])
    fields = {"expression": term, "arousal": 0.2, "valence": 0.4, "readable_s": 3.0, "quality": 0.9}
    return FaceStretch(**{"probabilities": shares, **fields, **changes})  # type: ignore[arg-type]


def make_voice(term: str | None, share: float = 0.85, **changes: object) -> VoiceExpression:
    likely = term or "neutral"
    shares = {name: share if name == likely else (1 - share) / 6 for name in VOICE_TERMS}
    fields: dict[str, object] = {"arousal": 0.5, "valence": None, "confidence": share, "unlike_training": 0.1}
    doubt = () if term else ("unclear",)
    return VoiceExpression.model_validate(
        {"probabilities": shares, "expression": term, "doubt": doubt, **fields, **changes}
    )


def make_words(term: str | None, **changes: object) -> TurnWords:
    fields = {"text": None, "count": 5, "language": "en", "origin": "told", "confidence": None}
    valence = {"happiness": 0.8, "sadness": -0.7, "anger": -0.6}.get(term or "", 0.0)
    return TurnWords.model_validate(
        {**fields, "expression": term, "valence": valence, "expression_confidence": 0.8, **changes}
    )


def fused_of(
    face: FaceStretch | None = None,
    voice: VoiceExpression | None = None,
    words: TurnWords | None = None,
    tables: ModalTables = TABLES,
    prosody: SpeechProsody | None = None,
) -> tuple[Fused | None, ModalityConflict | None]:
    return fuse_turn(
        SPAN,
        face=face,
        voice=voice,
        words=words,
        track="track-1" if face else None,
        turn="speech-1",
        evidence=("speech-1.voice",),
        prosody=prosody,
        tables=tables,
    )


def test_a_voice_and_a_face_are_bayes_rule_by_hand() -> None:
    face, voice = make_face("happiness"), make_voice("happiness")
    found, conflict = fused_of(face, voice)
    assert found is not None and conflict is None
    trust = 0.9  # one less unlike the training; three seconds are long enough
    table = trust * TABLES.voice.array + (1 - trust) * TABLES.voice.array.mean(0)  # type: ignore[union-attr]
    likely = table @ np.array([voice.probabilities[name] for name in VOICE_TERMS])
    by_hand = face.probabilities * likely ** (0.9 * 0.8)
    by_hand /= by_hand.sum()
    np.testing.assert_allclose([found.probabilities[name] for name in CANONICAL], by_hand, atol=5e-5)
    assert found.expression == "happiness"
    assert found.confidence == pytest.approx(by_hand.max(), abs=5e-5)
    assert found.confidence > 0.9  # two that agree are surer than the face alone
    assert [(one.modality, one.reliability) for one in found.shares] == [("face", 1.0), ("voice", 0.648)]


def test_absent_sources_change_nothing() -> None:
    face = make_face("sadness", 0.8)
    found, conflict = fused_of(face)
    assert found is not None and conflict is None
    np.testing.assert_allclose([found.probabilities[name] for name in CANONICAL], face.probabilities, atol=5e-5)
    assert found.expression == "sadness"
    assert fused_of() == (None, None)


def test_a_source_without_a_table_is_listed_and_not_fused() -> None:
    face = make_face("sadness", 0.8)
    found, conflict = fused_of(face, make_voice("happiness", 0.95), tables=ModalTables())
    assert found is not None and conflict is None
    np.testing.assert_allclose([found.probabilities[name] for name in CANONICAL], face.probabilities, atol=5e-5)
    assert [(one.modality, one.reliability) for one in found.shares] == [("face", 1.0), ("voice", 0.0)]
    assert fused_of(voice=make_voice("happiness"), tables=ModalTables()) == (None, None)


def test_a_table_for_other_terms_is_not_used() -> None:
    other = ModalTables(make_table("words", 0.6))
    assert fused_of(voice=make_voice("anger"), tables=other) == (None, None)


FACES = st.builds(
    lambda shares, quality, readable, speaking: make_face(
        None, probabilities=shares / shares.sum(), quality=quality, readable_s=readable, speaking=speaking
    ),
    arrays(np.float64, 8, elements=st.floats(0.001, 1)),
    st.floats(0, 1),
    st.floats(0.1, 3),
    st.booleans(),
)
VOICES = st.builds(
    lambda shares, unlike: make_voice(
        None,
        probabilities=dict(zip(VOICE_TERMS, map(float, shares / shares.sum()), strict=True)),
        unlike_training=unlike,
    ),
    arrays(np.float64, 7, elements=st.floats(0.001, 1)),
    st.floats(0, 1),
)
WORDS = st.builds(
    lambda term, sure: make_words(term, expression_confidence=sure), st.sampled_from(CANONICAL), st.floats(0, 1)
)


@given(FACES, VOICES, WORDS)
def test_the_order_does_not_matter_and_sums_are_one(
    face: FaceStretch, voice: VoiceExpression, words: TurnWords
) -> None:
    sources = [face_answer(face, 3.0), voice_answer(voice, 3.0, TABLES.voice), words_answer(words, TABLES.words)]
    known = [one for one in sources if one is not None]
    results = [fuse_sources(list(order)) for order in permutations(known)]
    for one in results:
        assert one.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(one, results[0], rtol=1e-6, atol=1e-12)


@given(FACES, VOICES)
def test_a_voice_without_trust_changes_nothing(face: FaceStretch, voice: VoiceExpression) -> None:
    alone = face_answer(face, 3.0)
    unlike = voice_answer(voice.model_copy(update={"unlike_training": 1.0}), 3.0, TABLES.voice)
    assert alone is not None and unlike is not None
    np.testing.assert_allclose(fuse_sources([alone, unlike]), fuse_sources([alone]), atol=1e-9)


@given(FACES, st.sampled_from(("anger", "fear", "happiness", "neutral", "sadness")), st.floats(0, 0.9))
def test_more_trust_moves_further_towards_what_the_voice_names(face: FaceStretch, term: str, unlike: float) -> None:
    place = CANONICAL.index(term)
    alone = face_answer(face, 3.0)
    assert alone is not None
    shares = [fuse_sources([alone])[place]]
    for doubt in (unlike, 0.0):
        voice = voice_answer(make_voice(term, 0.9, unlike_training=doubt), 3.0, TABLES.voice)
        assert voice is not None
        shares.append(fuse_sources([alone, voice])[place])
    assert shares[0] <= shares[1] + 1e-9 and shares[1] <= shares[2] + 1e-9


def test_a_mouth_that_talks_counts_less_where_the_mouth_carries_the_expression() -> None:
    quiet, talks = (face_answer(make_face("happiness", speaking=one), 3.0) for one in (False, True))
    brows = face_answer(make_face("anger", speaking=True), 3.0)
    assert quiet is not None and talks is not None and brows is not None
    assert talks.trust < 0.7
    assert quiet.trust == 1.0 > brows.trust > 0.9
    voice = make_voice("neutral", 0.8)
    still, _ = fused_of(make_face("happiness", 0.6), voice)
    moving, _ = fused_of(make_face("happiness", 0.6, speaking=True), voice)
    assert still is not None and moving is not None
    assert moving.probabilities["happiness"] < still.probabilities["happiness"]


@pytest.mark.parametrize(
    ("changes", "trust"),
    [({"readable_s": 0.75}, 0.5), ({"quality": 0.25}, 0.5), ({"quality": 0.0}, 0.0), ({"readable_s": 3.0}, 1.0)],
)
def test_a_face_that_is_hard_to_read_counts_less(changes: Mapping[str, float], trust: float) -> None:
    found = face_answer(make_face("anger", **changes), 3.0)
    assert found is not None and found.trust == pytest.approx(trust)


def test_a_face_that_was_never_readable_is_absent() -> None:
    assert face_answer(make_face("anger", readable_s=0.0), 3.0) is None
    with pytest.raises(ValueError, match="eight"):
        face_answer(make_face("anger", probabilities=np.ones(7)), 3.0)


@pytest.mark.parametrize("doubt", ["unlike_training", "too_short"])
def test_a_voice_in_serious_doubt_is_not_fused(doubt: str) -> None:
    found = voice_answer(make_voice("anger", expression=None, doubt=(doubt,)), 3.0, TABLES.voice)
    assert found is not None and found.reliability == 0


def test_weak_sources_name_nothing() -> None:
    weak = make_voice("anger", unlike_training=0.95)
    found, conflict = fused_of(voice=weak)
    assert found is not None and found.expression is None and conflict is None
    assert found.confidence < 0.3


def test_what_every_source_leaves_open_stays_open() -> None:
    covered = make_face(None, 0.97)  # likely neutral, but not named: covered, say
    found, _ = fused_of(covered)
    assert found is not None and found.expression is None and found.confidence > 0.9
    found, _ = fused_of(covered, make_voice("neutral"))
    assert found is not None and found.expression == "neutral"


def test_arousal_and_valence_are_weighted_by_precision() -> None:
    face = make_face("happiness", 0.9, arousal=0.2, valence=0.8)
    never, _ = fused_of(face, make_voice("happiness", arousal=0.9, valence=-0.9))
    assert never is not None and (never.arousal, never.valence) == (0.2, 0.8)
    tables = ModalTables(TABLES.voice.with_errors(0.2, None) if TABLES.voice else None)
    measured, _ = fused_of(face, make_voice("happiness", arousal=0.9, valence=-0.9), tables=tables)
    assert measured is not None and measured.valence == 0.8
    assert measured.arousal is not None and 0.2 < measured.arousal < 0.9
    rough = ModalTables(TABLES.voice.with_errors(2.0, None) if TABLES.voice else None)
    little, _ = fused_of(face, make_voice("happiness", arousal=0.9), tables=rough)
    assert little is not None and little.arousal is not None and little.arousal < measured.arousal
