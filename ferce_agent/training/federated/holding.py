"""What a client holds: its faces, and the part of a personalised head that never leaves it."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ferce_agent.errors import DataError
from ferce_agent.training.federated.features import Features, folder_features, load_features
from ferce_agent.training.federated.partition import Division
from ferce_agent.training.federated.task import PERSONAL, Arrays, fresh_arrays
from ferce_agent.views.saving import writing

OWN_VALID: Final = 5
"""Of a client's own pictures one in so many is judged on and not trained on."""
KEPT_ROUNDS: Final = 2
"""Rounds whose personal part is kept: a server that goes on after a kill may ask for the last one again."""
RUN_NAME: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Held:
    """One client.

    Attributes:
        client: Its number, from 0.
        train: Faces it trains on.
        valid: Faces it is judged on.
        place: Folder in which it keeps its own part of a head.
    """

    client: int
    train: Features
    valid: Features
    place: Path


def hold(folder: Path, train: Features, valid: Features, division: Division) -> None:
    """Write each client's faces into files of its own, as if it had computed them.

    Raises:
        SettingsError: They cannot be written.
    """
    for client in range(len(division)):
        train.take(division.train[client]).save(folder / f"client-{client}" / "train.npz")
        valid.take(division.valid[client]).save(folder / f"client-{client}" / "valid.npz")


def held_by(folder: Path, client: int) -> Held:
    """Read a client's faces.

    Raises:
        DataError: They are missing or damaged.
    """
    place = folder / f"client-{client}"
    return Held(client, load_features(place / "train.npz"), load_features(place / "valid.npz"), place)


def own_pictures(folder: Path, client: int) -> Held:
    """Return a client that has a folder of labelled pictures; features and its part of heads are kept in `.ferce`.

    Raises:
        DataError: No picture can be used.
    """
    place = folder / ".ferce"
    faces = folder_features(folder, place)
    judged = np.random.default_rng(0).permutation(len(faces)) % OWN_VALID == 0
    return Held(client, faces.take(~judged), faces.take(judged), place)


def remember(held: Held, run: str, after: int, arrays: Arrays) -> None:
    """Keep the part of a head that stays here, as it is after a round.

    Raises:
        DataError: The run has no usable name.
        SettingsError: It cannot be written.
    """
    with writing(_path(held, run, after)) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    for path in _places(held, run):
        if path[0] <= after - KEPT_ROUNDS:
            path[1].unlink(missing_ok=True)


def recall(held: Held, run: str, after: int) -> Arrays:
    """Return the part that stays here as it was after a round, or after the last one before it that was kept.

    A client that was never trained has one that changes nothing.

    Raises:
        DataError: The file is damaged, or the run has no usable name.
    """
    known = [path for number, path in sorted(_places(held, run)) if number <= after]
    if not known:
        return {name: fresh_arrays()[name] for name in PERSONAL}
    try:
        with np.load(io.BytesIO(known[-1].read_bytes()), allow_pickle=False) as found:
            return {name: np.asarray(found[name], np.float32) for name in PERSONAL}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{known[-1].name} holds no part of a head.", hint="Delete it; it is trained again.") from error


def run_of(run: str) -> str:
    """Return the name of a run, checked: it becomes a part of files' names.

    Raises:
        DataError: It is none.
    """
    if not RUN_NAME.fullmatch(run):
        raise DataError("The server's message has no usable name of the run.")
    return run


def _path(held: Held, run: str, after: int) -> Path:
    return held.place / f"personal-{run_of(run)}-{after}.npz"


def _places(held: Held, run: str) -> list[tuple[int, Path]]:
    pattern = _path(held, run, 0).name.replace("-0.npz", "-*.npz")
    return [(int(path.stem.rpartition("-")[2]), path) for path in held.place.glob(pattern)]
