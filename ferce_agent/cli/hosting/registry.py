"""`server.json`, the entry of a server in the MCP registry, and what the registry asks of one.

The facts checked are those of https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json that our
values could break; a test reads that schema where there is a network.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from ferce_agent.cli.hosting.metadata import PACKAGE, about, address_of
from ferce_agent.errors import SettingsError

SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
NAME: Final = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+")
LONGEST_NAME: Final = 200
LONGEST_SUMMARY: Final = 100
FORGES: Final = {"github.com": "github", "gitlab.com": "gitlab"}
"""Hosting services by their host name, as the registry calls them."""


def server_json(name: str | None, repository: str | None = None) -> dict[str, Any]:
    """Return the entry of this package.

    Args:
        name: The server's name in the registry, ``NAMESPACE/NAME``; whoever publishes it owns the namespace.
        repository: Address of the source code; left out if not known.

    Raises:
        SettingsError: The name is none, or the address is none of a service that the registry knows.
    """
    told = about()
    if name is None or not NAME.fullmatch(name) or not 3 <= len(name) <= LONGEST_NAME:
        hint = "--registry-name NAMESPACE/NAME, such as io.github.OWNER/ferce-agent; the namespace must be yours."
        raise SettingsError("The registry needs a name for the server.", hint=hint)
    if len(told.summary) > LONGEST_SUMMARY:
        raise SettingsError(f"The package's description is longer than {LONGEST_SUMMARY} characters.")
    whole: dict[str, Any] = {
        "$schema": SCHEMA,
        "name": name,
        "title": "Facial expressions",
        "description": told.summary,
        "version": told.version,
        "packages": [_package(told.version)],
    }
    return whole | ({"repository": _repository(repository)} if repository is not None else {})


def _package(version: str) -> dict[str, Any]:
    """Return how the server is started: ``uvx ferce-agent mcp --root FOLDER``."""
    folder = {
        "type": "named",
        "name": "--root",
        "description": "Folder whose photos and films the assistant may read",
        "format": "filepath",
        "isRequired": False,
        "isRepeated": True,
    }
    return {
        "registryType": "pypi",
        "identifier": PACKAGE,
        "version": version,
        "runtimeHint": "uvx",
        "transport": {"type": "stdio"},
        "packageArguments": [{"type": "positional", "value": "mcp"}, folder],
    }


def _repository(address: str) -> dict[str, str]:
    host = urlsplit(address_of(address)).hostname or ""
    if host not in FORGES:
        known = ", ".join(FORGES)
        raise SettingsError(f"The registry knows no hosting service {host}.", hint=f"One of {known}, or none at all.")
    return {"url": address, "source": FORGES[host]}
