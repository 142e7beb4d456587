from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ferce_agent.cli import main
from ferce_agent.report import EmotionReport, clip_json_schema, json_schema, voice_json_schema
from ferce_agent.report.scenario import scenario_json_schema
from ferce_agent.report.session import session_json_schema


def ferce(*arguments: object, **options: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)  # type: ignore[arg-type]


def test_the_real_command_prints_a_report(photo: Path) -> None:
    command = [sys.executable, "-m", "ferce_agent.cli", "analyze", str(photo), "--context", "She won a prize."]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "happiness" in done.stdout
    assert "won" in done.stdout
    assert done.stderr == ""


def test_json_is_the_report(photo: Path) -> None:
    result = ferce("analyze", photo, "--json")
    assert result.exit_code == 0
    report = EmotionReport.model_validate_json(result.stdout)
    assert len(report.people) == 1


def test_labels_are_ranked(photo: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    result = ferce("analyze", photo, "--labels", "bored, joyful,grieving", "--html", page)
    assert result.exit_code == 0
    assert "Your words" in result.stdout
    assert "joyful" in page.read_text("utf-8")
    wrong = ferce("analyze", photo, "--labels", "joyful")
    assert wrong.exit_code == 1
    assert "2 to 100" in wrong.stderr


def test_html_and_emotionml_are_written(photo: Path, tmp_path: Path) -> None:
    html, xml = tmp_path / "deep" / "r.html", tmp_path / "r.xml"
    assert ferce("analyze", photo, "--html", html, "--emotionml", xml).exit_code == 0
    assert "data:image/jpeg;base64," in html.read_text("utf-8")
    assert "http://www.w3.org/2009/10/emotionml" in xml.read_text("utf-8")


def test_one_bad_photo_does_not_stop_the_others(photo: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(photo.read_bytes()[:3000])
    result = ferce("analyze", bad, photo, tmp_path / "none.png", "--json")
    assert result.exit_code == 1
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert [line["photo"] for line in (first, second, third)] == [str(bad), str(photo), str(tmp_path / "none.png")]
    assert first["error"]["code"] == "image_truncated" and first["error"]["message"]
    assert second["report"]["people"]
    assert third["error"].keys() == {"code", "message", "hint"}
    assert "bad.jpg: " in result.stderr
    assert result.stderr.splitlines()[-1] == "ferce: 3 photos: 1 read, 2 failed."
    assert "image_truncated" in result.stderr
    assert "image_not_found" in result.stderr


def test_several_photos_need_several_pages(photo: Path, tmp_path: Path) -> None:
    assert ferce("analyze", photo, photo, "--html", tmp_path / "one.html").exit_code == 2
    assert ferce("analyze", photo, photo, "--html", tmp_path / "{stem}.html").exit_code == 0
    assert (tmp_path / f"{photo.stem}.html").is_file()


def test_standard_input(photo: Path) -> None:
    result = ferce("analyze", "-", "--json", input=photo.read_bytes())
    assert result.exit_code == 0
    assert json.loads(result.stdout)["people"]


def test_a_page_that_cannot_be_written_is_a_message(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = ferce("analyze", photo, "--html", tmp_path / "file" / "r.html")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.output


def test_unusable_environment_is_a_message(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERCE_MAX_FACES", "many")
    result = ferce("analyze", photo)
    assert result.exit_code == 1
    assert "FERCE_MAX_FACES" in result.stderr


def test_schema_is_the_published_one() -> None:
    published = Path(__file__).parents[2] / "docs" / "schema" / "emotion-report.v1.json"
    assert json.loads(published.read_text("utf-8")) == json_schema(), "run `make schema`"
    assert json.loads(ferce("schema").stdout) == json_schema()


def test_schema_of_clips_is_the_published_one() -> None:
    published = Path(__file__).parents[2] / "docs" / "schema" / "clip-report.v1.json"
    assert json.loads(published.read_text("utf-8")) == clip_json_schema(), "run `make schema`"
    assert json.loads(ferce("schema", "--clip").stdout) == clip_json_schema()


def test_schema_of_voice_messages_is_the_published_one() -> None:
    published = Path(__file__).parents[2] / "docs" / "schema" / "voice-report.v1.json"
    assert json.loads(published.read_text("utf-8")) == voice_json_schema(), "run `make schema`"
    assert json.loads(ferce("schema", "--voice").stdout) == voice_json_schema()
    assert ferce("schema", "--voice", "--clip").exit_code == 2


@pytest.mark.parametrize(("kind", "made"), [("scenario", scenario_json_schema), ("session", session_json_schema)])
def test_schemas_of_scenarios_and_sessions_are_the_published_ones(
    kind: str, made: Callable[[], dict[str, Any]]
) -> None:
    published = Path(__file__).parents[2] / "docs" / "schema" / f"{kind}-report.v1.json"
    assert json.loads(published.read_text("utf-8")) == made(), "run `make schema`"
    assert json.loads(ferce("schema", f"--{kind}").stdout) == made()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("happiness", "AU12"), ("AU12", "lip corner"), ("loss", "MFOEM_000106"), ("happily surprised", "surprise")],
)
def test_ontology_show(name: str, expected: str) -> None:
    result = ferce("ontology", "show", name)
    assert result.exit_code == 0
    assert expected.lower() in result.stdout.lower()


def test_ontology_questions_without_answer() -> None:
    missing = ferce("ontology", "show", "hapiness")
    assert missing.exit_code == 1
    assert "happiness" in missing.stderr
    assert ferce("ontology", "search", "zzzz").exit_code == 1
    assert "grief" in ferce("ontology", "search", "grief").stdout


def test_doctor_finds_the_weights() -> None:
    result = ferce("doctor")
    assert result.exit_code == 0
    assert "expression model" in result.stdout
    assert "sha256" in result.stdout


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["analyze"],
        ["mcp"],
        ["schema"],
        ["ontology"],
        ["doctor"],
        ["policy"],
        ["train", "specialist"],
        ["bench", "speed"],
    ],
)
def test_help_answers_everywhere(command: list[str]) -> None:
    result = ferce(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_a_bank_is_built_and_used(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "faces" / "happy").mkdir(parents=True)
    (tmp_path / "faces" / "happy" / "a.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "faces" / "happy" / "b.jpg").write_bytes(b"no photo")
    bank = tmp_path / "bank.npz"
    result = ferce("bank", "build", tmp_path / "faces", "--out", bank)
    assert result.exit_code == 0
    assert "1 examples" in result.stdout
    assert "b.jpg left out" in result.stderr
    assert "python:MODULE:FUNCTION" in ferce("analyze", photo, "--vlm", "nonsense", "--bank", bank).stderr


VLM_FILE = """
from ferce_agent.vlm.protocol import Answer
class Model:
    name, version, remote, most_pictures = "scripted", "1", False, 1
    def ask(self, request):
        return Answer("<think>The lip corners are raised.</think><answer>happy</answer>")
"""


def test_a_model_is_named_on_the_command_line(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_vlm.py").write_text(VLM_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.html"
    result = ferce("analyze", photo.resolve(), "--vlm", "python:my_vlm:Model", "--prompt", "regions", "--html", page)
    assert result.exit_code == 0, result.stderr
    assert "Model says" in result.stdout
    assert "in line with the measurement" in page.read_text("utf-8")
    (tmp_path / "settings.toml").write_text('vlm = "python:my_vlm:Model"\nbudget_ms = 60000\n')
    data = json.loads(ferce("analyze", photo.resolve(), "--settings", "settings.toml", "--json").stdout)
    assert data["people"][0]["vlm"]["primary"] == "happiness"
    assert data["provenance"]["vlm"]["name"] == "scripted"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--prompt", "nothing"], "no prompt"),
        (["--prompt", "scene"], "one face"),
        (["--bank", "gone.npz"], "no bank"),
        (["--vlm-reliability", "gone.json"], "no reliability file"),
        (["--budget-ms", "-1"], "budget_ms"),
        (["--settings", "gone.toml"], "cannot be read"),
    ],
)
def test_wrong_choices_are_errors_at_once(
    options: list[str], said: str, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_vlm.py").write_text(VLM_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = ferce("analyze", photo.resolve(), "--vlm", "python:my_vlm:Model", *options)
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_reliability_is_measured(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2
    import numpy as np

    (tmp_path / "my_vlm.py").write_text(VLM_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    pixels = cv2.imread(str(photo))
    assert pixels is not None
    rng = np.random.default_rng(1)
    for label in ("happy", "sad"):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(25):
            noisy = np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "set" / label / f"{number}.jpg"), noisy)
    out = tmp_path / "reliability.json"
    result = ferce(
        "vlm", "calibrate", "--vlm", "python:my_vlm:Model", "--dataset", f"folder:{tmp_path / 'set'}", "--out", out
    )
    assert result.exit_code == 0, result.stderr
    assert "0.500 of 50 faces" in result.stdout
    used = ferce("analyze", photo.resolve(), "--vlm", "python:my_vlm:Model", "--vlm-reliability", out, "--json")
    assert used.exit_code == 0, used.stderr


def test_a_settings_file_is_strict(tmp_path: Path, photo: Path) -> None:
    file = tmp_path / "s.toml"
    for text, said in (("colour = 1", "unknown"), ("threads = 'many'", "threads"), ("threads = ", "read")):
        file.write_text(text)
        result = ferce("analyze", photo, "--settings", file)
        assert result.exit_code == 1
        assert said in result.stderr
