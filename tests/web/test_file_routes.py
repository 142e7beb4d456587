from __future__ import annotations

from importlib.resources import files

import pytest
from starlette.testclient import TestClient

from ferce_agent.graphs.engines import Engines
from ferce_agent.web.app import create_app
from ferce_agent.web.file_routes import MEDIA, static_files, suffix
from tests.web.sites import ADDRESS, site_of


@pytest.fixture(scope="module")
def stranger(engines: Engines) -> TestClient:
    """A client without the token: the page itself needs none."""
    return TestClient(create_app(site_of(engines)), base_url=ADDRESS)


def test_the_page_and_its_files_are_served_as_what_they_are(stranger: TestClient) -> None:
    page = stranger.get("/")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["Cache-Control"] == "no-store"
    assert "app.js" in static_files()
    for name, file in static_files().items():
        answer = stranger.get(f"/static/{name}")
        assert answer.content == file.read_bytes()
        assert answer.headers["Content-Type"] == MEDIA[suffix(name)]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head = stranger.head("/")
    assert (head.status_code, head.content) == (200, b"")


def test_every_file_in_the_folder_is_served() -> None:
    folder = files("ferce_agent.web").joinpath("static")
    names = {file.name for file in folder.iterdir() if not file.name.startswith(".")}
    assert names | {"sample.jpg"} == set(static_files())


def test_there_is_a_photo_to_try(stranger: TestClient) -> None:
    photo = stranger.get("/static/sample.jpg")
    assert photo.headers["Content-Type"] == "image/jpeg"
    assert photo.content.startswith(b"\xff\xd8")


def test_the_page_needs_nothing_that_its_policy_forbids(stranger: TestClient) -> None:
    page = stranger.get("/").text
    assert "style=" not in page
    assert "<style" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_the_words_come_in_a_language_or_in_english(stranger: TestClient) -> None:
    english = stranger.get("/texts/en.json").json()
    assert english["page.title"]
    assert stranger.get("/texts/xx.json").json()["page.title"] == english["page.title"]
    assert set(stranger.get("/texts/de.json").json()) == set(english)
    for path in ("/texts/en", "/texts/../static/app.js.json", "/texts/a/b.json"):
        assert stranger.get(path).status_code == 404
