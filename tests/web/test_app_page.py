"""The document for assistants: whole, small, and closed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from ferce_agent.web import app_page
from ferce_agent.web.app_page import (
    LARGEST,
    MODULES,
    app_html,
    beginnings,
    is_named,
    key_of,
    literal,
    short_key,
    themed,
)
from ferce_agent.web.joined import JoiningError
from ferce_agent.web.texts import LANGUAGES, texts


class Parts(HTMLParser):
    """What a browser finds in the document: elements with their attributes, scripts and styles with their text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in {"script", "style"} and data.strip():
            self.inline.setdefault(self.found[-1][0], data)


@pytest.fixture(scope="module")
def html() -> str:
    return app_html()


def test_the_policy_allows_this_script_and_this_style_and_no_network(html: str) -> None:
    parts = Parts(html)
    policy = next(one["content"] for tag, one in parts.found if tag == "meta" and "http-equiv" in one)
    assert policy
    for kind, text in parts.inline.items():
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert set(parts.inline) == {"script", "style"}
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_nothing_is_loaded(html: str) -> None:
    found = Parts(html).found
    assert {tag for tag, _ in found} <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "div",
        "script",
    }
    assert [one for _, one in found if {"src", "href", "style"} & set(one)] == []
    assert not re.search(r"""url\(|@import|\bimport\b *[({*"']""", html)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("view", ["report", "photo"])
def test_size_language_and_view(language: str, view: app_page.View) -> None:
    made = app_html(language, view=view)
    print(f"{language}, {view}: {len(made.encode())} bytes of at most {LARGEST}")  # noqa: T201  # the figure
    assert len(made.encode()) < LARGEST
    assert f'<html lang="{language}">' in made
    assert f'<div id="app" data-view="{view}">' in made


def test_words_of_all_languages_are_in_it_and_words_of_the_server_are_not(html: str) -> None:
    for words in ("The photo is being read", "Das Foto wird ausgewertet"):
        assert words in html
    assert "chat.title" not in html


@pytest.mark.parametrize(
    ("key", "script", "named"),
    [
        ("report.told", 't("report.told")', True),
        ("report.faces.one", 'tCount("report.faces", 3)', True),
        ("quality.blurred", 'codeText("quality", code)', True),
        ("assistant.not_connected.late", "t(`assistant.not_connected.${reason}`)", True),
        ("panel.told", "t(`panel.${told}`)", True),
        ("report.told", 't("report.told_note")', False),
        ("error.timeout", 'image.addEventListener("error", hide)', False),
        ("error.timeout", 't("error.timeout")', True),
    ],
)
def test_which_words_a_script_names(key: str, script: str, named: bool) -> None:
    assert is_named(key, beginnings(script)) is named


def test_words_cannot_end_the_script() -> None:
    text = '</script><!-- \u2028 \u2029 \\ "'
    assert "<" not in literal(text)
    assert "\u2028" not in literal(text)
    assert json.loads(literal(text)) == text


def test_style_sheets_without_dark_colours_or_that_load_something_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JoiningError, match="no dark colours"):
        themed("body { color: black }")
    dark = "@media (prefers-color-scheme: dark) { :root { --ink: #fff; } }"
    monkeypatch.setattr(app_page, "static", lambda name: dark + '@import "more.css";' if name.endswith("css") else "")
    with pytest.raises(JoiningError, match="would load something"):
        app_html()


def test_the_assistant_decides_between_light_and_dark() -> None:
    made = themed(":root { --ink: #000; }\n@media (prefers-color-scheme: dark) {\n  :root { --ink: #fff; }\n}\n")
    assert ':root:not([data-theme="light"]) { --ink: #fff; }' in made
    assert ':root[data-theme="dark"] { color-scheme: dark; --ink: #fff; }' in made


def test_only_modules_of_the_page_and_the_app_are_in_it() -> None:
    assert len(set(MODULES)) == len(MODULES)
    assert not {"api.js", "live.js", "chat.js", "app.js"} & set(MODULES)


def test_short_keys_of_sentences_are_those_of_the_script_and_no_two_are_the_same() -> None:
    assert short_key("") == "811c9dc5"  # of the specification: FNV offset basis, and FNV-1a of "a"
    assert short_key("a") == "e40c292c"
    keys = [key for key in texts("en") if key.startswith("said.")]
    assert len({key_of(key) for key in keys}) == len(keys)
    assert key_of("report.told") == "report.told"
