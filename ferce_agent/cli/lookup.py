"""`ferce policy`, `schema`, `ontology` and `doctor`: what can be looked up."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from ferce_agent.cli.options import FILE, use_options
from ferce_agent.cli.output import terminal_width, write_text
from ferce_agent.errors import SettingsError


@click.command()
@use_options
@click.option("--remote", is_flag=True, help="Suppose that a vision-language model elsewhere is set up.")
def policy(use: dict[str, Any], remote: bool) -> None:
    """Print the rules on uses, or what they decide for one use."""
    from ferce_agent.policy.decide import decide
    from ferce_agent.policy.use import read_use
    from ferce_agent.views.rules import decision_lines, rules_table

    if use or remote:
        click.echo("\n".join(decision_lines(decide(read_use(use), remote=remote))))
    else:
        click.echo(rules_table(min(terminal_width(), 140)))


@click.command()
@click.option("--write", type=FILE, help="Write it to this file instead of printing it.")
def schema(write: Path | None) -> None:
    """Print the JSON Schema of the report."""
    from ferce_agent.report import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if write is None:
        click.echo(text, nl=False)
    else:
        write_text(write, text)


@click.group(name="ontology")
def ontology_group() -> None:
    """Look things up in the expression ontology."""


@ontology_group.command()
@click.argument("term", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(term: tuple[str, ...], as_json: bool) -> None:
    """Show one expression (happiness), action unit (AU12) or appraisal (loss)."""
    from ferce_agent.ontology.store import ontology
    from ferce_agent.views.entry import find_entry, to_lines

    entry = find_entry(ontology(), " ".join(term))
    click.echo(entry.model_dump_json(indent=2) if as_json else "\n".join(to_lines(entry)))


@ontology_group.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 200), help="Most entries to show.")
def search(query: tuple[str, ...], limit: int) -> None:
    """Find expressions by name, synonym or meaning."""
    from ferce_agent.ontology.store import ontology

    found = ontology().search(" ".join(query), limit)
    if not found:
        raise SettingsError(f"Nothing in the ontology matches '{' '.join(query)}'.", hint="Try a simpler word.")
    for term in found:
        click.echo(f"{term.id:26} {term.kind:10} {term.definition}")


@click.command()
def doctor() -> None:
    """Say what is installed, which weights are used, what is missing and how to get it."""
    from ferce_agent.doctor import examine

    checks = examine()
    for check in checks:
        mark = "ok     " if check.good else "MISSING" if check.needed else "not set"
        click.echo(f"{mark}  {check.name:28} {check.detail}")
    if any(check.needed and not check.good for check in checks):
        sys.exit(1)
