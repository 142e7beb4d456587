"""`ferce connect`: what it prints is what hosts take, and a client that starts it gets the tools."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import StdioServerParameters
from mcp.client import Client

from ferce_agent.cli.hosting.hosts import hosts
from tests.cli.commands import ferce

HOSTS = hosts()


def entry_of(name: str, text: str) -> dict[str, Any]:
    """Return the one entry of a printed configuration."""
    host = HOSTS[name]
    place: Any = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}[host.format](text)
    for key in host.path:
        (place,) = (value for one, value in place.items() if one == key)
    (entry,) = place if host.items else place.values()
    return dict(entry)


def command_of(entry: dict[str, Any]) -> list[str]:
    """Return the command line that a host makes of an entry."""
    command = entry.get("command", entry.get("cmd"))
    return list(command) if isinstance(command, list) else [str(command), *entry["args"]]


def printed(*arguments: object, code: int = 0) -> str:
    done = ferce("connect", *arguments)
    assert done.returncode == code, done.stderr
    return (done.stdout if code == 0 else done.stderr).decode()


def test_each_host_is_listed_with_its_documentation() -> None:
    told = printed("--list")
    for name, host in HOSTS.items():
        assert f"{name}: {host.title}" in told
        assert host.source.startswith("https://")
        assert host.places() or host.note


@pytest.mark.parametrize("name", HOSTS)
def test_what_is_printed_starts_this_installation(name: str, tmp_path: Path) -> None:
    line = command_of(entry_of(name, printed(name, "--root", tmp_path, "--domain", "assistant", "--no-minors")))
    assert line[:5] == [sys.executable, "-P", "-m", "ferce_agent", "mcp"]
    assert line[5:] == ["--root", str(tmp_path), "--domain", "assistant", "--no-minors"]


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTS)
async def test_a_client_gets_the_tools_by_the_printed_command(name: str, tmp_path: Path, photo: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "numpy.py").write_text("raise SystemExit('a module of the working folder was imported')")
    command, *args = command_of(entry_of(name, printed(name, "--root", tmp_path)))
    async with Client(StdioServerParameters(command=command, args=args, cwd=tmp_path)) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert {"analyze_expression", "analyze_clip"} <= set(tools)
        answer = await client.call_tool("analyze_expression", {"image": "photo.jpg"})
        assert not answer.is_error
        assert "happiness" in json.dumps(answer.structured_content)


@pytest.mark.parametrize("name", HOSTS)
def test_a_server_on_the_network_is_named_where_the_host_takes_one(name: str) -> None:
    address = "http://127.0.0.1:8000/mcp"
    if HOSTS[name].http is None:
        assert "takes no servers by their address" in printed(name, "--http", address, code=1)
        return
    assert address in entry_of(name, printed(name, "--http", address)).values()
    if HOSTS[name].token is None:
        assert "no way to read a token" in printed(name, "--http", address, "--token-variable", "T", code=1)
    else:
        assert "TOK_1" in json.dumps(entry_of(name, printed(name, "--http", address, "--token-variable", "TOK_1")))


def test_an_example_names_nothing_of_this_machine() -> None:
    told = printed("cursor", "--example")
    assert "/path/to/python" in told
    assert "/path/to/photos" in told
    assert sys.prefix not in told


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Name a HOST"),
        (("cursr",), 1, "Did you mean cursor"),
        (("cursor", "--token-variable", "T"), 2, "needs --http"),
        (("cursor", "--http", "http://127.0.0.1:1/mcp", "--root", "."), 2, "--http names"),
        (("cursor", "--http", "ftp://x"), 1, "no address"),
        (("cursor", "--http", "http://x y"), 1, "no address"),
        (("cursor", "--http", "http://[::1"), 1, "no address"),
        (("cursor", "--http", "http://a:b@x/mcp"), 1, "password"),
        (("cursor", "--http", "http://x/mcp", "--token-variable", "a b"), 1, "no name of an environment variable"),
        (("cursor", "--name", "a b"), 1, "no name for a server"),
        (("cursor", "--root", "$HOME"), 1, "cannot stand in a configuration"),
        (("cursor", "--root", b"\xff"), 1, "cannot stand in a configuration"),
        (("cursor", "--purpose", "x" * 400), 1, "purpose"),
        (("cursor", "--write", "/dev/null/x"), 1, "cannot be written"),
    ],
)
def test_what_makes_no_sense_is_said(arguments: tuple[object, ...], code: int, said: str) -> None:
    told = printed(*arguments, code=code)
    assert said in told
    assert "Traceback" not in told


def test_an_entry_is_written_once_and_a_backup_stays(tmp_path: Path) -> None:
    file = tmp_path / "new" / "mcp.json"
    for _ in range(2):
        assert ferce("connect", "cursor", "--write", file).returncode == 0
    assert [one.name for one in file.parent.iterdir()] == ["mcp.json"]
    assert ferce("connect", "cursor", "--write=~/new/mcp.json", env={"HOME": str(tmp_path)}).returncode == 0
    assert [one.name for one in file.parent.iterdir()] == ["mcp.json"], "~ is the home folder"
    done = ferce("connect", "cursor", "--http", "http://127.0.0.1:8000/mcp", "--write", file)
    assert b"mcp.json.1.bak" in done.stderr
    assert json.loads(file.read_text("utf-8")) == {"mcpServers": {"ferce-agent": {"url": "http://127.0.0.1:8000/mcp"}}}
