from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.gates.depictions import DEPICTIONS
from ferce_agent.evaluation.gates.human import OWN, Human, Shown
from ferce_agent.evaluation.gates.product import Product, Seen
from tests.evaluation.gates.pictures import portrait, small, wild


def test_pictures_without_faces_depictions_and_faces_are_counted_apart(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((300, 400, 3), 120, np.uint8))
    cv2.imwrite(str(tmp_path / "forgotten.png"), cv2.resize(portrait(), (300, 300)))
    suite = Human([small(), wild()], seed=2, count=1, negatives=tmp_path)
    assert len(list(suite.run(Product()))) == len(suite) == 6 + 2 + len(DEPICTIONS) + 2
    empty, depicted, real = suite.tables()
    lines = {line.group: line for line in empty.lines}
    assert lines[OWN].trials == 2 and lines[OWN].values["detected"] == 1.0 == lines[OWN].values["people"]
    assert lines["all"].values["detected"] == sum(line.values["detected"] or 0 for line in empty.lines[:-1])
    assert lines["textures"].values["pictures named"] == 0.0
    assert depicted.lines[-1].trials == len(DEPICTIONS)
    assert [line.group for line in real.lines] == ["FER+", "wildfaces"]
    assert all(line.values["in the report"] == 1.0 for line in real.lines)
    assert [goal.value for goal in real.goals] == [0.0, 0.0]


def test_without_faces_the_pictures_alone_are_read() -> None:
    suite = Human([], seed=2, count=1)
    assert len(list(suite.run(Product()))) == 5
    (table,) = suite.tables()
    assert "--negatives DIR was not given" in table.notes[1]


def test_of_several_pictures_one_with_something_like_a_face_is_taken() -> None:
    suite = Human([], seed=2, count=4)
    assert len(list(suite.run(Product()))) == 20
    look_alikes = next(line for line in suite.tables()[0].lines if line.group == "look-alikes")
    assert (look_alikes.values["detected"] or 0) >= 4


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pictures"):
        Human([], seed=2, negatives=tmp_path)


def test_a_flag_doubts_that_it_is_a_face() -> None:
    def shown(named: str | None, *reasons: str) -> bool:
        return Shown("toy", True, Seen((0, 0, 1, 1), named, "neutral", frozenset(reasons), 0.0)).is_flagged

    assert shown(None, "unsure") and shown("neutral", "maybe_not_a_face")
    assert not shown("neutral") and not shown("neutral", "blurred") and not Shown("toy", True, None).is_flagged
