from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent import Engines, UseContext, analyze_expression
from ferce_agent.errors import PolicyError
from ferce_agent.inputs.frames import Frame
from ferce_agent.scenarios import WELLBEING, Scenario
from ferce_agent.temporal import Sample


def test_a_photo_is_read_under_the_stated_use(two_faces: NDArray[np.uint8]) -> None:
    report = analyze_expression(two_faces[..., ::-1], engines=Engines(WELLBEING.settings, use=WELLBEING.use))
    (person,) = report.people
    assert person.expression is not None and person.expression.primary == "happiness"
    assert "use-stated" in report.policy.rules


def test_signals_of_a_clip_are_smoothed(two_faces: NDArray[np.uint8]) -> None:
    grey = np.full_like(two_faces, 90)
    frames = [Frame(two_faces, 0.0), Frame(grey, 0.5), Frame(two_faces[:, ::-1], 1.0), Frame(two_faces // 3, 3.0)]
    readings = WELLBEING.read(frames)
    assert [(one.time, one.track) for one in readings] == [(0.0, 0), (1.0, 0), (3.0, 0)]
    raw = [one.expression.valence.value for one in readings if one.expression]
    found = WELLBEING.follow(readings)[0]
    second = raw[1] + exp(-1 / 2) * (raw[0] - raw[1])
    third = raw[2] + exp(-2 / 2) * (second - raw[2])
    assert [one.value for one in found["valence"]] == pytest.approx([raw[0], second, third])
    assert [one.time for one in found["arousal"]] == [0.0, 1.0, 3.0]


def test_a_face_that_was_not_read_is_a_gap(pixels: NDArray[np.uint8]) -> None:
    (reading,) = WELLBEING.read([Frame(pixels)])
    lost = replace(reading, time=1.0, expression=None)
    assert WELLBEING.follow([reading, lost])[0]["valence"][1] == Sample(1.0, None)


def test_each_face_has_its_own_samples(two_faces: NDArray[np.uint8]) -> None:
    both = replace(WELLBEING, settings=replace(WELLBEING.settings, max_faces=2))
    found = both.follow(both.read([Frame(two_faces), Frame(two_faces, 1.0)]))
    assert {track: len(signals["valence"]) for track, signals in found.items()} == {0: 2, 1: 2}


def test_the_rules_on_the_use_hold(pixels: NDArray[np.uint8]) -> None:
    work = Scenario("team", WELLBEING.settings, UseContext(domain="workplace", jurisdiction="eu"), WELLBEING.signals)
    (reading,) = work.read([Frame(pixels)])
    assert reading.expression is None and reading.movements
    with pytest.raises(PolicyError, match="no-recruitment"):
        replace(work, use=UseContext(domain="recruitment")).read([Frame(pixels)])
