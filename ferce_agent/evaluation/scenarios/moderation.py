"""How well signals for reviewers agree with labelled pictures; without a set, what variants of one photo set off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from ferce_agent.evaluation.datasets.registry import load_dataset
from ferce_agent.evaluation.items import decode
from ferce_agent.report import EmotionReport
from ferce_agent.report.scenario_events import AlertEvent
from ferce_agent.scenarios.intervals import wilson
from ferce_agent.scenarios.moderation import ModerationStudy
from ferce_agent.scenarios.moderation_signals import Kind
from ferce_agent.scenarios.preset import preset
from ferce_agent.scenarios.study import Options

PICTURES: Final = 500
"""So many pictures are drawn from a set."""
VARIANTS: Final = 30
"""So many variants of the photo of the package are made where there is no set."""
LABELS: Final[dict[Kind, frozenset[str]]] = {
    "distress_shown": frozenset({"sadness", "fear"}),
    "anger_like_movements": frozenset({"anger"}),
}
"""Labels of pictures that a signal is right about."""
BANDS: Final = ((0.5, 0.65), (0.65, 0.8), (0.8, 1.01))
"""Confidences that are told together, for calibration."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A labelled picture and its signals.

    Attributes:
        label: The expression that an annotator named.
        found: Confidence by kind of signal.
        faces: How many faces were found.
    """

    label: str
    found: dict[str, float]
    faces: int


def moderation_tables(data: Path | None, seed: int) -> list[dict[str, Any]]:
    """Return precision and recall of the signals, and how often they are right by their confidence.

    Args:
        data: Folder with ``wildfaces/validation.parquet``, or that file's own; None for variants of the photo that
            comes with the package, which shows happiness: then every signal of distress or anger is wrong.
        seed: Of the choice of pictures, and of the variants.

    Returns:
        Rows with ``signal``, ``pictures``, ``signals``; where the set has such pictures ``precision`` and ``recall``
        with their 95 % intervals, ``false_alarms`` (share of the other pictures) and for bands of confidence ``said``
        and ``right``.

    Raises:
        DataError: The folder holds no such set.
    """
    looked = list(_looked(data, seed))
    rows = [row for kind in LABELS for row in (_row(kind, looked), *_bands(kind, looked))]
    return [*rows, _pain(looked)]


def _looked(data: Path | None, seed: int) -> Iterator[Looked]:
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.settings import Settings

    engines = Engines(Settings())
    for label, picture in _own_photo(seed) if data is None else _wild(data, seed):
        yield _look(label, _read(picture, engines))


def _read(picture: Any, engines: Any) -> EmotionReport:
    from ferce_agent.api import analyze_expression

    report: EmotionReport = analyze_expression(picture, engines=engines)
    return report


def _look(label: str, report: EmotionReport) -> Looked:
    """Return what the study tells of one photo."""
    from ferce_agent.policy.decide import permit

    file = preset("moderation")
    study = ModerationStudy(file, Options(), permit(file.use, remote=False, scenario="moderation"))
    study.begin(0, None)
    alerts = [event.alert for event in study.photo(0, report) if isinstance(event, AlertEvent)]
    found: dict[str, float] = {}
    for one in alerts:
        found[one.kind] = max(one.confidence, found.get(one.kind, 0.0))
    return Looked(label, found, len(report.people))


def _wild(data: Path, seed: int) -> Iterator[tuple[str, bytes]]:
    folder = data / "wildfaces" if (data / "wildfaces").is_dir() else data
    found = load_dataset(f"wildfaces:{folder}")
    for place in np.random.default_rng(seed).permutation(len(found.items))[:PICTURES]:
        item = found.items[place]
        yield found.labels.words[item.gold], item.data()


def _own_photo(seed: int) -> Iterator[tuple[str, Any]]:
    """Yield the photo of the package, mirrored, darker, lighter and smaller."""
    import cv2

    source = np.random.default_rng(seed)
    raw = (resources.files("ferce_agent.evaluation") / "astronaut.jpg").read_bytes()
    pixels = decode(raw, "astronaut.jpg")
    for number in range(VARIANTS):
        changed = pixels[:, ::-1] if number % 2 else pixels
        size = float(source.uniform(0.5, 1.0))
        small = cv2.resize(np.ascontiguousarray(changed), None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        yield "happiness", cv2.convertScaleAbs(small, alpha=float(source.uniform(0.6, 1.2)), beta=0)


def _row(kind: Kind, looked: Sequence[Looked]) -> dict[str, Any]:
    told = [one for one in looked if kind in one.found]
    there = [one for one in looked if one.label in LABELS[kind]]
    right = sum(one.label in LABELS[kind] for one in told)
    others = len(looked) - len(there)
    return {
        "signal": kind,
        "pictures": len(looked),
        "signals": len(told),
        "precision": _share(right, len(told)),
        "recall": _share(right, len(there)),
        "false_alarms": _share(len(told) - right, others),
    }


def _bands(kind: Kind, looked: Sequence[Looked]) -> Iterator[dict[str, Any]]:
    for low, high in BANDS:
        inside = [one for one in looked if low <= one.found.get(kind, 0.0) < high]
        if inside:
            yield {
                "signal": kind,
                "pictures": len(looked),
                "signals": len(inside),
                "confidence": (low, min(high, 1.0)),
                "said": float(np.mean([one.found[kind] for one in inside])),
                "right": _share(sum(one.label in LABELS[kind] for one in inside), len(inside)),
            }


def _pain(looked: Sequence[Looked]) -> dict[str, Any]:
    """Return how often movements as in pain are told; no set here says where they are right."""
    count = sum("pain_like_movements" in one.found for one in looked)
    return {
        "signal": "pain_like_movements",
        "pictures": len(looked),
        "signals": count,
        "told": _share(count, len(looked)),
    }


def _share(count: int, of: int) -> tuple[float, float, float] | None:
    """Return a share with its interval; None of nothing."""
    return (count / of, *wilson(count / of, of)) if of else None
