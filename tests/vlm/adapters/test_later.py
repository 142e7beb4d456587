from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.api import analyze_expression
from ferce_agent.errors import DataError, SettingsError, VlmError
from ferce_agent.graphs.engines import Engines
from ferce_agent.settings import Settings
from ferce_agent.vlm.adapters.later import ANSWERS, QUESTIONS, LaterVlm, keep_answers, open_questions, question_of
from ferce_agent.vlm.adapters.scripted import made_up
from ferce_agent.vlm.backends import load_vlm
from ferce_agent.vlm.extraction.shape import shape_for
from ferce_agent.vlm.protocol import Request


def test_what_is_asked_twice_is_answered_once(photo: Path, tmp_path: Path) -> None:
    engines = Engines(Settings(vlm=f"later:{tmp_path}#some/model?where=here", threads=1))
    first = analyze_expression(photo, engines=engines)
    assert [entry.code for entry in first.degraded] == ["vlm_failed"]
    (question,) = open_questions(tmp_path)
    assert base64.b64decode(question.pictures[0]).startswith(b"\xff\xd8")
    assert keep_answers(tmp_path, [(question.key, made_up(shape_for().grammar).text, 7)]) == 1
    second = analyze_expression(photo, engines=engines)
    assert not second.degraded
    assert second.people[0].vlm is not None
    assert second.provenance.vlm is not None
    assert (second.provenance.vlm.name, second.provenance.vlm.version) == ("vllm", "some-model")
    assert list(open_questions(tmp_path)) == []


def test_without_consent_nothing_is_written_for_another_machine(photo: Path, tmp_path: Path) -> None:
    report = analyze_expression(photo, engines=Engines(Settings(vlm=f"later:{tmp_path}#some/model", threads=1)))
    assert report.people[0].vlm is None
    assert list(open_questions(tmp_path)) == []


def test_time_limits_are_no_part_of_a_question_and_all_else_is() -> None:
    plain = Request("Look.", (b"jpeg",), max_tokens=8)
    assert question_of(plain) == question_of(Request("Look.", (b"jpeg",), max_tokens=8, seconds=1, deadline=5.0))
    others = [
        Request("Look!", (b"jpeg",), max_tokens=8),
        Request("Look.", (b"jpg",), max_tokens=8),
        Request("Look.", (b"jpeg", b"jpeg"), max_tokens=8),
        Request("Look.", (b"jpeg",), max_tokens=9),
        Request("Look.", (b"jpeg",), shape_for().grammar, max_tokens=8),
    ]
    assert len({question_of(one).key for one in (plain, *others)}) == 6


def test_a_question_stands_once_and_a_half_line_is_left_out(tmp_path: Path) -> None:
    for _ in range(2):
        model = LaterVlm(tmp_path, "m")
        for words in ("a", "a", "b"):
            with pytest.raises(VlmError):
                model.ask(Request(words, ()))
    (tmp_path / QUESTIONS / "killed.jsonl").write_text('{"key": "12')
    assert sorted(question.prompt for question in open_questions(tmp_path)) == ["a", "b"]
    keep_answers(tmp_path, [(question_of(Request("a", ())).key, "words", None)])
    assert [question.prompt for question in open_questions(tmp_path)] == ["b"]
    assert model.ask(Request("a", ())).text == "words"


def test_answers_that_were_kept_stay_whatever_comes_then(tmp_path: Path) -> None:
    def answers() -> Any:
        yield "k1", "one", 1
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        keep_answers(tmp_path, answers())
    assert keep_answers(tmp_path, [("k2", "two", None)]) == 1
    (tmp_path / ANSWERS).write_bytes(b"no database" * 100)
    with pytest.raises(DataError):
        LaterVlm(tmp_path, "m").ask(Request("a", ()))


@pytest.mark.parametrize("spec", ["later:folder", "later:#m", "later:folder#", "later:folder#m?where=there"])
def test_a_folder_and_a_model_are_needed(spec: str) -> None:
    with pytest.raises(SettingsError):
        load_vlm(spec)


def test_it_counts_as_elsewhere_unless_said_otherwise() -> None:
    assert load_vlm("later:folder#m").remote
    assert not load_vlm("later:folder#m?where=here").remote
