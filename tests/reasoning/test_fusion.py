from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ferce_agent import analyze_expression, build_baseline
from ferce_agent.errors import DataError
from ferce_agent.evaluation.reliability import fit
from ferce_agent.graphs.engines import Engines
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.reasoning.fusion import Reliability, best_weight, confusion, fuse, fuse_all
from ferce_agent.reasoning.second_opinion import components_of, cue_status, trust_in
from ferce_agent.report import ActionUnitReading
from ferce_agent.settings import Settings
from ferce_agent.vlm.extraction.perception import Cue, Part
from ferce_agent.vlm.protocol import Answer, Request


def make_reliability(weight: float = 1.0, right: float = 0.72, **changes: object) -> Reliability:
    rest = (1 - right) / 7
    table = tuple(tuple(right if row == column else rest for column in range(8)) for row in range(8))
    fields = {
        "model": "m",
        "prompt": load_prompt("perceive").reference,
        "items": 100,
        "accuracy": right,
        "weight": weight,
        "table": table,
        "conformal": 0.1,
        "abstain": 0.5,
    }
    return Reliability(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_fusion_is_bayes_rule_by_hand() -> None:
    before = np.full(8, 0.1 / 6)
    before[0], before[1] = 0.5, 0.4
    after = fuse(before, [Part("happiness", 1.0)], make_reliability())
    rest = 0.28 / 7
    by_hand = before * np.array([rest, 0.72, *[rest] * 6])
    np.testing.assert_allclose(after, by_hand / by_hand.sum(), rtol=1e-9)
    assert after.argmax() == 1


def test_without_weight_or_label_nothing_moves() -> None:
    before = np.array([0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(fuse(before, [Part("anger", 1.0)], make_reliability(0.0)), before)
    np.testing.assert_allclose(fuse(before, [Part("anger", 1.0)], make_reliability(), trust=0.0), before)
    np.testing.assert_allclose(fuse(before, [], make_reliability()), before)


@given(arrays(np.float64, 8, elements=st.floats(0.001, 1)), st.sampled_from(CANONICAL), st.floats(0, 1))
def test_a_label_raises_its_own_expression_and_sums_stay_one(before: np.ndarray, term: str, weight: float) -> None:
    before = before / before.sum()
    after = fuse(before, [Part(term, 1.0)], make_reliability(weight))
    assert after.sum() == pytest.approx(1)
    assert after[CANONICAL.index(term)] >= before[CANONICAL.index(term)] - 1e-9


def test_a_useful_model_gets_weight_and_a_useless_one_none() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 8, 800)
    weak = rng.dirichlet(np.ones(8), 800) * 0.8
    weak[np.arange(800), truth] += 0.2
    good = np.where(rng.random(800) < 0.8, truth, rng.integers(0, 8, 800))
    noise = rng.integers(0, 8, 800)
    assert best_weight(weak, good, truth) >= 0.8
    assert best_weight(weak, noise, truth) <= 0.2
    fused = fuse_all(weak, good, confusion(truth, good), best_weight(weak, good, truth))
    assert (fused.argmax(1) == truth).mean() > (weak.argmax(1) == truth).mean() + 0.05


def test_a_model_that_says_nothing_changes_nothing() -> None:
    probabilities = np.full((3, 8), 0.125)
    named = np.array([-1, -1, 2])
    fused = fuse_all(probabilities, named, confusion(np.array([1, 1, 2]), named), 1.0)
    np.testing.assert_allclose(fused[:2], probabilities[:2])
    assert fused[2].argmax() == 2


def test_too_few_answers_cannot_be_fitted() -> None:
    rows = [(np.full(8, 0.125), -1, 0)] * 50
    with pytest.raises(DataError, match="0 faces only"):
        fit(rows, "m", "p")


def test_the_file_survives_and_nonsense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reliability.json"
    make_reliability().save(path)
    assert Reliability.load(path) == make_reliability()
    fields = json.loads(path.read_text())
    for change in ({"weight": 3}, {"table": [[1]]}, {"abstain": "x"}, {"more": 1}):
        path.write_text(json.dumps({**fields, **change}))
        with pytest.raises(DataError):
            Reliability.load(path)
    with pytest.raises(DataError):
        Reliability.load(tmp_path / "none.json")


def test_cues_are_held_against_the_measurement() -> None:
    measured = [
        ActionUnitReading(id="AU12", name="n", intensity=0.6, origin="measured"),
        ActionUnitReading(id="AU4", name="n", intensity=0.02, origin="measured"),
        ActionUnitReading(id="AU1", name="n", intensity=0.15, origin="measured"),
    ]
    states = [cue_status(unit, measured) for unit in ("AU12", "AU4", "AU1", "AU9")]
    assert states == ["supported", "contradicted", "unverified", "unverified"]
    assert trust_in([Cue("brow", "AU4", ""), Cue("mouth", "AU12", "")], measured) == 0.5
    assert trust_in([], measured) == 1


def test_a_compound_has_components() -> None:
    (first, second) = components_of([Part("happily_surprised", 1.0)])
    assert {first.term, second.term} == {"happiness", "surprise"}
    assert components_of([Part("amusement", 1.0)]) == ()


class Sure:
    """Says sad, whatever it sees."""

    name, version, remote, most_pictures = "sure", "m", False, 1

    def ask(self, request: Request) -> Answer:
        return Answer("<answer>sad</answer>")


def test_a_measured_model_moves_the_report_and_the_disagreement_is_shown(photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "reliability.json"
    make_reliability(weight=1.0, right=0.9).save(path)
    plain = analyze_expression(photo, engines=Engines(vlm=Sure()))
    fused = analyze_expression(photo, engines=Engines(Settings(vlm_reliability=path), vlm=Sure()))
    before, after = plain.people[0].expression, fused.people[0].expression
    assert before is not None
    assert after is not None
    assert after.distribution.sadness > before.distribution.sadness
    seen = fused.people[0].vlm
    assert seen is not None
    assert (seen.weight, seen.agrees) == (1.0, False)
    assert fused.people[0].rationale[-1].status == "contradicted"


def test_beside_a_baseline_the_label_counts_in_the_reading_without_it_too(photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "reliability.json"
    make_reliability(weight=1.0, right=0.9).save(path)
    engines = Engines(Settings(vlm_reliability=path), vlm=Sure())
    plain = analyze_expression(photo, engines=engines).people[0].expression
    person = analyze_expression(photo, baseline=build_baseline(photo), engines=engines).people[0]
    assert person.rest is not None and person.expression is not None and plain is not None
    assert person.rest.absolute == plain
    assert person.rest.differs == (person.expression.primary != plain.primary)


def test_a_file_about_another_model_is_refused(photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "reliability.json"
    make_reliability(model="other").save(path)
    with pytest.raises(DataError, match="about other"):
        analyze_expression(photo, engines=Engines(Settings(vlm_reliability=path), vlm=Sure()))
