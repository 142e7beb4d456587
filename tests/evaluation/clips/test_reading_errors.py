"""Readings of noisy copies of a face vary more, the noisier it is."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import matplotlib
import numpy as np

from ferce_agent.evaluation.clips.episodes import Player
from ferce_agent.evaluation.clips.morphs import Actor
from ferce_agent.evaluation.clips.reading_errors import Varied, report, spoilt, varied
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings

HOPPER = Path(matplotlib.__file__).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"


def test_noise_makes_readings_vary() -> None:
    """With noise of 25 grey levels log-odds and intensities of a face vary more than with 1."""
    pipeline = Pipeline(Settings(threads=1))
    pixels = np.asarray(
        cv2.resize(np.asarray(cv2.imread(str(HOPPER))), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA), np.uint8
    )
    actor = Actor(pixels, pipeline.detector.detect(pixels)[0].landmarks)
    calm, noisy = (varied(actor, noise, pipeline, np.random.default_rng(0)) for noise in (1.0, 25.0))
    assert calm is not None
    assert noisy is not None
    assert noisy.odds > calm.odds > 0
    assert np.linalg.norm(noisy.deviations) > np.linalg.norm(calm.deviations)
    assert (
        varied(Actor(np.zeros((90, 90, 3), np.uint8), actor.landmarks), 1.0, pipeline, np.random.default_rng(0)) is None
    )


def test_a_spoilt_face_keeps_its_landmarks_in_place() -> None:
    """Half the size: half the coordinates, half the distance of the eyes."""
    pixels = np.full((100, 100, 3), 90, np.uint8)
    actor = Actor(pixels, np.array([[35.5, 40], [65, 40], [50, 55], [38, 70], [62, 70]]))
    small = spoilt(Player(actor, ("anger",)), 0.5, 0.06, np.random.default_rng(0))
    assert small.pixels.shape == (50, 50, 3)
    assert small.landmarks[0].tolist() == [17.5, 19.75]


def test_the_report_fits_what_it_is_given() -> None:
    """Errors made to grow with strangeness alone come back as such."""
    rng = np.random.default_rng(0)
    rows = [
        Varied(quality, strangeness, 0.4 * np.exp(0.3 * strangeness), np.full(3, 0.2), np.full(3, 0.01))
        for strangeness, quality in zip(rng.uniform(-2, 3, 200), rng.uniform(0, 1, 200), strict=True)
    ]
    offset, slope, of_quality = (float(number) for number in re.findall(r"-?\d+\.\d+", report(rows).splitlines()[-1]))
    assert abs(offset - np.log(0.4)) < 0.02
    assert abs(slope - 0.3) < 0.02
    assert abs(of_quality) < 0.02
