"""The `ferce` command, one file a group of commands. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

from typing import Any

import click

from ferce_agent.cli.analyze import analyze
from ferce_agent.cli.bench import bench
from ferce_agent.cli.chat import chat
from ferce_agent.cli.lookup import doctor, ontology_group, policy, schema
from ferce_agent.cli.models import bank, vlm
from ferce_agent.cli.output import complain
from ferce_agent.cli.serve import mcp
from ferce_agent.cli.train import train
from ferce_agent.errors import FerceError


class FerceGroup(click.Group):
    """A command group that turns this package's errors into one line on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `FerceError` becomes a message, never a traceback."""
        try:
            return super().invoke(ctx)
        except FerceError as error:
            complain(error)
            ctx.exit(1)


@click.group(cls=FerceGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ferce-agent")
def main() -> None:
    """Reads facial expressions: a photo in, one validated emotion report out."""


for command in (analyze, chat, mcp, policy, schema, ontology_group, doctor, bank, vlm, bench, train):
    main.add_command(command)
