from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.context.causes import stated_appraisals
from ferce_agent.context.events import (
    FILE_NAME,
    NOTHING,
    PART,
    EventClassifier,
    EventMatcher,
    example_sentences,
    fit_classifier,
    labelled_sentences,
    parts_of,
    pooled,
)
from ferce_agent.context.sentence_vectors import WordEncoder
from ferce_agent.context.statements import statements
from ferce_agent.errors import WeightsError
from ferce_agent.inputs.situation import Situation
from ferce_agent.ontology.store import ontology
from tests.damage import damaged, written


class Hashed:
    """A deterministic stand-in for the space: every sentence has its own direction, equal sentences the same."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(zlib.crc32(one.encode())).normal(size=384) for one in sentences]
        made = np.array(rows, np.float32)
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def test_the_examples_are_sound() -> None:
    examples = example_sentences()
    assert set(examples) <= {*ontology().appraisals, NOTHING}
    assert all(len(entries) == len(set(entries)) for entries in examples.values())
    assert not set(examples[NOTHING]) & {one for name in examples if name != NOTHING for one in examples[name]}
    assert min(len(entries) for entries in examples.values()) >= 8


def test_known_sentences_are_recognised_and_the_file_survives(tmp_path: Path) -> None:
    fit_classifier(Hashed()).save(tmp_path / "events.npz")
    matcher = EventMatcher(Hashed(), tmp_path / "events.npz")
    known = matcher.likeness(example_sentences()["loss"])
    others = matcher.likeness(example_sentences()[NOTHING])
    assert np.mean([near["loss"] for near in known]) > 2 * np.mean([near["loss"] for near in others])
    assert all(sum(near.values()) == pytest.approx(1) for near in known)
    assert matcher.likeness([]) == []


def test_a_sentence_may_stand_under_several_names() -> None:
    sentences, labels = labelled_sentences()
    names = list(example_sentences())
    assert len(sentences) == len(set(sentences)) == len(labels)
    assert labels.any(1).all()
    assert labels.sum(1).max() > 2
    assert not (labels[:, names.index("loss")] & ~labels[:, names.index("undesirable")]).any()


def test_a_classifier_of_another_encoder_is_refused() -> None:
    with pytest.raises(WeightsError, match="another encoder"):
        EventMatcher(Hashed()).likeness(["x"])  # the shipped one reads words


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "events.npz").write_bytes(b"nothing")
    for name in ("events.npz", "gone.npz"):
        with pytest.raises(WeightsError, match="ferce train events"):
            EventMatcher(Hashed(), tmp_path / name).likeness(["x"])


@given(st.data())
def test_damaged_files_give_one_kind_of_error(data: st.DataObject) -> None:
    original = (resources.files("ferce_agent.weights") / FILE_NAME).read_bytes()
    with written(damaged(data, original)) as path, suppress(WeightsError):
        assert np.isfinite(EventClassifier.load(path).weights).all()


def test_short_sentences_are_whole_and_long_ones_lose_no_word() -> None:
    assert parts_of("The dog died, and she cried.") == [(0, 28)]
    assert parts_of("") == [(0, 0)]


@given(
    st.lists(st.sampled_from(["and", "won,", "the", "dog", "x" * 130, "died.", "because", "\n", "\N{GRINNING FACE}"]))
)
def test_parts_hold_every_word_once_in_order_and_stay_short(words: list[str]) -> None:
    sentence = " ".join(words)
    parts = parts_of(sentence)
    assert "".join("".join(sentence[first:last] for first, last in parts).split()) == "".join(sentence.split())
    assert len(parts) == 1 or max(len(sentence[first:last].split()) for first, last in parts) <= PART


def test_long_sentences_are_cut_at_their_clauses() -> None:
    sentence = " ".join(["word"] * 20 + ["here,"] + ["more"] * 30)
    (first, last), *_ = parts_of(sentence)
    assert sentence[first:last].endswith("here,")


def test_an_event_counts_as_in_the_part_that_tells_of_it() -> None:
    told = pooled([{"loss": 0.02, "unjust": 0.08, NOTHING: 0.9}, {"loss": 0.8, "unjust": 0.1, NOTHING: 0.1}])
    assert sum(told.values()) == pytest.approx(1)
    assert told["loss"] == pytest.approx(0.8)
    assert pooled([{"loss": 0.4, NOTHING: 0.6}]) == {"loss": 0.4, NOTHING: 0.6}


WALK = (
    "on Monday we took the bus to the market and looked at the stalls and then we walked along the river towards "
    "the old mill where the path turns left and in the afternoon we had tea in the garden and watered the plants and "
    "folded the napkins, "
)


@pytest.mark.parametrize("before", [1, 5, 15])
def test_what_happens_at_the_end_of_a_long_sentence_counts(before: int) -> None:
    text = WALK * before + "and that evening their little dog was run over by a lorry and died"
    (reading,) = EventMatcher(WordEncoder()).read([text])
    assert reading.near[NOTHING] < 0.3
    first_two = sorted((name for name in reading.near if name != NOTHING), key=lambda name: -reading.near[name])[:2]
    assert {"loss", "undesirable", "unavoidable"} & set(first_two)


def test_sentences_without_cue_words_are_understood() -> None:
    matcher = EventMatcher(WordEncoder())

    def first(text: str) -> str:
        return stated_appraisals(statements(Situation(text=text)), matcher)[0].appraisal.id

    assert first("The vet could do no more for our old spaniel.") in {"loss", "unavoidable", "undesirable"}
    assert first("The bouncer let everybody in except us, for no reason.") in {"unjust", "caused_by_other"}
    assert stated_appraisals(statements(Situation(text="The sofa is beige.")), matcher) == []
