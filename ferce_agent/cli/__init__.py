"""The `ferce` command, one file a group of commands. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import click

from ferce_agent.cli.adapt import adapt
from ferce_agent.cli.analyze import analyze
from ferce_agent.cli.baseline import baseline
from ferce_agent.cli.batch import batch
from ferce_agent.cli.bench import bench
from ferce_agent.cli.chat import chat
from ferce_agent.cli.connect import connect
from ferce_agent.cli.groups import Program
from ferce_agent.cli.listen import listen
from ferce_agent.cli.lookup import doctor, ontology_group, policy, schema
from ferce_agent.cli.models import bank, vlm
from ferce_agent.cli.scenario import scenario
from ferce_agent.cli.serve import mcp
from ferce_agent.cli.service import serve
from ferce_agent.cli.session import session
from ferce_agent.cli.settings import settings
from ferce_agent.cli.train import train
from ferce_agent.cli.watch import watch
from ferce_agent.cli.web import web


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ferce-agent")
def main() -> None:
    """Reads facial expressions and voices: a photo, a film or a voice message in, one validated report out.

    Exit status: 0 all was done, 1 something was not (standard error says what), 2 the command line makes no sense, 130
    stopped with Ctrl-C. Colours follow NO_COLOR and FORCE_COLOR, the width of lines COLUMNS.
    """


for command in (
    analyze,
    watch,
    listen,
    batch,
    scenario,
    session,
    chat,
    web,
    mcp,
    serve,
    connect,
    policy,
    schema,
    ontology_group,
    settings,
    doctor,
    baseline,
    adapt,
    bank,
    vlm,
    bench,
    train,
):
    main.add_command(command)
