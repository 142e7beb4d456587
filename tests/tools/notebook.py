"""The notebook of the documentation: run it, and keep of its outputs what a page can show.

``python -m tests.tools.notebook`` runs it and writes the outputs anew, after a change to its cells or to the figures.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, Final

import nbformat

NOTEBOOK: Final = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
COLOURS: Final = 96
"""Colours that a stored picture is reduced to, so that the file stays small."""


def stored() -> Any:
    """Return the notebook as it is in the repository."""
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def executed(folder: Path) -> Any:
    """Run a copy of the notebook without outputs in a folder, and return it with the outputs as they are stored."""
    from nbclient import NotebookClient

    book = stored()
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        book, timeout=600, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    for cell in book.cells:
        for output in cell.get("outputs", []):
            _slim(output.get("data", {}))
    return book


def _slim(data: Any) -> None:
    """Leave out the plain text where there is a table or a picture, and make the picture smaller."""
    if "text/html" in data or "image/png" in data:
        data.pop("text/plain", None)
    if "image/png" in data:
        data["image/png"] = base64.b64encode(_reduced(base64.b64decode(data["image/png"]))).decode()


def _reduced(png: bytes) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(stream, "PNG", optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    nbformat.write(executed(Path.cwd()), NOTEBOOK)  # type: ignore[no-untyped-call]
