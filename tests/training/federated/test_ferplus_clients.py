from pathlib import Path

import pytest

from ferce_agent.errors import DataError
from ferce_agent.training.federated.features import load_features
from ferce_agent.training.federated.ferplus_clients import DESCRIBED, divide_among
from ferce_agent.training.federated.holding import held_by
from tests.training.federated.makers import made_faces


def test_every_face_is_held_by_one_client_and_the_server_has_those_for_judging(tmp_path: Path) -> None:
    made = divide_among(made_faces(150, 1), made_faces(60, 2), tmp_path, "even", 3, 0)
    held = [held_by(made.faces, client) for client in range(3)]
    assert [len(one.train) for one in held] == [50, 50, 50]
    assert sum(len(one.valid) for one in held) == len(load_features(made.judged)) == 60


def test_a_folder_stays_with_its_division(tmp_path: Path) -> None:
    faces = made_faces(150, 1), made_faces(60, 2)
    first = divide_among(*faces, tmp_path, "even", 3, 0, bad=1)
    again = divide_among(*faces, tmp_path, "even", 3, 0, bad=1)
    assert [list(rows) for rows in again.division.train] == [list(rows) for rows in first.division.train]
    for split, clients, seed, bad in (("quality", 3, 0, 1), ("even", 2, 0, 1), ("even", 3, 1, 1), ("even", 3, 0, 2)):
        with pytest.raises(DataError, match="otherwise"):
            divide_among(*faces, tmp_path, split, clients, seed, bad=bad)
    with pytest.raises(DataError, match="otherwise"):
        divide_among(made_faces(150, 3), faces[1], tmp_path, "even", 3, 0, bad=1)
    (tmp_path / DESCRIBED).write_bytes(b"{")
    with pytest.raises(DataError, match="cannot be read"):
        divide_among(*faces, tmp_path, "even", 3, 0, bad=1)
