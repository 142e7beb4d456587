"""Checkpoint files: written whole or not at all, read with a word of what is wrong."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from ferce_agent.errors import DataError


def write_checkpoint(payload: dict[str, Any], path: Path) -> None:
    """Write the file so that a kill at any moment leaves the old or the new one, never half of one."""
    partial = path.with_suffix(".partial")
    torch.save(payload, partial)
    os.replace(partial, path)


def read_checkpoint(path: Path, recipe: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read a checkpoint; if `recipe` is given, it must be the one the file was made with.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    try:
        payload: dict[str, Any] = torch.load(path, weights_only=True)
        found = json.dumps(payload["recipe"])
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise DataError(f"{path.name} is not a checkpoint of this trainer.", hint="Delete it to start anew.") from error
    if recipe is not None and found != json.dumps(recipe):
        raise DataError("The checkpoint was made with another recipe.", hint="Use another output folder or delete it.")
    return payload
