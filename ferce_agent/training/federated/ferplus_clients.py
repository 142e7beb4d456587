"""FER+ divided among clients in a folder, which stays with one division: how every demonstration here begins."""

from __future__ import annotations

import hashlib
import json
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ferce_agent.errors import DataError
from ferce_agent.training.federated.features import Features, ferplus_features
from ferce_agent.training.federated.holding import hold
from ferce_agent.training.federated.partition import Division, divide
from ferce_agent.views.saving import write_whole

DESCRIBED: Final = "division.json"
"""File that says which faces were divided and how."""
SPLITS: Final = ("train", "valid")
"""Those that are divided."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Faces that were divided.

    Attributes:
        train: All training faces.
        valid: All faces on which is judged.
        division: Who holds which.
        faces: Folder of `holding.hold` with each client's faces.
    """

    train: Features
    valid: Features
    division: Division
    faces: Path

    @property
    def judged(self) -> Path:
        """File with the server's faces: all of the validation split."""
        return self.faces / "valid.npz"


def read_ferplus(data: Path, out: Path) -> tuple[Features, Features]:
    """Return the features of training and validation faces, which are computed once and kept in a folder.

    Args:
        data: Folder with train.parquet and valid.parquet (FER+).
        out: The folder.

    Raises:
        DataError: The data is missing or damaged.
    """
    train, valid = (ferplus_features(data, split, out / "features") for split in SPLITS)
    return train, valid


def divide_among(  # noqa: PLR0913
    train: Features, valid: Features, out: Path, split: str, clients: int, seed: int, **more: Any
) -> Clients:
    """Divide faces among clients and write each one's into a folder.

    What is learnt there goes on after a stop, so a folder is refused whose faces were divided otherwise.

    Args:
        train: Training faces.
        valid: Faces on which is judged.
        out: The folder.
        split: How faces are divided (`partition.divide`).
        clients: How many.
        seed: Of the division.
        **more: What else makes a run in this folder another one.

    Raises:
        DataError: The folder holds another division.
        SettingsError: A value cannot be used.
    """
    division = divide(train, valid, split, clients, seed)
    _describe(out, {"split": split, "clients": clients, "seed": seed, "faces": _digest(train, valid), **more})
    made = Clients(train, valid, division, out / "faces")
    hold(made.faces, train, valid, division)
    valid.save(made.judged)
    return made


def options(about: str | None, *, split: str, rounds: int, out: str) -> ArgumentParser:
    """Return the options of a demonstration.

    Args:
        about: Docstring of its module; the first line says what it does.
        split: How faces are divided if nothing else is said.
        rounds: How many if nothing else is said.
        out: Name of its folder in ``runs`` if nothing else is said.
    """
    parser = ArgumentParser(description=about.splitlines()[0] if about else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.parquet and valid.parquet (FER+)")
    parser.add_argument("--split", default=split, help="dirichlet:ALPHA, quality or even")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("runs") / out, help="a run that was begun there goes on")
    return parser


def _digest(*faces: Features) -> str:
    digest = hashlib.sha256()
    for one in faces:
        digest.update(one.logs.tobytes() + one.gold.tobytes())
    return digest.hexdigest()


def _describe(out: Path, told: dict[str, Any]) -> None:
    """Write how faces were divided, or check that it was so before.

    Raises:
        DataError: The folder holds another division.
    """
    path = out / DESCRIBED
    try:
        known = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        write_whole(path, json.dumps(told, indent=2) + "\n")
        return
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read.", hint="Give another folder with --out.") from error
    if known != told:
        raise DataError(f"{out} holds a run on faces that were divided otherwise.", hint="Give another --out.")
