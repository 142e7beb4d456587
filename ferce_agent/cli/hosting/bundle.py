"""The `.mcpb` bundle: this package as one file that a host installs by itself.

The server type is ``uv``: the bundle holds the package with its weights and a list of what it needs; the host, or uv,
brings Python and installs the rest at the first start. See the manifest's specification, version 0.4, of
https://github.com/modelcontextprotocol/mcpb.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ferce_agent.cli.hosting.metadata import PACKAGE, About, about

TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a bundle, so that the same package gives the same bytes."""
LEFT_OUT: Final = {"__pycache__", ".mypy_cache", ".ruff_cache"}
SERVER: Final = '''"""Starts the MCP server with the folders that the user chose in the host."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ferce_agent.cli import main

chosen = [folder for folder in sys.argv[1:] if folder and not folder.startswith("${")]
main(["mcp", *(word for folder in chosen for word in ("--root", folder))])
'''
"""The entry point; a host leaves the placeholder as it is where the user chose no folder."""


def manifest(repository: str | None = None) -> dict[str, Any]:
    """Return the manifest; its tools are those of the server itself.

    Args:
        repository: Address of the source code; left out if not known.
    """
    told = about()
    folders = {
        "type": "directory",
        "title": "Folders with photos and films",
        "description": "The assistant may read photos and films in these folders, and nothing else.",
        "multiple": True,
        "required": False,
    }
    whole: dict[str, Any] = {
        "manifest_version": "0.4",
        "name": PACKAGE,
        "display_name": "Facial expressions",
        "version": told.version,
        "description": told.summary,
        "long_description": (
            "Says what the people in a photo or a film show: expressions with how sure that is, movements, doubts, and "
            "how to answer. Everything runs on this machine; no picture leaves it. A shown expression is not a "
            "feeling. The first start installs what the package needs from the Python Package Index."
        ),
        "author": {"name": PACKAGE},
        "icon": "icon.png",
        "server": {
            "type": "uv",
            "entry_point": "src/server.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "src/server.py", "${user_config.folders}"],
            },
        },
        "tools": tools(),
        "tools_generated": True,  # hosts that show apps get one more
        "keywords": list(told.keywords),
        "license": told.licence,
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": told.python},
        },
        "user_config": {"folders": folders},
    }
    return whole | ({"repository": {"type": "git", "url": repository}} if repository else {})


def tools() -> list[dict[str, str]]:
    """Return name and description of each tool that the server lists."""
    import anyio

    from ferce_agent.tools.mcp import create_server

    listed = anyio.run(create_server(app=False).list_tools)
    return [{"name": tool.name, "description": " ".join((tool.description or "").split())} for tool in listed]


def project(told: About) -> str:
    """Return the bundle's pyproject.toml, from which uv makes its environment."""
    from ferce_agent.cli.hosting.toml_text import toml_text, toml_value

    needed = "\n".join(f"    {toml_value(one)}," for one in told.requirements)
    head = toml_text(
        ["project"], {"name": f"{PACKAGE}-bundle", "version": told.version, "requires-python": told.python}
    )
    return f"{head}dependencies = [\n{needed}\n]\n\n[tool.uv]\npackage = false\n"


def write_bundle(file: Path, repository: str | None = None) -> int:
    """Write the bundle, whole or not at all.

    Returns:
        Its size in bytes.

    Raises:
        SettingsError: It cannot be written.
    """
    from ferce_agent.cli.hosting.icon import icon
    from ferce_agent.views.saving import check_writable, writing

    check_writable(file)
    made = {
        "manifest.json": (json.dumps(manifest(repository), indent=2, ensure_ascii=False) + "\n").encode(),
        "icon.png": icon(),
        "pyproject.toml": project(about()).encode(),
        "src/server.py": SERVER.encode(),
    }
    told = about()
    made[f"src/ferce_agent-{told.version}.dist-info/METADATA"] = told.metadata.encode()
    with writing(file) as stream, ZipFile(stream, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in made.items():
            archive.writestr(_entry(name), data)
        for name, place in package_files():
            archive.writestr(_entry(f"src/{name}"), place.read_bytes())
    return file.stat().st_size


def package_files() -> Iterator[tuple[str, Path]]:
    """Yield name (below the folder of the package's folder, with slashes) and place of each of its files, sorted.

    Links are followed: in a copy of the repository some folders of the package are links.
    """
    import ferce_agent

    root = Path(ferce_agent.__file__).parent
    found = []
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = sorted(set(inner) - LEFT_OUT)
        found += [Path(folder, name) for name in names if not name.endswith((".pyc", ".tmp"))]
    yield from sorted((f"{root.name}/{place.relative_to(root).as_posix()}", place) for place in found)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, TIME)
    entry.compress_type = ZIP_DEFLATED
    entry.create_system = 3  # Unix, on every system, for the same bytes
    entry.external_attr = 0o100644 << 16
    return entry
