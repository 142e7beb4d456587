import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.training.federated.task import (
    ARRAYS,
    PERSONAL,
    SHARED,
    Arrays,
    Recipe,
    evaluate,
    fresh_arrays,
    probabilities,
    seed_of,
    train,
)
from tests.training.federated.makers import made_faces

FACES, OTHERS = made_faces(600, 1), made_faces(400, 2)


def test_a_fresh_head_changes_nothing() -> None:
    assert np.allclose(probabilities(fresh_arrays(), FACES), np.exp(FACES.logs), atol=1e-6)


def test_training_makes_answers_better_and_is_the_same_again() -> None:
    first, loss = train(fresh_arrays(), FACES, Recipe(epochs=6), 5)
    again, _ = train(fresh_arrays(), FACES, Recipe(epochs=6), 5)
    other, _ = train(fresh_arrays(), FACES, Recipe(epochs=6), 6)
    assert all((first[name] == again[name]).all() for name in ARRAYS)
    assert any((first[name] != other[name]).any() for name in ARRAYS)
    before, after = evaluate(fresh_arrays(), OTHERS), evaluate(first, OTHERS)
    assert after["accuracy"] > before["accuracy"] + 0.1
    assert after["loss"] < before["loss"]
    assert loss > 0


def _apart(found: Arrays, names: tuple[str, ...] = ARRAYS) -> float:
    return sum(float(((found[name] - fresh_arrays()[name]) ** 2).sum()) for name in names)


def test_the_proximal_term_holds_a_head_near_what_was_sent() -> None:
    free, held = (train(fresh_arrays(), FACES, Recipe(epochs=3, proximal=mu), 5)[0] for mu in (0.0, 10.0))
    assert _apart(held) < 0.2 * _apart(free)


def test_the_proximal_term_leaves_a_personal_part_free() -> None:
    held, personal = (
        train(fresh_arrays(), FACES, Recipe(epochs=3, proximal=10.0, personal=one), 5)[0] for one in (False, True)
    )
    assert _apart(personal, PERSONAL) > _apart(held, PERSONAL)
    assert set(PERSONAL) | set(SHARED) == set(ARRAYS)


@pytest.mark.parametrize(
    "change",
    [
        {"bias": np.zeros(7)},
        {"features": np.zeros(3)},
        {"odds": np.full((8, 8), np.nan)},
        {"sharpness": np.array(0.0)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, NDArray[np.float64]]) -> None:
    with pytest.raises(DataError):
        train({**fresh_arrays(), **change}, FACES, Recipe(), 1)


def test_a_client_without_faces_cannot_train_and_is_judged_on_nothing() -> None:
    none = FACES.take(np.arange(0))
    with pytest.raises(DataError, match="without faces"):
        train(fresh_arrays(), none, Recipe(), 1)
    assert evaluate(fresh_arrays(), none) == {"accuracy": 0.0, "loss": 0.0}


def test_seeds_differ_by_round_and_client() -> None:
    assert len({seed_of(7, one, two) for one in range(20) for two in range(20)}) == 400
