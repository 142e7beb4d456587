"""The direction of imports, read from the real imports; `LAYERS` is the one list of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import ferce_agent

LAYERS: Final[tuple[tuple[str, ...], ...]] = (
    ("errors",),
    ("concurrency", "validation", "weights", "plugins"),
    ("settings",),
    ("ontology", "prompts"),
    ("report",),
    ("inputs", "keeping"),
    ("faces", "specialist", "voice", "policy"),
    ("vlm", "reasoning", "context", "temporal"),
    ("pipeline",),
    ("clips",),
    ("scenarios", "sessions", "views"),
    ("graphs",),
    ("api",),
    ("tools", "chat", "web", "batch", "service"),
    ("evaluation",),
    ("adaptation", "training"),
    ("cli",),
)
"""Packages and modules below `ferce_agent`, lowest first. What stands in a line may import what stands above it,
and packages of its own line as long as no two import each other, not even by way of others."""
TO_COME: Final[set[str]] = set()
"""Places that are named for what is planned and hold nothing yet."""
EXCEPTIONS: Final = {
    (
        "report.photo",
        "inputs.photo",
    ): "a type in the signature of `EmotionReport.save`; nothing is imported at run time",
    ("report.photo", "views.saving"): "`EmotionReport.save` is a convenience; imported when it is called",
    ("report.clip", "views.saving"): "`ClipReport.save` is a convenience; imported when it is called",
    ("report.clip", "views.clip_page"): "notebooks show a report by its own method; imported when it is called",
    ("report.speech", "views.saving"): "`VoiceReport.save` is a convenience; imported when it is called",
    ("report.speech", "views.voice_page"): "notebooks show a report by its own method; imported when it is called",
    ("report.scenario", "views.saving"): "`ScenarioReport.save` is a convenience; imported when it is called",
    ("report.session", "views.saving"): "`SessionReport.save` is a convenience; imported when it is called",
    ("report.photo", "views.frames"): "`EmotionReport.to_frame` is a convenience; imported when it is called",
    ("report.clip", "views.frames"): "`ClipReport.to_frame` is a convenience; imported when it is called",
    ("report.photo", "views.figures"): "`EmotionReport.plot` is a convenience; imported when it is called",
    ("report.clip", "views.clip_figures"): "`ClipReport.plot` is a convenience; imported when it is called",
    ("report.photo", "views.html"): "notebooks show a report by its own method; imported when it is called",
}
ROOT: Final = Path(ferce_agent.__file__).parent
LEVEL: Final = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules() -> dict[str, Path]:
    """Return every module below `ferce_agent`, links followed, by its name without that prefix."""
    folders = [ROOT, *(folder for folder in ROOT.iterdir() if folder.is_dir())]  # rglob does not follow links
    found = {}
    for folder in folders:
        files = (
            folder.glob("*.py")
            if folder == ROOT
            else (folder.resolve() if folder.is_symlink() else folder).rglob("*.py")
        )
        for file in files:
            parts = file.relative_to(ROOT if folder == ROOT else folder.resolve()).with_suffix("").parts
            name = ".".join(parts if folder == ROOT else (folder.name, *parts))
            found[name.removesuffix(".__init__")] = file
    return found


MODULES: Final = modules()


def imported(name: str) -> Iterator[str]:
    """Yield the modules of the package that one of them imports anywhere, also within functions and for types."""
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            wanted = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            wanted = [f"{node.module}.{one.name}" for one in node.names]
        else:
            continue
        for one in wanted:
            if one.partition(".")[0] == "ferce_agent":
                below = one.removeprefix("ferce_agent").lstrip(".")
                yield below if below in MODULES else below.rpartition(".")[0]


def place(module: str) -> str:
    """Return the package, or the module at the package's root, to which a module belongs."""
    return module.partition(".")[0]


IMPORTS: Final = sorted(
    (name, other) for name in MODULES for other in set(imported(name)) if place(name) and place(other) and name != other
)
BETWEEN: Final = sorted(
    {
        (place(one), place(other))
        for one, other in IMPORTS
        if place(one) != place(other)
        and (one, other) not in EXCEPTIONS
        and place(one) in LEVEL
        and place(other) in LEVEL
    }
)


def test_every_place_has_a_layer() -> None:
    places = {place(name) for name in MODULES} - {"", "__init__", "__main__"}
    assert places - set(LEVEL) == set()
    assert set(LEVEL) - places - TO_COME == set()


def test_nothing_imports_from_a_later_layer() -> None:
    wrong = [
        f"{one} imports {other}" for one, other in IMPORTS if LEVEL.get(place(one), 99) < LEVEL.get(place(other), -1)
    ]
    allowed = [f"{one} imports {other}" for one, other in EXCEPTIONS]
    assert sorted(set(wrong) - set(allowed)) == []


def test_every_exception_is_needed() -> None:
    assert set(EXCEPTIONS) - set(IMPORTS) == set()


@pytest.mark.parametrize("layer", LAYERS, ids=" ".join)
def test_no_two_packages_of_a_layer_import_each_other(layer: tuple[str, ...]) -> None:
    edges = {one: {b for a, b in BETWEEN if a == one and b in layer} for one in layer}
    while edges:
        free = {one for one, others in edges.items() if not others & set(edges)}
        assert free, f"these import each other: {sorted(edges)}"
        edges = {one: others for one, others in edges.items() if one not in free}


def test_the_modules_of_a_package_do_not_import_each_other_in_a_circle() -> None:
    edges = {name: {other for one, other in IMPORTS if one == name and place(other) == place(name)} for name in MODULES}
    while edges:
        free = {one for one, others in edges.items() if not others & set(edges)}
        circle = sorted(edges)
        assert free, f"among these are circles: {circle}"
        edges = {one: others for one, others in edges.items() if one not in free}
