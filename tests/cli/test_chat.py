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
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from ferce_agent.chat.terminal import open_conversation, plain, read_photo
from ferce_agent.cli import main
from ferce_agent.settings import Settings
from tests.tools.face_films import saved
from tests.vlm.servers import Trouble, bad_server

PROGRAM = [sys.executable, "-m", "ferce_agent.cli", "chat"]


def ferce_chat(memory: Path, *arguments: object, lines: str = "") -> Result:
    words = ["chat", "--memory", str(memory), *(str(argument) for argument in arguments)]
    return CliRunner().invoke(main, words, input=lines)


def make_parrot() -> GenericFakeChatModel:
    """For ``--model python:tests.cli.test_chat:make_parrot``."""
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


READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN")
print(connection.execute("SELECT COUNT(*) FROM checkpoints").fetchone()[0], flush=True)
sys.stdin.readline()
"""


def test_forget_says_what_remains_while_another_program_reads(memory: Path) -> None:
    ferce_chat(memory, "--once", "Gooseberries.")
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(memory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        result = ferce_chat(memory, lines="/forget\n/report\n")
        assert "is deleted" in result.stdout
        assert "Its bytes are still in the memory file" in result.stdout
        assert "is forgotten" not in result.stdout
        assert b"Gooseberries." in b"".join(file.read_bytes() for file in memory.parent.iterdir())
        reader.communicate(b"\n")
    ferce_chat(memory, lines="/report\n")
    assert b"Gooseberries." not in b"".join(file.read_bytes() for file in memory.parent.iterdir())


def test_help_lists_the_commands_and_a_wrong_one_names_the_nearest(memory: Path) -> None:
    result = ferce_chat(memory, lines="/help\n/forgt\n/PHOTOS x\n/qiut\n/\n/REPORT\n")
    assert [line.split()[0] for line in result.stdout.splitlines()[:7]] == [
        "/photo",
        "/clip",
        "/voice",
        "/report",
        "/forget",
        "/help",
        "/quit",
    ]
    for meant in ("/forget", "/photo", "/quit"):
        assert f"Did you mean {meant}?" in result.stderr
    assert "Known are: /photo" in result.stderr
    assert "No photo was read" in result.stdout


@pytest.mark.parametrize("written", ["'{}'", '"{}"', "{}", "{} ", "escaped"])
def test_photos_may_have_odd_names(written: str, memory: Path, photo: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a photo (2) of 'her' é.jpg"
    odd.write_bytes(photo.read_bytes())
    name = str(odd).replace(" ", "\\ ").replace("(", "\\(").replace(")", "\\)").replace("'", "\\'")
    written = written.format(odd) if written != "escaped" else name
    if written.startswith("'"):
        written = f'"{odd}"'
    result = ferce_chat(memory, lines=f"/photo {written}\n")
    assert result.stderr == ""
    assert "happy" in result.stdout.lower()


def test_the_steps_of_a_reading_are_told_as_they_end(memory: Path, photo: Path) -> None:
    stages: list[str] = []
    with open_conversation(Settings(), "t", memory) as conversation:
        conversation.say("Hello", on_event=lambda event: stages.append(event["stage"]))
        assert stages == []
        conversation.say("", read_photo(str(photo)), lambda event: stages.append(event["stage"]))
    assert {"load", "detect", "specialist"} <= set(stages)


def test_a_film_is_read_told_and_remembered_without_its_path(memory: Path, tmp_path: Path) -> None:
    place = saved(tmp_path, "gooseberry film.mp4", seconds=2.0)
    lines = f"/clip '{place}' I got the job.\nHow do I look in it?\n/report\n/clip {tmp_path / 'gone.mp4'}\n/clip\n"
    result = ferce_chat(memory, lines=lines)
    assert result.exit_code == 0
    first, second, *report = result.stdout.splitlines()
    assert "you seem happy" in first.lower()
    assert "clip" in first
    assert "happiness from 0.0 s to the end" in second
    assert "happiness" in "\n".join(report)
    assert [line for line in result.stderr.splitlines() if "clip_not_found" in line]
    assert "Write /photo PATH, /clip PATH or /voice PATH." in result.stderr
    assert "Traceback" not in result.output
    assert all(b"gooseberry" not in file.read_bytes() for file in memory.parent.iterdir())
    later = ferce_chat(memory, lines="/report\n")
    assert later.stdout.splitlines() == report


def test_a_film_under_a_restricted_use_tells_movements_only(memory: Path, tmp_path: Path) -> None:
    place = saved(tmp_path, seconds=2.0)
    work = ("--domain", "workplace", "--jurisdiction", "eu")
    result = ferce_chat(memory, *work, lines=f"/clip {place}\nHow do I look?\n/report\n")
    assert "movement" in result.stdout
    assert "happ" not in result.stdout
    free = ferce_chat(memory, lines=f"/clip {place}\n")
    assert "happy" in free.stdout
    assert "another use" in ferce_chat(memory, *work, lines="/report\n").stdout


def test_words_may_follow_a_photo_in_quotes(memory: Path, photo: Path) -> None:
    result = ferce_chat(memory, lines=f"/photo '{photo}' I got the job.\n/report\n")
    assert result.stderr == ""
    assert "I got the job." in result.stdout


def test_a_photo_in_the_home_directory(memory: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(photo.parent))
    assert "happy" in ferce_chat(memory, lines=f"/photo ~/{photo.name}\n").stdout.lower()


@pytest.mark.parametrize(
    "line", ["/photo", "/photo ''", '/photo "', "/photo a\0b", "/photo " + "x" * 5000, "/photo ~~"]
)
def test_what_names_no_photo_is_a_message(line: str, memory: Path) -> None:
    result = ferce_chat(memory, lines=f"{line}\nHello\n")
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 1
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("options", [["--domain", "recruitment"], ["--domain", "deception_detection", "--consent"]])
def test_a_refused_use_ends_the_chat(options: list[str], memory: Path) -> None:
    result = ferce_chat(memory, *options, lines="Hello\n")
    assert result.exit_code == 1
    assert "policy_refused" in result.stderr
    assert result.stdout == ""
    assert not memory.exists()


def test_a_restricted_use_shows_movements_only(memory: Path, photo: Path) -> None:
    work = ["--domain", "workplace", "--jurisdiction", "eu"]
    ferce_chat(memory, "--once", "Hello", "--picture", photo)
    result = ferce_chat(memory, *work, lines=f"How did I look?\n/report\n/photo {photo}\n/report\n")
    assert result.stderr == ""
    assert "not shown" in result.stdout
    assert "a smile" in result.stdout
    assert "happ" not in result.stdout.lower()
    medical = ferce_chat(memory, *work, "--basis", "medical", lines=f"/photo {photo}\n/report\n")
    assert "happiness" in medical.stdout


def make_stranger() -> GenericFakeChatModel:
    """For ``--model python:tests.cli.test_chat:make_stranger``: says what it was told."""

    class Repeats(GenericFakeChatModel):
        def _generate(self, messages: Any, *args: Any, **options: Any) -> Any:
            text = "\n".join(str(one.text) for one in messages)
            return ChatResult(generations=[ChatGeneration(message=AIMessage(f"I was told: {text}"))])

    return Repeats(messages=iter(()))


def test_a_chat_model_elsewhere_needs_consent_to_know_of_faces(memory: Path, photo: Path) -> None:
    stranger = ["--model", "python:tests.cli.test_chat:make_stranger", "--picture", photo, "--once", "Hello there"]
    kept = ferce_chat(memory, *stranger)
    assert "remote-needs-consent" in kept.stderr
    assert "--consent" in kept.stderr
    assert "Hello there" in kept.stdout
    assert "happ" not in kept.stdout.lower()
    told = ferce_chat(memory, "--consent", *stranger)
    assert told.stderr == ""
    assert "happiness" in told.stdout


def test_engines_are_chosen_as_for_analyze(memory: Path, photo: Path, tmp_path: Path) -> None:
    assert "vision-language model" in ferce_chat(memory, "--vlm", "nothing", "--once", "Hello").stderr
    settings = tmp_path / "s.toml"
    settings.write_text("maxfaces = 1\n")
    assert "Did you mean max_faces?" in ferce_chat(memory, "--settings", settings, "--once", "Hello").stderr
    wrong = ferce_chat(memory, "--weights", tmp_path / "none.onnx", "--picture", photo, "--once", "Hello")
    assert "Traceback" not in wrong.output
    assert "happ" not in wrong.stdout.lower()


def test_a_damaged_thread_is_a_message_and_can_be_forgotten(memory: Path) -> None:
    ferce_chat(memory, "--once", "Hello")
    with closing(sqlite3.connect(memory)) as connection:
        connection.execute("UPDATE checkpoints SET checkpoint = x'ff00ff', type = 'msgpack'")
        connection.commit()
    result = ferce_chat(memory, lines="Hello\n/report\n/forget\nHello\n")
    assert result.exit_code == 0
    assert "Traceback" not in result.output
    assert result.stderr.count("cannot be gone on with") == 2
    assert "is forgotten" in result.stdout
    assert len(result.stdout.splitlines()) == 2


def test_a_console_of_another_encoding_gets_an_answer(memory: Path, photo: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*PROGRAM, "--memory", str(memory)],
        input=f"Xin chào 你好 😀\n/photo {photo}\n/report\n".encode(),
        capture_output=True,
        check=True,
        env=environment,
    )
    assert b"Traceback" not in done.stderr
    assert b"happiness" in done.stdout


def test_a_line_without_end_is_bounded(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferce_agent.chat.terminal.LONGEST_LINE", 20_000)
    result = ferce_chat(memory, lines="x" * 50_000 + "\nHello\n" + "y" * 60_000)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr.count("bad_input") == 2


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
    result = ferce_chat(memory, "--model", "python:tests.cli.test_chat:make_parrot", lines="Hello\n")
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
        ("python:tests.cli.test_chat:make_nothing", "no LangChain chat model"),
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
    assert "never photos, films, sounds or their paths" in text
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
        wait_until_idle(child)
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


def wait_until_idle(process: int) -> None:
    """Wait until a process sleeps and computes nothing for a second.

    Python's input() loses a Ctrl-C that comes in the instant between showing its prompt and waiting for keys; a person
    cannot press that fast, a test can.
    """
    account, before, still = Path(f"/proc/{process}/stat"), "", 0
    while account.exists() and still < 20:
        state, *numbers = account.read_text("ascii").rpartition(") ")[2].split()
        now = f"{state} {numbers[10:12]}"  # the processor's time for it, in its own code and in the system's
        still = still + 1 if state == "S" and now == before else 0
        before = now
        time.sleep(0.05)


def read_until(screen: int, mark: bytes) -> bytes:
    shown, until = b"", time.monotonic() + 180
    while mark not in shown and time.monotonic() < until:
        try:
            shown += os.read(screen, 1024)
        except OSError:  # the other side has closed
            break
    return shown
