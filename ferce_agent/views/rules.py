"""The policy rules and decisions as plain text for a terminal."""

from __future__ import annotations

import io
import textwrap
from typing import Final

from ferce_agent.policy.decide import Decision
from ferce_agent.policy.rules import Rule, When, rules
from ferce_agent.report.wording import code_words

LEAST: Final = 110
"""Columns below which the table would squeeze its texts; then the rules stand one under the other."""


def rules_table(width: int) -> str:
    """Return all rules as a table of at most `width` columns; below `LEAST` one under the other."""
    if width < LEAST:
        return "\n\n".join(_stacked(rule, width) for rule in rules())
    return _table(width)


def _stacked(rule: Rule, width: int) -> str:
    lines = [rule.id]
    for label, text in (("When", when_words(rule.when)), ("Decision", outcome(rule)), ("Source", rule.source)):
        start = f"  {label:9}"
        lines += textwrap.wrap(text, width, initial_indent=start, subsequent_indent=" " * 11, break_on_hyphens=False)
    return "\n".join(lines)


def _table(width: int) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("Rule", no_wrap=True)
    table.add_column("When", min_width=len("deception_detection"))
    table.add_column("Decision")
    table.add_column("Source", overflow="fold")
    for rule in rules():
        table.add_row(rule.id, when_words(rule.when), outcome(rule), rule.source)
    console = Console(file=io.StringIO(), record=True, width=width, markup=False, highlight=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()).strip("\n")


def outcome(rule: Rule) -> str:
    """Return decision and effect in words."""
    return rule.decision if rule.effect in {"refuse", "note"} else f"{rule.decision}, {code_words(rule.effect)}"


def when_words(when: When) -> str:
    """Return the conditions of a rule in words."""
    lists: dict[str, tuple[str, ...]] = {
        "domain": when.domain,
        "jurisdiction": when.jurisdiction,
        "basis": when.basis,
        "consent": when.consent,
        "minors": when.minors,
        "scenario": when.scenario,
        "observer": when.observer,
    }
    parts = [f"{name} {' or '.join(values)}" for name, values in lists.items() if values]
    parts += ["remote model"] if when.remote else []
    parts += [] if when.stated is None else ["use stated" if when.stated else "no use stated"]
    parts += [] if when.heard is None else ["sound listened to" if when.heard else "pictures only"]
    return "; ".join(parts)


def decision_lines(decision: Decision) -> list[tuple[str, str]]:
    """Return a decision as labelled lines: what it is, what it leaves, the rules with their sources, the notice."""
    kept = "expressions are read" if decision.may_infer else "only visible movements are reported"
    sent = "a vision-language model may be asked" if decision.may_send else "no vision-language model is asked"
    effect = "nothing is looked at or listened to" if decision.decision == "refused" else f"{kept}; {sent}"
    applied = [rule for rule in rules() if rule.id in decision.rules]
    return [
        ("Decision", f"{decision.decision}: {effect}"),
        *(("Rule", f"{rule.id} ({outcome(rule)}): {rule.source}") for rule in applied),
        ("Notice", decision.notice),
    ]
