"""`ferce listen` on voice messages made here."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ferce_agent.cli import main
from ferce_agent.cli.listen import Bar
from ferce_agent.evaluation.voice.vowels import syllables
from ferce_agent.report.speech import VoiceReport
from ferce_agent.report.speech_events import SpeechEvent
from tests.inputs.sounds import coded

RATE = 16_000


def ferce(*arguments: object, **options: object) -> Result:
    return CliRunner().invoke(main, ["listen", *(str(argument) for argument in arguments)], **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "message.au"
    quiet = np.zeros(RATE, np.float32)
    path.write_bytes(coded("au", samples=np.concatenate([quiet, syllables(2.0), quiet, syllables(2.0, seed=1), quiet])))
    return path


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "silent.au"
    path.write_bytes(coded("au", samples=np.zeros(RATE, np.float32)))
    return path


def test_help_answers() -> None:
    result = ferce("--help")
    assert result.exit_code == 0
    for words in ("SOUND", "--transcript", "--words", "--json", "--output", "--from", "--to", "Exit status", "Ctrl-C"):
        assert words in result.stdout


def test_text(sound: Path) -> None:
    result = ferce(sound, "--no-color")
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout.startswith("Speech for ") and "in 2 turns" in result.stdout
    assert "Turn 2" in result.stdout


def test_json_is_a_valid_report(sound: Path) -> None:
    result = ferce(sound, "--json")
    report = VoiceReport.model_validate_json(result.stdout)
    assert len(report.speech) == 2
    assert str(sound.parent) not in result.stdout


def test_nobody_speaks_is_no_error(silent: Path) -> None:
    result = ferce(silent)
    assert result.exit_code == 0
    assert "Nobody is heard to speak" in result.stdout


def test_files_of_every_kind(sound: Path, tmp_path: Path) -> None:
    names = [tmp_path / f"deep/report{ending}" for ending in (".json", ".html", ".txt", ".csv")]
    result = ferce(sound, *(part for name in names for part in ("--output", name)))
    assert result.exit_code == 0
    assert len(VoiceReport.model_validate_json(names[0].read_text()).speech) == 2
    assert names[1].read_text().startswith("<!")
    assert "2 turns" in names[2].read_text()
    assert len(list(csv.reader(io.StringIO(names[3].read_text())))) == 3


def test_several_sounds_go_on_after_a_bad_one(sound: Path, silent: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    result = ferce(sound, bad, silent, "--json", "--output", tmp_path / "{stem}.json")
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [set(line) for line in lines] == [{"sound", "report"}, {"sound", "error"}, {"sound", "report"}]
    assert lines[1]["error"]["code"] == "sound_format"
    assert "bad.wav" in result.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"bad.wav", "message.json", "silent.json"}


def test_words_are_kept_only_when_asked(sound: Path, tmp_path: Path) -> None:
    said = tmp_path / "said.srt"
    said.write_text("1\n00:00:01,000 --> 00:00:03,000\nWe won the grand final!\n")
    left_out = ferce(sound, "--transcript", said, "--json").stdout
    assert "grand final" not in left_out
    assert VoiceReport.model_validate_json(left_out).speech[0].words is not None
    assert "grand final" in ferce(sound, "--transcript", said, "--words", "--json").stdout
    missing = ferce(sound, "--transcript", tmp_path / "none.srt")
    assert missing.exit_code == 1 and "none.srt" in missing.stderr


def test_a_part_of_it(sound: Path) -> None:
    report = VoiceReport.model_validate_json(ferce(sound, "--from", 3.5, "--json").stdout)
    assert len(report.speech) == 1 and report.speech[0].start_s > 3.5


def test_a_pipe(sound: Path) -> None:
    command = [sys.executable, "-m", "ferce_agent", "listen", "-", "--json"]
    done = subprocess.run(command, input=sound.read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0
    report = VoiceReport.model_validate_json(done.stdout)
    assert report.source.kind == "bytes" and len(report.speech) == 2


def test_the_rules_hold(sound: Path) -> None:
    refused = ferce(sound, "--domain", "recruitment")
    assert refused.exit_code == 1 and "refused" in refused.stderr
    held = ferce(sound, "--domain", "workplace", "--jurisdiction", "eu", "--json")
    assert VoiceReport.model_validate_json(held.stdout).speech[0].voice is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "SOUND"),
        (["-", "-"], "once only"),
        (["a.wav", "b.wav", "--transcript", "said.srt"], "one sound"),
        (["a.wav", "--output", "report.doc"], "must end with"),
        (["a.wav", "b.wav", "--output", "report.json"], "{stem}"),
        (["a.wav", "--output", "same.json", "--output", "same.json"], "written twice"),
        (["a.json", "--output", "a.json"], "destroy"),
    ],
)
def test_command_lines_that_make_no_sense(arguments: list[str], words: str) -> None:
    result = ferce(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(("content", "code"), [(b"", "sound_"), (b"text", "sound_format"), (None, "sound_not_found")])
def test_what_cannot_be_read_is_one_line(content: bytes | None, code: str, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    if content is not None:
        path.write_bytes(content)
    result = ferce(path)
    assert result.exit_code == 1 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and f"[{code}" in result.stderr


def test_ctrl_c_reports_what_was_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = tmp_path / "long.au", tmp_path / "report.json"
    part = np.concatenate([np.zeros(RATE, np.float32), syllables(2.0)])
    path.write_bytes(coded("au", samples=np.tile(part, 40)))

    shown = Bar.__call__

    def pressed(bar: Bar, event: SpeechEvent) -> None:
        if event.event == "turn":
            signal.raise_signal(signal.SIGINT)
        shown(bar, event)

    monkeypatch.setattr(Bar, "__call__", pressed)
    result = ferce(path, "--output", out)
    assert result.exit_code == 130
    assert "stopped" in result.stderr and "Not all of it was heard" in " ".join(result.stdout.split())
    report = VoiceReport.model_validate_json(out.read_text())
    assert len(report.speech) == 1 and report.source.last_s < 10
