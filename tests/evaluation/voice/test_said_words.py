from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.voice.said_words import Heard, main, table_of, valence_error
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.modal_reliability import ModalReliability
from tests.reasoning.test_modalities import make_words


def test_the_shipped_table_is_what_the_command_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--out", str(tmp_path / "words.json")])
    made = ModalReliability.load(tmp_path / "words.json", "words")
    shipped = ModalReliability.load(Path(str(files("ferce_agent.weights") / "words.json")), "words")
    np.testing.assert_allclose(made.array, shipped.array, atol=0.05)
    assert (made.items, made.discount) == (shipped.items, shipped.discount)
    assert made.weight == pytest.approx(shipped.weight, abs=0.1)
    assert f"{made.items} items" in capsys.readouterr().out


def test_words_that_are_always_right_make_a_sharp_table() -> None:
    terms = [name for name in CANONICAL for _ in range(8)]
    heard = [Heard("held_out", name, 0.0, make_words(name, valence=0.3)) for name in terms]
    table = table_of(heard)
    assert table.accuracy == 1.0
    assert table.weight == 1.0
    assert np.diag(table.array).min() > 0.6
    assert table.valence_error == pytest.approx(0.3)


def test_words_that_are_not_understood_are_no_items() -> None:
    unread = [Heard("fresh", "anger", 0.0, make_words(None, valence=None, expression_confidence=None))] * 40
    assert valence_error(unread) is None
    with pytest.raises(DataError, match="0 items"):
        table_of(unread)
