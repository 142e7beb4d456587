from __future__ import annotations

import base64
import json
import logging
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from langchain_core.language_models import FakeListChatModel
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace, FaceDetector, When
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import EmotionReport
from ferce_agent.tools.mcp import Progress, create_server
from ferce_agent.tools.reports import ReportStore
from ferce_agent.views.brief import Brief, brief_schema
from ferce_agent.vlm.adapters.chat_model import ChatModelVlm
from tests.bad_inputs import bad_inputs
from tests.tools.wrong_arguments import WRONG
from tests.views.brief_sizes import tokenizers


def text_of(result: Any) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")


def data_url(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


async def tool_in(client: Client) -> Any:
    return next(one for one in (await client.list_tools()).tools if one.name == "analyze_expression")


async def test_a_client_gets_a_brief_with_progress(photo: Path) -> None:
    steps: list[tuple[float, float | None, str]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        assert message
        steps.append((progress, total, message))

    async with Client(create_server(roots=[photo.parent])) as client:
        tool = await tool_in(client)
        asked = {"image": photo.name, "context": "She won."}
        result = await client.call_tool("analyze_expression", asked, progress_callback=progress)
    assert not result.is_error
    brief = Brief.model_validate(result.structured_content)
    assert brief.people[0].shows == "happiness"
    assert tool.output_schema == brief_schema()
    jsonschema.validate(result.structured_content, tool.output_schema)
    assert "person-1 (" in text_of(result)
    counted = {
        name: count(text_of(result)) + count(json.dumps(result.structured_content))
        for name, count in tokenizers().items()
    }
    assert max(counted.values()) <= 700
    assert [step for step, _, _ in steps] == sorted({step for step, _, _ in steps})
    assert steps[-1] == (5, 5, "report done")
    assert (3, 5, "face 1 of 1 done") in steps


def test_progress_only_grows_and_knows_every_face() -> None:
    progress = Progress()
    events = [("load", 0), ("detect", 3), ("quality", 0), ("reconcile", 0), ("vlm", 0), ("reconcile", 0)]
    events += [("reconcile", 0), ("reconcile", 0), ("unheard_of", 0), ("context", 0), ("detect", 9)]
    told = [step for stage, faces in events for step in progress.after({"stage": stage, "ms": 1.0, "faces": faces})]
    assert told == [
        (1, None, "load done"),
        (2, 7, "detect done"),
        (3, 7, "face 1 of 3 done"),
        (4, 7, "face 2 of 3 done"),
        (5, 7, "face 3 of 3 done"),
        (6, 7, "context done"),
    ]
    assert list(Progress().after({})) == []


async def test_the_whole_report_on_demand(photo: Path) -> None:
    async with Client(create_server(roots=[photo.parent])) as client:
        tool = await tool_in(client)
        brief = await client.call_tool("analyze_expression", {"image": photo.name})
        full = await client.call_tool("analyze_expression", {"image": photo.name, "detail": "full"})
        more = brief.structured_content["more"]
        assert more in text_of(brief)
        kept = (await client.read_resource(more)).contents[0].model_dump()
        templates = (await client.list_resource_templates()).resource_templates
    assert "ferce://reports/{id}" in {template.uri_template for template in templates}
    jsonschema.validate(full.structured_content, tool.output_schema or {})
    report = EmotionReport.model_validate(full.structured_content["report"])
    resource = EmotionReport.model_validate_json(kept["text"])
    assert kept["mime_type"] == "application/json"
    assert resource.people == report.people
    assert "report" not in brief.structured_content
    assert "Observed" in text_of(full)


async def test_a_report_that_is_not_kept_is_a_clear_error(photo: Path) -> None:
    store = ReportStore(most=1)
    async with Client(create_server(roots=[photo.parent], reports=store)) as client:
        first = await client.call_tool("analyze_expression", {"image": photo.name})
        await client.call_tool("analyze_expression", {"image": photo.name})
        for address in (first.structured_content["more"], "ferce://reports/AAAAAAAAAAAAAAAA", "ferce://reports/1"):
            with pytest.raises(MCPError, match=r"No report is kept under this address.*detail=.full"):
                await client.read_resource(address)
    other = create_server(roots=[photo.parent])
    async with Client(other) as client:
        with pytest.raises(MCPError, match="No report is kept"):
            await client.read_resource(first.structured_content["more"])


async def test_a_store_that_keeps_nothing_names_no_address(photo: Path) -> None:
    async with Client(create_server(roots=[photo.parent], reports=ReportStore(most=0))) as client:
        result = await client.call_tool("analyze_expression", {"image": photo.name})
    assert "more" not in result.structured_content
    assert 'Whole report: detail="full".' in text_of(result)


async def test_labels_are_ranked(photo: Path) -> None:
    async with Client(create_server(roots=[photo.parent])) as client:
        asked = {"image": photo.name, "labels": "bored, joyful, grieving"}
        result = await client.call_tool("analyze_expression", asked)
    assert next(iter(result.structured_content["people"][0]["labels"])) == "joyful"


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
async def test_wrong_arguments_are_explained(photo: Path, arguments: dict[str, Any], message: str) -> None:
    arguments = {name: photo.name if value == "PHOTO" else value for name, value in arguments.items()}
    async with Client(create_server(roots=[photo.parent])) as client:
        result = await client.call_tool("analyze_expression", arguments)
    assert result.is_error
    assert text_of(result).startswith("The photo was not analysed (settings): ")
    assert message in text_of(result)
    assert "[type=" not in text_of(result)


async def test_an_error_of_any_other_kind_is_told_and_logged(photo: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FaceDetector):
        def detect(self, pixels: NDArray[np.uint8], *, small_faces: When = "auto") -> list[DetectedFace]:
            raise ZeroDivisionError("secret inside")

    engines = Engines()
    engines.pipeline.detector = Broken()
    with caplog.at_level(logging.ERROR):
        async with Client(create_server(roots=[photo.parent], engines=engines)) as client:
            result = await client.call_tool("analyze_expression", {"image": photo.name})
    assert result.is_error
    assert "(engine): Something went wrong inside (ZeroDivisionError)." in text_of(result)
    assert "secret" not in text_of(result)
    assert "secret inside" in caplog.text


async def test_several_roots_and_one_that_is_missing(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "copy.jpg").write_bytes(photo.read_bytes())
    roots = [tmp_path / "missing", photo.parent, other]
    async with Client(create_server(roots=roots)) as client:
        for name in (photo.name, "copy.jpg"):
            result = await client.call_tool("analyze_expression", {"image": name})
            assert not result.is_error, text_of(result)


@pytest.mark.parametrize("remote", [False, True])
async def test_a_remote_model_opens_the_world(remote: bool) -> None:
    model = ChatModelVlm(FakeListChatModel(responses=["happy"]), name="elsewhere", remote=remote)
    async with Client(create_server(engines=Engines(vlm=model))) as client:
        tool = await tool_in(client)
    assert tool.annotations is not None
    assert tool.annotations.open_world_hint is remote
    assert tool.annotations.read_only_hint is True


async def test_what_a_client_sees_of_the_tool_is_small() -> None:
    async with Client(create_server()) as client:
        tool = await tool_in(client)
    jsonschema.Draft202012Validator.check_schema(tool.input_schema)
    for name, count in tokenizers().items():
        assert count(tool.description) < 160, name
        assert count(json.dumps(tool.output_schema)) < 2500, name
        assert count(json.dumps(tool.input_schema)) < 1600, name
    assert tool.input_schema["additionalProperties"] is False
    assert set(tool.input_schema["properties"]) == {"image", "context", "labels", "baseline", "use_context", "detail"}
    situation = {"text": "x", "turns": [{"speaker": "u", "text": "t"}], "earlier": [{"primary": None, "valence": 0.1}]}
    jsonschema.validate({"image": "x", "context": situation, "labels": ["a", "b"]}, tool.input_schema)


async def test_stdio_through_the_real_command(photo: Path, tmp_path: Path) -> None:
    roots = ["--root", str(tmp_path / "missing"), "--root", str(tmp_path), "--root", str(photo.parent)]
    said = tmp_path / "stderr.txt"
    command = f"exec {sys.executable} -m ferce_agent.cli mcp {' '.join(roots)} 2>{said}"
    async with Client(StdioServerParameters(command="sh", args=["-c", command])) as client:
        result = await client.call_tool("analyze_expression", {"image": photo.name})
        refused = await client.call_tool("analyze_expression", {"image": "/etc/passwd"})
        unknown = await client.call_tool("analyze_expression", {"image": photo.name, "useContext": {}})
        kept = (await client.read_resource(result.structured_content["more"])).contents[0].model_dump()["text"]
    assert not result.is_error, text_of(result)
    assert "image_access_denied" in text_of(refused)
    assert "Did you mean use_context?" in text_of(unknown)
    assert EmotionReport.model_validate_json(kept).people
    assert "missing is no folder and is left out" in said.read_text()


async def test_resources_and_prompt() -> None:
    async with Client(create_server()) as client:
        uris = {str(resource.uri) for resource in (await client.list_resources()).resources}
        schema = json.loads(
            (await client.read_resource("ferce://schema/emotion-report")).contents[0].model_dump()["text"]
        )
        ontology = json.loads((await client.read_resource("ferce://ontology")).contents[0].model_dump()["text"])
        prompt = await client.get_prompt("answer_with_care", {"message": "How do I look?"})
    schemas = {f"ferce://schema/{kind}-report" for kind in ("emotion", "clip", "voice", "scenario")}
    assert uris == {*schemas, "ferce://ontology"}
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "happiness" in ontology["terms"]
    assert "How do I look?" in prompt.messages[0].content.model_dump()["text"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("answer_with_car", {"message": "x"}, "no prompt 'answer_with_car'. Did you mean answer_with_care?"),
        ("answer_with_care", {}, "lacks the argument 'message'"),
        ("answer_with_care", {"messag": "x"}, "no argument 'messag'. Did you mean message?"),
    ],
)
async def test_wrong_requests_of_a_prompt_are_explained(name: str, arguments: dict[str, str], message: str) -> None:
    async with Client(create_server()) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
    assert message in str(caught.value)


async def test_every_bad_text_input_gives_a_useful_message() -> None:
    async with Client(create_server()) as client:
        for bad in bad_inputs():
            if isinstance(bad.source, str):
                result = await client.call_tool("analyze_expression", {"image": bad.source})
                assert result.is_error, bad.name
                assert "was not analysed" in text_of(result), bad.name
