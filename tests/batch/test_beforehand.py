from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ferce_agent.batch.beforehand import Told, ask_beforehand, ask_for_plan, asked, plan_for_later
from ferce_agent.batch.executor import MakeWork, ReadChunk
from ferce_agent.batch.items import Chunk, Item, WholeFile
from ferce_agent.batch.running import BatchPlan, run_batch
from ferce_agent.batch.work import BatchWork
from ferce_agent.errors import SettingsError
from ferce_agent.settings import Settings
from ferce_agent.vlm.adapters.later import Question
from ferce_agent.vlm.adapters.scripted import made_up
from ferce_agent.vlm.extraction.shape import shape_for


@dataclass(frozen=True)
class Here:
    """Runs work in this process."""

    workers: int = 1

    def run(self, make: MakeWork, chunks: Iterable[Chunk]) -> Iterator[ReadChunk]:
        work = make()
        return (work(chunk) for chunk in chunks)


def test_photos_get_their_answers_and_useless_ones_are_asked_for_again(photo: Path, tmp_path: Path) -> None:
    make = BatchWork(Settings(vlm=f"later:{tmp_path}#m?where=here"))
    chunk = Chunk(0, 0, 1, tuple(Item(name, "photo", WholeFile(str(photo))) for name in "ab"))
    rounds: list[list[str]] = []

    def answer_all(questions: Iterator[Question]) -> Iterator[Told]:
        rounds.append([])
        for question in questions:
            rounds[-1].append(question.prompt)
            good = made_up(shape_for().grammar).text
            yield question.key, "I cannot say." if len(rounds) == 1 else good, 3

    assert ask_beforehand(lambda: Here().run(make, [chunk]), tmp_path, answer_all) == 2
    assert [len(prompts) for prompts in rounds] == [1, 1, 0]  # the two photos are the same, and so is the question
    (read,) = Here().run(make, [chunk])
    assert [row["vlm_expression"] is not None for row in read.tables["faces"]] == [True, True]


def test_faces_that_the_cascade_does_not_want_are_not_asked_about(photo: Path, tmp_path: Path) -> None:
    make = BatchWork(Settings(vlm=f"later:{tmp_path}#m?where=here", vlm_when="unsure"))
    chunk = Chunk(0, 0, 1, (Item("a", "photo", WholeFile(str(photo))),))
    asked_about: list[Question] = []

    def answer_all(questions: Iterator[Question]) -> list[Told]:
        asked_about.extend(questions)
        return []

    assert ask_beforehand(lambda: Here().run(make, [chunk]), tmp_path, answer_all) == 0
    assert asked_about == []


def test_vllm_is_asked_for_the_same_answer_each_time_in_the_form_of_the_ontology() -> None:
    schema = json.dumps(shape_for().grammar.schema)
    row = asked({"key": "k", "prompt": "Look.", "pictures": ["YQ=="], "schema": schema, "max_tokens": 9})
    assert row["sampling_params"] == {
        "temperature": 0.0, "seed": 0, "max_tokens": 9, "structured_outputs": {"json": schema}
    }  # fmt: skip
    picture, words = row["messages"][0]["content"]
    assert picture["image_url"]["url"] == "data:image/jpeg;base64,YQ=="
    assert words == {"type": "text", "text": "Look."}
    free = asked({"key": "k", "prompt": "Look.", "pictures": [], "schema": "", "max_tokens": 9})
    assert "structured_outputs" not in free["sampling_params"]


def test_a_plan_s_questions_stand_beside_its_tables(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan, folder = plan_for_later(BatchPlan([str(photo)], settings=Settings(vlm="vllm:some/model")), out, None)
    assert folder == tmp_path / "out-vlm"

    def answer_all(questions: Iterator[Question]) -> Iterator[Told]:
        return ((question.key, made_up(shape_for().grammar).text, 3) for question in questions)

    assert ask_for_plan(plan, Here(), folder, answer_all) == 1
    assert run_batch(plan, out, Here()).items == 1
    assert pq.read_table(out / "faces")["vlm_expression"].null_count == 0
    assert ask_for_plan(plan, Here(), folder, answer_all) == 0


def test_on_a_cluster_questions_leave_this_machine(photo: Path, tmp_path: Path) -> None:
    plan, folder = plan_for_later(BatchPlan([str(photo)], settings=Settings(vlm="vllm:m")), tmp_path / "out", "auto")
    assert ask_for_plan(plan, Here(), folder, lambda _: []) == 0
    assert not folder.exists() or not list(folder.glob("questions/*"))


def test_another_model_is_none_of_vllm(photo: Path, tmp_path: Path) -> None:
    for vlm in ("own", "vllm:", ""):
        with pytest.raises(SettingsError):
            plan_for_later(BatchPlan([str(photo)], settings=Settings(vlm=vlm)), tmp_path, None)
