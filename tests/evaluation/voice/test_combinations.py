"""On generated combinations with known truth the fused answer is as good as the best source, and calibrated."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from ferce_agent.evaluation.voice.combination_sources import Answers, all_simulated, halves, simulated
from ferce_agent.evaluation.voice.combinations import SUBSETS, Generator, Row, lines, main, measure, tables_of
from ferce_agent.specialist.calibration import expected_calibration_error

SEVERAL = [present for present in SUBSETS if len(present) > 1]
SOURCES = all_simulated(3000, 5)
TABLES = tables_of(SOURCES)


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, ...], list[Row]]:
    generator = Generator(SOURCES, TABLES, seed=7)
    return {present: measure(generator, present, 1200) for present in SEVERAL}


@pytest.mark.parametrize("present", SEVERAL)
def test_the_fused_answer_is_never_worse_than_the_best_source(
    present: tuple[str, ...], rows: dict[tuple[str, ...], list[Row]]
) -> None:
    *alone, fused = rows[present]
    assert fused.answer == "fused" and [one.answer for one in alone] == list(present)
    assert fused.nll_gap[0] == pytest.approx(fused.nll - min(one.nll for one in alone), abs=1e-9)
    assert fused.nll_gap[0] <= 2 * fused.nll_gap[1]
    assert fused.accuracy_gap[0] >= -2 * fused.accuracy_gap[1]
    assert fused.brier <= min(one.brier for one in alone) + 0.01


@pytest.mark.parametrize("present", SEVERAL)
def test_the_fused_answer_is_calibrated(present: tuple[str, ...], rows: dict[tuple[str, ...], list[Row]]) -> None:
    fused = rows[present][-1]
    assert fused.ece <= 0.05
    assert fused.named_right >= 0.8 and fused.named >= 0.5


def test_a_source_that_guesses_does_no_harm() -> None:
    rng = np.random.default_rng(3)
    words = [simulated("words", 3000, seed) for seed in (1, 2)]
    guesses = [Answers(one.columns, rng.permutation(one.shares), one.truth, one.prior) for one in words]
    sources = {**SOURCES, "words": (guesses[0], guesses[1])}
    tables = tables_of(sources)
    assert tables.words is not None and tables.words.weight <= 0.1
    face, _, fused = measure(Generator(sources, tables, seed=9), ("face", "words"), 800)
    assert abs(fused.nll - face.nll) < 0.01


def test_simulated_faces_are_calibrated_and_halves_keep_speakers_together() -> None:
    face = simulated("face", 4000, 1)
    assert expected_calibration_error(face.shares, face.truth) < 0.03
    speakers = np.arange(4000) % 10
    first, second = halves(Answers(face.columns, face.shares, speakers, face.prior), speakers)
    assert set(first.truth) & set(second.truth) == set()
    assert len(first.truth) + len(second.truth) == 4000


def test_the_command_prints_a_row_for_each_answer(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--count", "40"])
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2 + sum(len(present) + (len(present) > 1) for present in SUBSETS)
    assert len({line.count("|") for line in printed}) == 1


def test_rows_are_printed_in_the_order_given() -> None:
    row = partial(Row, accuracy=0.5, nll=1.0, ece=0.1, brier=0.4)
    table = list(lines([row(("face",), "face"), row(("face", "voice"), "fused", named=0.5, named_right=0.9)]))
    assert table[2].startswith("| face | face | 0.500 | 1.000 |")
    assert "0.50 | 0.900" in table[3]
