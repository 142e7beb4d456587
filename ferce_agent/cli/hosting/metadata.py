"""What the installed package says about itself: the one source for a bundle, a registry and a project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ferce_agent.errors import SettingsError, SetupError

PACKAGE: Final = "ferce-agent"
ADDRESS: Final = re.compile(r"https://[^\s/@]+\.[^\s/@]+(?:/[^\s]*)?")
"""An address of a public page; names and passwords have no place in one."""


@dataclass(frozen=True, slots=True)
class About:
    """What the package's metadata says."""

    version: str
    summary: str
    licence: str
    python: str
    requirements: tuple[str, ...]
    keywords: tuple[str, ...]
    metadata: str
    """Name and version in the form in which Python finds the version of a package."""


def about() -> About:
    """Return the metadata of the installed package; requirements are those of the base installation.

    Raises:
        SetupError: The package is not installed, only found on the path.
    """
    from importlib.metadata import PackageNotFoundError, metadata, requires

    try:
        told, wanted = metadata(PACKAGE), requires(PACKAGE) or []
    except PackageNotFoundError as error:
        raise SetupError("The package is not installed.", hint="pip install -e . in its folder.") from error
    return About(
        version=told["Version"],
        summary=told["Summary"],
        licence=told["License-Expression"],
        python=told["Requires-Python"],
        requirements=tuple(sorted(one for one in wanted if "extra ==" not in one)),
        metadata=f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {told['Version']}\n",
        keywords=tuple(word.strip() for word in told["Keywords"].split(",") if word.strip()),
    )


def address_of(text: str | None) -> str:
    """Return the address of a repository that a caller gives.

    Raises:
        SettingsError: It is none; there is no default, since only the one who publishes knows it.
    """
    if text is None or not ADDRESS.fullmatch(text):
        raise SettingsError(f"'{text or ''}' is no address of a repository.", hint="https://HOST/OWNER/NAME")
    return text
