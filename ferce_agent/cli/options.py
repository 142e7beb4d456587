"""Options that several commands of `ferce` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose engines; they reach the command as one dictionary named `chosen`."""
    from dataclasses import fields
    from functools import wraps

    options = (
        click.option("--settings", type=FILE, help="Settings file (TOML); default: the one FERCE_SETTINGS names."),
        click.option("--max-faces", type=click.IntRange(1, 256), help="Read only so many faces, the largest first."),
        click.option("--small-faces", flag_value="always", help="Look for small faces in every photo. Slower."),
        click.option(
            "--no-small-faces",
            "small_faces",
            flag_value="never",
            help="Look for them in none.  [default: where the first look finds few or the photo is large]",
        ),
        click.option("--weights", type=FILE, help="Weight file of the expression model instead of the shipped one."),
        click.option(
            "--vlm",
            metavar="SPEC",
            help="Vision-language model: own (in the package), own:FOLDER, llamacpp:MODEL.gguf+MMPROJ.gguf, "
            "hf:ORG/NAME, openai:URL#MODEL, python:MODULE:FUNCTION.",
        ),
        click.option(
            "--vlm-when", type=click.Choice(["always", "unsure"]), help="Ask it about every face, or where unsure only."
        ),
        click.option(
            "--vlm-reliability", type=FILE, help="File of `ferce vlm calibrate`: lets the model's label count."
        ),
        click.option("--vlm-seconds", type=float, help="Longest wait for one answer of it.  [default: 60]"),
        click.option("--prompt", "vlm_prompt", help="Prompt by name (perceive, label, regions, …) or file (mine.md)."),
        click.option("--scene", is_flag=True, help="Also show it the whole picture, downscaled."),
        click.option("--choose-cause", is_flag=True, help="Let it choose among the causes found; it cannot add one."),
        click.option("--bank", type=FILE, help="Bank of examples for the prompt, made by `ferce bank build`."),
        click.option(
            "--budget-ms", type=float, help="Time for one picture; the vision-language model is left out beyond."
        ),
    )

    @wraps(command)
    def run(**values: Any) -> Any:
        from ferce_agent.settings import Settings

        names = {"settings", *(field.name for field in fields(Settings))} & set(values)
        chosen = {name: value for name in names if (value := values.pop(name)) not in (None, False)}
        return command(chosen=chosen, **values)

    for option in reversed(options):
        run = option(run)
    return run


def use_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a report is used for; they reach the command as one dictionary named `use`."""
    from functools import wraps
    from typing import get_args

    from ferce_agent.policy.labels import Domain, Grounds, Jurisdiction

    options = (
        click.option("--domain", type=click.Choice(get_args(Domain)), help="Area in which the report is used."),
        click.option("--jurisdiction", type=click.Choice(get_args(Jurisdiction)), help="Whose law holds."),
        click.option("--purpose", metavar="WORDS", help="What the report is for, in plain words."),
        click.option("--basis", type=click.Choice(get_args(Grounds)), help="Medical or safety reason, if any."),
        click.option("--consent/--no-consent", default=None, help="Whether the people shown agreed."),
        click.option("--minors/--no-minors", default=None, help="Whether minors may be shown."),
    )
    names = ("domain", "jurisdiction", "purpose", "basis", "consent", "minors")

    @wraps(command)
    def run(**values: Any) -> Any:
        use = {name: value for name in names if (value := values.pop(name)) is not None}
        return command(use=use, **values)

    for option in reversed(options):
        run = option(run)
    return run


consent_option = click.option(
    "--consent",
    is_flag=True,
    help="The people shown agree that their faces go to a remote model; without it none is asked.",
)
"""The option of commands that send faces without making a report."""


def chosen_settings(chosen: dict[str, Any]) -> Any:
    """Return the settings of file and environment with the options on top.

    Raises:
        SettingsError: A value is out of range, or the file cannot be read.
    """
    import os
    from dataclasses import replace

    from ferce_agent.settings import Settings

    given = dict(chosen)
    file = given.pop("settings", None)
    environment = {**os.environ, "FERCE_SETTINGS": str(file)} if file else os.environ
    return replace(Settings.from_environment(environment), **given)
