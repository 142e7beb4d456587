from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from ferce_agent.chat import plain, read_photo
from ferce_agent.cli import main
from tests.perception.servers import Trouble, bad_server

PROGRAM = [sys.executable, "-m", "ferce_agent.cli", "chat"]


def ferce_chat(memory: Path, *arguments: object, lines: str = "") -> Result:
    words = ["chat", "--memory", str(memory), *(str(argument) for argument in arguments)]
    return CliRunner().invoke(main, words, input=lines)


def make_parrot() -> GenericFakeChatModel:
    """For ``--model python:tests.test_chat_command:make_parrot``."""
    return GenericFakeChatModel(messages=iter([AIMessage("You seem \x1b[31mcontent.")]))


def make_nothing() -> str:
    return "no model"


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "chat.sqlite"


def test_a_pipe_is_answered_line_by_line(memory: Path, photo: Path) -> None:
    result = ferce_chat(memory, "--picture", photo, lines="Hello\n\nWhat is a quark?\n/quit\nnever read\n")
    assert result.exit_code == 0
    first, second, third = result.stdout.splitlines()
    assert "you seem happy" in first.lower()
    assert second != third
    assert "--model" in third
    assert "you>" not in result.output
    assert result.stderr == ""


def test_once(memory: Path, photo: Path) -> None:
    result = ferce_chat(memory, "--picture", photo, "--once", "I got the job.")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert "you seem happy" in result.stdout.lower()
    assert ferce_chat(memory, "--picture", photo.parent, "--once", "Hello").exit_code == 1


def test_memory_outlives_the_process_and_holds_no_photo_and_no_path(memory: Path, photo: Path) -> None:
    common = ["--memory", str(memory), "--thread", "walk"]
    environment = {**os.environ, "LANGGRAPH_STRICT_MSGPACK": "true"}
    done = [
        subprocess.run(
            [*PROGRAM, *common, *more], input=lines, capture_output=True, text=True, check=True, env=environment
        )
        for more, lines in (
            (["--picture", str(photo)], "The harvest is in.\n"),
            ([], f"How did I look?\n/photo {photo.parent / 'gone.jpg'}\n/report\n"),
        )
    ]
    assert "happiness" in done[1].stdout
    assert "Likeliest" in done[1].stdout
    assert "[image_not_found]" in done[1].stderr
    assert "Traceback" not in done[1].stderr
    stored = b"".join(file.read_bytes() for file in memory.parent.iterdir())
    assert b"The harvest is in." in stored
    for trace in (photo.name, str(photo.parent), "gone.jpg", "data:image", "base64"):
        assert trace.encode() not in stored
    assert photo.read_bytes()[2000:2040] not in stored


def test_the_memory_is_for_its_owner_only(memory: Path) -> None:
    ferce_chat(memory, "--once", "Hello")
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    assert stat.S_IMODE(memory.parent.stat().st_mode) == 0o700


def test_the_memory_is_in_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert CliRunner().invoke(main, ["chat", "--once", "Hello"]).exit_code == 0
    assert (tmp_path / "ferce" / "chat.sqlite").is_file()


def test_only_the_latest_checkpoint_is_kept(memory: Path) -> None:
    ferce_chat(memory, lines="one\ntwo\nthree\n")
    with sqlite3.connect(memory) as connection:
        assert connection.execute("SELECT COUNT(*) FROM checkpoints").fetchone() == (1,)
    connection.close()


def test_forget_leaves_nothing_in_the_file(memory: Path, photo: Path) -> None:
    ferce_chat(memory, "--thread", "other", "--once", "Blackberries.")
    result = ferce_chat(memory, "--picture", photo, lines="Gooseberries.\n/forget\n/report\n")
    assert "forgotten" in result.stdout
    assert "No photo was read" in result.stdout
    stored = b"".join(file.read_bytes() for file in memory.parent.iterdir())
    assert b"Blackberries." in stored
    assert b"Gooseberries." not in stored
    assert b"happiness" not in stored


def test_mistakes_are_messages_and_the_chat_goes_on(memory: Path, tmp_path: Path, photo: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(photo.read_bytes()[:3000])
    lines = f"/photo {tmp_path / 'bad.jpg'}\n/photo\n/photo ~nobody-here/x\n/dance\n{'x' * 9000}\nHello\n"
    result = ferce_chat(memory, "--picture", tmp_path / "none.png", lines=lines)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    for code in ("image_not_found", "image_truncated", "bad_input"):
        assert code in result.stderr
    assert len(result.stderr.splitlines()) == 6
    assert "Traceback" not in result.output


def test_photos_may_be_named_in_quotes(photo: Path) -> None:
    assert read_photo(f" '{photo}' ").sha256 == read_photo(str(photo)).sha256


def test_another_model(memory: Path) -> None:
    result = ferce_chat(memory, "--model", "python:tests.test_chat_command:make_parrot", lines="Hello\n")
    assert result.stdout == "You seem [31mcontent.\n"


def test_a_server_gets_the_guidance_and_no_photo(memory: Path, photo: Path) -> None:
    pytest.importorskip("langchain_openai")
    trouble = Trouble("You seem glad.")
    with bad_server(trouble) as url:
        result = ferce_chat(memory, "--model", f"openai:{url}#m", "--picture", photo, "--once", "I got the job.")
    assert result.stdout == "You seem glad.\n"
    offered, answered = trouble.asked
    assert offered["tools"][0]["function"]["name"] == "analyze_expression"
    system, said = answered["messages"]
    assert "shows happiness" in system["content"]
    assert '"seems": "happy"' in system["content"]
    assert said["content"].startswith("I got the job.")
    sent = json.dumps(trouble.asked)
    assert photo.name not in sent
    assert "base64" not in sent


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nothing", "names no chat model"),
        ("openai:http://localhost:1/v1", "needs a model"),
        ("openai:ftp://x#m", "http"),
        ("python:tests.test_chat_command:make_nothing", "no LangChain chat model"),
        ("python:no.such:thing", "cannot be called"),
        ("openai:http://127.0.0.1:9/v1#m", "could not answer"),
    ],
)
def test_unusable_models_are_messages(memory: Path, spec: str, words: str) -> None:
    result = ferce_chat(memory, "--model", spec, "--once", "Hello")
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("thread", ["", " ", "x" * 81])
def test_unusable_threads_are_messages(memory: Path, thread: str) -> None:
    assert "1 to 80" in ferce_chat(memory, "--thread", thread, "--once", "Hello").stderr


def test_a_memory_that_is_none_is_a_message(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("dear diary" * 200)
    assert "no memory file" in ferce_chat(file, "--once", "Hello").stderr
    assert file.read_text().startswith("dear diary")
    assert "cannot be written" in ferce_chat(file / "deeper.sqlite", "--once", "Hello").stderr


def test_missing_packages_are_named(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langgraph.checkpoint.sqlite", None)
    result = ferce_chat(memory, "--once", "Hello")
    assert "ferce-agent[chat]" in result.stderr
    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    result = ferce_chat(memory, "--model", "openai:http://localhost:1/v1#m", "--once", "Hello")
    assert "langchain-openai" in result.stderr


def test_the_help_says_what_is_kept() -> None:
    text = " ".join(CliRunner().invoke(main, ["chat", "--help"]).output.split())
    assert "never photos or their paths" in text
    assert "never a photo" in text


def test_odd_bytes_do_not_stop_it(memory: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "--memory", str(memory)], input=b"caf\xe9 \x1b[2J\x00\nHello\n", capture_output=True, check=True
    )
    assert len(done.stdout.splitlines()) == 2
    assert b"\x1b" not in done.stdout


def test_text_keeps_its_lines() -> None:
    assert plain("a\n  b\x07 c\u202e\n") == "a\n  b c"


@pytest.mark.parametrize("end", [b"\x04", b"\x03", b"/quit\n"])
def test_a_terminal_gets_a_prompt_and_can_end_politely(memory: Path, end: bytes) -> None:
    child, screen = pty.fork()
    if child == 0:
        os.execv(sys.executable, [*PROGRAM, "--memory", str(memory)])
    try:
        assert b"you> " in read_until(screen, b"you> ")
        os.write(screen, b"Hello\n")
        assert b"you> " in read_until(screen, b"you> ")
        os.write(screen, end)
        shown = read_until(screen, b"Goodbye.")
        assert b"Goodbye." in shown
        assert b"Traceback" not in shown
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(screen)


def read_until(screen: int, mark: bytes) -> bytes:
    shown, until = b"", time.monotonic() + 180
    while mark not in shown and time.monotonic() < until:
        try:
            shown += os.read(screen, 1024)
        except OSError:  # the other side has closed
            break
    return shown
