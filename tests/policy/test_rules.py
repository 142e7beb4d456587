from __future__ import annotations

import pytest
from pydantic import ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.policy.rules import parse_rules, rules
from ferce_agent.policy.use import UseContext

GOOD = """
[[rule]]
id = "one"
when = { domain = ["general"] }
decision = "allowed"
effect = "note"
source = "Own rule"
words = "Fine."
"""


def test_the_file_is_complete() -> None:
    assert len(rules()) == 30
    assert all(rule.source and rule.words.endswith(".") for rule in rules())
    assert {rule.effect for rule in rules()} == {"refuse", "no_inference", "no_sending", "tell", "note"}


def test_a_good_text_is_read() -> None:
    (rule,) = parse_rules(GOOD)
    assert rule.when.holds(UseContext(domain="general"), remote=True)
    assert not rule.when.holds(UseContext(domain="safety"), remote=True)
    assert not rule.when.holds(UseContext(), remote=True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[rule]]", "[[rule", "damaged"),
        ('"one"', '"Rule One"', "id"),
        ('"general"', '"police"', "domain"),
        ("domain", "place", "place"),
        ('"allowed"', '"refused"', "effect note goes with the decision allowed"),
        ('"note"', '"tell"', "a sign goes with"),
        ('"Fine."', '""', "words"),
        ("source", "origin", "source"),
    ],
)
def test_damaged_rules_are_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_rules(GOOD.replace(old, new))


def test_ids_do_not_repeat() -> None:
    with pytest.raises(SettingsError, match="repeat"):
        parse_rules(GOOD + GOOD)


def test_rules_and_their_conditions_cannot_be_changed() -> None:
    (rule,) = parse_rules(GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        rule.words = "Other."  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        rule.when.remote = True  # type: ignore[misc]


def test_a_rule_only_for_some_facts_holds_where_they_are_stated_denied_or_open() -> None:
    (rule,) = parse_rules(
        GOOD.replace('domain = ["general"]', 'consent = ["no"], minors = ["yes", "unknown"], remote = false')
    )
    held = [
        (consent, minors, remote)
        for consent in (None, True, False)
        for minors in (None, True, False)
        for remote in (True, False)
        if rule.when.holds(UseContext(consent=consent, minors=minors), remote=remote)
    ]
    assert held == [(False, None, False), (False, True, False)]
