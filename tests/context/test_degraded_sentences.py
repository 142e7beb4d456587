"""A report where the files that compare sentences are gone or damaged: causes by cue words alone, and it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent import analyze_expression
from ferce_agent.context.events import EventMatcher
from ferce_agent.context.sentence_vectors import WordEncoder
from ferce_agent.errors import WeightsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings
from ferce_agent.specialist.sentence_encoder import NETWORK_NAME, TOKENIZER_NAME

TOLD = "They handed her the medal in front of the whole town."
"""Holds a cue word of the ontology, too."""


def codes(report: EmotionReport) -> set[tuple[str, str]]:
    return {(one.stage, one.code) for one in report.degraded}


@pytest.fixture
def stripped(tmp_path: Path) -> Engines:
    engines = Engines()
    encoder = WordEncoder(tmp_path)
    engines.pipeline.vocabulary.encoder = encoder
    engines.events = EventMatcher(encoder)
    return engines


def test_without_the_encoder_cue_words_count_and_the_report_says_so(photo: Path, stripped: Engines) -> None:
    report = analyze_expression(photo, context=TOLD, engines=stripped)
    assert ("context", "sentences_not_compared") in codes(report)
    note = next(one for one in report.degraded if one.code == "sentences_not_compared")
    assert "Reinstall ferce-agent" in note.message
    assert report.causes == analyze_expression(photo, context=TOLD, engines=Engines(Settings(sentences=False))).causes
    assert report.causes


def test_nothing_is_missing_where_nothing_is_told(photo: Path, stripped: Engines) -> None:
    assert not codes(analyze_expression(photo, engines=stripped)) & {("context", "sentences_not_compared")}


def test_labels_outside_the_ontology_are_a_typed_error_then(photo: Path, stripped: Engines) -> None:
    analyze_expression(photo, labels=["happy", "sad"], engines=stripped)
    with pytest.raises(WeightsError, match="Reinstall ferce-agent"):
        analyze_expression(photo, labels=["happy", "about to cry"], engines=stripped)


@pytest.mark.parametrize("name", [NETWORK_NAME, TOKENIZER_NAME])
def test_damaged_files_are_a_gap_in_the_report_and_no_failure(
    photo: Path, stripped: Engines, tmp_path: Path, name: str
) -> None:
    for file in (NETWORK_NAME, TOKENIZER_NAME):
        content = (WordEncoder().folder / file).read_bytes()
        (tmp_path / file).write_bytes(content[: len(content) // 3] if file == name else content)
    assert ("context", "sentences_not_compared") in codes(analyze_expression(photo, context=TOLD, engines=stripped))


def test_a_damaged_classifier_is_a_gap_too(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "events.npz").write_bytes(b"PK\x03\x04 nothing")
    engines = Engines()
    engines.events = EventMatcher(WordEncoder(), tmp_path / "events.npz")
    assert ("context", "sentences_not_compared") in codes(analyze_expression(photo, context=TOLD, engines=engines))
