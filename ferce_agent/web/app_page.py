"""The page of a reading as one HTML document, for assistants that show apps (MCP Apps).

It loads nothing and sends nothing anywhere: scripts, styles and words are within it, and its security policy names
them by their digests. What it shows it gets from the assistant that holds it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from importlib.resources import files
from itertools import groupby
from typing import Final, Literal

from ferce_agent.graphs.engines import package
from ferce_agent.web.joined import JoiningError, joined
from ferce_agent.web.texts import FALLBACK, LANGUAGES, texts

View = Literal["report", "photo"]
"""What the document shows: a reading, or the panel in which a user takes a photo."""
MODULES: Final = (
    "dom.js",
    "texts.js",
    "drawing.js",
    "parts.js",
    "clip_timeline.js",
    "speech.js",
    "clip_report.js",
    "voice_report.js",
    "face_details.js",
    "around.js",
    "report.js",
    "app_bridge.js",
    "app_reports.js",
    "app_camera.js",
    "app_photo.js",
    "app_talk.js",
    "app_main.js",
)
"""The scripts, each after those it imports from; all but those of the app are the local page's own."""
WORDS_OF_SCRIPTS: Final = frozenset({"error", "timeline", "voice", "body"})
"""Tables of words that share their name with something in the scripts: a text of theirs is named by more than that."""
STYLES: Final = ("page.css", "app_view.css")
"""The style sheets, later ones over earlier ones."""
LARGEST: Final = 150_000
"""Most bytes of the document; some hosts refuse larger ones."""
DARK: Final = re.compile(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{([^{}]*)\}\s*\}")
"""The dark colours, for readers whose system is dark."""
NAMED: Final = re.compile(r"""["'`]([\w.-]+?)(?=["'`]|\.\$\{)""")
"""A text in quotation marks that may be a key, up to where another part is put to it."""
INDENT: Final = re.compile(r"\s*\n\s*(?:/\*[^*]*\*/\s*)?")
"""Line breaks of a style sheet with the indentation around them, and comments on lines of their own."""
LOADS: Final = re.compile(r"@import|url\((?!\s*[\"']?data:)", re.IGNORECASE)
"""What would make a style sheet load something."""
OWN_SENTENCES: Final = "said."
"""Beginning of the keys of sentences that the package writes in English."""
DOCUMENT: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>ferce-agent</title>
<style>{style}</style>
</head>
<body class="in-host">
<main>
<h1 class="unseen" id="app-title"></h1>
<div id="app" data-view="{view}"></div>
</main>
<script>{script}</script>
</body>
</html>
"""


def app_html(language: str = "en", *, view: View = "report") -> str:
    """Return the document.

    Args:
        language: Language until the assistant has told the user's; one of `web.texts.LANGUAGES`.
        view: What it shows: a reading, or the panel in which a user takes a photo.

    Raises:
        JoiningError: The modules cannot be joined; a mistake of this package.
    """
    style = themed(INDENT.sub("\n", "\n".join(static(name) for name in STYLES)))
    if LOADS.search(style) or "</style" in style.lower():
        raise JoiningError("A style sheet of the app would load something.")
    modules = {name: static(name) for name in MODULES}
    script = joined({"app_facts.js": facts(language, "\n".join(modules.values())), **modules})
    return DOCUMENT.format(language=language, view=view, policy=policy(script, style), style=style, script=script)


def themed(style: str) -> str:
    """Return a style sheet that follows the assistant where it says light or dark, and the reader's system elsewhere.

    Raises:
        JoiningError: It has no dark colours.
    """
    dark = DARK.search(style)
    if dark is None:
        raise JoiningError("The style sheet of the page has no dark colours where they are looked for.")
    asked = dark[0].replace(":root", ':root:not([data-theme="light"])')
    told_dark = f':root[data-theme="dark"] {{ color-scheme: dark;{dark[1]}}}'
    told_light = ':root[data-theme="light"] { color-scheme: light; }'
    return style.replace(dark[0], f"{asked}\n{told_dark}\n{told_light}")


def facts(language: str, scripts: str) -> str:
    """Return the module with the words of all languages, the first language, and the version of this package.

    Args:
        language: The first language.
        scripts: The scripts; tables of words that none of them names are left out.
    """
    named, tables = beginnings(scripts), {one: texts(one) for one in LANGUAGES}
    keys = sorted((key for key in tables[language] if is_named(key, named)), key=table_of)  # every language has all
    words = {one: [word_of(one, key, table) for key in keys] for one, table in tables.items()}
    given = {"APP_KEYS": grouped(keys), "APP_TEXTS": words, "APP_LANGUAGE": language, "APP_VERSION": package()}
    return "\n".join(f"export const {name} = {literal(value)};" for name, value in given.items())


def table_of(key: str) -> str:
    """Return the table of words that a key is of: its first part."""
    return key.partition(".")[0]


def grouped(keys: Iterable[str]) -> dict[str, str]:
    """Return keys that are sorted by table as the names within each table, with blanks between them."""
    tables = groupby(keys, table_of)
    return {table: " ".join(key_of(key).partition(".")[2] for key in found) for table, found in tables}


def key_of(key: str) -> str:
    """Return a key as the document has it: those of sentences, which are as long as these, are short."""
    letters = key.removeprefix(OWN_SENTENCES)
    return key if letters == key else OWN_SENTENCES + short_key(letters)


def short_key(letters: str) -> str:
    """Return 32 bits that stand for a text: FNV-1a (Fowler, Noll, Vo), in hexadecimal digits, as in texts.js."""
    found = 2166136261
    for letter in letters.encode("ascii"):
        found = (found ^ letter) * 16777619 & 0xFFFFFFFF
    return f"{found:x}"


def word_of(language: str, key: str, table: Mapping[str, str]) -> str:
    """Return a text; none in English for sentences that the package writes in English: they are taken as they are."""
    return "" if language == FALLBACK and key.startswith(OWN_SENTENCES) else table[key]


def beginnings(scripts: str) -> set[str]:
    """Return what scripts name: keys, tables, and beginnings of keys that another part is put to."""
    return set(NAMED.findall(scripts))


def is_named(key: str, named: Collection[str]) -> bool:
    """Return whether a text is named: by its key, or by a beginning of it.

    Args:
        key: The text's key.
        named: What scripts name.
    """
    parts = key.split(".")
    least = 2 if parts[0] in WORDS_OF_SCRIPTS else 1
    return any(".".join(parts[:count]) in named for count in range(least, len(parts) + 1))


def literal(value: object) -> str:
    """Return a value as JavaScript that can stand in a script of a document."""
    return (
        json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").translate({0x2028: "\\u2028", 0x2029: "\\u2029"})
    )


def policy(script: str, style: str) -> str:
    """Return the Content-Security-Policy: this script and this style alone, and no network."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{digest(script)}'",
            f"style-src '{digest(style)}'",
            "img-src data: blob:",
            "media-src blob:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def digest(text: str) -> str:
    """Return a source as a security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def static(name: str) -> str:
    """Return the text of a file that browsers load."""
    return files("ferce_agent.web").joinpath("static", name).read_text("utf-8")
