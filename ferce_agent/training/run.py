"""The training command: progress display, recipe, export."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ferce_agent.errors import MissingExtraError
from ferce_agent.views.progress import Display


def run_specialist(data: Path, out: Path, *, seed: int, limit: int, short: bool, threads: int) -> Path:  # noqa: PLR0913
    """Train, calibrate, export; return the path of the ONNX file.

    Raises:
        MissingExtraError: torch is not installed.
        DataError: The data folder or an existing checkpoint cannot be used.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    from ferce_agent.training.export import export
    from ferce_agent.training.specialist import Recipe, train

    torch.set_num_threads(threads or os.cpu_count() or 1)
    recipe = Recipe(seed=seed, limit=limit)
    if short:
        recipe = replace(recipe, schedule=((32, 2),), finish=0, batch=32)
    with Display(recipe.epochs, "Training") as display:

        def tick(epoch: int, share: float, loss: float) -> None:
            display.show(epoch + share, f"Epoch {epoch + 1} of {recipe.epochs}, loss {loss:.3f}")

        state = train(data, out, recipe, tick, lambda log: display.say(str(log)))
        display.say("Calibrating and exporting…")
        export(state, recipe, data, out)
    return out / "specialist.onnx"
