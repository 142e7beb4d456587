from __future__ import annotations

import pytest
from rich.cells import cell_len

from ferce_agent.policy.decide import decide
from ferce_agent.policy.rules import rules
from ferce_agent.policy.use import UseContext
from ferce_agent.views.rules import decision_lines, rules_table, when_words


@pytest.mark.parametrize("width", [40, 80, 109, 110, 140])
def test_the_table_names_every_rule_and_keeps_to_the_width(width: int) -> None:
    table = rules_table(width)
    assert all(rule.id in table for rule in rules())
    assert max(cell_len(line) for line in table.splitlines()) <= width


@pytest.mark.parametrize("width", [40, 80, 110, 140])
def test_no_word_of_the_table_is_cut_off(width: int) -> None:
    shown = "".join(rules_table(width).split())
    words = {word for rule in rules() for word in f"{rule.source} {when_words(rule.when)}".split()}
    assert [word for word in sorted(words) if word not in shown] == []


def test_conditions_read_as_words() -> None:
    words = {rule.id: when_words(rule.when) for rule in rules()}
    assert words["eu-ai-act-5-1-f"] == "domain workplace or education; jurisdiction eu or unknown; basis none"
    assert words["remote-needs-consent"] == "consent unknown; remote model"
    assert words["no-purpose-stated"] == "no use stated"
    assert words["eu-ai-act-50-3-heard"] == "jurisdiction eu; sound listened to"
    assert words["eu-ai-act-50-3"] == "jurisdiction eu; pictures only"


def test_a_decision_reads_as_lines() -> None:
    lines = decision_lines(decide(UseContext(domain="assistant"), remote=True))
    assert lines[0] == ("Decision", "restricted: expressions are read; no vision-language model is asked")
    assert lines[1][1].startswith("remote-needs-consent (restricted, no sending): Own rule")
    assert lines[-1][0] == "Notice" and lines[-1][1].startswith("No picture or sound was sent")
