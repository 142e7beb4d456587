"""`ferce train federated` with Flower; in an environment with the extra `federated`."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from ferce_agent.cli import main
from ferce_agent.specialist.adapter import load_adapter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),
]


def _write_split(folder: Path, split: str, count: int, seed: int) -> None:
    """Write noise with a bright bar whose place tells the expression, in FER+'s form."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rng, rows = np.random.default_rng(seed), []
    for index in range(count):
        kind = index % 2
        picture = rng.integers(60, 120, (48, 48)).astype(np.uint8)
        picture[(6 if kind else 34) : (14 if kind else 42), 8:40] = 230
        name, data = f"{split}{index}.png", cv2.imencode(".png", picture)[1].tobytes()
        votes = [10 * (kind == place) for place in range(10)]
        rows.append({"file_name": name, "image": {"bytes": data, "path": name}, "votes": votes})
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")


def _run(folder: Path, *words: str) -> Result:
    given = ["--data", str(folder), "--out", str(folder / "out"), "--clients", "2", *words]
    return CliRunner().invoke(main, ["train", "federated", *given])


def test_the_command_writes_card_and_adapter_and_refuses_another_division(tmp_path: Path) -> None:
    pytest.importorskip("flwr")
    _write_split(tmp_path, "train", 120, 1)
    _write_split(tmp_path, "valid", 60, 2)
    told = _run(tmp_path, "--split", "even", "--rounds", "2")
    assert told.exit_code == 0, told.output
    adapter = tmp_path / "out" / "fedavg.adapter.json"
    assert str(adapter) in told.output
    assert load_adapter(adapter).adapter.pictures == 120
    card = json.loads((tmp_path / "out" / "fedavg.json").read_text("utf-8"))
    assert [row["name"] for row in card["rows"]][2:] == ["central", "each client alone", "fedavg"]
    assert card["rows"][-1]["sent"] == sum(one["sent"] for one in card["by_round"]) > 0
    assert [one["answered"] for one in card["by_round"]] == [2, 2]
    again = _run(tmp_path, "--split", "even", "--rounds", "2")
    text = (tmp_path / "out" / "fedavg.md").read_text("utf-8")
    assert text in told.output  # Ray, too, may have said something
    assert again.output.startswith(text)
    for words in (["--split", "quality"], ["--split", "even", "--rounds", "1"]):
        refused = _run(tmp_path, *words)
        assert refused.exit_code == 1
        assert "another --out" in refused.output
