"""One benchmark run from plan to files: answers, numbers, page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ferce_agent.evaluation.page import to_page
from ferce_agent.evaluation.results import evaluate
from ferce_agent.evaluation.runner import JOURNAL, Plan, run
from ferce_agent.evaluation.tables import to_markdown
from ferce_agent.views.progress import Display


def bench_to_folder(
    plan: Plan, out: Path, *, workers: int = 1, resamples: int = 1000, fresh: bool = False
) -> dict[str, Any]:
    """Run or continue a plan and write results.json, results.md and results.html to `out`; return the results.

    Raises:
        SettingsError: The folder belongs to another plan, or another run is using it.
        DataError: A data set cannot be used.
        MissingExtraError: A package of the `bench` extra is missing.
        EngineError: A worker process died.
    """
    if fresh:
        (out / JOURNAL).unlink(missing_ok=True)
    with Display(1.0, "Reading the data") as display:

        def progress(done: int, total: int, perceiver: str) -> None:
            display.show(done / max(total, 1), f"{perceiver}: {done:,} of {total:,} answers")

        rows = run(plan, out, workers, progress)
        display.show(1.0, "Resampling and drawing")
        result = evaluate(plan, rows, resamples)
        write(out / "results.json", json.dumps(result, indent=1))
        write(out / "results.md", to_markdown(result) + "\n")
        write(out / "results.html", to_page(result))
    return result


def write(path: Path, text: str) -> None:
    """Write a text file in one step."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, "utf-8")
    partial.replace(path)
