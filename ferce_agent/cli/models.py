"""`ferce bank` and `ferce vlm`: examples for a vision-language model, and what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ferce_agent.cli.groups import Group
from ferce_agent.cli.options import FILE, FOLDER, chosen_settings, consent_option, engine_options


@click.group(cls=Group)
def bank() -> None:
    """Examples of your own for the prompts of a vision-language model."""


@bank.command(name="build")
@click.argument("folder", type=FOLDER)
@click.option("--out", type=FILE, default=Path("bank.npz"), show_default=True, help="File to write.")
@click.option("--no-pictures", is_flag=True, help="Keep what was measured in the faces, but no picture of them.")
def bank_build(folder: Path, out: Path, no_pictures: bool) -> None:
    """Build a bank from FOLDER: one folder of photos per expression (happy/, sad/, …).

    A text file beside a photo (photo.txt beside photo.jpg) is a note that goes into the prompt with it.
    """
    from ferce_agent.training.bank_builder import build_bank

    built = build_bank(folder, pictures=not no_pictures)
    built.bank.save(out)
    for name, reason in built.left_out:
        click.echo(f"ferce: {name} left out: {reason}", err=True)
    click.echo(f"{len(built.bank.examples)} examples in {out}")


@click.group(cls=Group)
def vlm() -> None:
    """Measure a vision-language model before you rely on it."""


@vlm.command(name="calibrate")
@click.option("--dataset", required=True, metavar="NAME:DIR[#SPLIT]", help="Labelled faces, as for `ferce bench run`.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(40), help="Use only so many of them.")
@click.option("--out", type=FILE, default=Path("reliability.json"), show_default=True, help="File to write.")
@consent_option
@engine_options
def vlm_calibrate(dataset: str, limit: int, out: Path, consent: bool, chosen: dict[str, Any]) -> None:
    """Ask --vlm about labelled faces, and fit how far its label may move the probabilities.

    Use faces that neither model was trained on and that you do not report results on, such as ferplus:DIR#valid.
    """
    from ferce_agent.evaluation.reliability import measure_reliability

    found = measure_reliability(dataset, limit, chosen_settings(chosen), {"consent": True} if consent else None)
    found.save(out)
    click.echo(
        f"{found.model} ({found.prompt}): right on {found.accuracy:.3f} of {found.items} faces; weight "
        f"{found.weight:.2f}\n"
        f"Use it with: --vlm-reliability {out}"
    )


@vlm.command(name="export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--from", "made", type=FOLDER, help="Folder of `ferce train vlm`; default: the model in the package.")
def vlm_export(folder: Path, made: Path | None) -> None:
    """Write our own model to FOLDER (540 MB) in the format of transformers; use it with --vlm hf:FOLDER.

    FOLDER's name must begin with "ferce-vlm", so that the model is asked in its own way.
    """
    from ferce_agent.vlm.own.export import export_folder
    from ferce_agent.vlm.own.model import LORA, MMPROJ, SHIPPED

    if not folder.name.startswith("ferce-vlm"):
        raise click.UsageError("Let the folder's name begin with 'ferce-vlm'.")
    made = made or SHIPPED
    click.echo(f"Written: {export_folder(folder, made / MMPROJ, made / LORA)}")
