"""Options that several commands of `ferce` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ferce_agent.settings import Setting

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each setting that is offered as one; they reach the command as a dictionary named `chosen`."""
    from functools import wraps

    from ferce_agent.settings import settings_table

    known = settings_table()
    offered = [setting for setting in known if setting.option.offered]

    @wraps(command)
    def run(**values: Any) -> Any:
        names = {"settings", *(setting.name for setting in known)} & set(values)  # with those of the command itself
        chosen = {name: value for name in names if (value := values.pop(name)) is not None}
        return command(chosen=chosen, **values)

    for setting in reversed(offered):
        for option in reversed(list(_options(setting))):
            run = option(run)
    words = "Settings file (TOML); default: the one FERCE_SETTINGS names."
    return click.option("--settings", type=FILE, help=words)(run)


def _options(setting: Setting) -> Iterator[Callable[..., Any]]:
    """Yield the options of a setting; none has a default, so that without one the environment and the file count."""
    from ferce_agent.settings import shown_value

    for flag, value, words in setting.option.flags:
        yield click.option(flag, setting.name, flag_value=value, help=words)
    if setting.option.flags:
        return
    (name,) = setting.options
    words = setting.summary
    if setting.default not in (None, "", False):
        words += f"  [default: {shown_value(setting.default)}]"
    if setting.schema.get("type") == "boolean":
        switch = f"{name}/--no-{name[2:]}" if setting.default else name
        yield click.option(switch, setting.name, is_flag=True, default=None, help=words)
    else:
        metavar = setting.option.metavar or None
        yield click.option(name, setting.name, type=_type(setting.schema), metavar=metavar, help=words)


def _type(schema: Mapping[str, Any]) -> Any:
    """Return what an option's value is read as, from the JSON schema of its setting."""
    if "enum" in schema:
        return click.Choice(schema["enum"])
    if schema.get("type") == "integer":
        return click.IntRange(schema.get("minimum"), schema.get("maximum"))
    if schema.get("type") == "number":
        return click.FLOAT  # its limits are told by the settings, in words
    return FILE if schema.get("format") == "path" else click.STRING


def use_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a report is used for; they reach the command as one dictionary named `use`."""
    from functools import wraps
    from typing import get_args

    from ferce_agent.policy.labels import Domain, Grounds, Jurisdiction, Observer

    options = (
        click.option("--domain", type=click.Choice(get_args(Domain)), help="Area in which the report is used."),
        click.option("--jurisdiction", type=click.Choice(get_args(Jurisdiction)), help="Whose law holds."),
        click.option("--purpose", metavar="WORDS", help="What the report is for, in plain words."),
        click.option("--basis", type=click.Choice(get_args(Grounds)), help="Medical or safety reason, if any."),
        click.option("--consent/--no-consent", default=None, help="Whether the people shown or heard agreed."),
        click.option("--minors/--no-minors", default=None, help="Whether minors may be shown."),
        click.option(
            "--observer",
            type=click.Choice(get_args(Observer)),
            help="Who reads a report on a person: the person, the person's therapist or physician, or somebody else.",
        ),
    )
    names = ("domain", "jurisdiction", "purpose", "basis", "consent", "minors", "observer")

    @wraps(command)
    def run(**values: Any) -> Any:
        use = {name: value for name in names if (value := values.pop(name)) is not None}
        return command(use=use, **values)

    for option in reversed(options):
        run = option(run)
    return run


baseline_option = click.option(
    "--baseline",
    metavar="NAME|FILE",
    help="Read the one person shown or heard against this baseline: its name, or a file (me.json).",
)
"""The option for the setting `baseline`; `engine_options` takes it up, and it stands above that."""

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
