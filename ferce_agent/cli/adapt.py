"""`ferce adapt`: fit the expression model's answer to pictures of the user's own deployment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferce_agent.cli.options import FILE, FOLDER, chosen_settings, engine_options
from ferce_agent.cli.output import write_text

if TYPE_CHECKING:
    from ferce_agent.adaptation.making import Made


@click.command()
@click.option(
    "--data",
    type=FOLDER,
    required=True,
    help="One folder of pictures a label, or pictures with a csv file with the columns file and label.",
)
@click.option("--out", type=FILE, default=Path("adapter.json"), show_default=True, help="File to write.")
@click.option(
    "--labels",
    type=FILE,
    help='What labels stand for: TOML lines (froh = "happiness"), or a csv file with label and expression.  [default: '
    "labels.toml in the folder, or the ontology's words]",
)
@click.option(
    "--folds", default=5, show_default=True, type=click.IntRange(2, 20), help="Parts of the cross-validation."
)
@click.option("--seed", default=7, show_default=True, help="Seed of the parts and intervals.")
@click.option(
    "--shares",
    type=click.Choice(["counts", "shipped"]),
    default="counts",
    show_default=True,
    help="counts: labels are as frequent as where it will be used; shipped: the pictures were chosen by label.",
)
@click.option(
    "--together",
    default="",
    metavar="COLUMN",
    help="Pictures with equal values, such as those of one person, stay in one part.",
)
@click.option("--name", default="deployment", show_default=True, help="What the deployment is called in reports.")
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
@engine_options
def adapt(data: Path, out: Path, labels: Path | None, as_json: bool, chosen: dict[str, Any], **choices: Any) -> None:
    """Fit an adapter to a few labelled pictures of your own; use it with --adapter FILE.

    It is judged by cross-validation, and written only where it is better on pictures that it was not fitted on. It
    holds for these pictures' deployment and is no truth about any group of people. At least 20 pictures with a face,
    and 5 of each label.

    Exit status: 0 the adapter was written, 1 it was not: it is not better, or there are too few pictures (standard
    error says which).
    """
    from ferce_agent.adaptation.making import Wanted, make_adapter
    from ferce_agent.adaptation.measures import is_better, why_not

    made = make_adapter(data, chosen_settings(chosen), Wanted(**choices), labels)
    held_out = made.adapter.held_out
    click.echo(held_out.model_dump_json(indent=2) if as_json else "\n".join(_lines(made)))
    for note in _told(made):
        click.echo(f"ferce: {note}", err=True)
    if not is_better(held_out):
        click.echo(f"ferce: {why_not(held_out)} Nothing was written; more pictures may help.", err=True)
        sys.exit(1)
    write_text(out, made.adapter.to_json())
    click.echo(f"Use it with: --adapter {out}" if not as_json else f"ferce: written: {out}", err=as_json)


def _told(made: Made) -> Iterator[str]:
    """Yield what the user should know of the pictures."""
    if made.without_face:
        yield f"no face was found in {len(made.without_face)} pictures, which were left out: {_few(made.without_face)}"
    if made.unreadable:
        yield f"{len(made.unreadable)} files could not be read: {_few(made.unreadable)}"
    if made.left_out:
        yield f"{made.left_out} pictures have labels that the map leaves out."
    yield from made.notes


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _lines(made: Made) -> Iterator[str]:
    """Yield the table of before and after."""
    from ferce_agent.adaptation.measures import MEASURES

    adapter, held_out = made.adapter, made.adapter.held_out
    counts = ", ".join(f"{name} {count}" for name, count in adapter.counts.items())
    yield f"{adapter.pictures} faces: {counts}"
    head = "none" if adapter.head.penalty is None else f"shrunk with {adapter.head.penalty:g}"
    yield (
        f"Prior counts {adapter.prior.exponent:g}, confusion shift {adapter.confusion.exponent:g}, head {head}; "
        f"sharpness {adapter.sharpness:.2f}"
    )
    yield f"Held out, {held_out.folds} folds; 95 % intervals:"
    yield f"{'':16} {'before':>22} {'after':>22} {'change':>18}"
    for name in MEASURES:
        before, after = (
            f"{getattr(part, name):.3f} [{low:.3f}, {high:.3f}]"
            for part, (low, high) in (
                (held_out.before, held_out.interval_before[name]),
                (held_out.after, held_out.interval_after[name]),
            )
        )
        low, high = held_out.change[name]
        yield f"{name.replace('_', ' '):16} {before:>22} {after:>22} {f'{low:+.3f} to {high:+.3f}':>18}"
