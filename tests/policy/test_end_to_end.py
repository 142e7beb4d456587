from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from mcp import StdioServerParameters
from mcp.client import Client
from numpy.typing import NDArray

from ferce_agent import aanalyze_expression, analyze_expression
from ferce_agent.cli import main
from ferce_agent.errors import PolicyError, SettingsError
from ferce_agent.evaluation.perceivers.registry import load_perceiver
from ferce_agent.graphs.engines import Engines
from ferce_agent.graphs.photo import compiled_graph
from ferce_agent.graphs.state import RunContext
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.use import UseContext
from ferce_agent.report import EmotionReport, json_schema
from ferce_agent.settings import Settings
from ferce_agent.tools.langchain import create_analyze_expression_tool
from ferce_agent.tools.mcp import create_server
from ferce_agent.views.emotionml import to_emotionml
from ferce_agent.views.html import to_html
from ferce_agent.views.text import to_text
from ferce_agent.vlm.protocol import Answer, Request
from tests.tool_calls import call
from tests.views.emotionml_check import check_emotionml

WORK = {"domain": "workplace", "jurisdiction": "eu"}
HIRING = {"domain": "recruitment"}
ROBOT = {"domain": "assistant", "jurisdiction": "other"}


def codes(report: EmotionReport) -> list[str]:
    return [entry.code for entry in report.degraded]


def expression_words(text: str) -> list[str]:
    """Return the words for expressions in a text: ids, nouns and adjectives of the ontology."""
    terms = ontology().terms.values()
    words = {word for term in terms for word in (term.id, term.label, term.adjective)}
    return [word for word in sorted(words) if re.search(rf"(?<![a-z_]){re.escape(word)}(?![a-z_])", text.lower())]


def strings_in(data: Any) -> Iterator[str]:
    """Yield every text of a report; the names of fields are not among them."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from strings_in(value)


def check_restricted(report: EmotionReport) -> None:
    assert report.people
    assert report.policy.decision == "restricted"
    assert "eu-ai-act-5-1-f" in report.policy.rules
    assert codes(report).count("policy_restricted") == 1
    for person in report.people:
        assert person.expression is None
        assert person.action_units
        assert not person.labels
        assert "a smile" in person.description.observed
    assert expression_words("\n".join(strings_in(report.model_dump(mode="json")))) == []


class RemoteVlm:
    """A model elsewhere that remembers what it was sent."""

    name, version, remote, most_pictures = "recorder", "1", True, 1

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer("<think>The lip corners are raised.</think><answer>happy</answer>")


class LocalVlm(RemoteVlm):
    remote = False


# Python


def test_a_restricted_report_shows_movements_only(photo: Path, engines: Engines) -> None:
    context = "She stands beside a model of a rocket."
    labels = ["bored", "joyful"]
    report = analyze_expression(photo, context, labels=labels, use_context=WORK, engines=engines)
    check_restricted(report)
    jsonschema.validate(json.loads(report.model_dump_json()), json_schema())
    assert report.scene.text == context
    assert (report.causes, report.conflicts, report.text_emotions) == ((), (), ())


def test_restricted_movements_are_the_measured_ones(photo: Path, engines: Engines, report: EmotionReport) -> None:
    (limited,) = analyze_expression(photo, use_context=WORK, engines=engines).people
    measured = {unit.id: unit.intensity for unit in report.people[0].action_units}
    assert {unit.id for unit in limited.action_units} == set(measured)
    assert all(abs(unit.intensity - measured[unit.id]) < 0.1 for unit in limited.action_units)


def test_words_alone_cause_nothing_in_a_restricted_report(photo: Path, engines: Engines) -> None:
    report = analyze_expression(photo, "She lost her job and cries.", use_context=WORK, engines=engines)
    assert (report.causes, report.conflicts, report.text_emotions, report.group) == ((), (), (), None)


def test_several_faces_are_related_by_place_only(two_faces: NDArray[Any], engines: Engines) -> None:
    report = analyze_expression(two_faces[:, :, ::-1], use_context=WORK, engines=engines)
    check_restricted(report)
    assert report.relationships
    assert not any(entry.kind.endswith("_expression") for entry in report.relationships)
    assert report.group is None


def test_every_view_shows_a_restricted_report(photo: Path, engines: Engines) -> None:
    report = analyze_expression(photo, use_context=WORK, engines=engines)
    assert "Person 1: no expression is inferred" in to_text(report)
    assert "Use restricted." in to_html(report)
    assert check_emotionml(to_emotionml(report)) == []


@pytest.mark.parametrize("model", [RemoteVlm, LocalVlm])
def test_no_model_is_asked_for_a_restricted_report(photo: Path, model: type[RemoteVlm]) -> None:
    vlm = model()
    report = analyze_expression(
        photo, use_context={**WORK, "consent": True}, engines=Engines(Settings(scene=True), vlm=vlm)
    )
    check_restricted(report)
    assert vlm.asked == []


def test_a_medical_reason_lifts_the_restriction(photo: Path, engines: Engines) -> None:
    report = analyze_expression(photo, use_context={**WORK, "basis": "medical"}, engines=engines)
    assert report.people[0].expression is not None
    assert report.policy.decision == "allowed"
    assert "eu-ai-act-5-1-f-exception" in report.policy.rules


def test_a_refused_use_looks_at_nothing(tmp_path: Path, engines: Engines) -> None:
    missing = tmp_path / "not-even-there.jpg"
    with pytest.raises(PolicyError, match="no-recruitment"):
        analyze_expression(missing, use_context=HIRING, engines=engines)
    with pytest.raises(PolicyError, match="no-recruitment"):
        asyncio.run(aanalyze_expression(missing, use_context=UseContext(domain="recruitment"), engines=engines))


def test_async_is_restricted_too(photo: Path, engines: Engines) -> None:
    check_restricted(asyncio.run(aanalyze_expression(photo, use_context=WORK, engines=engines)))


def test_a_wrong_use_is_named(photo: Path, engines: Engines) -> None:
    with pytest.raises(SettingsError, match="domain"):
        analyze_expression(photo, use_context={"domain": "police"}, engines=engines)


def test_the_graph_takes_plain_data(photo: Path, engines: Engines) -> None:
    run = RunContext(engines=engines, image=photo)
    check_restricted(compiled_graph().invoke({"use_context": WORK}, context=run)["report"])
    with pytest.raises(PolicyError):
        compiled_graph().invoke({"use_context": HIRING}, context=run)
    assert run.held is None


# What is sent


@pytest.mark.parametrize(
    ("use", "rule"),
    [
        (ROBOT, "remote-needs-consent"),
        ({**ROBOT, "consent": False}, "remote-consent-withheld"),
        ({**ROBOT, "consent": True, "minors": True}, "remote-not-minors"),
        ({"minors": True, "consent": True}, "remote-not-minors"),
        ({"consent": False}, "remote-consent-withheld"),
        (None, "remote-needs-consent"),
        ({}, "remote-needs-consent"),
        ({"minors": False}, "remote-needs-consent"),
    ],
)
def test_nothing_is_sent_without_consent_or_of_minors(photo: Path, use: dict[str, Any] | None, rule: str) -> None:
    vlm = RemoteVlm()
    report = analyze_expression(
        photo, use_context=use, engines=Engines(Settings(scene=True, choose_cause=True), vlm=vlm)
    )
    assert vlm.asked == []
    assert report.provenance.left_machine == ()
    assert report.provenance.vlm is None
    assert rule in report.policy.rules
    (note,) = [entry for entry in report.degraded if entry.code == "vlm_skipped"]
    assert rule in note.message
    assert report.people[0].expression is not None


def test_causes_are_not_weighed_by_a_remote_model_without_consent(photo: Path) -> None:
    vlm = RemoteVlm()
    told = "She won the race. Then she lost her job."
    engines = Engines(Settings(choose_cause=True), vlm=vlm)
    assert len(analyze_expression(photo, told, engines=engines).causes) > 1
    assert vlm.asked == []
    analyze_expression(photo, told, use_context={"consent": True}, engines=engines)
    assert len(vlm.asked) > 1


async def test_no_way_in_sends_a_face_without_consent(photo: Path) -> None:
    vlm = RemoteVlm()
    engines = Engines(vlm=vlm)
    await aanalyze_expression(photo, engines=engines)
    call(create_analyze_expression_tool(roots=[photo.parent], engines=engines), image=photo.name)
    async with Client(create_server(roots=[photo.parent], engines=engines)) as client:
        await client.call_tool("analyze_expression", {"image": photo.name})
        assert vlm.asked == []
        await client.call_tool("analyze_expression", {"image": photo.name, "use_context": {"consent": True}})
    assert len(vlm.asked) == 1


def test_a_model_that_does_not_say_where_it_runs_counts_as_remote(photo: Path) -> None:
    class Silent:
        name, version, most_pictures = "silent", "1", 1

        def ask(self, request: Request) -> Answer:
            raise AssertionError("nobody agreed")

    report = analyze_expression(photo, engines=Engines(vlm=Silent()))  # type: ignore[arg-type]
    assert "remote-needs-consent" in report.policy.rules


@pytest.mark.parametrize("use", [{"consent": True}, {**ROBOT, "consent": True}, {"consent": True, "minors": False}])
def test_with_consent_the_face_is_sent(photo: Path, use: dict[str, Any]) -> None:
    vlm = RemoteVlm()
    report = analyze_expression(photo, use_context=use, engines=Engines(vlm=vlm))
    assert len(vlm.asked) == 1
    assert report.provenance.left_machine == ("face-crop",)
    assert report.policy.decision == "allowed"


def test_a_model_on_this_machine_may_always_be_asked(photo: Path) -> None:
    vlm = LocalVlm()
    analyze_expression(photo, use_context={**ROBOT, "minors": True}, engines=Engines(vlm=vlm))
    assert len(vlm.asked) == 1


# The LangChain tool


def test_the_tool_restricts_and_refuses(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    answer = call(tool, image=photo.name, use_context=WORK)
    check_restricted(EmotionReport.model_validate(answer.artifact))
    assert expression_words(str(answer.content)) == []
    refused = call(tool, image=photo.name, use_context=HIRING)
    assert refused.status == "error"
    assert "policy_refused" in str(refused.content)
    assert "no-recruitment" in str(refused.content)
    assert call(tool, image=photo.name, use_context={"domain": "police"}).status == "error"


def test_a_refused_tool_call_opens_no_file(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    assert "policy_refused" in str(call(tool, image="/etc/passwd", use_context=HIRING).content)
    assert "policy_refused" in asyncio.run(tool.ainvoke({"image": "/etc/passwd", "use_context": HIRING}))


def test_the_model_cannot_loosen_the_operators_use(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=[photo.parent], engines=Engines(use=UseContext.model_validate(WORK)))
    for said in (None, {"domain": "entertainment"}, {**WORK, "basis": "medical"}, {"jurisdiction": "other"}):
        check_restricted(EmotionReport.model_validate(call(tool, image=photo.name, use_context=said).artifact))


# The MCP server


def text_of(result: Any) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")


async def test_a_client_gets_restricted_and_refused_answers(photo: Path) -> None:
    async with Client(create_server(roots=[photo.parent])) as client:
        asked = {"image": photo.name, "use_context": WORK}
        brief = await client.call_tool("analyze_expression", asked)
        result = await client.call_tool("analyze_expression", {**asked, "detail": "full"})
        refused = await client.call_tool("analyze_expression", {"image": "/etc/passwd", "use_context": HIRING})
        wrong = await client.call_tool("analyze_expression", {"image": photo.name, "use_context": {"domain": "police"}})
    assert expression_words(text_of(brief)) == expression_words(json.dumps(brief.structured_content)) == []
    check_restricted(EmotionReport.model_validate(result.structured_content["report"]))
    assert refused.is_error
    assert "policy_refused" in text_of(refused)
    assert wrong.is_error
    assert "domain" in text_of(wrong)


async def test_clients_cannot_loosen_what_the_command_fixes(photo: Path) -> None:
    options = ["--root", str(photo.parent), "--domain", "workplace", "--jurisdiction", "eu"]
    command = StdioServerParameters(command=sys.executable, args=["-m", "ferce_agent.cli", "mcp", *options])
    async with Client(command) as client:
        for said in ({}, {"use_context": {"domain": "general", "jurisdiction": "other", "basis": "safety"}}):
            asked = {"image": photo.name, "detail": "full", **said}
            result = await client.call_tool("analyze_expression", asked)
            check_restricted(EmotionReport.model_validate(result.structured_content["report"]))
        refused = await client.call_tool("analyze_expression", {"image": photo.name, "use_context": HIRING})
    assert refused.is_error
    assert "no-recruitment" in text_of(refused)


# The command line


def ferce(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_restricts(photo: Path) -> None:
    result = ferce("analyze", photo, "--domain", "workplace", "--purpose", "a team event", "--json")
    assert result.exit_code == 0, result.output
    check_restricted(EmotionReport.model_validate_json(result.stdout))
    lifted = ferce("analyze", photo, "--domain", "workplace", "--basis", "medical", "--json")
    assert EmotionReport.model_validate_json(lifted.stdout).people[0].expression is not None


def test_the_command_refuses_before_it_opens_anything() -> None:
    result = ferce("analyze", "gone.jpg", "also-gone.jpg", "--domain", "credit")
    assert result.exit_code == 1
    assert result.stderr.count("policy_refused") == 1
    assert "gone.jpg" not in result.stderr
    assert ferce("mcp", "--domain", "credit").exit_code == 1


VLM_FILE = """
from tests.policy.test_end_to_end import RemoteVlm
RECORDER = RemoteVlm()
def model():
    return RECORDER
"""


def test_consent_is_an_option(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far_vlm.py").write_text(VLM_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    asked = ["analyze", photo.resolve(), "--json", "--vlm", "python:far_vlm:model"]
    for options, sent in (
        ([], []),
        (["--domain", "assistant"], []),
        (["--no-consent"], []),
        (["--consent"], ["face-crop"]),
        (["--consent", "--minors"], []),
    ):
        result = ferce(*asked, *options)
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["provenance"]["left_machine"] == sent


def test_nothing_is_measured_on_a_remote_model_without_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far_vlm.py").write_text(VLM_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "set" / "happy").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    far = ["--vlm", "python:far_vlm:model"]
    commands: list[list[str]] = [
        ["vlm", "calibrate", "--dataset", "folder:set", *far],
        ["bench", "vlm", *far],
    ]
    for command in commands:
        result = ferce(*command)
        assert result.exit_code == 1
        assert "policy_refused" in result.stderr
        assert "--consent" in result.stderr
    assert "policy_refused" not in ferce(*commands[0], "--consent").stderr


@pytest.mark.parametrize("spec", ["vlm:openai:https://example.org/v1#m", "python:far_vlm:model", "product"])
def test_a_remote_perceiver_needs_consent(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far_vlm.py").write_text(VLM_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FERCE_VLM", "openai:https://example.org/v1#m")
    with pytest.raises(PolicyError, match="remote-needs-consent"):
        load_perceiver(spec)
    assert load_perceiver(spec, consent=True).describe()["name"]


def test_the_rules_are_printed() -> None:
    table = ferce("policy")
    assert table.exit_code == 0
    assert "no-deception-detection" in table.stdout
    assert "eu-ai-act-50-3" in table.stdout


def test_a_decision_is_printed_with_rules_sources_and_notice() -> None:
    result = ferce("policy", "--domain", "workplace", "--jurisdiction", "eu")
    assert "restricted: only visible movements are reported" in result.stdout
    assert "eu-ai-act-5-1-f (restricted, no inference): AI Act, Art. 5(1)(f)" in result.stdout
    assert "For a sign:" in result.stdout
    assert "refused: nothing is looked at" in ferce("policy", "--domain", "credit").stdout
    assert "remote-needs-consent" in ferce("policy", "--domain", "assistant", "--remote").stdout
    assert ferce("policy", "--domain", "police").exit_code == 2


def test_words_of_crisis_are_heeded_where_nothing_may_be_inferred(photo: Path) -> None:
    told = {"turns": [{"speaker": "user", "text": "I can't go on like this."}]}
    report = analyze_expression(photo, told, use_context=WORK)
    check_restricted(report)
    assert report.guidance.distress
    assert report.guidance.evidence == ("turn.1",)
