"""The hosts that `ferce connect` knows, read from `hosts.toml`, and the entry that each of them takes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, Literal

from ferce_agent.errors import SettingsError

Format = Literal["json", "toml", "yaml"]
Entry = dict[str, Any]
"""What stands in a host's file for one server: text, lists of text, truth values, numbers, and tables of these."""

NAME: Final = "ferce-agent"
"""What the server is called in a host's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host of MCP servers; the fields are those of `hosts.toml`, which explains them."""

    name: str
    title: str
    format: Format
    path: tuple[str, ...]
    stdio: Mapping[str, Any]
    source: str
    checked: str
    items: str = ""
    head: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    project: str = ""
    http: Mapping[str, Any] | None = None
    token: Mapping[str, Any] | None = None
    note: str = ""

    @property
    def owned(self) -> set[str]:
        """Keys of an entry that are ours to change; whatever else a user wrote there stays."""
        return {*self.stdio, *(self.http or {}), *(self.token or {})}

    def places(self) -> list[tuple[str, str]]:
        """Return (for whom, file): the user's own file by system, and the file of a project."""
        names = {"everywhere": "all systems", "linux": "Linux", "macos": "macOS", "windows": "Windows"}
        own = [(names[system], file) for system, file in self.files.items()]
        return own + ([("one project", self.project)] if self.project else [])


@dataclass(frozen=True, slots=True)
class Started:
    """A server that the host starts itself and talks to over standard input and output."""

    command: str
    args: tuple[str, ...]
    name: str = NAME


@dataclass(frozen=True, slots=True)
class Reached:
    """A server that runs already: its address, and the environment variable of the host that holds its token."""

    url: str
    variable: str = ""
    name: str = NAME


def hosts() -> dict[str, Host]:
    """Return the hosts by name, in the order of the file."""
    table = tomllib.loads((files("ferce_agent.cli.hosting") / "hosts.toml").read_text("utf-8"))
    return {name: Host(name=name, **{**row, "path": tuple(row["path"])}) for name, row in table.items()}


def host_of(name: str) -> Host:
    """Return a host.

    Raises:
        SettingsError: There is none of that name.
    """
    from ferce_agent.validation.fields import did_you_mean

    known = hosts()
    if name not in known:
        hint = did_you_mean(name, known) or "`ferce connect --list` names those there are."
        raise SettingsError(f"There is no host '{name}'.", hint=hint)
    return known[name]


def entry_for(host: Host, server: Started | Reached) -> Entry:
    """Return the entry of a server as the host takes it.

    Raises:
        SettingsError: The host takes no servers of that kind, or cannot read a token from its environment.
    """
    if isinstance(server, Started):
        whole = [server.command, *server.args]
        values: dict[str, Any] = {"command": server.command, "args": [*server.args], "line": whole, "name": server.name}
        return {key: _filled(value, values) for key, value in host.stdio.items()}
    if host.http is None:
        hint = "Leave --http out: the host then starts the server itself."
        raise SettingsError(f"The file of {host.title} takes no servers by their address.", hint=hint)
    if server.variable and host.token is None:
        message = f"The documentation of {host.title} names no way to read a token from an environment variable."
        raise SettingsError(message, hint="Leave --token-variable out, and --http too: no token is needed then.")
    given = {**host.http, **(host.token or {})} if server.variable else host.http
    values = {"url": server.url, "variable": server.variable, "name": server.name}
    return {key: _filled(value, values) for key, value in given.items()}


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Return a template with what it names filled in; a name that is all of a text may stand for a list."""
    if isinstance(value, Mapping):
        return {key: _filled(part, values) for key, part in value.items()}
    if not isinstance(value, str):
        return value
    for name, given in values.items():
        if value == f"{{{name}}}":
            return given
        if isinstance(given, str):
            value = value.replace(f"{{{name}}}", given)
    return value
