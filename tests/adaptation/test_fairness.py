from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import Faces, ReadFaces
from ferce_agent.adaptation.fairness import Asked, Fairness, check_columns, compare
from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.labelled import Labelled, LabelledPictures
from ferce_agent.ontology.labels import CANONICAL
from tests.adaptation.makers import make_faces
from tests.cli.commands import ferce


def labelled(values: list[str], gold: NDArray[np.int64], **more: list[str]) -> LabelledPictures:
    """Pictures with a column `camera`, and others."""
    columns = {"camera": values, **more}
    pictures = tuple(
        Labelled(
            f"{place}.png", Path(f"{place}.png"), CANONICAL[kind], {name: of[place] for name, of in columns.items()}
        )
        for place, kind in enumerate(gold)
    )
    return LabelledPictures(pictures, {name: name for name in CANONICAL}, 0, tuple(columns))


def found(values: list[str], faces: Faces, empty: tuple[int, ...] = (), **more: list[str]) -> Fairness:
    """What is found in pictures with a face each, but for some."""
    gold = np.zeros(len(values), np.int64)
    places = tuple(place for place in range(len(values)) if place not in empty)
    gold[list(places)] = faces.gold
    return compare(
        labelled(values, gold, **more), ReadFaces(faces, (), (), places, empty), Asked(("camera",), resamples=20)
    )


def joined(*some: Faces) -> Faces:
    fields = Faces.__dataclass_fields__
    both = Faces(**{name: np.concatenate([getattr(one, name) for one in some]) for name in fields})
    return replace(both, units=np.arange(len(both)))


def test_a_gap_is_found_where_there_is_one_and_both_values_are_told() -> None:
    faces = joined(make_faces(120, 1, sharp=6.0), make_faces(120, 2, sharp=1.0))
    (column,) = found(["new"] * 120 + ["old"] * 120, faces).columns
    assert [row["value"] for row in column.groups] == ["new", "old"] and column.level == 0.95
    (gap,) = column.gaps
    low, high = gap["accuracy"][1:]
    assert low > 0 and "accuracy" in gap["beyond_chance"].split(", ")
    accuracy = {row["value"]: row["accuracy"][0] for row in column.groups}
    assert low <= accuracy["new"] - accuracy["old"] <= high
    text = found(["new"] * 120 + ["old"] * 120, faces).to_markdown()
    assert "### camera" in text and "the first value less the other" in text and "--together" in text


def test_where_there_is_no_gap_none_is_told_in_nineteen_of_twenty() -> None:
    """Four values of the same answers: the intervals of a column are to hold together."""
    told = 0
    for seed in range(12):
        faces = make_faces(160, seed, sharp=2.0)
        values = [f"v{one}" for one in np.random.default_rng(seed).integers(0, 4, 160)]
        (column,) = found(values, faces).columns
        assert len(column.gaps) == 4 and column.level == pytest.approx(0.9875)
        told += any(not row["accuracy"][1] <= 0 <= row["accuracy"][2] for row in column.gaps)
    assert told <= 2


def test_other_expressions_are_no_gap_of_the_same_expressions() -> None:
    """One side shows more of an expression that is hard; each is read as well on both."""
    faces = make_faces(400, 5, kinds=2, swapped=0.6, sharp=6.0)
    rng = np.random.default_rng(0)
    hard = faces.gold == 1
    side = np.where(rng.random(400) < np.where(hard, 0.8, 0.2), "b", "a")
    (column,) = found(side.tolist(), faces).columns
    (gap,) = column.gaps
    assert gap["accuracy"][1] > 0
    assert gap["accuracy_same_expressions"][1] <= 0 <= gap["accuracy_same_expressions"][2]


def test_values_with_few_faces_are_named_and_count_for_nothing() -> None:
    faces = make_faces(79, 1)
    values = ["a"] * 30 + ["b"] * 30 + ["c"] * 19 + [""] * 1 + ["a"] * 10
    result = found(values, joined(faces, make_faces(1, 3)), empty=tuple(range(80, 90)))
    (column,) = result.columns
    assert column.too_few == {"c": 19} and column.not_given == 1
    assert {row["value"]: row["faces"] for row in column.groups} == {"a": 30, "b": 30}
    assert column.groups[0]["no_face"][0] == pytest.approx(0.25) and column.groups[1]["no_face"][0] == 0
    text = result.to_markdown()
    assert "c (19 faces)" in text and "1 pictures have no value" in text
    json.dumps(result.as_dict())


def test_pictures_of_four_people_are_too_few_however_many_they_are() -> None:
    faces = make_faces(80, 1)
    faces = replace(faces, units=np.r_[np.arange(40), 100 + np.arange(40) % 4])
    with pytest.raises(DataError, match=r"Fewer than two values of 'camera' .* too few have b \(40\)"):
        found(["a"] * 40 + ["b"] * 40, faces)


def test_columns_that_are_not_there_are_refused_with_those_that_are() -> None:
    there = labelled(["a"], np.array([0]), place=["north"])
    with pytest.raises(DataError) as caught:
        check_columns(there, Asked(("camera", "age")))
    assert "'age'" in caught.value.message and "camera, place" in caught.value.hint
    with pytest.raises(DataError, match="'person'"):
        check_columns(there, Asked(("camera",), together="person"))


@pytest.mark.slow
def test_pictures_of_two_cameras_by_the_command(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    """One camera is so dark that less of the smile is named; both are read as a photo is."""
    rng, lines = np.random.default_rng(1), ["file,label,camera"]
    for number in range(48):
        dark = number % 2
        light = pixels * (0.03 if dark else rng.uniform(0.8, 1.1)) + rng.normal(0, 3, pixels.shape)
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.clip(light, 0, 255).astype(np.uint8))
        lines.append(f"{number}.png,happy,{'night' if dark else 'day'}")
    (tmp_path / "pictures.csv").write_text("\n".join(lines) + "\n", "utf-8")
    done = ferce("bench", "fairness", "--data", tmp_path, "--by", "camera", "--json")
    refused = ferce("bench", "fairness", "--data", tmp_path, "--by", "age")
    assert refused.returncode != 0 and "There is no column 'age'" in refused.stderr.decode()
    told = done.stdout.decode() or done.stderr.decode()
    if done.returncode:  # nearly no face is found in the dark, which is then what is said
        assert "night (" in told
        return
    (column,) = json.loads(told)["columns"]
    groups = {row["value"]: row for row in column["groups"]}
    assert groups["day"]["accuracy"][0] > 0.9
    assert groups["night"]["no_face"][0] >= groups["day"]["no_face"][0]
