from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.training.federated.holding import held_by, hold, recall, remember
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.task import PERSONAL, fresh_arrays
from tests.training.federated.makers import made_faces

RUN = "0123456789abcdef"


def test_a_client_gets_its_faces_back_and_its_own_part_as_it_was(tmp_path: Path) -> None:
    train, valid = made_faces(200, 1), made_faces(100, 2)
    division = divide(train, valid, "even", 3, 0)
    hold(tmp_path, train, valid, division)
    held = held_by(tmp_path, 1)
    assert (held.train.logs == train.logs[division.train[1]]).all()
    fresh = {name: fresh_arrays()[name] for name in PERSONAL}
    assert all((recall(held, RUN, 5)[name] == fresh[name]).all() for name in PERSONAL)
    for number in (1, 2, 4):  # it broke off in round 3
        remember(held, RUN, number, {name: np.full_like(fresh[name], number) for name in PERSONAL})
    assert [float(recall(held, RUN, after)["bias"][0]) for after in (4, 5)] == [4, 4]
    assert len(list(held.place.glob("personal-*"))) == 1
    assert (recall(held, "f" * 16, 4)["bias"] == 0).all()


@pytest.mark.parametrize("name", ["../../etc/x", "", "0123456789ABCDEF", "*" * 16])
def test_a_name_of_a_run_is_no_path(tmp_path: Path, name: str) -> None:
    train, valid = made_faces(200, 1), made_faces(100, 2)
    hold(tmp_path, train, valid, divide(train, valid, "even", 2, 0))
    with pytest.raises(DataError, match="no usable name"):
        recall(held_by(tmp_path, 0), name, 1)
