from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ferce_agent.clips.eyes import EyeReader
from ferce_agent.evaluation.clips.eye_films import SIDE, Closure, EyeFilm, marked_faces
from ferce_agent.evaluation.clips.eyes import EyeResults, eye_tables, film_rows, signal_rows
from ferce_agent.pipeline import Pipeline

FACE = marked_faces()[0]


def test_what_is_drawn_changes_only_where_it_should() -> None:
    assert FACE.pixels.shape == (SIDE, SIDE, 3)
    for changed in (FACE.drawn(closed=1), FACE.drawn(gaze=0.7)):
        rows, columns = np.nonzero((changed != FACE.pixels).any(2))
        assert 0.3 * SIDE < rows.min() < rows.max() < 0.5 * SIDE
        assert 0.3 * SIDE < columns.min() < columns.max() < 0.7 * SIDE
    rows, _ = np.nonzero((FACE.drawn(mouth=0.5) != FACE.pixels).any(2))
    assert rows.min() > 0.6 * SIDE
    assert (FACE.drawn() == FACE.pixels).all()


def test_lids_move_at_the_times_that_are_named() -> None:
    film = EyeFilm(FACE, 20, 2.0, [Closure(0.5, 0.3, 0.06), Closure(1.0, 0.8, 0.5)])
    assert [film.closed(time) for time in (0.5, 0.58, 0.64, 0.8, 1.1, 1.6, 1.8)] == pytest.approx([0, 1, 1, 0, 1, 1, 0])
    frames = list(film)
    assert [frame.time for frame in frames] == pytest.approx(np.arange(40) / 20)
    again = list(film)
    assert all((one.pixels == other.pixels).all() for one, other in zip(frames, again, strict=True))


def test_the_specialist_finds_the_drawn_blinks_and_no_others() -> None:
    pipeline = Pipeline()
    reader = EyeReader(pipeline.specialist.card.blendshapes)
    film = EyeFilm(FACE, 25, 7.0, [Closure(2.0, 0.3, 0.08), Closure(3.6, 0.36, 0.1), Closure(5.0, 0.3, 0.08)])
    (row,) = film_rows(pipeline, [reader], film)
    assert (row.right, row.wrong, row.drawn, row.closures, row.closures_drawn) == (3, 0, 3, 0, 0)
    assert (row.precision, row.recall, row.perclos, row.perclos_drawn) == (1, 1, None, None)
    assert row.length_error_s == pytest.approx(0, abs=0.12)


def test_the_specialists_lids_and_jaw_follow_and_its_gaze_is_not_used() -> None:
    pipeline = Pipeline()
    rows = {row.signal: row for row in signal_rows(pipeline, [EyeReader(pipeline.specialist.card.blendshapes)], FACE)}
    assert (rows["lids"].correlation or 0) > 0.9
    assert (rows["mouth"].correlation or 0) > 0.9
    assert rows["gaze"].correlation is None
    table = eye_tables(EyeResults(tuple(rows.values()), (), landmarks=False))
    assert "make landmarks" in table
    assert "| lids | astronaut | specialist | 0." in table


def test_numbers_that_are_not_there_are_not_made_up() -> None:
    pipeline = Pipeline()
    film = EyeFilm(FACE, 10, 2.0, [Closure(0.8, 0.3)])
    (row,) = film_rows(pipeline, [EyeReader(pipeline.specialist.card.blendshapes)], film)
    assert (row.counted, row.precision, row.recall) == (None, None, None)
    assert replace(row, counted=0, right=0, wrong=0).precision is None
