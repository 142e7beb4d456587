from pathlib import Path

import cv2
import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.training.federated.holding import held_by, hold, own_pictures, recall, remember
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.task import PERSONAL, fresh_arrays
from tests.training.federated.makers import made_faces

RUN = "0123456789abcdef"
PHOTO = Path(__file__).parents[3] / "ferce_agent" / "evaluation" / "astronaut.jpg"


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


def _folder_of(place: Path) -> Path:
    """Write five pictures of one face, each as light as no other, in folders by label, and one without a face."""
    whole = cv2.imread(str(PHOTO))
    assert whole is not None
    for number, (label, light) in enumerate((("happy", 0), ("happy", 8), ("sad", -8), ("sad", 16), ("happiness", 24))):
        (place / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / label / f"{number}.png"), cv2.convertScaleAbs(whole, beta=light))
    cv2.imwrite(str(place / "sad" / "none.png"), np.full((200, 200, 3), 120, np.uint8))
    return place


def test_a_folder_of_labelled_pictures_is_a_client(tmp_path: Path) -> None:
    place = _folder_of(tmp_path / "mine")
    held = own_pictures(place, 3)
    gold = np.concatenate([held.train.gold, held.valid.gold])
    assert (len(held.train), len(held.valid), held.client) == (4, 1, 3)
    assert sorted(CANONICAL[one] for one in gold) == ["happiness"] * 3 + ["sadness"] * 2
    assert (np.concatenate([held.train.logs, held.valid.logs]).argmax(1) == CANONICAL.index("happiness")).all()
    kept = list((place / ".ferce").glob("own-*.npz"))
    assert len(kept) == 1
    before = kept[0].stat().st_mtime_ns
    assert (own_pictures(place, 3).train.logs == held.train.logs).all()
    assert kept[0].stat().st_mtime_ns == before  # read, not computed again
    fresh = {name: np.ones_like(fresh_arrays()[name]) for name in PERSONAL}
    remember(held, RUN, 1, fresh)
    assert (recall(own_pictures(place, 3), RUN, 1)["bias"] == 1).all()
    (place / "happy" / "0.png").unlink()
    assert len(own_pictures(place, 3).train) + len(own_pictures(place, 3).valid) == 4


def test_a_folder_without_a_face_is_no_client(tmp_path: Path) -> None:
    (tmp_path / "sad").mkdir()
    cv2.imwrite(str(tmp_path / "sad" / "none.png"), np.full((200, 200, 3), 120, np.uint8))
    with pytest.raises(DataError):
        own_pictures(tmp_path, 0)
