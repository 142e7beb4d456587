"""`ferce connect`: our MCP server in a host, in one step."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from ferce_agent.cli.options import FILE, use_options
from ferce_agent.errors import SettingsError

if TYPE_CHECKING:
    from ferce_agent.cli.hosting.hosts import Host, Reached, Started

EXAMPLE_COMMAND: Final = "/path/to/python"
EXAMPLE_ROOT: Final = "/path/to/photos"
NEW: Final = click.Path(path_type=Path)
"""A folder to be made."""
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FILLED_IN: Final = {"$", "{", "}"}
"""Characters with which one host or another begins a variable in any text of its file."""
SERVER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What every host takes as the name of a server."""


@click.command()
@click.argument("host", required=False)
@click.option("--list", "listing", is_flag=True, help="List the hosts, with the files they read.")
@click.option(
    "--root",
    "roots",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder whose photos, films and sounds the host may name; repeatable.",
)
@click.option("--http", "url", metavar="URL", help="Reach a server that runs already, as `ferce mcp --http` does.")
@click.option("--token-variable", "variable", metavar="NAME", help="With --http: variable that holds its token.")
@click.option(
    "--name", default="ferce-agent", show_default=True, metavar="TEXT", help="What the host calls the server."
)
@click.option("--write", "file", type=FILE, help="Put the entry into this file of the host; a backup stays beside it.")
@click.option("--bundle", type=FILE, metavar="FILE.mcpb", help="Write a bundle that hosts install by themselves.")
@click.option("--server-json", "entry", type=FILE, help="Write the entry for the MCP registry; needs --registry-name.")
@click.option("--registry-name", metavar="NAMESPACE/NAME", help="With --server-json: what the registry calls it.")
@click.option("--repository", metavar="URL", help="With --bundle or --server-json: where the source code lies.")
@click.option("--langgraph", "folder", type=NEW, help="Write a LangGraph project with an agent that has the tools.")
@click.option("--example", is_flag=True, help="Print placeholders instead of the paths of this machine.")
@use_options
@click.pass_context
def connect(  # noqa: PLR0913  # one parameter per option
    ctx: click.Context,
    /,
    host: str | None,
    listing: bool,
    roots: tuple[Path, ...],
    url: str | None,
    variable: str | None,
    name: str,
    file: Path | None,
    example: bool,
    use: dict[str, Any],
    **made: Any,
) -> None:
    """Print what HOST needs to use the tools for photos, films and voices, ready to be copied.

    Standard output holds the configuration and nothing else; standard error says into which file it goes. With --write
    the entry is put into that file: comments and other servers stay, and a file that cannot be changed safely is left
    alone. The server that the host starts is this installation, with the use that the options tell.

    --bundle, --server-json and --langgraph need no HOST. The registry's name and the repository's address are known to
    whoever publishes, so they must be given.
    """
    from ferce_agent.cli.hosting.hosts import host_of

    if listing:
        refuse_others(ctx, {"listing"})
        list_hosts()
        return
    if make(ctx, made):
        return
    if host is None:
        raise click.UsageError("Name a HOST, or use --list.", ctx)
    if not SERVER_NAME.fullmatch(name):
        raise SettingsError(f"'{name}' is no name for a server.", hint="Up to 64 letters, digits, - and _.")
    if example and file is not None:
        raise click.UsageError("--example is for printing, not for --write.", ctx)
    if variable and not url:
        raise click.UsageError("--token-variable needs --http.", ctx)
    if url and (roots or use):
        raise click.UsageError("--root and what is said about the use are given to the server that --http names.", ctx)
    if url:
        server: Started | Reached = reached(url, variable or "", name)
    else:
        server = started(roots, use, name, example=example)
    give(host_of(host), server, file)


def make(ctx: click.Context, made: Mapping[str, Any]) -> bool:
    """Write what one of --bundle, --server-json and --langgraph asks for; return whether one did."""
    if made["bundle"] is not None:
        refuse_others(ctx, {"bundle", "repository"})
        make_bundle(made["bundle"], made["repository"])
    elif made["entry"] is not None:
        refuse_others(ctx, {"entry", "registry_name", "repository"})
        make_entry(made["entry"], made["registry_name"], made["repository"])
    elif made["folder"] is not None:
        refuse_others(ctx, {"folder"})
        make_project(made["folder"])
    elif made["registry_name"] is not None or made["repository"] is not None:
        raise click.UsageError("--registry-name and --repository need --bundle or --server-json.", ctx)
    else:
        return False
    return True


def refuse_others(ctx: click.Context, allowed: set[str]) -> None:
    """Refuse what was given on the command line and would be ignored."""
    for one in ctx.command.params:
        name = one.name or ""
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and name not in allowed:
            shown = one.opts[0] if one.opts[0].startswith("-") else "HOST"
            raise click.UsageError(f"{shown} means nothing here: ask for one thing at a time.", ctx)


def make_bundle(file: Path, repository: str | None) -> None:
    """Write the bundle and say what is in it."""
    from ferce_agent.cli.hosting.bundle import write_bundle
    from ferce_agent.cli.hosting.metadata import address_of

    size = write_bundle(file, address_of(repository) if repository is not None else None)
    click.echo(
        f"ferce: {file} ({size / 1e6:.1f} MB) holds this package and its weights; uv installs the rest.", err=True
    )


def make_entry(file: Path, name: str | None, repository: str | None) -> None:
    """Write the entry for the registry and say what else the registry asks for."""
    import json

    from ferce_agent.cli.hosting.registry import server_json
    from ferce_agent.cli.output import write_text

    write_text(file, json.dumps(server_json(name, repository), indent=2, ensure_ascii=False) + "\n")
    hint = f"The package's README on PyPI must hold the line 'mcp-name: {name}'."
    click.echo(f"ferce: {file} is written. {hint}", err=True)


def make_project(folder: Path) -> None:
    """Write the LangGraph project and say how it begins."""
    from ferce_agent.cli.hosting.template import write_project

    names = write_project(folder)
    click.echo(f"ferce: {folder} holds {', '.join(names)}; README.md says how to run it.", err=True)


def reached(url: str, variable: str, name: str) -> Reached:
    """Return a server by its address.

    Raises:
        SettingsError: The address or the name of the variable cannot be one.
    """
    from urllib.parse import urlsplit

    from ferce_agent.cli.hosting.hosts import Reached

    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s{}$\x00-\x1f\x7f]", url):
        raise SettingsError(f"'{url}' is no address of a server.", hint="http://127.0.0.1:8000/mcp")
    if parts.username is not None or parts.password is not None:
        raise SettingsError("The address holds a name or a password.", hint="Name a variable: --token-variable.")
    if variable and not VARIABLE.fullmatch(variable):
        hint = "Give its name, such as FERCE_TOKEN, never the token itself."
        raise SettingsError("--token-variable is no name of an environment variable.", hint=hint)
    return Reached(url, variable, name)


def started(roots: tuple[Path, ...], use: Mapping[str, Any], name: str, *, example: bool) -> Started:
    """Return the server that a host starts.

    ``-P`` keeps the host's working folder, which may be anybody's project, out of where Python looks for modules.

    Raises:
        SettingsError: The use is refused by the rules, or a path is no text that a configuration can hold.
    """
    from ferce_agent.cli.hosting.hosts import Started
    from ferce_agent.policy.use import read_use

    read_use(use)
    command = EXAMPLE_COMMAND if example else sys.executable
    folders = [EXAMPLE_ROOT] if example else [str(root.absolute()) for root in roots]
    for root in () if example else roots:
        if not root.is_dir():
            click.echo(f"ferce: --root {root} is no folder yet.", err=True)
    args = ["-P", "-m", "ferce_agent", "mcp"]
    args += [word for folder in folders for word in ("--root", folder)] + use_words(use)
    for word in (command, *args):
        if not word.isprintable() or set(word) & FILLED_IN:
            hint = "Hosts would fill in what looks like a variable; use other words, or a folder of another name."
            raise SettingsError(f"{word!a} cannot stand in a configuration.", hint=hint)
    return Started(command, tuple(args), name)


def use_words(use: Mapping[str, Any]) -> list[str]:
    """Return the options of `ferce mcp` that tell the same use."""
    words: list[str] = []
    for name, value in use.items():
        words += [f"--{name if value else 'no-' + name}"] if isinstance(value, bool) else [f"--{name}", str(value)]
    return words


def give(host: Host, server: Started | Reached, file: Path | None) -> None:
    """Print the configuration of a server for a host, or put it into a file of the host."""
    from ferce_agent.cli.hosting.hosts import entry_for
    from ferce_agent.cli.hosting.merging import snippet, write_into

    entry = entry_for(host, server)
    if file is None:
        for line in where(host):
            click.echo(f"ferce: {line}", err=True)
        click.echo(snippet(host, entry, server.name), nl=False)
        return
    written = write_into(at_home(file), host, entry, server.name)
    if not written.changed:
        click.echo(f"ferce: {file} has this entry already.", err=True)
        return
    kept = f" What it held is in {written.backup.name} beside it." if written.backup else ""
    click.echo(f"ferce: {file} has the entry '{server.name}' now.{kept} Start {host.title} again.", err=True)


def at_home(file: Path) -> Path:
    """Return a file with ~ replaced by the home folder, where the shell has not done it, as in --write=~/FILE.

    Raises:
        SettingsError: There is no such home folder.
    """
    try:
        return file.expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{file} names no home folder.", hint="Write the path out.") from error


def where(host: Host) -> list[str]:
    """Return lines that say where a host's configuration goes."""
    lines = [f"{host.title}, {whose}: {file}" for whose, file in host.places()]
    return lines + ([host.note] if host.note else [])


def list_hosts() -> None:
    """Print the hosts, their files and their documentation."""
    from ferce_agent.cli.hosting.hosts import hosts

    for host in hosts().values():
        click.echo(f"{host.name}: {host.title} ({host.format.upper()})")
        for whose, file in host.places():
            click.echo(f"    {whose}: {file}")
        if host.note:
            click.echo(f"    {host.note}")
        click.echo(f"    see {host.source} ({host.checked})")
