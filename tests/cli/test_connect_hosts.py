"""docs/hosts.md shows what the command prints; hosts that are installed here start the server from a written file."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.cli.hosting.hosts import hosts
from tests.cli.commands import ferce
from tests.cli.hosts_page import PAGE, parts, printed


def test_the_page_shows_what_the_command_prints() -> None:
    _, between, _ = parts(PAGE.read_text("utf-8"))
    assert between == printed(), "python -m tests.cli.hosts_page writes it"
    for host in hosts().values():
        assert f"### {host.title}: `{host.name}`" in between


def test_the_page_names_nothing_of_this_machine() -> None:
    page = PAGE.read_text("utf-8")
    assert sys.prefix not in page
    assert str(PAGE.parents[1]) not in page


@pytest.fixture
def home(tmp_path: Path, photo: Path) -> Path:
    """A home folder with a workspace and a photo in it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "photo.jpg").write_bytes(photo.read_bytes())
    return tmp_path


def write(home: Path, name: str, place: str, *options: str) -> Path:
    """Let the command write a host's file below the home folder."""
    file = home / place
    done = ferce("connect", name, *(options or ("--root", str(home / "work"))), "--write", file)
    assert done.returncode == 0, done.stderr
    return file


def tell(home: Path, program: str, *arguments: str, token: str = "") -> str:
    """Run an installed host in the workspace, with a token in its environment, and return what it wrote."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    environment = {**os.environ, "HOME": str(home), "NO_COLOR": "1", "XDG_CONFIG_HOME": str(home / ".config")}
    environment["FERCE_TOKEN"] = token
    done = subprocess.run(
        [found, *arguments], cwd=home / "work", env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return re.sub(r"\x1b\[\d*m", "", done.stdout + done.stderr)  # opencode colours its words in any case


@pytest.mark.slow
def test_claude_code_connects(home: Path) -> None:
    write(home, "claude-code", ".claude.json")
    told = tell(home, "claude", "mcp", "list")
    assert any("ferce-agent" in line and "Connected" in line for line in told.splitlines()), told


@pytest.mark.slow
def test_gemini_cli_connects_in_a_trusted_folder(home: Path) -> None:
    write(home, "gemini-cli", ".gemini/settings.json")
    (home / ".gemini" / "trustedFolders.json").write_text(json.dumps({str(home / "work"): "TRUST_FOLDER"}), "utf-8")
    for _ in range(4):  # it gives a server five seconds to start, which a busy machine does not always keep
        told = tell(home, "gemini", "mcp", "list")
        assert f"ferce-agent: {sys.executable} -P -m ferce_agent mcp --root {home / 'work'} (stdio)" in told
        if "- Connected" in told:
            return
    pytest.skip("the machine is too busy for the five seconds of Gemini CLI; that it reads the entry was seen")


@pytest.mark.slow
def test_opencode_connects(home: Path) -> None:
    write(home, "opencode", ".config/opencode/opencode.json")
    told = tell(home, "opencode", "mcp", "list")
    assert any("ferce-agent" in line and "connected" in line for line in told.splitlines()), told


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[str, str]]:
    """The server on a port of this machine: its address and its token."""
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "ferce_agent", "mcp", "--http", "--port", "0"]
    environment = {**os.environ, "FERCE_TOKEN": token}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"http://\S+", said)
    assert found, said
    yield found.group(), token
    process.terminate()
    process.wait(60)
    process.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "program", "place"),
    [
        ("claude-code", "claude", ".claude.json"),
        ("gemini-cli", "gemini", ".gemini/settings.json"),
        ("opencode", "opencode", ".config/opencode/opencode.json"),
    ],
)
def test_a_host_reaches_a_running_server_with_the_token_of_the_variable(
    home: Path, running: tuple[str, str], name: str, program: str, place: str
) -> None:
    address, token = running
    file = write(home, name, place, "--http", address, "--token-variable", "FERCE_TOKEN")
    assert token not in file.read_text("utf-8")
    (home / ".gemini").mkdir(exist_ok=True)
    (home / ".gemini" / "trustedFolders.json").write_text(json.dumps({str(home / "work"): "TRUST_FOLDER"}), "utf-8")
    connected = re.compile(r"✔ Connected|- Connected|ferce-agent connected")
    assert connected.search(tell(home, program, "mcp", "list", token=token))
    assert not connected.search(tell(home, program, "mcp", "list", token="another"))


@pytest.mark.slow
def test_codex_reads_the_entry_in_both_forms(home: Path) -> None:
    write(home, "codex", ".codex/config.toml")
    told = tell(home, "codex", "mcp", "get", "ferce-agent")
    assert "transport: stdio" in told
    assert sys.executable in told
    address = "http://127.0.0.1:8000/mcp"
    write(home, "codex", ".codex/config.toml", "--http", address, "--token-variable", "FERCE_TOKEN")
    told = tell(home, "codex", "mcp", "get", "ferce-agent")
    assert address in told
    assert "FERCE_TOKEN" in told


@pytest.mark.slow
def test_the_inspector_reads_a_photo(home: Path) -> None:
    file = write(home, "cursor", "mcp.json")
    asked = ("--cli", "--config", str(file), "--server", "ferce-agent", "--method")
    assert "analyze_clip" in tell(home, "mcp-inspector", *asked, "tools/list")
    call = ("tools/call", "--tool-name", "analyze_expression", "--tool-arg", "image=photo.jpg")
    assert "shows happiness" in tell(home, "mcp-inspector", *asked, *call)


@pytest.fixture
def model() -> Iterator[tuple[str, list[Any]]]:
    """A chat model's server that answers "ok" and keeps the tools that it was offered: address, tools."""
    offered: list[Any] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            offered.extend(tool["function"]["name"] for tool in asked.get("tools", ()))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for delta, end in (({"role": "assistant", "content": "ok"}, None), ({}, "stop")):
                choice = {"index": 0, "delta": delta, "finish_reason": end}
                chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1", offered
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_continue_offers_the_tools_to_its_model(home: Path, model: tuple[str, list[Any]]) -> None:
    address, offered = model
    (home / ".continue").mkdir()
    (home / ".continue" / "config.yaml").write_text(
        "name: Mine\nversion: 0.0.1\nschema: v1\nmodels:\n  - name: m  # a server of this test\n    provider: openai\n"
        f"    model: gpt-4o\n    apiBase: {address}\n    apiKey: x\n    roles: [chat]\n    capabilities: [tool_use]\n"
    )
    file = write(home, "continue", ".continue/config.yaml")
    assert "# a server of this test" in file.read_text("utf-8")
    assert "ok" in tell(home, "cn", "-p", "hello", "--auto", "--config", str(file))
    assert {"analyze_expression", "analyze_clip"} <= set(offered)
