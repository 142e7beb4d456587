"""The built wheel in an environment of its own, with nothing but its base requirements: what a stranger installs.

`make test-all` makes that environment (.venv/bare), with LangGraph's development server beside the wheel.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import StdioServerParameters
from mcp.client import Client

from ferce_agent.evaluation.clips.speed import film_of
from tests.tools.voices import saved

ROOT = Path(__file__).parents[1]
BARE = Path(sys.prefix) / "bare" / "bin"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BARE / "ferce").is_file(), reason="no bare environment; `make test-all` makes it"),
]


@pytest.fixture
def folder(tmp_path: Path, photo: Path) -> Path:
    """An empty folder with a photo, a clip and voice messages in it."""
    shutil.copy(photo, tmp_path / "photo.jpg")
    for name in ("clip.mp4", "film.mp4"):
        (tmp_path / name).write_bytes(film_of(1, 2.0))
    for name in ("message.wav", "message.ogg"):
        saved(tmp_path, name)
    return tmp_path


def run(folder: Path, *command: str, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}
    done = subprocess.run(
        [str(BARE / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_clip_is_watched(folder: Path) -> None:
    told = run(folder, "ferce", "watch", "clip.mp4", "--html", "clip.html", "--csv", "clip.csv")
    assert "it shows happiness" in " ".join(told.split())
    assert len((folder / "clip.csv").read_text("utf-8").splitlines()) == 61
    assert "<svg" in (folder / "clip.html").read_text("utf-8")


def test_it_holds_the_wheel_and_no_heavy_package(folder: Path) -> None:
    code = (
        "import ferce_agent, importlib.util as u\n"
        "print(ferce_agent.__file__, [u.find_spec(name) for name in ('torch', 'transformers', 'llama_cpp')])"
    )
    place, _, found = run(folder, "python", "-c", code).strip().partition(" ")
    assert "site-packages" in place
    assert found == "[None, None, None]"


def test_the_local_page_is_in_the_wheel_and_says_which_extra_it_needs(folder: Path) -> None:
    code = (
        "from importlib.resources import files; from ferce_agent.web.texts import LANGUAGES; "
        "names = [one.name for one in (files('ferce_agent.web') / 'static').iterdir()]; "
        "print(*LANGUAGES, 'index.html' in names, 'app.js' in names, 'page.css' in names)"
    )
    assert run(folder, "python", "-c", code).split() == ["de", "en", "True", "True", "True"]
    assert run(folder, "ferce", "web", "--port", "0", code=1) == ""


def test_free_words_and_causes_by_sentences_work(folder: Path) -> None:
    told = "They picked her out of eight thousand people."  # no word of it is a cue
    text = run(
        folder, "ferce", "analyze", "photo.jpg", "--json", "--context", told, "--labels", "amused,bored,about to cry"
    )
    report = json.loads(text)
    assert report["people"][0]["labels"][0]["label"] == "amused"
    assert report["causes"]
    assert {entry["code"] for entry in report["degraded"]} == {"vlm_not_configured"}


def test_the_doctor_is_content_and_names_no_makefile(folder: Path) -> None:
    text = run(folder, "ferce", "doctor")
    assert "make " not in text
    assert "MISSING" not in text


def test_the_module_is_the_command(folder: Path) -> None:
    assert run(folder, "python", "-m", "ferce_agent", "--version") == run(folder, "ferce", "--version")


async def test_a_client_of_the_server(folder: Path) -> None:
    command = StdioServerParameters(command=str(BARE / "ferce"), args=["mcp", "--root", str(folder)], cwd=str(folder))
    async with Client(command) as client:
        result = await client.call_tool("analyze_expression", {"image": "photo.jpg"})
    assert not result.is_error
    assert "happiness" in str(result.structured_content)


def examples() -> list[str]:
    """Return the Python code of the pages a stranger begins with."""
    pages = [
        (ROOT / name).read_text("utf-8") for name in ("README.md", "docs/agents.md", "docs/clips.md", "docs/voice.md")
    ]
    return [code for page in pages for code in re.findall(r"^```python\n(.*?)^```", page, re.S | re.M)]


@pytest.mark.parametrize("number", range(len(examples())))
def test_the_examples_of_the_pages_run(folder: Path, number: int) -> None:
    (folder / "photos").mkdir()
    (folder / "example.py").write_text(examples()[number], "utf-8")
    run(folder, "python", "example.py")


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """LangGraph's development server with the workflow of the wheel."""
    if not (BARE / "langgraph").is_file():
        pytest.skip("LangGraph's development server is not installed")
    (folder / "langgraph.json").write_text(
        (ROOT / "langgraph.json").read_text("utf-8").replace('"."', '"./here"'), "utf-8"
    )
    (folder / "here").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BARE / "langgraph"), "dev", "--no-browser", "--no-reload", "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"LANGSMITH_TRACING": "false", "LANGGRAPH_STRICT_MSGPACK": "true"}
    with (folder / "log").open("wb") as log:
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
                assert process.poll() is None, (folder / "log").read_text("utf-8")
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(120)


def outcome(address: str, given: Any, thread: str, graph: str = "analyze_expression") -> Any:
    body = {"assistant_id": graph, "input": given}
    return httpx.post(f"{address}/threads/{thread}/runs/wait", json=body, timeout=120).json()


def test_a_langgraph_server_passes_on_reports_and_messages_and_remembers_no_photo(server: str, folder: Path) -> None:
    thread = httpx.post(f"{server}/threads", json={}, timeout=120).json()["thread_id"]
    url = "data:image/jpeg;base64," + base64.b64encode((folder / "photo.jpg").read_bytes()).decode()
    first = outcome(server, {"image": url, "context": "She won the race."}, thread)
    assert "happiness" in first["report"]["summary"]
    assert "happiness" in outcome(server, {"image": url}, thread)["report"]["summary"]
    for given, said in (
        ({"image": "data:,x"}, "not a picture"),
        ({"image": 5}, "not text"),
        ({"img": url}, "Did you mean image"),
        ({"image": url, "labels": "bored"}, "2 to 100"),
        ({"image": url, "context": 5}, "context"),
        ({"image": url, "use_context": {"domain": "police"}}, "domain"),
    ):
        error = outcome(server, given, thread)["__error__"]
        assert said in error["message"], error
    history = httpx.get(f"{server}/threads/{thread}/history", params={"limit": 100}, timeout=120).text
    assert "happiness" in history
    assert url[2000:2100] not in history


def test_a_langgraph_server_reads_clips_and_remembers_none(server: str, folder: Path) -> None:
    thread = httpx.post(f"{server}/threads", json={}, timeout=120).json()["thread_id"]
    url = "data:video/mp4;base64," + base64.b64encode((folder / "clip.mp4").read_bytes()).decode()
    assert "happiness" in outcome(server, {"clip": url}, thread, "analyze_clip")["report"]["summary"]
    error = outcome(server, {"clip": "data:,x"}, thread, "analyze_clip")["__error__"]
    assert "film" in error["message"], error
    history = httpx.get(f"{server}/threads/{thread}/history", params={"limit": 100}, timeout=120).text
    assert "happiness" in history
    assert url[2000:2100] not in history
