"""`ferce mcp`: the tool for MCP clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ferce_agent.cli.options import FOLDER, chosen_settings, engine_options, use_options


@click.command()
@click.option("--root", "roots", type=FOLDER, multiple=True, help="Folder whose photos clients may name; repeatable.")
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, with --http.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port, with --http.")
@use_options
@engine_options
def mcp(  # noqa: PLR0913  # one parameter per option
    roots: tuple[Path, ...], http: bool, host: str, port: int, use: dict[str, Any], chosen: dict[str, Any]
) -> None:
    """Serve the tool to MCP clients.

    Photos come as data URLs, or as paths in a --root folder. Addresses on the web are never opened. What the options say about the
    use holds for every client: clients may add to it, but cannot loosen it.
    """
    from ferce_agent.engine import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.tools.mcp_server import MAX_BODY, create_server

    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    server = create_server(roots=roots, engines=engines)
    if http:
        click.echo(f"ferce: MCP server at http://{host}:{port}/mcp (stop with Ctrl-C)", err=True)
        server.run("streamable-http", host=host, port=port, max_request_body_size=MAX_BODY)
    else:
        server.run("stdio")
