"""The model for other programs' tests: its answer fits any question, and the report stands whatever it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.api import analyze_expression
from ferce_agent.errors import SettingsError, VlmCancelledError, VlmError, VlmTimeoutError
from ferce_agent.graphs.engines import Engines
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings
from ferce_agent.vlm.adapters.scripted import VERSION, WORDS, Script, ScriptedVlm, Trouble
from ferce_agent.vlm.backends import load_vlm
from ferce_agent.vlm.extraction.choice import choice_grammar, read_choice
from ferce_agent.vlm.extraction.scene import scene_grammar
from ferce_agent.vlm.extraction.shape import shape_for
from ferce_agent.vlm.protocol import Grammar, Request, VisionLanguageModel, ask_in_time
from tests.vlm.extraction.test_grammar import allows

HAPPY = {"cues": [], "labels": [{"label": "happy", "weight": 1.0}], "intensity": 0.8, "certainty": "sure", "body": ""}
GRAMMARS = [
    shape_for().grammar,
    shape_for({"bored": "boredom"}).grammar,
    scene_grammar(),
    choice_grammar(["loss", "threat"]),
]


def read(photo: Path, script: Script | None, **settings: Any) -> EmotionReport:
    return analyze_expression(photo, engines=Engines(Settings(**settings), vlm=ScriptedVlm(script)))


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_an_answer_that_is_made_up_fits_the_question_and_is_always_the_same(grammar: Grammar) -> None:
    answer = ScriptedVlm().ask(Request("?", (), grammar))
    assert answer.constrained
    assert allows(grammar.gbnf, answer.text)
    jsonschema.validate(json.loads(answer.text), dict(grammar.schema))
    assert ScriptedVlm().ask(Request("something else", (b"jpeg",), grammar)) == answer


def test_it_chooses_the_first_on_offer() -> None:
    names = ["loss", "threat"]
    assert read_choice(ScriptedVlm().ask(Request("?", (), choice_grammar(names))).text, names) == "loss"


@pytest.mark.parametrize("prompt", ["perceive", "label", "regions", "compound", "describe", "face", "ferbench"])
def test_the_report_says_who_answered(prompt: str, photo: Path) -> None:
    report = read(photo, None, vlm_prompt=prompt, scene=prompt == "perceive")
    model, said = report.provenance.vlm, report.people[0].vlm
    assert model is not None
    assert said is not None
    assert (model.name, model.version) == ("test-model", VERSION)
    assert said.primary == ("anger" if load_prompt(prompt).answer == "json" else "neutral")
    assert WORDS in report.model_dump_json().lower()
    assert report.people[0].expression is not None
    assert report.people[0].expression.primary == "happiness"  # what was measured stands


def test_it_says_what_it_is_told_and_remembers_what_it_was_asked(photo: Path) -> None:
    says = ScriptedVlm(HAPPY)
    report = analyze_expression(photo, engines=Engines(vlm=says))
    assert report.people[0].vlm is not None
    assert report.people[0].vlm.primary == "happiness"
    (asked,) = says.requests
    assert "expressions" in asked.prompt
    assert asked.pictures[0].startswith(b"\xff\xd8")


def test_a_list_is_one_reply_to_each_question(photo: Path) -> None:
    report = read(photo, ["no answer", HAPPY])
    assert report.people[0].vlm is not None
    assert report.people[0].vlm.primary == "happiness"  # the second one, asked for as a repair
    model = ScriptedVlm(["only one"])
    assert model.ask(Request("?", ())).text == "only one"
    with pytest.raises(VlmError, match="1 answers, and this is question 2"):
        model.ask(Request("?", ()))


def test_a_function_answers_by_the_question(two_faces: NDArray[np.uint8]) -> None:
    asked: list[Request] = []

    def script(request: Request) -> str:
        asked.append(request)
        return f"<answer>{'sad' if len(request.pictures) > 1 else 'happy'}</answer>"

    report = analyze_expression(two_faces, engines=Engines(Settings(vlm_prompt="label"), vlm=ScriptedVlm(script)))
    assert [person.vlm.primary for person in report.people if person.vlm] == ["happiness", "happiness"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (VlmError("The server is gone."), "vlm_failed"),
        (VlmError("Busy.", transient=True), "vlm_failed"),
        (RuntimeError("a bug of a library"), "vlm_failed"),
        ("words that are no answer", "vlm_failed"),
        (" ", "vlm_failed"),
        (Trouble.TIMEOUT, "timeout"),
    ],
)
def test_trouble_leaves_a_gap_in_the_report_and_nothing_else(script: Script, code: str, photo: Path) -> None:
    report = read(photo, script, vlm_seconds=3600)
    said = report.people[0].vlm
    assert [gap.code for gap in report.degraded] == [code]
    assert said is None or (said.primary is None and said.repairs)
    assert report.people[0].expression is not None


def test_a_timeout_is_told_at_once_and_a_hanging_model_when_its_time_is_over() -> None:
    with pytest.raises(VlmTimeoutError) as caught:
        ask_in_time(ScriptedVlm(Trouble.TIMEOUT), Request("?", (), seconds=3600))
    assert caught.value.seconds == 3600
    with pytest.raises(VlmTimeoutError):
        ScriptedVlm(Trouble.HANG).ask(Request("?", (), seconds=0.01))


def test_a_hanging_model_can_be_called_off() -> None:
    request = Request("?", (), seconds=3600)
    request.cancel.set()
    with pytest.raises(VlmCancelledError):
        ScriptedVlm(Trouble.HANG).ask(request)


def test_it_may_count_as_remote(photo: Path) -> None:
    far = ScriptedVlm(HAPPY, remote=True)
    assert analyze_expression(photo, engines=Engines(vlm=far)).people[0].vlm is None
    assert far.requests == []
    assert analyze_expression(photo, engines=Engines(vlm=far), use_context={"consent": True}).people[0].vlm is not None


def test_it_has_a_name_on_the_command_line(tmp_path: Path) -> None:
    assert isinstance(load_vlm("test"), VisionLanguageModel)
    file = tmp_path / "says.txt"
    file.write_text("<answer>sad</answer>\n\n", "utf-8")
    always = load_vlm(f"test:{file}")
    assert [always.ask(Request("?", ())).text for _ in range(2)] == ["<answer>sad</answer>"] * 2
    file.write_text("one\ntwo\n", "utf-8")
    in_turn = load_vlm(f"test:{file}")
    assert [in_turn.ask(Request("?", ())).text for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe"])
def test_a_script_that_cannot_be_read_is_a_typed_error(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "says.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"says\.txt"):
        load_vlm(f"test:{file}")


def test_the_example_of_the_page_runs(photo: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    page = (root / "docs" / "agents.md").read_text("utf-8").partition("## Testing your own program")[2]
    (code,) = re.findall(r"^```python\n(.*?)^```", page.partition("\n## ")[0], re.S | re.M)
    shutil.copy(photo, tmp_path / "photo.jpg")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['vlm_failed']", "['timeout']", "['vlm_failed']"]
