"""`ferce web`: the local page."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from ferce_agent.cli.options import chosen_settings, engine_options, use_options
from ferce_agent.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    import socket

PORT: Final = 8765
"""The usual port."""


@click.command()
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Name by which browsers may address the server, such as that of a proxy in front; repeatable.",
)
@click.option(
    "--model",
    metavar="SPEC",
    help="Chat model: openai:URL#MODEL, or python:MODULE:FUNCTION giving a LangChain chat model. It is sent what is "
    "written and what readings say in short, never a picture.  [default: answers by rule, offline]",
)
@click.option("--open/--no-open", "opens", default=False, help="Open the page in the browser.")
@use_options
@engine_options
@click.pass_context
def web(  # noqa: PLR0913  # one parameter per option
    ctx: click.Context,
    port: int,
    host: str,
    names: tuple[str, ...],
    model: str | None,
    opens: bool,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Serve a page on which photos, clips and voices are read, a camera is followed live, and an assistant answers.

    Prints the address of the page. It holds a random token, new with every start, without which nothing is answered:
    whoever has the address can use the page. Only this machine can reach it, unless --host says otherwise.

    Nothing that is sent is kept or written to disk. What the options say about the use holds for everyone: the page may
    add to it, but cannot loosen it.
    """
    for needed in ("fastapi", "uvicorn", "websockets"):
        if find_spec(needed) is None:
            raise MissingExtraError(needed, "web")
    click.echo("ferce: starting; this takes a few seconds.", err=True)  # what follows takes seconds
    from ferce_agent.chat.models import load_chat_model
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.web.security import name_in
    from ferce_agent.web.serving import serve
    from ferce_agent.web.site import Site

    for name in names:
        name_in(name)
    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    chat_model = load_chat_model(model)
    is_chosen = ctx.get_parameter_source("port") is not ParameterSource.DEFAULT
    with listening_socket(host, port, is_chosen=is_chosen) as listening:
        site = Site(engines, host=host, port=listening.getsockname()[1], chat_model=chat_model, names=names)
        announce(site.host, site.port, site.token, opens=opens)
        serve(site, listening)


def listening_socket(host: str, port: int, *, is_chosen: bool) -> socket.socket:
    """Return the socket to listen on; where the usual port is taken and nobody chose it, that of a free one.

    Raises:
        SettingsError: The port is in use, or the address is not one of this machine.
    """
    from ferce_agent.web.listening import bound_socket

    try:
        return bound_socket(host, port)
    except SettingsError:
        if is_chosen:
            raise
        found = bound_socket(host, 0)
        click.echo(f"ferce: port {port} is in use; another one is taken.", err=True)
        return found


def announce(host: str, port: int, token: str, *, opens: bool) -> None:
    """Print the address of the page on standard output, and what to know on standard error.

    Args:
        host: Address the server listens on.
        port: Its port.
        token: The token.
        opens: Whether a browser opens the page.
    """
    from ferce_agent.web.listening import authority, bare, is_loopback

    everywhere = bare(host) in {"0.0.0.0", "::"}
    address = f"http://{authority('localhost' if everywhere else host, port)}/#token={token}"
    click.echo(address)
    click.echo("ferce: open this address in a browser; it holds a secret token. Stop with Ctrl-C.", err=True)
    if everywhere:
        click.echo("ferce: from other machines, put this one's address in place of localhost.", err=True)
    if not is_loopback(bare(host)):
        click.echo(
            "ferce: other machines can reach this server. What they send, faces and token included, is not encrypted, "
            "and their browsers give no camera to it, unless a proxy with TLS stands in front (see --allow-host).",
            err=True,
        )
    if opens:
        open_page(address)


def open_page(address: str) -> None:
    """Open the page in the user's browser; some browsers wait for it, so that this is left to a thread."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), name="ferce-open", daemon=True).start()
