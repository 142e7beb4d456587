"""From the journal's rows to the numbers of a run, with intervals and provenance."""

from __future__ import annotations

import itertools
import platform
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.items import Dataset
from ferce_agent.evaluation.journal import Row
from ferce_agent.evaluation.metrics import (
    NO_ANSWER,
    accuracy_at,
    bootstrap,
    distribution_scores,
    fast_scores,
    reliability,
    risk_coverage,
    score,
    set_scores,
    split_conformal,
)
from ferce_agent.evaluation.runner import Plan, robust_items
from ferce_agent.evaluation.variants import CORRUPTIONS, SEVERITIES
from ferce_agent.specialist.calibration import expected_calibration_error

SCHEMA: Final = "ferce-bench/1"
"""Format of results.json; files of another one are not read."""
COVERAGE: Final = 0.9
"""Nominal coverage of the prediction sets that are measured."""
FREQUENT: Final = 100
"""Classes with at least this many items count for the scores over frequent classes."""
CURVE_POINTS: Final = 60
QUALITY_BANDS: Final = (0.0, 0.25, 0.5, 0.75, 0.95, 1.01)
"""Borders of the bands of quality for which the coverage of the prediction sets is told."""
"""Points of a curve that are kept for the plots."""
PACKAGES: Final = (
    "ferce-agent",
    "onnxruntime",
    "opencv-python-headless",
    "numpy",
    "scikit-learn",
    "ai-edge-litert",
    "fer",
)
"""Packages whose versions are recorded with a run."""

Result = dict[str, Any]


def evaluate(plan: Plan, rows: list[Row], resamples: int = 1000) -> Result:
    """Return everything a run shows, as plain data for JSON.

    Args:
        plan: The plan the rows were made with.
        rows: The journal.
        resamples: Bootstrap resamples.
    """
    sets = []
    for spec in plan.datasets:
        dataset = plan.load(spec)
        perceivers = [_evaluate_one(plan, dataset, spec, name, rows, resamples) for name in plan.perceivers]
        sets.append({**_describe(dataset), "perceivers": perceivers})
    return {
        "schema": SCHEMA,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": {
            **asdict(plan),
            "datasets": [spec.partition(":")[0] for spec in plan.datasets],
            "perceivers": [short_name(name) for name in plan.perceivers],
        },
        "versions": _versions(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "sets": sets,
    }


def short_name(perceiver: str) -> str:
    """Return a perceiver's name for people: of a file or a dotted path only the last part."""
    name, _, option = perceiver.partition(":")
    last = option.replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return f"{name}:{last}" if option and name != "python" else last or name


def _describe(dataset: Dataset) -> Result:
    counts = np.bincount(dataset.gold, minlength=len(dataset.labels.words))
    return {
        "name": dataset.name,
        "title": dataset.title,
        "origin": dataset.origin,
        "items": len(dataset.items),
        "labels": dict(zip(dataset.labels.words, dataset.labels.terms, strict=True)),
        "support": dict(zip(dataset.labels.words, counts.tolist(), strict=True)),
        "majority": float(counts.max() / counts.sum()),
        "sha256": dataset.sha256,
        "gold": dataset.gold.tolist(),
        "identical_pictures": dataset.identical_pictures,
        "note": dataset.note,
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _evaluate_one(  # noqa: PLR0913
    plan: Plan, dataset: Dataset, spec: str, perceiver: str, rows: list[Row], resamples: int
) -> Result:
    mine = [row for row in rows if row["perceiver"] == perceiver and row.get("dataset") == spec]
    place = {item.id: index for index, item in enumerate(dataset.items)}
    by_view: dict[str, list[Row]] = {}
    for row in mine:
        by_view.setdefault(row["variant"], []).append(row)
    for view in by_view.values():
        view.sort(key=lambda row: place[row["item"]])
    plain = by_view["plain"]
    about = plan.perceiver(perceiver).describe()
    result: Result = {
        "perceiver": short_name(perceiver),
        "about": {**about, "contamination": contamination(dataset.origin, about.get("trained_on", {}))},
        "answers": _answers(plain, len(dataset.labels.words), plan.seed, resamples),
        "flips": {name: _flip_rate(plain, by_view[name]) for name in ("mirror", "jpeg", "order") if name in by_view},
        "robustness": _robustness(plan, dataset, plain, by_view),
        "timing": _timing(plain, rows, perceiver),
        "said": [row.get("said", NO_ANSWER) for row in plain],
    }
    unseen = [row for row in plain if row["item"] not in dataset.seen]
    if dataset.seen and unseen:
        result["answers"]["unseen"] = {"items": len(unseen), "accuracy": _accuracy(unseen)}
    result.update(_published(dataset, plain, plan.seed, resamples))
    result.update(_distributions(plain, plan.seed, resamples, about.get("abstain_below")))
    result.update(_claims(plain))
    result.update(_disagreement(dataset, plain))
    return result


def _published(dataset: Dataset, rows: list[Row], seed: int, resamples: int) -> Result:
    """Return the scores over the items that the published protocol of FER+ counts, where the set knows them.

    Barsoum et al. 2016, majority mode: pictures of which more than half of the votes name one expression.
    """
    agreed = {item.id for item in dataset.items if item.agreed}
    counted = [row for row in rows if row["item"] in agreed]
    if not counted:
        return {}
    classes = len(dataset.labels.words)
    said, gold = _said(counted), _gold(counted)
    intervals = bootstrap(lambda chosen: fast_scores(said[chosen], gold[chosen], classes), len(gold), resamples, seed)
    names = ("accuracy", "uar", "macro_f1")
    found: Result = {
        "items": len(counted),
        **dict(zip(names, fast_scores(said, gold, classes), strict=True)),
        "interval": dict(zip(names, intervals.tolist(), strict=True)),
    }
    given = [row for row in counted if "p" in row]
    if given:
        probabilities = np.array([row["p"] for row in given])
        found["ece"] = expected_calibration_error(probabilities / probabilities.sum(1, keepdims=True), _gold(given))
    return {"published": found}


def _disagreement(dataset: Dataset, rows: list[Row]) -> Result:
    """Return how the entropy of the answers follows the entropy of the annotators' votes, where both are known."""
    known = {item.id: item.disagreement for item in dataset.items if item.disagreement is not None}
    pairs = [(row["p"], known[row["item"]]) for row in rows if "p" in row and row["item"] in known]
    if len(pairs) < 4:
        return {}
    from scipy.stats import pearsonr, spearmanr

    shares = np.maximum(np.array([p for p, _ in pairs]), 1e-12)
    entropy, votes = -(shares * np.log(shares)).sum(1), np.array([value for _, value in pairs])
    if entropy.std() < 1e-9 or votes.std() < 1e-9:
        return {}
    found = {
        "pearson": float(pearsonr(entropy, votes).statistic),
        "spearman": float(spearmanr(entropy, votes).statistic),
    }
    return {"disagreement": {"items": len(pairs), **found}}


def contamination(origin: str, trained_on: dict[str, str]) -> str:
    """Say whether the perceiver saw the set in training, as far as its own description goes."""
    if origin in trained_on:
        return f"Yes: this very split was used ({trained_on[origin]})."
    source = origin.partition("/")[0]
    related = [f"{name}: {note}" for name, note in trained_on.items() if name.partition("/")[0] == source]
    if related:
        return f"Same source, other split ({'; '.join(related)})."
    return "Not in its known training data." if trained_on else "Unknown, or not trained."


def _said(rows: list[Row], key: str = "said") -> NDArray[np.int64]:
    return np.array([row.get(key, NO_ANSWER) for row in rows], np.int64)


def _gold(rows: list[Row]) -> NDArray[np.int64]:
    return np.array([row["gold"] for row in rows], np.int64)


def _answers(rows: list[Row], classes: int, seed: int, resamples: int) -> Result:
    said, gold = _said(rows), _gold(rows)
    scores = score(said, gold, classes)
    intervals = bootstrap(lambda chosen: fast_scores(said[chosen], gold[chosen], classes), len(gold), resamples, seed)
    counts = np.bincount(gold, minlength=classes)
    often = counts[gold] >= FREQUENT
    result: Result = {
        "items": scores.count,
        "accuracy": scores.accuracy,
        "macro_precision": scores.precision,
        "uar": scores.recall,
        "macro_f1": scores.f1,
        "interval": dict(zip(("accuracy", "uar", "macro_f1"), intervals.tolist(), strict=True)),
        "per_class": {
            name: scores.per_class[index].tolist()
            for index, name in enumerate(("precision", "recall", "f1", "support"))
        },
        "confusion": scores.confusion.tolist(),
        "no_answer": float((said == NO_ANSWER).mean()),
        "errors": dict(Counter(row["error"] for row in rows if "error" in row)),
        "faces_found": float(np.mean([row.get("face", False) for row in rows])),
    }
    if often.any() and not often.all():
        frequent = score(said[often], gold[often], classes)
        result["frequent"] = {"items": frequent.count, "accuracy": frequent.accuracy, "uar": frequent.recall}
    if any("lenient" in row for row in rows):
        kept = [row for row in rows if "error" not in row]
        result["parse_failures"] = float(np.mean([row["said"] == NO_ANSWER for row in kept])) if kept else 0.0
        result["lenient_accuracy"] = float((_said(kept, "lenient") == _gold(kept)).mean()) if kept else 0.0
    return result


def _distributions(rows: list[Row], seed: int, resamples: int, abstain: float | None) -> Result:
    """Return calibration, selective prediction and prediction sets; empty for written answers."""
    given = [row for row in rows if "p" in row]
    if len(given) < 4:
        return {}
    probabilities, gold = np.array([row["p"] for row in given]), _gold(given)
    probabilities = probabilities / probabilities.sum(1, keepdims=True)
    ece = bootstrap(
        lambda chosen: expected_calibration_error(probabilities[chosen], gold[chosen]), len(gold), resamples, seed
    )
    coverage, risk = risk_coverage(probabilities, gold)
    kept = np.unique(np.linspace(0, len(gold) - 1, CURVE_POINTS).astype(int))
    result: Result = {
        "distribution": {
            "items": len(gold),
            **distribution_scores(probabilities, gold),
            "ece_interval": ece[0].tolist(),
            "answerable_at_95": accuracy_at(probabilities, gold, 0.95),
            "answerable_at_90": accuracy_at(probabilities, gold, 0.90),
        },
        "reliability": reliability(probabilities, gold),
        "risk_coverage": {"coverage": coverage[kept].tolist(), "risk": risk[kept].tolist()},
        "conformal": {
            "nominal": COVERAGE,
            "split": split_conformal(probabilities, gold, COVERAGE, seed),
            "per_class": split_conformal(probabilities, gold, COVERAGE, seed, per_class=True),
        },
    }
    if all("set" in row for row in given):
        inside = np.zeros(probabilities.shape, np.bool_)
        for index, row in enumerate(given):
            inside[index, row["set"]] = True
        result["conformal"]["shipped"] = set_scores(inside, gold)
        if any("quality" in row for row in given):
            result["conformal"]["by_quality"] = sets_by_quality([row.get("quality") for row in given], inside, gold)
    own = [row["named"] for row in given if "named" in row]
    if abstain or own:
        named = np.array(own) if len(own) == len(given) else probabilities.max(1) >= (abstain or 0.0)
        right = probabilities.argmax(1) == gold
        result["abstention"] = {
            "threshold": abstain,
            "answered": float(named.mean()),
            "accuracy": float(right[named].mean()) if named.any() else None,
        }
    return result


def sets_by_quality(
    qualities: list[float | None], inside: NDArray[np.bool_], gold: NDArray[np.int64]
) -> dict[str, Result]:
    """Return what `set_scores` tells, for the pictures of each band of quality, and for those without a found face."""
    values = np.array([-1.0 if quality is None else quality for quality in qualities])
    bands = {"no face found": values < 0}
    for low, high in itertools.pairwise(QUALITY_BANDS):
        bands[f"quality {low:g} to {min(high, 1):g}"] = (values >= low) & (values < high)
    return {
        name: {"items": int(chosen.sum()), **set_scores(inside[chosen], gold[chosen])}
        for name, chosen in bands.items()
        if chosen.any()
    }


def _flip_rate(plain: list[Row], changed: list[Row]) -> float:
    """Return the share of items whose answer differs from the one about the plain view."""
    before = {row["item"]: row.get("said", NO_ANSWER) for row in plain}
    return float(np.mean([before[row["item"]] != row.get("said", NO_ANSWER) for row in changed]))


def _robustness(plan: Plan, dataset: Dataset, plain: list[Row], views: dict[str, list[Row]]) -> Result:
    """Return accuracy per corruption and severity over the sampled items, and the means."""
    chosen = {dataset.items[index].id for index in robust_items(plan, dataset)}
    if not chosen:
        return {}
    clean = [row for row in plain if row["item"] in chosen]
    table = {name: [_accuracy(views[f"{name}-{severity}"]) for severity in SEVERITIES] for name in CORRUPTIONS}
    means = np.array(list(table.values())).mean(0)
    return {
        "items": len(chosen),
        "clean": _accuracy(clean),
        "accuracy": table,
        "mean_per_severity": means.tolist(),
        "mean": float(means.mean()),
    }


def _accuracy(rows: list[Row]) -> float:
    return float((_said(rows) == _gold(rows)).mean())


def _timing(plain: list[Row], rows: list[Row], perceiver: str) -> Result:
    """Return latency percentiles in ms and peak memory in MB; these change from run to run."""
    times = [row["ms"] for row in plain if "ms" in row]
    memory = [row["memory"] for row in rows if "memory" in row and row["perceiver"] == perceiver]
    levels = np.percentile(times, [50, 90, 95, 99]).tolist() if times else [None] * 4
    return {
        **dict(zip(("p50_ms", "p90_ms", "p95_ms", "p99_ms"), levels, strict=True)),
        "peak_mb": max(memory, default=None),
    }


def _claims(rows: list[Row]) -> Result:
    """Return the shares of rationale claims that measurements support or contradict, where rationales exist."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(row.get("claims", {}))
    total = sum(counts.values())
    if not total:
        return {}
    shares = {name: counts[name] / total for name in ("supported", "contradicted", "unverified")}
    return {"rationale": {"claims": total, **shares}}
