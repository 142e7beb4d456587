"""The words of the page: one TOML file a language, found by its name, English where a text is missing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import SettingsError

FOLDER: Final = resources.files("ferce_agent.web") / "texts"
ENDING: Final = ".toml"
FALLBACK: Final = "en"
"""The language in which every text is there."""
LANGUAGES: Final[tuple[str, ...]] = tuple(
    sorted(file.name.removesuffix(ENDING) for file in FOLDER.iterdir() if file.name.endswith(ENDING))
)
"""Codes of the languages there are, such as ``de``: the names of the files."""


def texts(language: str) -> dict[str, str]:
    """Return all words of the page in a language, by keys such as ``report.title``; those it lacks are English.

    Beside them are ``language.code``, the code of the language returned, and ``languages.CODE``, the name of each
    language in itself, so that a page can offer them.

    Args:
        language: Code such as ``de`` or ``de-AT``; of one that there is not, the nearest is taken, else English.

    Raises:
        SettingsError: A file is damaged.
    """
    code = nearest(language)
    names = {f"languages.{one}": own_texts(one).get("language.name", one) for one in LANGUAGES}
    return {**own_texts(FALLBACK), **own_texts(code), **names, "language.code": code}


def nearest(language: str) -> str:
    """Return the code of the language that is nearest to the one asked for; ``en`` if there is none."""
    wanted = language.strip().lower().replace("_", "-")
    return next((code for code in (wanted, wanted.split("-")[0]) if code in LANGUAGES), FALLBACK)


def own_texts(code: str) -> dict[str, str]:
    """Return the texts that a language's own file holds, by key.

    Args:
        code: One of `LANGUAGES`.

    Raises:
        SettingsError: The file is damaged.
    """
    return dict(_tables()[code])


@once
def _tables() -> dict[str, dict[str, str]]:
    return {code: parse_texts((FOLDER / f"{code}{ENDING}").read_text("utf-8"), code) for code in LANGUAGES}


def parse_texts(content: str, code: str) -> dict[str, str]:
    """Return the texts of a TOML file by key: ``title`` of the table ``[report]`` is ``report.title``.

    Args:
        content: The file.
        code: The language's code, for messages.

    Raises:
        SettingsError: It is not TOML, or holds anything but texts.
    """
    try:
        return dict(_flat(tomllib.loads(content), code))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The texts of the language '{code}' are damaged.", hint=str(error)) from error


def _flat(table: Mapping[str, Any], code: str, start: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        name = f"{start}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, code, f"{name}.")
        elif isinstance(value, str):
            yield name, value
        else:
            hint = "Put quotation marks around it."
            raise SettingsError(f"'{name}' in the texts of the language '{code}' is no text.", hint=hint)
