"""What strangers give the page: animations, folders, pasted words, many files; the language changes meanwhile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.graphs.engines import Engines
from ferce_agent.web.rates import Rate, Rates
from ferce_agent.web.site import Site
from ferce_agent.web.texts import own_texts
from tests.web.browsing import NEEDS_BROWSER, opened
from tests.web.live_client import served
from tests.web.sites import body, client_for, site_of

pytestmark = NEEDS_BROWSER
DROP = """([name, isFolder]) => {
  const data = new DataTransfer();
  data.items.add(new File(isFolder ? [] : ["x"], name, { type: "" }));
  const event = new DragEvent("drop", { bubbles: true, cancelable: true });
  const entry = { kind: "file", webkitGetAsEntry: () => ({ isDirectory: isFolder }) };
  Object.defineProperty(event, "dataTransfer", { value: { files: data.files, items: [entry], types: ["Files"] } });
  document.getElementById("drop").dispatchEvent(event);
}"""
"""Drops something; a script cannot make a real folder, so its entry says that it is one, as browsers do."""
PASTE = """text => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


def pictures(form: str, count: int) -> bytes:
    """A face as a file of one or several pictures."""
    with Image.open(demo_photo()) as photo:
        face = photo.convert("RGB").resize((240, 240))
    frames = [face.rotate(2 * turn) for turn in range(count)]
    file = io.BytesIO()
    frames[0].save(file, format=form, save_all=count > 1, append_images=frames[1:], duration=100)
    return file.getvalue()


def give(page: Any, *files: tuple[str, bytes]) -> None:
    kinds = {"gif": "image/gif", "webp": "image/webp", "jpg": "image/jpeg"}
    chosen = [{"name": name, "mimeType": kinds[name.split(".")[-1]], "buffer": data} for name, data in files]
    page.set_input_files("#file", chosen)


def wait_for_answers(page: Any, count: int) -> list[str]:
    """Wait until there are so many answers; return their kinds, oldest first."""
    script = "count => document.querySelectorAll('#answers li').length === count"
    page.wait_for_function(script, arg=count, timeout=90_000)
    kinds: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('#answers [data-answer]')].map((one) => one.dataset.answer).reverse()"
    )
    return kinds


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    one = opened(browser, site)
    one.wait_for_selector("#choose:enabled")
    yield one
    one.close()


def test_what_moves_is_read_as_a_clip_and_what_does_not_as_a_photo(page: Any) -> None:
    files = [(f"{form}{count}.{form}", pictures(form, count)) for form in ("gif", "webp") for count in (1, 3)]
    give(page, *files)
    assert wait_for_answers(page, 4) == ["photo", "clip", "photo", "clip"]


def test_a_clips_answer_that_arrived_is_not_reported_as_broken_off(page: Any) -> None:
    """Chromium says so of streams with `no-store`, most of the time."""
    ends: list[str] = []
    page.on("requestfailed", lambda one: ends.append(f"{one.url} {one.failure}"))
    page.on("requestfinished", lambda one: ends.append(one.url.split("/")[-1]))
    for count in range(1, 4):
        give(page, ("one.gif", pictures("gif", 3)))
        wait_for_answers(page, count)
    page.wait_for_timeout(300)
    assert [one for one in ends if "clip" in one] == ["clip"] * 3


def test_no_answer_of_the_interface_may_be_stored(engines: Engines) -> None:
    client = client_for(site_of(engines))
    assert client.get("/api/about").headers["Cache-Control"] == "no-store"
    answer = client.post("/api/clip", content=body(pictures("gif", 2)))
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_folder_and_pasted_words_are_told_from_files(page: Any) -> None:
    page.evaluate(DROP, ["holiday", True])
    assert "“holiday” is a folder" in page.inner_text('#trouble [data-code="page_folder"]')
    page.evaluate(DROP, ["notes.xyz", False])
    assert "neither a photo nor a clip" in page.inner_text('#trouble [data-code="page_kind"]')
    page.evaluate(PASTE, "https://example.org/face.jpg")
    assert "holds no picture" in page.inner_text('#trouble [data-code="page_paste"]')


def test_what_went_wrong_and_an_unfolded_report_follow_the_language(page: Any) -> None:
    page.evaluate(DROP, ["holiday", True])
    page.click("#sample")
    wait_for_answers(page, 1)
    told = page.locator('#report [data-part="told"] details')
    assert told.get_attribute("open") is None
    told.locator("summary").click()
    page.select_option("#language", "de")
    page.wait_for_function("() => document.documentElement.lang === 'de'")
    assert "„holiday“ ist ein Ordner" in page.inner_text("#trouble")
    assert told.get_attribute("open") is not None
    assert page.locator("#report [data-person] details:not([open])").count()


def test_what_is_being_read_follows_the_language(browser: Any, engines: Engines) -> None:
    """More files than the server takes at once wait for it, in the language that is chosen meanwhile."""
    site = Site(engines)
    site.rates = Rates({kind: Rate(60, 600) for kind in ("about", "page", "chat", "live")} | {"photo": Rate(1, 12)})
    with served(site):
        page = opened(browser, site)
        page.wait_for_selector("#choose:enabled")
        give(page, *[(f"{number}.jpg", pictures("JPEG", 1)) for number in range(3)])
        page.wait_for_function("() => document.getElementById('waiting')?.textContent.includes('so many files')")
        page.select_option("#language", "de")
        page.wait_for_function("() => document.documentElement.lang === 'de'")
        assert page.inner_text("#work-title") == own_texts("de")["work.title"]
        assert "nur eine gewisse Zahl Dateien" in page.inner_text("#waiting")
        assert wait_for_answers(page, 3) == ["photo"] * 3
        assert page.locator("#trouble [role=alert]").count() == 0
        page.close()
