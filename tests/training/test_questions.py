from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
for package in ("transformers", "pyarrow"):
    pytest.importorskip(package)

from click.testing import CliRunner  # noqa: E402

from ferce_agent.cli import main  # noqa: E402
from ferce_agent.training.specialist import Recipe, new_state, save_checkpoint  # noqa: E402
from tests.training.test_specialist_training import write_split  # noqa: E402


def test_questions_are_written_and_shown_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    write_split(tmp_path, "train", 30, 5)
    save_checkpoint(new_state(Recipe()), Recipe(), tmp_path / "teacher.pt")

    def ask(name: str, seed: int) -> str:
        options = ["--data", str(tmp_path), "--teacher", str(tmp_path / "teacher.pt"), "--out", str(tmp_path / name)]
        result = CliRunner().invoke(
            main, ["train", "questions", *options, "--count", "20", "--seed", str(seed)], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        assert "20 questions" in result.output
        return (tmp_path / name).read_text("utf-8")

    written = ask("a.jsonl", 1)
    assert written == ask("b.jsonl", 1) != ask("c.jsonl", 2)
    lines = [json.loads(line) for line in written.splitlines()]
    assert len({line["picture"] for line in lines}) == 20
    assert len({line["task"] for line in lines}) > 2
    assert all(
        line["prompt"] and line["answer"] and sum(line["shares"]) == pytest.approx(1, abs=0.01) for line in lines
    )
