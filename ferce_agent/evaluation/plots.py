"""The plots of the benchmark page, as SVG text, made with matplotlib in the style of the reports' figures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from ferce_agent.errors import MissingExtraError

Result = dict[str, Any]


def _style() -> ModuleType:
    """Return the style of all figures, which needs matplotlib."""
    try:
        from ferce_agent.views import figure_style
    except MissingExtraError as error:
        raise MissingExtraError("matplotlib", "bench") from error
    return figure_style


def _figure(wide: float, high: float) -> tuple[Any, Any]:
    least, most = _style().WIDTHS  # a table of two classes is small, one of a hundred large
    figure = _style().new_figure(min(max(wide, least), most), min(high, most))
    return figure, _style().styled(figure.subplots())


def _coloured(perceivers: Iterable[Result]) -> Iterator[tuple[str, Result]]:
    """Yield a colour with each of the first perceivers, as many as there are colours."""
    yield from zip(_style().SERIES, perceivers, strict=False)


def _with_legend(figure: Any, axes: Any) -> Any:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, prop={"family": _style().FONT, "size": _style().SMALL}, labelcolor=_style().INK)
    return figure


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    stream = io.StringIO()
    with rc_context({"svg.hashsalt": "ferce", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def reliability_plot(entry: Result) -> str:
    """Draw accuracy against confidence; the diagonal is perfect calibration."""
    figure, axes = _figure(4.4, 3.8)
    axes.plot([0, 1], [0, 1], color=_style().QUIET, linewidth=1, linestyle="--")
    for colour, one in _coloured([o for o in entry["perceivers"] if "reliability" in o]):
        bins = one["reliability"]
        sizes = [max(4.0, 120 * bin_["share"]) for bin_ in bins]
        axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], color=colour, label=one["perceiver"])
        axes.scatter([b["confidence"] for b in bins], [b["accuracy"] for b in bins], sizes, colour, alpha=0.8)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    _style().titled(axes, "Reliability (area: share of items)")
    return _svg(_with_legend(figure, axes))


def risk_plot(entry: Result) -> str:
    """Draw the error rate when only the surest share of the items is answered."""
    figure, axes = _figure(4.4, 3.8)
    for colour, one in _coloured([o for o in entry["perceivers"] if "risk_coverage" in o]):
        curve = one["risk_coverage"]
        axes.plot(curve["coverage"], curve["risk"], color=colour, label=one["perceiver"])
    axes.set(xlabel="share answered, surest first", ylabel="error rate", xlim=(0, 1))
    _style().titled(axes, "Risk and coverage")
    axes.set_ylim(bottom=0)
    return _svg(_with_legend(figure, axes))


def robustness_plot(entry: Result) -> str:
    """Draw mean accuracy per severity, and the spread over the corruptions."""
    figure, axes = _figure(4.4, 3.8)
    for colour, one in _coloured([o for o in entry["perceivers"] if o["robustness"]]):
        part = one["robustness"]
        table = np.array([[part["clean"], *row] for row in part["accuracy"].values()])
        severities = range(table.shape[1])
        axes.fill_between(severities, table.min(0), table.max(0), color=colour, alpha=0.12)
        axes.plot(severities, table.mean(0), color=colour, marker="o", label=one["perceiver"])
    axes.set(xlabel="severity", ylabel="accuracy", ylim=(0, 1))
    _style().titled(axes, "Corruptions: mean, worst and best")
    return _svg(_with_legend(figure, axes))


def confusion_plot(entry: Result, one: Result) -> str:
    """Draw the confusion matrix, each row as shares of the gold class."""
    words = list(entry["labels"])
    counts = np.array(one["answers"]["confusion"])
    columns = [*words, "no answer"] if counts[:, -1].any() else words
    counts = counts[:, : len(columns)]
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = 1.6 + 0.46 * len(columns)
    figure, axes = _figure(side + 0.6, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(
                column,
                row,
                count,
                ha="center",
                va="center",
                **_style().font(color="white" if shares[row, column] > 0.55 else _style().INK),
            )
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(words)), words, parse_math=False)
    axes.set(xlabel="said", ylabel="gold")
    _style().titled(axes, one["perceiver"])
    return _svg(figure)
