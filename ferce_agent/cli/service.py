"""`ferce serve`: the server for programs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ferce_agent.cli.options import FILE, baseline_option, chosen_settings, engine_options, use_options
from ferce_agent.cli.serve import ROOT, usable
from ferce_agent.errors import MissingExtraError


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0: any free one.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Processes that read photos, beside one each for clips and voices; 1: threads of the server itself.",
)
@click.option("--tokens", type=FILE, help="File of clients and digests of their tokens; see 'ferce serve token'.")
@click.option("--insecure", is_flag=True, help="Serve other machines without a token.")
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME", help="Name by which clients may address it; repeatable."
)
@click.option("--max-queue", default=64, show_default=True, type=click.IntRange(1), help="Photos held at a time.")
@click.option(
    "--timeout", default=30.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Most seconds of a photo."
)
@click.option("--client-rate", type=click.FloatRange(1), help="Most requests a minute of each client.")
@click.option("--client-at-once", type=click.IntRange(1), help="Most requests at a time of each client.")
@click.option("--client-megabytes", type=click.FloatRange(1), help="Most megabytes a minute of each client.")
@click.option("--mcp/--no-mcp", "mcp_too", default=True, show_default=True, help="Serve MCP at /mcp too.")
@click.option("--root", "roots", type=ROOT, multiple=True, help="Folder whose files MCP clients may name; repeatable.")
@click.option("--log/--no-log", "logs", default=True, show_default=True, help="Write a line for each answer.")
@baseline_option
@use_options
@engine_options
@click.pass_context
def serve(ctx: click.Context, /, use: dict[str, Any], chosen: dict[str, Any], **options: Any) -> None:
    """Serve photos, clips and voices over HTTP to many clients, and MCP on the same port.

    Photos of several requests are read together. What cannot be answered in time is refused at once. Clients send a
    token of --tokens or FERCE_TOKEN as bearer; on this machine alone none is needed. SIGTERM finishes what was
    accepted. Standard error gets a line of JSON for each answer, without anything of what was sent.
    """
    if ctx.invoked_subcommand is None:
        run(use, chosen, options)


def run(use: dict[str, Any], chosen: dict[str, Any], options: dict[str, Any]) -> None:
    """Serve until a signal.

    Raises:
        FerceError: An option cannot be used, or the port is in use.
    """
    for package in ("fastapi", "uvicorn", "structlog", "prometheus_client", "python_multipart"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "serve")
    import os
    import sys
    from functools import partial

    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.service.clients import Clients, Quota, read_clients
    from ferce_agent.service.logs import json_log, log_failures
    from ferce_agent.service.service import Service, no_log
    from ferce_agent.service.serving import readers_for, recordings_by, serve_one
    from ferce_agent.tools.mcp_http import check_access
    from ferce_agent.web.listening import authority, bound_socket
    from ferce_agent.web.security import name_in

    log_failures(sys.stderr)
    digests = read_clients(options["tokens"], os.environ.get("FERCE_TOKEN") or None)
    check_access(options["host"], "known" if digests else None, insecure=options["insecure"])
    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    quota = Quota(options["client_rate"], options["client_at_once"], options["client_megabytes"])
    service = Service(
        engines,
        readers_for(engines, options["workers"]),
        partial(recordings_by, workers=options["workers"]),
        host=options["host"],
        names=tuple(name_in(name) for name in options["names"]),
        clients=Clients(digests, quota),
        most_held=options["max_queue"],
        timeout_s=options["timeout"],
        log=json_log(sys.stderr) if options["logs"] else no_log,
        mcp=options["mcp_too"],
        roots=tuple(usable(options["roots"])),
    )
    with bound_socket(options["host"], options["port"]) as listening:
        address = f"http://{authority(options['host'], listening.getsockname()[1])}"
        click.echo(f"ferce: server at {address} (stop with Ctrl-C)", err=True)
        serve_one(service, listening)


@serve.command()
@click.argument("name")
@click.option("--tokens", "file", type=FILE, required=True, help="File that its digest is added to.")
def token(name: str, file: Path) -> None:
    """Print a new token for the client NAME, and add its digest to the file of tokens."""
    from ferce_agent.service.clients import new_token

    click.echo(new_token(name, file))
    click.echo("ferce: this is shown once; give it to the client. The server reads the file at its start.", err=True)
