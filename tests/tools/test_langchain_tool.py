from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from ferce_agent.report import EmotionReport
from ferce_agent.tools.langchain_tool import create_analyze_expression_tool
from tests.bad_inputs import bad_inputs
from tests.tool_calls import call


def test_the_model_gets_text_and_the_program_the_report(photo: Path) -> None:
    answer = call(create_analyze_expression_tool(roots=[photo.parent]), image=photo.name, context="She won.")
    assert answer.status == "success"
    assert "happiness" in str(answer.content)
    report = EmotionReport.model_validate(answer.artifact)
    assert report.people[0].expression is not None


def test_labels_are_ranked(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    answer = call(tool, image=photo.name, labels=["bored", "joyful", "grieving"])
    ranked = EmotionReport.model_validate(answer.artifact).people[0].labels
    assert ranked[0].label == "joyful"
    assert sum(one.score for one in ranked) == pytest.approx(1, abs=0.01)
    assert "joyful" in str(answer.content)
    assert call(tool, image=photo.name, labels=["joyful", "Joyful"]).status == "error"


def test_data_urls_work_without_any_folder(photo: Path) -> None:
    url = "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()
    assert call(create_analyze_expression_tool(), image=url).status == "success"


def test_async(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    assert "happiness" in asyncio.run(tool.ainvoke({"image": str(photo)}))


@pytest.mark.parametrize(
    "image", ["../../etc/passwd", "/etc/passwd", "https://example.org/x.jpg", "file:///etc/passwd", "", "data:,x"]
)
def test_what_it_may_not_open_gives_an_error_message(photo: Path, image: str) -> None:
    answer = call(create_analyze_expression_tool(roots=[photo.parent]), image=image)
    assert answer.status == "error"
    assert "was not analysed" in str(answer.content)
    assert "Traceback" not in str(answer.content)


def test_every_bad_text_input_gives_an_error_message() -> None:
    tool = create_analyze_expression_tool()
    texts = [bad for bad in bad_inputs() if isinstance(bad.source, str)]
    assert len(texts) > 20
    for bad in texts:
        answer = call(tool, image=bad.source)
        assert answer.status == "error", bad.name


def test_the_schema_tells_the_model_what_to_send() -> None:
    schema = create_analyze_expression_tool().args
    assert set(schema) == {"image", "context", "labels", "use_context"}
    assert "data URL" in schema["image"]["description"]
