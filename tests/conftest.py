from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import EmotionReport

settings.register_profile("steady", derandomize=True, database=None, deadline=None)
"""The same examples in every run: what `make test` decides does not depend on chance or on the clock."""
settings.register_profile("random", database=None, deadline=None, print_blob=True, max_examples=300)
"""New examples in every run, for `make test-random`; a failure prints how to repeat it."""
settings.load_profile("steady")

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A job in the background starts with Ctrl-C ignored, and so would the commands that the tests start."""


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Files that can be made again go to a folder of this run, in this process and in those it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def photo() -> Path:
    """The public-domain portrait that comes with the package: one smiling face."""
    return demo_photo()


@pytest.fixture(scope="session")
def pixels(photo: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(photo)), np.uint8)


@pytest.fixture(scope="session")
def engines() -> Engines:
    return Engines()


@pytest.fixture(scope="session")
def report(photo: Path, engines: Engines) -> EmotionReport:
    from ferce_agent.api import analyze_expression

    return analyze_expression(photo, "An official portrait. She was promoted last week.", engines=engines)


@pytest.fixture(scope="session")
def two_faces(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The portrait twice, side by side, the second one smaller."""
    canvas = np.full((512, 900, 3), 90, np.uint8)
    canvas[:, :512] = pixels
    canvas[100:450, 540:890] = cv2.resize(pixels, (350, 350), interpolation=cv2.INTER_AREA)
    return canvas
