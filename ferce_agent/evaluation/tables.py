"""The numbers of a benchmark run as Markdown tables, for the terminal, results.md and the HTML page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Result = dict[str, Any]
Column = tuple[str, Callable[[Result], str]]


def number(value: float | None, digits: int = 3) -> str:
    """Return a number, or an en dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def with_interval(answers: Result, name: str) -> str:
    """Return ``value [low, high]``."""
    low, high = answers["interval"][name]
    return f"{answers[name]:.3f} [{low:.3f}, {high:.3f}]"


def _distribution(name: str) -> Callable[[Result], str]:
    return lambda one: number(one.get("distribution", {}).get(name))


def _sets(one: Result) -> str:
    conformal = one.get("conformal", {})
    best = conformal.get("shipped") or conformal.get("split")
    return f"{best['coverage']:.3f}, {best['size']:.2f}" if best else "–"


HEADLINES: Final[tuple[Column, ...]] = (
    ("accuracy", lambda one: with_interval(one["answers"], "accuracy")),
    ("UAR", lambda one: with_interval(one["answers"], "uar")),
    ("macro-F1", lambda one: with_interval(one["answers"], "macro_f1")),
    ("frequent classes: accuracy / UAR", lambda one: _frequent(one["answers"])),
    ("accuracy without pictures that are in the training split", lambda one: _unseen(one["answers"])),
    ("published protocol (items): accuracy", lambda one: _published(one, "accuracy")),
    ("published protocol: macro-F1", lambda one: _published(one, "macro_f1")),
    ("published protocol: ECE", lambda one: number(one.get("published", {}).get("ece"))),
    ("ECE", _distribution("ece")),
    ("Brier", _distribution("brier")),
    ("NLL", _distribution("nll")),
    ("AURC", _distribution("aurc")),
    ("can answer with accuracy 0.95 / 0.90", lambda one: _answerable(one.get("distribution", {}))),
    ("names an expression: share, accuracy", lambda one: _named(one.get("abstention"))),
    ("entropy against the annotators' (Pearson)", lambda one: number(one.get("disagreement", {}).get("pearson"))),
    ("90 % sets: coverage, size", _sets),
    (
        "flips: mirror / JPEG / order",
        lambda one: " / ".join(number(one["flips"].get(k)) for k in ("mirror", "jpeg", "order")),
    ),
    ("corrupted, mean (severity 3)", lambda one: _corrupted(one["robustness"])),
    ("no answer", lambda one: number(one["answers"]["no_answer"])),
    ("claims about the face: supported / contradicted / unverified", lambda one: _claims(one.get("rationale"))),
    (
        "ms a face, median / 95 %",
        lambda one: f"{number(one['timing']['p50_ms'], 1)} / {number(one['timing']['p95_ms'], 1)}",
    ),
    ("peak MB", lambda one: number(one["timing"]["peak_mb"], 0)),
)


def _answerable(distribution: Result) -> str:
    return " / ".join(number(distribution.get(f"answerable_at_{level}")) for level in (95, 90))


def _named(abstention: Result | None) -> str:
    return f"{abstention['answered']:.3f}, {number(abstention['accuracy'])}" if abstention else "–"


def _claims(shares: Result | None) -> str:
    if not shares:
        return "–"
    return " / ".join(number(shares[name]) for name in ("supported", "contradicted", "unverified"))


def _frequent(answers: Result) -> str:
    part = answers.get("frequent")
    return f"{part['accuracy']:.3f} / {part['uar']:.3f}" if part else "–"


def _unseen(answers: Result) -> str:
    part = answers.get("unseen")
    return f"{part['accuracy']:.3f} ({part['items']:,} items)" if part else "–"


def _published(one: Result, name: str) -> str:
    part = one.get("published")
    if not part:
        return "–"
    return with_interval(part, name) + (f" ({part['items']:,})" if name == "accuracy" else "")


def _corrupted(robustness: Result) -> str:
    return f"{robustness['mean']:.3f} ({robustness['mean_per_severity'][2]:.3f})" if robustness else "–"


def to_markdown(result: Result) -> str:
    """Return all tables of a run."""
    return "\n\n".join(block for entry in result["sets"] for block in _set_blocks(entry))


def _set_blocks(entry: Result) -> list[str]:
    heading = f"## {entry['title']}: {entry['items']:,} items, majority class {entry['majority']:.3f}"
    blocks = [heading, headline_table(entry), recall_table(entry)]
    if any("conformal" in one for one in entry["perceivers"]):
        blocks.append(set_table(entry))
    if any(one["robustness"] for one in entry["perceivers"]):
        blocks.append(robustness_table(entry))
    blocks += [f"*{entry['note']}*"] if entry["note"] else []
    return blocks


def headline_table(entry: Result) -> str:
    """Return one row per measure and one column per perceiver; measures nobody has are left out."""
    lines = [_row(["measure", *(one["perceiver"] for one in entry["perceivers"])])]
    lines.append("|---|" + "---|" * len(entry["perceivers"]))
    for name, show in HEADLINES:
        cells = [show(one) for one in entry["perceivers"]]
        if any(set(cell) - set("– /") for cell in cells):
            lines.append(_row([name, *cells]))
    return "\n".join(lines)


def recall_table(entry: Result) -> str:
    """Return precision, recall and F1 per class."""
    lines = [_row(["class (items)", *(f"{one['perceiver']}: precision / recall / F1" for one in entry["perceivers"])])]
    lines.append("|---|" + "---|" * len(entry["perceivers"]))
    for index, (word, count) in enumerate(entry["support"].items()):
        cells = []
        for one in entry["perceivers"]:
            table = one["answers"]["per_class"]
            cells.append(" / ".join(number(table[name][index]) for name in ("precision", "recall", "f1")))
        lines.append(_row([f"{word} ({count})", *cells]))
    return "\n".join(lines)


def set_table(entry: Result) -> str:
    """Return coverage (mean size) of the 90 % prediction sets, overall, per class and per band of quality."""
    able = [one for one in entry["perceivers"] if "conformal" in one]
    kinds = [(one, kind) for one in able for kind in ("shipped", "split", "per_class") if kind in one["conformal"]]
    names = {"shipped": "shipped threshold", "split": "fitted on half of the set", "per_class": "per class, on half"}
    lines = [_row(["90 % sets: coverage (size)", *(f"{one['perceiver']}: {names[kind]}" for one, kind in kinds)])]
    lines.append("|---|" + "---|" * len(kinds))
    parts = [one["conformal"][kind] for one, kind in kinds]
    lines.append(_row(["all", *(f"{part['coverage']:.3f} ({part['size']:.2f})" for part in parts)]))
    for index, word in enumerate(entry["labels"]):
        lines.append(_row([word, *(number(part["per_class"][index]) for part in parts)]))
    bands = dict.fromkeys(band for one in able for band in one["conformal"].get("by_quality", {}))
    lines += [_row([band, *(_band(one, kind, band) for one, kind in kinds)]) for band in bands]
    return "\n".join(lines)


def _band(one: Result, kind: str, band: str) -> str:
    """Return coverage, size and number of pictures of one band of quality; told for the shipped threshold only."""
    part = one["conformal"].get("by_quality", {}).get(band) if kind == "shipped" else None
    return f"{part['coverage']:.3f} ({part['size']:.2f}; {part['items']:,} pictures)" if part else "–"


def robustness_table(entry: Result) -> str:
    """Return accuracy per corruption at severity 1, 3 and 5."""
    able = [one for one in entry["perceivers"] if one["robustness"]]
    lines = [
        _row(["corruption, severity 1 / 3 / 5", *(one["perceiver"] for one in able)]),
        "|---|" + "---|" * len(able),
    ]
    lines.append(_row(["none", *(number(one["robustness"]["clean"]) for one in able)]))
    for name in able[0]["robustness"]["accuracy"]:
        cells = [" / ".join(number(one["robustness"]["accuracy"][name][i]) for i in (0, 2, 4)) for one in able]
        lines.append(_row([name.replace("_", " "), *cells]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
