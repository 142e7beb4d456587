from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import WeightsError
from ferce_agent.ontology.store import ontology
from ferce_agent.perception.vocabulary import TextEncoder
from ferce_agent.reasoning.causes import stated_appraisals
from ferce_agent.reasoning.events import (
    NOTHING,
    EventMatcher,
    example_sentences,
    fit_classifier,
    labelled_sentences,
)
from ferce_agent.reasoning.told import statements
from ferce_agent.reasoning.words import WordEncoder
from ferce_agent.situation import Situation


class Hashed:
    """A deterministic stand-in for the space: every sentence has its own direction, equal sentences the same."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(abs(hash(one)) % 2**32).normal(size=384) for one in sentences]
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


@pytest.mark.slow
@pytest.mark.skipif(not TextEncoder.available(), reason="the sentence encoder is not installed")
def test_sentences_without_cue_words_are_understood() -> None:
    matcher = EventMatcher(WordEncoder())

    def first(text: str) -> str:
        return stated_appraisals(statements(Situation(text=text)), matcher)[0].appraisal.id

    assert first("The vet could do no more for our old spaniel.") in {"loss", "unavoidable", "undesirable"}
    assert first("The bouncer let everybody in except us, for no reason.") in {"unjust", "caused_by_other"}
    assert stated_appraisals(statements(Situation(text="The sofa is beige.")), matcher) == []
