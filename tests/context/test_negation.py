from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.context.causes import stated_appraisals
from ferce_agent.context.negation import affirmed, bad_appraisals, good_appraisals, opposed, tells_of_bad
from ferce_agent.context.statements import statements
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.situation import Situation


@pytest.mark.parametrize(
    ("denied", "said"),
    [
        ("They did not crash.", "They did crash."),
        ("I haven't been robbed.", "I have been robbed."),
        ("I haven’t been robbed.", "I have been robbed."),
        ("She can't walk.", "She can walk."),
        ("It won't burn down.", "It will burn down."),
        ("He never lost.", "He lost."),
        ("Nobody was hurt.", "somebody was hurt."),
        ("No shots were fired.", "some shots were fired."),
        ("Nothing was stolen.", "something was stolen."),
    ],
)
def test_the_denial_is_taken_out(denied: str, said: str) -> None:
    assert affirmed(denied) == said


def test_only_the_first_denial_of_each_kind_is_taken_out() -> None:
    assert affirmed("She did not call and did not write.") == "She did call and did not write."


def test_good_and_bad_are_opposed_and_nothing_else_is() -> None:
    assert opposed("pleasant", "loss")
    assert opposed("loss", "pleasant")
    for pair in (("loss", "unjust"), ("pleasant", "desirable"), ("pleasant", "not_expected"), ("", "loss")):
        assert not opposed(*pair)
    assert good_appraisals() == {
        "congruent_with_ideals",
        "desirable",
        "familiar",
        "just",
        "not_dangerous",
        "pleasant",
    }
    assert not good_appraisals() & bad_appraisals()
    assert bad_appraisals() >= {"dangerous", "loss", "not_congruent_with_ideals", "unjust", "unpleasant"}
    assert not bad_appraisals() & {"expected", "not_expected", "predictable", "unintended"}


def test_bad_counts_from_forty_two_percent_of_all_on() -> None:
    assert tells_of_bad({"loss": 0.22, "unjust": 0.21, "pleasant": 0.3, "nothing": 0.27})
    assert not tells_of_bad({"loss": 0.21, "unjust": 0.2, "pleasant": 0.3, "nothing": 0.29})
    assert tells_of_bad({"loss": 0.43 / 2, "nothing": 0.57 / 2})
    assert not tells_of_bad({})


@given(st.text(max_size=200))
def test_any_text_may_be_looked_at(text: str) -> None:
    found = affirmed(text)
    assert found is None or found != text


def test_what_denies_nothing_stays() -> None:
    assert affirmed("She won the race.") is None


def test_only_what_is_clearly_bad_counts() -> None:
    bad = next(iter(sorted(bad_appraisals())))
    assert tells_of_bad({bad: 0.7, "nothing": 0.3})
    assert not tells_of_bad({bad: 0.3, "desirable": 0.5, "nothing": 0.2})


@pytest.mark.parametrize(
    "text", ["They did not crash.", "I haven't been robbed.", "We did not miss the train.", "Her car was not damaged."]
)
def test_a_denied_misfortune_is_no_cause(engines: Engines, text: str) -> None:
    assert stated_appraisals(statements(Situation(text=text)), engines.events) == []


def test_a_denied_piece_of_luck_is_news(engines: Engines) -> None:
    found = stated_appraisals(statements(Situation(text="He did not get the job.")), engines.events)
    assert found[0].appraisal.id == "undesirable"
