"""The LangGraph project: written whole or not at all, and run as a script and under LangGraph's server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from ferce_agent.cli.hosting.template import FILES, write_project
from ferce_agent.errors import SettingsError
from tests.cli.commands import ferce

ROOT = Path(__file__).parents[2]
LANGGRAPH = Path(sys.prefix) / "bare" / "bin" / "langgraph"


@pytest.fixture
def folder(tmp_path: Path, photo: Path) -> Path:
    """A written project with a photo in it."""
    made = tmp_path / "project"
    done = ferce("connect", "--langgraph", made)
    assert done.returncode == 0, done.stderr
    (made / "photos").mkdir()
    (made / "photos" / "photo.jpg").write_bytes(photo.read_bytes())
    return made


def test_the_files_are_there_and_can_be_read(folder: Path) -> None:
    assert {one.name for one in folder.iterdir()} == {*FILES, "photos"}
    assert [one.name for one in folder.parent.iterdir()] == ["project"]
    served = json.loads((folder / "langgraph.json").read_text("utf-8"))["graphs"]["agent"]
    assert served == "./agent.py:agent"
    told = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"ferce-agent=={version('ferce-agent')}" in told["dependencies"]
    for one in folder.glob("*.py"):
        compile(one.read_text("utf-8"), one.name, "exec")
    assert str(ROOT) not in "".join(one.read_text("utf-8") for one in folder.iterdir() if one.is_file())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    for place in (tmp_path, tmp_path / "mine", tmp_path / "mine" / "below"):
        with pytest.raises(SettingsError):
            write_project(place)
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    write_project(tmp_path / "empty")
    assert (tmp_path / "empty" / "agent.py").is_file()


@pytest.mark.slow
def test_the_agent_runs_as_a_script_with_a_memory(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "talk.py", "How does she look in photo.jpg?", "photos/../../x.png", "Hello"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "shows happiness" in done.stdout
    assert "image_access_denied" in done.stdout
    assert "Name a photo" in done.stdout


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """LangGraph's development server with the written project."""
    if not LANGGRAPH.is_file():
        pytest.skip("no bare environment with LangGraph's server; `make test-all` makes it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    packages = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])  # LangChain is not in the bare environment
    environment = {**os.environ, "PYTHONPATH": packages, "LANGSMITH_TRACING": "false"}
    command = [str(LANGGRAPH), "dev", "--no-browser", "--no-reload", "--port", str(port)]
    with (folder.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(2400):
            try:
                if httpx.get(f"{address}/ok", timeout=120).status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, (folder.parent / "log").read_text("utf-8")
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(120)


@pytest.mark.slow
def test_the_agent_runs_under_the_server_and_its_thread_holds_no_picture(server: str, folder: Path) -> None:
    thread = httpx.post(f"{server}/threads", json={}, timeout=120).json()["thread_id"]
    body = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": "Look at photo.jpg"}]}}
    state = httpx.post(f"{server}/threads/{thread}/runs/wait", json=body, timeout=120).json()
    assert "shows happiness" in state["messages"][-1]["content"]
    history = httpx.get(f"{server}/threads/{thread}/history", params={"limit": 100}, timeout=120).text
    assert "happiness" in history
    assert "base64" not in history
    assert "BlockingError" not in (folder.parent / "log").read_text("utf-8")
