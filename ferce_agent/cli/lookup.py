"""`ferce policy`, `schema`, `ontology` and `doctor`: what can be looked up."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.groups import Group
from ferce_agent.cli.options import FILE, use_options
from ferce_agent.cli.output import echo_json, hanging, terminal_width, write_text
from ferce_agent.errors import SettingsError

if TYPE_CHECKING:
    from ferce_agent.cli.installation_checks import Check

EXPECTED_CHECKS: Final = 30
"""About how many checks the doctor makes, for its progress bar."""


@click.command()
@use_options
@click.option("--remote", is_flag=True, help="Suppose that a vision-language model elsewhere is set up.")
@click.option("--sound", is_flag=True, help="Suppose that sound is listened to.")
@click.option(
    "--scenario",
    metavar="NAME",
    help="Suppose that this scenario is run; what is left open of the use is taken from its preset.",
)
def policy(use: dict[str, Any], remote: bool, sound: bool, scenario: str | None) -> None:
    """Print the rules on uses, or what they decide for one use."""
    from ferce_agent.policy.decide import decide
    from ferce_agent.policy.use import read_use
    from ferce_agent.scenarios.preset import preset
    from ferce_agent.views.rules import decision_lines, rules_table

    chosen = None if scenario is None else preset(scenario)
    if use or remote or sound or chosen:
        meant = read_use(use) if chosen is None else chosen.used_for(read_use(use))
        decision = decide(meant, remote=remote, heard=sound, scenario=None if chosen is None else chosen.name)
        for label, text in decision_lines(decision):
            click.echo("\n".join(hanging(label, text, terminal_width(100), 10)))
    else:
        click.echo(rules_table(terminal_width(140)))


@click.command()
@click.option("--clip", is_flag=True, help="The report of a clip instead of a photo's.")
@click.option("--voice", is_flag=True, help="The report of a voice message instead.")
@click.option("--scenario", is_flag=True, help="The report of a scenario instead.")
@click.option("--session", is_flag=True, help="The report of a session instead.")
@click.option("--write", type=FILE, help="Write it to this file instead of printing it.")
def schema(write: Path | None, **of: bool) -> None:
    """Print the JSON Schema of the report."""
    chosen = [name for name, given in of.items() if given]
    if len(chosen) > 1:
        raise click.UsageError(f"Give one of {' and '.join(f'--{name}' for name in chosen)}, not both.")
    made = _schema_of(chosen[0] if chosen else "photo")
    if write is None:
        echo_json(made)
    else:
        write_text(write, json.dumps(made, indent=2, ensure_ascii=False) + "\n")


def _schema_of(report: str) -> dict[str, Any]:
    from ferce_agent.report import clip_json_schema, json_schema, voice_json_schema
    from ferce_agent.report.scenario import scenario_json_schema
    from ferce_agent.report.session import session_json_schema

    makers = {
        "clip": clip_json_schema,
        "voice": voice_json_schema,
        "scenario": scenario_json_schema,
        "session": session_json_schema,
    }
    return makers.get(report, json_schema)()


@click.group(name="ontology", cls=Group)
def ontology_group() -> None:
    """Look things up in the expression ontology."""


@ontology_group.command()
@click.argument("term", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(term: tuple[str, ...], as_json: bool) -> None:
    """Show one expression (happiness), action unit (AU12), appraisal (loss) or posture (shrug)."""
    from ferce_agent.ontology.store import ontology
    from ferce_agent.views.entry import fields_of, find_entry

    entry = find_entry(ontology(), " ".join(term))
    if as_json:
        echo_json(entry.model_dump(mode="json"))
        return
    for label, text in fields_of(entry):
        click.echo("\n".join(hanging(label, text, terminal_width(100), 15)))


@ontology_group.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 200), help="Most entries to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(query: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find expressions by name, synonym or meaning."""
    from ferce_agent.ontology.store import ontology

    found = ontology().search(" ".join(query), limit)
    if not found:
        raise SettingsError(f"Nothing in the ontology matches '{' '.join(query)}'.", hint="Try a simpler word.")
    if as_json:
        echo_json([term.model_dump(mode="json") for term in found])
        return
    width = terminal_width(100)
    for term in found:
        click.echo("\n".join(hanging(f"{term.id:26} {term.kind:10} ", term.definition, width, 38)))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Say what is installed, which weights are used, what is missing and how to get it.

    Exit status: 0 photos can be read, 1 something that it takes is missing.
    """
    from ferce_agent.cli.installation_checks import examine
    from ferce_agent.views.progress import Display

    checks = []
    with Display(EXPECTED_CHECKS, "Looking") as display:
        for check in examine():
            checks.append(check)
            display.show(len(checks), check.name)
    if as_json:
        echo_json([asdict(check) for check in checks])
    else:
        for check in checks:
            click.echo("\n".join(_told(check)))
    if any(check.needed and not check.good for check in checks):
        sys.exit(1)


def _told(check: Check) -> Iterable[str]:
    """Return a check as lines: its standing, its name, what was found and what to do."""
    width = terminal_width(100)
    mark = "ok     " if check.good else "MISSING" if check.needed else "not set"
    yield from hanging(f"{mark}  {check.name:28} ", check.detail, width, 38)
    if check.advice:  # a command to copy is broken as little as can be
        yield from hanging("", check.advice, width, 38 if 38 + len(check.advice) <= width else 9)
