"""The notebook of the documentation: valid, small, free of paths, and its cells give what it shows."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")

from tests.tools.face_films import film  # noqa: E402
from tests.tools.notebook import NOTEBOOK, executed, stored  # noqa: E402

PAGE = NOTEBOOK.with_name("notebooks.md")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PATHS = re.compile(r"(?:^|[\s\"'(=])(?:/(?:home|root|work|tmp|usr|Users|opt|mnt)/|[A-Z]:\\)|site-packages|file://")


def outputs(book: Any) -> Iterator[Any]:
    yield from (output for cell in book.cells for output in cell.get("outputs", []))


def text_of(output: Any) -> str:
    """Return what an output says, for a picture nothing: how its letters are drawn depends on the machine."""
    data = output.get("data", {})
    return str(output.get("text") or data.get("text/html") or data.get("text/plain") or "")


def test_it_is_valid_small_and_names_no_path() -> None:
    book = stored()
    nbformat.validate(book)
    assert NOTEBOOK.stat().st_size < 300_000
    readable = "\n".join([*(cell.source for cell in book.cells), *map(text_of, outputs(book))])
    assert not PATHS.search(readable)
    assert not re.search(r"https?://", readable), "it needs no network"
    assert not re.search(r"\b(?:TODO|FIXME|session|issue)\b", readable)
    assert set(book.metadata) == {"kernelspec", "language_info"}


def test_it_was_run_from_its_first_cell_to_its_last() -> None:
    cells = [cell for cell in stored().cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)


def test_its_pictures_are_pictures() -> None:
    found = [output.data["image/png"] for output in outputs(stored()) if "image/png" in output.get("data", {})]
    assert len(found) == 3
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in found)


def test_only_names_of_the_package_that_exist_are_used() -> None:
    for cell in stored().cells:
        if cell.cell_type == "code":
            compile(cell.source, "cell", "exec")
            for line in cell.source.splitlines():
                if line.startswith("from ferce_agent"):
                    exec(line, {})


def test_the_examples_of_the_page_run(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "film.mp4").write_bytes(film(seconds=1.0))
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M)
    assert len(examples) == 2 and len(PAGE.read_text("utf-8").splitlines()) <= 60
    for code in examples:
        exec(compile(code, "example", "exec"), {})
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "narrow.png").stat().st_size > 1000


@pytest.mark.slow
def test_its_cells_give_without_warnings_what_it_shows(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    pytest.importorskip("pandas")
    before, after = list(outputs(stored())), list(outputs(executed(tmp_path)))
    assert [one.get("name") for one in after if one.get("name") == "stderr"] == [], "a warning"
    assert [one.output_type for one in after] == [one.output_type for one in before]
    for old, new in zip(before, after, strict=True):
        assert set(old.get("data", {})) == set(new.get("data", {}))
        said, says = text_of(old), text_of(new)
        assert NUMBER.sub("#", says) == NUMBER.sub("#", said)
        for one, other in zip(NUMBER.findall(said), NUMBER.findall(says), strict=True):
            # Models give slightly other numbers on other processors.
            assert math.isclose(float(one), float(other), abs_tol=0.02, rel_tol=0.02), (one, other)
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"
