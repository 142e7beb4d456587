"""Consoles of other encodings and widths, closed pipes, signals: through the real command."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ferce_agent.report import EmotionReport
from tests.cli.commands import ferce

CONTEXT = "Das Grün – „schön“ … 我想 naïve 🙂 she won a prize."
ENCODINGS = ("cp1252", "cp437", "ascii", "utf-8", "cp932")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_report_is_written_in_any_encoding(encoding: str, photo: Path) -> None:
    done = ferce("analyze", photo, "--context", CONTEXT, env={"PYTHONIOENCODING": encoding, "COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "happiness" in text and "prize" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    assert done.stderr == b""


def test_ascii_shows_look_alikes(photo: Path) -> None:
    text = ferce("analyze", photo, env={"PYTHONIOENCODING": "ascii"}).stdout.decode("ascii")
    assert re.search(r"#{10,20}\S* +>?\d+% happiness", text)
    assert "+ supported: " in text and "deg" in text and "?" not in text.split("Why")[0]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_json_can_be_decoded_whatever_the_encoding(encoding: str, photo: Path) -> None:
    done = ferce("analyze", photo, "--json", "--context", CONTEXT, env={"PYTHONIOENCODING": encoding})
    report = EmotionReport.model_validate_json(done.stdout)  # as UTF-8, which JSON is
    assert any("我想" in entry.text for entry in report.evidence)


@pytest.mark.parametrize(
    "command",
    [
        ["policy"],
        ["schema"],
        ["ontology", "show", "happiness"],
        ["ontology", "search", "a"],
        ["doctor"],
        ["--help"],
        ["analyze", "--help"],
        ["bank", "build", "--help"],
        ["analyze", "gone–„ü“.jpg"],
        ["ontology", "show", "我想"],
    ],
)
def test_every_command_writes_ascii_where_it_must(command: list[str]) -> None:
    done = ferce(*command, env={"PYTHONIOENCODING": "ascii:strict"})
    assert (done.stdout + done.stderr).decode("ascii")
    assert b"Traceback" not in done.stderr and b"UnicodeEncodeError" not in done.stderr


def test_names_that_are_no_utf8_are_spelt(photo: Path, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    Path(os.fsdecode(name)).write_bytes(photo.read_bytes())
    gone = os.fsencode(tmp_path) + b"/gone\xe9.jpg"
    done = ferce("analyze", name, gone, "--json", "--csv", tmp_path / "t.csv", env={"PYTHONIOENCODING": "utf-8"})
    read, failed = map(json.loads, done.stdout.decode("utf-8").splitlines())
    assert read["photo"].endswith("/caf\\xe9.jpg") and read["report"]["people"]
    assert failed["photo"].endswith("/gone\\xe9.jpg") and failed["error"]["code"] == "image_not_found"
    assert b"gone\\xe9.jpg" in done.stderr
    assert "caf\\xe9.jpg" in (tmp_path / "t.csv").read_text("utf-8")


def test_a_name_cannot_steer_the_terminal() -> None:
    done = ferce("analyze", "\x1b[2Jx\u202e\n.jpg")
    assert b"\x1b" not in done.stderr and done.stderr.count(b"\n") == 1
    assert b"\\x1b[2Jx\\u202e\\n.jpg: " in done.stderr


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize(
    "command",
    [
        ["policy"],
        ["policy", "--domain", "recruitment"],
        ["ontology", "search", "sad"],
        ["ontology", "show", "AU12"],
        ["doctor"],
        ["--help"],
        ["ontology", "--help"],
        ["bench", "--help"],
    ],
)
def test_lines_keep_to_the_terminal(command: list[str], columns: int) -> None:
    text = ferce(*command, env={"COLUMNS": str(columns)}).stdout.decode("utf-8")
    # A command to copy and a word without a space stay whole.
    wide = [line for line in text.splitlines() if len(line) > columns and len(line.split()) > 1]
    assert wide == []


@pytest.mark.parametrize("columns", ["40", "80"])
@pytest.mark.parametrize("command", [[], ["ontology"], ["bench"], ["train"], ["vlm"], ["bank"]])
def test_help_of_groups_is_not_cut(command: list[str], columns: str) -> None:
    text = ferce(*command, "--help", env={"COLUMNS": columns}).stdout.decode()
    assert "..." not in text.replace("[ARGS]...", "") and "…" not in text.replace("sad/, …", "")


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_on_a_terminal(variables: dict[str, str], coloured: bool, photo: Path) -> None:
    shown, moved = on_terminal("analyze", photo, **variables)
    assert "happiness" in shown
    assert ("\x1b[" in shown) == coloured
    assert ("\x1b[" in moved) == (variables["TERM"] != "dumb"), "the bar"


def test_colours_in_a_pipe_on_request_only(photo: Path) -> None:
    assert b"\x1b" not in ferce("analyze", photo, env={"TERM": "xterm"}).stdout
    assert b"\x1b[" in ferce("analyze", photo, env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b[" in ferce("analyze", photo, "--color").stdout
    assert b"\x1b" not in ferce("analyze", photo, "--no-color", env={"FORCE_COLOR": "1"}).stdout


def on_terminal(*arguments: object, **variables: str) -> tuple[str, str]:
    """Run the command on a pseudo-terminal for each stream, and return what came to standard output and error."""
    (screen, out), (bar, err) = pty.openpty(), pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "FORCE_COLOR"}}
    command = [sys.executable, "-m", "ferce_agent", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env={**env, **variables}
    ) as process:
        os.close(out)
        os.close(err)
        shown, moved = drain([screen, bar])
        assert process.wait() == 0
    return shown, moved


def drain(terminals: list[int]) -> list[str]:
    """Read terminals to their end, one thread each: a full one would hold up the program."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(terminals)) as pool:
        return list(pool.map(read_all, terminals))


def read_all(terminal: int) -> str:
    data = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how a pseudo-terminal says that the other side is closed
            piece = b""
        if not piece:
            os.close(terminal)
            return data.decode("utf-8")
        data += piece


def test_the_bar_moves_with_one_photo(photo: Path) -> None:
    _, moved = on_terminal("analyze", photo, TERM="xterm", COLUMNS="80")
    assert "Loading models" in moved and "1 face found" in moved and "1 of 1 faces read" in moved
    shares = [int(share) for share in re.findall(r"(\d+) %", moved)]
    assert len(set(shares)) > 2 and shares == sorted(shares)


def test_no_bar_in_a_pipe_or_in_ci(photo: Path) -> None:
    assert ferce("analyze", photo).stderr == b""
    assert on_terminal("analyze", photo, TERM="xterm", CI="true")[1] == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize(
    "command", [["ontology", "search", "a", "--limit", "200"], ["schema"], ["analyze", "PHOTO", "--json"]]
)
def test_a_closed_pipe_ends_quietly(command: list[str], photo: Path) -> None:
    arguments = [str(photo) if part == "PHOTO" else part for part in command]
    read, write = os.pipe()
    os.close(read)
    done = ferce(*arguments, stdout=write)
    os.close(write)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_a_message(photo: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = ferce("schema", stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith(b"ferce: ") and done.stderr.count(b"\n") == 1


def test_ctrl_c_is_one_line_and_keeps_the_table(photo: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    command = [sys.executable, "-m", "ferce_agent", "analyze", *[str(photo)] * 2000, "--csv", str(table), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        assert json.loads(process.stdout.readline())["report"]
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        errors = process.stderr.read().decode()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == "ferce: stopped."
    assert "not reached" in errors.splitlines()[-2]
    assert len(table.read_text("utf-8").splitlines()) >= 2


def test_an_unexpected_error_is_one_line_and_a_traceback_on_request(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "broken_model.py").write_text(
        "class Model:\n    def __init__(self):\n        raise RuntimeError('oh')\n"
    )
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = ferce("analyze", photo, "--vlm", "python:broken_model:Model", env=env)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


def test_an_interrupt_within_exec_has_its_status_too(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "slow_model.py").write_text(
        "class Model:\n    def __init__(self):\n        exec('raise KeyboardInterrupt')\n"
    )
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = ferce("analyze", photo, "--vlm", "python:slow_model:Model", env=env)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, b"ferce: stopped.")


def test_both_module_names_are_the_command() -> None:
    for module in ("ferce_agent", "ferce_agent.cli"):
        done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.startswith("ferce, version ")
