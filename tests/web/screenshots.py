"""Pictures of the page for the documentation: ``python -m tests.web.screenshots docs``.

The faces are in the public domain. Each picture holds the words of its main elements as a PNG text, with which a test
compares what the page shows now.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.evaluation.web_camera import write_y4m
from ferce_agent.graphs.engines import default_engines
from tests.web.browsing import driver, launched
from tests.web.sites import command
from tests.web.tabs import Tab

WORDS: Final = "shows"
"""Name of the PNG text with the words of the main elements."""
COLOURS: Final = 128
"""Colours that a picture keeps, so that its file is small."""
RATE: Final = 30
"""Frames a second of the film."""
COVERED_S: Final = (3.0, 4.5)
"""When something covers the mouth, in seconds."""
FILM_S: Final = 6.0
"""Length of the film, in seconds."""


@dataclass(frozen=True)
class Scene:
    """One picture.

    Attributes:
        act: Brings the page into the state to be shown.
        top: What stands at the upper edge.
        main: The elements whose words must be those that the page shows.
        size: Width and height in CSS pixels.
        options: Of the browser's context.
    """

    act: Callable[[Tab], None]
    top: str
    main: str
    size: tuple[int, int]
    options: dict[str, Any] = field(default_factory=dict)


def film() -> Iterator[NDArray[np.uint8]]:
    """Yield BGR pictures of 640x480: an astronaut's portrait that moves a little; for a while the mouth is covered."""
    still = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    photo = np.asarray(cv2.resize(still, (480, 480), interpolation=cv2.INTER_AREA), np.uint8)
    (face, *_) = default_engines().pipeline.detector.look(photo, 480)
    mouth, wide = face.landmarks[3:].mean(axis=0), np.ptp(face.landmarks[3:, 0])
    covered = cv2.ellipse(
        photo.copy(), tuple(map(int, mouth)), (round(1.3 * wide), round(0.75 * wide)), 0, 0, 360, (150, 90, 40), -1
    )
    for number in range(round(FILM_S * RATE)):
        second = number / RATE
        canvas = np.full((480, 640, 3), 110, np.uint8)
        left = 80 + round(10 * np.sin(2 * np.pi * second / FILM_S))
        canvas[:, left : left + 480] = covered if COVERED_S[0] <= second < COVERED_S[1] else photo
        yield canvas


def encoded() -> bytes:
    """Return the film as MP4."""
    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for pixels in film():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode())
    return made.getvalue()


def _photo(tab: Tab) -> None:
    tab.page.click("#sample")
    tab.wait_for_report("photo")


def _clip(tab: Tab) -> None:
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(encoded())
        file.flush()
        tab.page.set_input_files("#file", file.name)
        tab.wait_for_report("clip")


def _live(tab: Tab) -> None:
    tab.page.click(".live-start")
    # Until the film was seen as a whole: named, covered, named again for a while.
    for seen in (
        "[data-expression=happiness]",
        "[data-state=not_read]",
        "[data-expression=happiness] small:not(:empty)",
    ):
        tab.page.wait_for_selector(f".live-faces li{seen}", timeout=90_000)


SCENES: Final = {
    "page-photo": Scene(_photo, "#report", "#report h2, #report h3, #report .first-line, #report summary", (1200, 900)),
    "page-clip": Scene(
        _clip, "#report", "#report h2, #report h3, #report h4, #report caption, #report .first-line", (1200, 1240)
    ),
    "page-live": Scene(
        _live, "#live", "#live h2, #live h3, #live button, .live-light, .live-faces b", (1100, 900),
        {"permissions": ["camera"]},
    ),
    "page-phone": Scene(
        _photo, "#report", "#report h2, #report h3, #report .first-line", (390, 844),
        {"locale": "de-DE", "color_scheme": "dark", "device_scale_factor": 1.5, "has_touch": True},
    ),
}  # fmt: skip
"""The pictures by the names of their files."""


@contextmanager
def stage(folder: Path) -> Iterator[Callable[[Scene], Tab]]:
    """Start the server and a browser with a camera, and give what opens the page in the state of a scene."""
    tabs = []

    def shown(scene: Scene) -> Tab:
        width, height = scene.size
        options = {"viewport": {"width": width, "height": height}, "reduced_motion": "reduce", **scene.options}
        tabs.append(Tab(browser, address, token, **options))
        scene.act(tabs[-1])
        return tabs[-1]

    camera = write_y4m(folder / "camera.y4m", film(), RATE)
    with command() as (_, address, token), driver() as driven, launched(driven, camera, allowed=False) as browser:
        yield shown
        for tab in tabs:
            tab.close()


def words(tab: Tab, scene: Scene) -> list[str]:
    """Return the words of the main elements that can be seen."""
    script = (
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.innerText.replace(/\\s+/g, ' ').trim())"
    )
    return list(tab.page.eval_on_selector_all(scene.main, script))


def picture(tab: Tab, scene: Scene) -> bytes:
    """Return what the window shows as a PNG of few colours, with the words of its main elements."""
    tab.page.evaluate("document.activeElement.blur()")
    tab.page.locator(scene.top).evaluate("(one) => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
    told = PngInfo()
    told.add_itxt(WORDS, json.dumps(words(tab, scene), ensure_ascii=False))
    with Image.open(io.BytesIO(tab.page.screenshot())) as taken:
        few = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    made = io.BytesIO()
    few.save(made, "PNG", optimize=True, pnginfo=told)
    return made.getvalue()


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    with tempfile.TemporaryDirectory() as films, stage(Path(films)) as shown:
        for name, scene in SCENES.items():
            data = picture(shown(scene), scene)
            (folder / f"{name}.png").write_bytes(data)
            sys.stdout.write(f"{folder / name}.png: {len(data) / 1000:.0f} kB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
