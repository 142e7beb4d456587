"""`ferce settings`: every setting, what it is now, and what it means; docs/settings.md is made here, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.options import chosen_settings, engine_options
from ferce_agent.cli.output import hanging, terminal_width

if TYPE_CHECKING:
    from ferce_agent.settings import Setting, Settings

INTRODUCTION: Final = """# Settings

Written by `ferce settings --markdown`; `ferce settings` says what each one is now. A setting is given in Python
(`Settings(max_faces=4)`, which reads nothing else), as a line of a settings file (TOML, `max_faces = 4`) that
`--settings` or `FERCE_SETTINGS` names, as an environment variable (`FERCE_MAX_FACES=4`) or as an option of the
command line. A variable counts for more than the file, an option for more than both. A name that is no setting and a
value that cannot be used are errors. In Python, `Settings.from_environment()` reads variables and file,
`Settings.from_file(path)` a file only.

| setting | variable | option | takes | default | meaning |
|---|---|---|---|---|---|
"""


@click.command()
@click.option("--markdown", is_flag=True, help="Print the table of the documentation instead.")
@engine_options
def settings(markdown: bool, chosen: dict[str, Any]) -> None:
    """Print the settings as they are now, by environment, file and options."""
    if markdown:
        click.echo(settings_page(), nl=False)
    else:
        click.echo("\n".join(_lines(chosen_settings(chosen))))


def _lines(now: Settings) -> Iterable[str]:
    from ferce_agent.settings import settings_table, shown_value

    for setting in settings_table():
        value = getattr(now, setting.name)
        mark = "*" if value != setting.default else " "
        yield from hanging(
            f"{mark} {setting.name:16} {shown_value(value):10} ", setting.summary, terminal_width(100), 30
        )
    yield "* differs from the default"


def settings_page() -> str:
    """Return the documentation of all settings, in Markdown."""
    from ferce_agent.settings import settings_table

    return INTRODUCTION + "".join(f"| {' | '.join(_cells(setting))} |\n" for setting in settings_table())


def _cells(setting: Setting) -> Iterable[str]:
    from ferce_agent.settings import shown_value
    from ferce_agent.validation.fields import taken_by

    yield f"`{setting.name}`"
    yield f"`{setting.variable}`"
    yield ", ".join(f"`{name}`" for name in setting.options)
    yield taken_by(setting.schema)
    yield shown_value(setting.default)
    yield " ".join(setting.description.split())
