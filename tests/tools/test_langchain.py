from __future__ import annotations

import asyncio
import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from ferce_agent import build_baseline
from ferce_agent.graphs.engines import Engines
from ferce_agent.keeping.baselines import save_baseline
from ferce_agent.keeping.places import FOLDER
from ferce_agent.report import EmotionReport
from ferce_agent.tools.langchain import create_analyze_expression_tool
from tests.bad_inputs import bad_inputs
from tests.tool_calls import call
from tests.tools.wrong_arguments import WRONG
from tests.views.brief_sizes import tokenizers


def test_the_model_gets_a_brief_and_the_program_the_report(photo: Path) -> None:
    answer = call(create_analyze_expression_tool(roots=[photo.parent]), image=photo.name, context="She won.")
    assert answer.status == "success"
    text = str(answer.content)
    assert "person-1 (" in text
    assert "shows happiness" in text
    assert 'detail="full"' in text
    assert {name for name, count in tokenizers().items() if count(text) > 700} == set()
    report = EmotionReport.model_validate(answer.artifact)
    assert report.people[0].expression is not None


def test_the_whole_report_on_demand(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    brief, full = call(tool, image=photo.name), call(tool, image=photo.name, detail="full")
    assert "Observed" in str(full.content)
    assert "Observed" not in str(brief.content)
    assert set(full.artifact) == set(brief.artifact)


def test_the_model_names_a_kept_baseline_and_never_a_file(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    made = build_baseline(photo)
    save_baseline(made, "anna")
    (tmp_path / "berta.json").write_text(made.model_dump_json(), encoding="utf-8")
    tool = create_analyze_expression_tool(roots=[photo.parent, tmp_path])
    answer = call(tool, image=photo.name, baseline="Anna")
    rest = EmotionReport.model_validate(answer.artifact).people[0].rest
    assert rest is not None and rest.baseline.id == made.id
    assert "without baseline" in str(answer.content)
    for name in ("berta", "berta.json", str(tmp_path / "berta.json")):
        refused = call(tool, image=photo.name, baseline=name)
        assert refused.status == "error" and "baseline" in str(refused.content), name


def test_labels_are_ranked(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    answer = call(tool, image=photo.name, labels=["bored", "joyful", "grieving"])
    ranked = EmotionReport.model_validate(answer.artifact).people[0].labels
    assert ranked[0].label == "joyful"
    assert sum(one.score for one in ranked) == pytest.approx(1, abs=0.01)
    assert '"joyful" 0.' in str(answer.content)


def test_labels_in_one_text_and_none_at_all(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    answer = call(tool, image=photo.name, labels="bored, joyful")
    assert [one.label for one in EmotionReport.model_validate(answer.artifact).people[0].labels] == ["joyful", "bored"]
    nothing: list[Any] = [None, "", []]
    for none in nothing:
        answer = call(tool, image=photo.name, labels=none)
        assert EmotionReport.model_validate(answer.artifact).people[0].labels == ()


def test_fields_that_a_client_sends_as_json_text(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    said = json.dumps({"place": "a stadium", "turns": [{"speaker": "user", "text": "I won."}]})
    answer = call(tool, image=photo, context=said, use_context='{"domain": "assistant"}')
    report = EmotionReport.model_validate(answer.artifact)
    assert report.scene.text is not None
    assert "use-stated" in report.policy.rules
    braces = call(tool, image=photo, context='{"x": 1} is what it says on the board.')
    assert braces.status == "success"


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


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_wrong_arguments_are_explained(photo: Path, arguments: dict[str, Any], message: str) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    arguments = {name: photo.name if value == "PHOTO" else value for name, value in arguments.items()}
    through_node = call(tool, **arguments)
    request = {"name": "analyze_expression", "args": dict(arguments), "id": "1", "type": "tool_call"}
    direct, later = tool.invoke(request), asyncio.run(tool.ainvoke(dict(request)))
    plain = tool.invoke(dict(arguments))
    for answer in (through_node, direct, later):
        assert isinstance(answer, ToolMessage)
        assert answer.status == "error"
    for text in (through_node.content, direct.content, later.content, plain):
        assert str(text).startswith("The photo was not analysed (settings): ")
        assert message in str(text)
        assert "[type=" not in str(text)
        assert "Traceback" not in str(text)


def test_an_error_of_any_other_kind_is_told_and_logged(photo: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Engines):
        def permit(self, use: object, *, heard: bool = False) -> Any:
            raise RuntimeError("secret inside")

    tool = create_analyze_expression_tool(roots=[photo.parent], engines=Broken())
    with caplog.at_level(logging.ERROR):
        answers = [call(tool, image=photo.name).content, asyncio.run(tool.ainvoke({"image": photo.name}))]
    for text in answers:
        assert str(text).startswith("The photo was not analysed (engine): Something went wrong inside (RuntimeError).")
        assert "secret" not in str(text)
    assert "secret inside" in caplog.text


def test_the_schema_tells_the_model_what_to_send() -> None:
    tool = create_analyze_expression_tool()
    assert set(tool.args) == {"image", "context", "labels", "baseline", "use_context", "detail"}
    assert "data URL" in tool.args["image"]["description"]
    sent = json.dumps(convert_to_openai_tool(tool))
    assert {name: count(sent) for name, count in tokenizers().items() if count(sent) > 1800} == {}
