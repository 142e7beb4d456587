"""`ferce mcp`: the tool for MCP clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ferce_agent.cli.options import baseline_option, chosen_settings, engine_options, use_options

ROOT = click.Path(path_type=Path)
"""A folder that may be missing: that is said, and disables nothing else."""


@click.command()
@click.option(
    "--root",
    "roots",
    type=ROOT,
    multiple=True,
    help="Folder whose photos, films and sounds clients may name; repeatable.",
)
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, with --http.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port, with --http; 0: any free one."
)
@click.option(
    "--token",
    envvar="FERCE_TOKEN",
    show_envvar=True,
    metavar="TEXT",
    help="With --http: clients must send it as bearer token. The variable is safer, since others see command lines.",
)
@click.option("--insecure", is_flag=True, help="With --http: serve other machines without a token.")
@click.option(
    "--app/--no-app",
    default=True,
    show_default=True,
    help="Give clients that show apps a page of each reading and a panel to take a photo.",
)
@baseline_option
@use_options
@engine_options
@click.pass_context
def mcp(  # noqa: PLR0913  # one parameter per option
    ctx: click.Context,
    roots: tuple[Path, ...],
    http: bool,
    host: str,
    port: int,
    token: str | None,
    insecure: bool,
    app: bool,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Serve the tools for photos, films and voices to MCP clients.

    Photos and films come as data URLs, or as paths in a --root folder; a relative path is looked up in each of them.
    Addresses on the web are never opened, nor are cameras. What the options say about the use holds for every client:
    clients may add to it, but cannot loosen it.

    With --http on an address that other machines can reach, a token is needed (FERCE_TOKEN or --token), or --insecure.
    """
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.tools.mcp import create_server
    from ferce_agent.tools.mcp_http import check_access, serve

    if http:
        check_access(host, token, insecure=insecure)
    else:
        refuse_without_http(ctx)
    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    server = create_server(roots=usable(roots), engines=engines, app=app)
    if http:
        serve(server, host=host, port=port, token=token, announce=announce)
    else:
        server.run("stdio")


def refuse_without_http(ctx: click.Context) -> None:
    """Refuse options that would be ignored: those of the HTTP server without it."""
    for name in ("host", "port", "token", "insecure"):
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} needs --http.", ctx)


def usable(roots: tuple[Path, ...]) -> list[Path]:
    """Return the roots that are folders, and name the others on standard error."""
    for root in roots:
        if not root.is_dir():
            click.echo(f"ferce: --root {root} is no folder and is left out.", err=True)
    return [root for root in roots if root.is_dir()]


def announce(address: str) -> None:
    """Tell on standard error where the server is."""
    click.echo(f"ferce: MCP server at {address} (stop with Ctrl-C)", err=True)
