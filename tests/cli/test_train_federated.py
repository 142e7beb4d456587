"""`ferce train federated` before Flower is needed; with it: tests/training/federated/test_running.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ferce_agent.cli import main


def _run(folder: Path, *words: str) -> Result:
    given = ["--data", str(folder), "--out", str(folder / "out"), *words]
    return CliRunner().invoke(main, ["train", "federated", *given])


def test_help_names_the_ways_and_strategies() -> None:
    told = CliRunner().invoke(main, ["train", "federated", "--help"])
    assert told.exit_code == 0
    assert all(word in told.output for word in ("dirichlet:ALPHA", "fedavg|fedprox|personal", "--rounds", "--clients"))


@pytest.mark.parametrize("way", ["bylabel", "dirichlet", "dirichlet:-1", "dirichlet:nan"])
def test_a_way_of_dividing_that_is_none_is_refused_first(tmp_path: Path, way: str) -> None:
    told = _run(tmp_path, "--split", way)
    assert told.exit_code == 1
    assert f"'{way}'" in told.output
    assert "Traceback" not in told.output
    assert not (tmp_path / "out").exists()


def test_a_strategy_that_is_none_is_refused(tmp_path: Path) -> None:
    assert _run(tmp_path, "--strategy", "fedsum").exit_code == 2


@pytest.mark.skipif(importlib.util.find_spec("flwr") is not None, reason="Flower is installed here")
def test_without_flower_the_extra_is_named(tmp_path: Path) -> None:
    told = _run(tmp_path)
    assert told.exit_code == 1
    assert "ferce-agent[federated]" in told.output
    assert not (tmp_path / "out").exists()


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else real(name, *more))
    done = CliRunner().invoke(main, ["train", "federated", "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "ferce-agent[federated]" in done.output
