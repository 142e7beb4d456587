"""The pictures in the documentation: that they are there, small, and show what the page shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.web.browsing import NEEDS_BROWSER
from tests.web.screenshots import SCENES, WORDS, Scene, stage, words
from tests.web.tabs import Tab

DOCS = Path(__file__).parents[2] / "docs"
HOW = "make it anew: python -m tests.web.screenshots docs"


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_there_and_small(name: str) -> None:
    path, scene = DOCS / f"{name}.png", SCENES[name]
    scale = scene.options.get("device_scale_factor", 1)
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.size == tuple(round(side * scale) for side in scene.size), HOW
        assert json.loads(picture.text[WORDS]), HOW  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Scene], Tab]]:
    with stage(tmp_path_factory.mktemp("camera")) as opened:
        yield opened


@pytest.mark.slow
@NEEDS_BROWSER[1]
@pytest.mark.parametrize("name", SCENES)
def test_it_shows_what_the_page_shows(name: str, shown: Callable[[Scene], Tab]) -> None:
    scene = SCENES[name]
    with Image.open(DOCS / f"{name}.png") as picture:
        told = json.loads(picture.text[WORDS])  # type: ignore[attr-defined]
    assert words(shown(scene), scene) == told, HOW
