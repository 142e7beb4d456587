"""What other packages add: entry points of our groups, and functions that a string names.

A package that is installed offers something by a line of its own metadata; nothing is imported before it is asked for::

    [project.entry-points."ferce_agent.vlm"]
    acme = "acme_faces.model:make"

What is called here is other people's code, which may raise anything; whatever it is, it becomes an error of ours that
names the package or the function.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Literal

from ferce_agent.errors import FerceError, SettingsError, SetupError

Group = Literal["vlm", "datasets", "perceivers"]

GROUP: Final = "ferce_agent."
"""What the name of each group of entry points begins with."""
LONGEST: Final = 200
"""Characters of another package's error that are repeated."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """Something that an installed package offers.

    Attributes:
        name: Its name, as users write it.
        package: The package, as pip knows it.
        factory: The function or class behind it.
    """

    name: str
    package: str
    factory: Callable[..., Any]

    def make(self, *arguments: Any) -> Any:
        """Call the function with what it takes.

        Raises:
            SetupError: It fails; the message names the package.
            FerceError: It raises one of our errors itself, which is passed on.
        """
        try:
            return self.factory(*arguments)
        except FerceError:
            raise
        except (Exception, SystemExit) as error:
            raise SetupError(
                f"'{self.name}' of the package {self.package} cannot be made ({_reason(error)}).",
                hint=f"Ask the makers of {self.package}.",
            ) from error

    def unfit(self, wanted: str) -> SetupError:
        """Return the error of a plugin that makes something else than it should; `wanted` says what."""
        return SetupError(
            f"'{self.name}' of the package {self.package} gives no {wanted}.",
            hint=f"Ask the makers of {self.package}.",
        )


def plugin_names(group: Group) -> tuple[str, ...]:
    """Return what installed packages offer in a group, sorted."""
    return tuple(sorted({one.name for one in entry_points(group=GROUP + group)}))


def find_plugin(group: Group, name: str) -> Plugin | None:
    """Import what an installed package offers under a name; None if no package does.

    Raises:
        SetupError: It cannot be imported, is nothing to call, or two packages offer it; the message names them.
    """
    found = tuple(entry_points(group=GROUP + group, name=name)) if name else ()
    if not found:
        return None
    packages = sorted({_package(one) for one in found})
    if len(found) > 1:
        raise SetupError(f"{' and '.join(packages)} both offer '{name}'.", hint="Uninstall one of them.")
    try:
        factory = found[0].load()
    except (Exception, SystemExit) as error:
        raise SetupError(
            f"The package {packages[0]} offers '{name}', which cannot be imported ({_reason(error)}).",
            hint=f"Install {packages[0]} anew, or uninstall it.",
        ) from error
    if not callable(factory):
        raise SetupError(
            f"The package {packages[0]} offers '{name}', which is nothing to call.",
            hint=f"Ask the makers of {packages[0]}.",
        )
    return Plugin(name, packages[0], factory)


def call_named(place: str) -> object:
    """Call the function that ``MODULE:FUNCTION`` names and return what it makes.

    The module is looked for where Python finds any other: installed packages and the folders of ``PYTHONPATH``.

    Raises:
        SettingsError: There is no such function, or it cannot be called, or fails.
    """
    module, _, function = place.partition(":")
    if not function or not all(part.isidentifier() for part in module.split(".")):
        raise SettingsError(f"python:{place[:120]} names no function.", hint="Use python:MODULE:FUNCTION.")
    try:
        made: object = getattr(importlib.import_module(module), function)()
    except FerceError:
        raise
    except (Exception, SystemExit) as error:
        hint = "Use python:MODULE:FUNCTION, without arguments."
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
            hint = f"Install the package that holds {module}, or name the folder of {module} in PYTHONPATH."
        raise SettingsError(f"python:{place[:120]} cannot be called ({_reason(error)}).", hint=hint) from error
    return made


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:LONGEST]}"
