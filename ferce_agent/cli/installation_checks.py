"""`ferce doctor`: what is installed, which weights are used, what is missing and how to get it.

What the package needs is read from its own installed metadata, so that this account cannot fall behind it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import FerceError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PACKAGE: Final = "ferce-agent"

PURPOSES: Final = {
    "local": "a vision-language model on this machine: --vlm own or llamacpp:…",
    "transformers": "--vlm hf:…",
    "endpoint": "structured answers of an OpenAI-compatible server: --vlm openai:…",
    "chat": "`ferce chat` with a memory and chat models",
    "bench": "`ferce bench run` and its page",
    "peers": "the peers in `ferce bench run`",
    "train": "`ferce train`",
    "backbone": "`ferce train specialist`: the filters it starts from",
    "tables": "`ferce watch --parquet`",
    "whisper": "writing down what is said, with a Whisper model of yours: FERCE_TRANSCRIBER=FOLDER",
    "web": "the local page: `ferce web`",
    "datasets": "data sets of Hugging Face that are streamed: `ferce batch hf:OWNER/NAME:SPLIT`",
    "ray": "`ferce batch --on ray`, one machine or a cluster; in an environment without the extra federated",
    "federated": "`ferce train federated`, with Flower; in an environment without the extra ray",
    "serve": "the server for programs: `ferce serve`",
    "load": "measuring that server under load",
    "notebook": "`report.plot()` and `to_frame()` in notebooks",
    "landmarks": "finer blinks and gaze (`--landmarks`), posture and gestures; weights come apart (docs/clips.md)",
    "dev": "working on the package itself",
}
"""What each extra is for; extras that are not here are named without it."""

BESIDE_EXTRAS: Final = {
    "fer": ("pip install --no-deps fer==25.10.3", "the peer `fer` in `ferce bench run`"),
    "mediapipe": (
        "pip install --no-deps mediapipe==1.2.2 absl-py flatbuffers",
        "`ferce train label`, which measures action units for training",
    ),
}
"""Packages that no extra can bring, because their dependencies must stay out: (how to get it, what it is for)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's account.

    Attributes:
        name: What was looked at.
        good: Whether it is there and usable.
        needed: Whether the main job needs it.
        detail: What was found: version, digest, what is missing.
        advice: How to get what is missing; empty where nothing is.
    """

    name: str
    good: bool
    needed: bool
    detail: str
    advice: str = ""


def examine() -> Iterator[Check]:
    """Look at everything, one thing after the other."""
    yield Check("python", True, True, platform.python_version())
    yield from package_checks()
    yield from weight_checks()
    yield end_to_end_check()
    yield from extra_checks()
    for name, (how, purpose) in BESIDE_EXTRAS.items():
        found = installed(name)
        yield Check(name, bool(found), False, found or f"for {purpose}:", "" if found else how)
    yield vlm_check()
    yield baseline_check()


def installed(name: str) -> str:
    """Return the version of an installed package; empty if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def requirements(extra: str = "") -> list[Requirement]:
    """Return what the package needs on this machine: always, or only for an extra.

    Raises:
        PackageNotFoundError: The package itself is not installed, but run from its source.
    """
    from packaging.requirements import Requirement

    declared = [Requirement(line) for line in metadata(PACKAGE).get_all("Requires-Dist") or ()]
    if not extra:
        return [one for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})]
    chosen = [one for one in declared if one.marker is not None and one.marker.evaluate({"extra": extra})]
    return [one for one in chosen if one.marker is not None and not one.marker.evaluate({"extra": ""})]


def extras() -> list[str]:
    """Return the names of all extras, in the order of the package's metadata; none if it is run from its source."""
    try:
        return list(dict.fromkeys(metadata(PACKAGE).get_all("Provides-Extra") or ()))
    except PackageNotFoundError:
        return []


def package_checks() -> Iterator[Check]:
    """Say which packages of the base install are there, in which version."""
    try:
        needed = requirements()
    except PackageNotFoundError:
        yield Check(PACKAGE, False, False, "run from its source, not installed.", "To install it: pip install .")
        return
    yield Check(PACKAGE, True, True, version(PACKAGE))
    for one in sorted(needed, key=lambda one: one.name.lower()):
        lack = lacks(one)
        yield Check(
            one.name,
            not lack,
            True,
            lack or installed(one.name),
            f"pip install '{one.name}{one.specifier}'" if lack else "",
        )


def lacks(one: Requirement) -> str:
    """Return what is wrong with a required package: missing, or a version that does not do; empty if nothing is."""
    found = installed(one.name)
    if not found:
        return f"{one.name} is missing"
    return "" if one.specifier.contains(found, prereleases=True) else f"{one.name} {found} is not {one.specifier}"


def extra_checks() -> Iterator[Check]:
    """Say for each extra whether all its packages are there, or how to get them."""
    for extra in extras():
        lacking = [lack for one in requirements(extra) if (lack := lacks(one))]
        purpose = f"for {PURPOSES[extra]}" if extra in PURPOSES else ""
        if lacking:
            detail = f"{purpose + '; ' if purpose else ''}{', '.join(lacking)}:"
            yield Check(f"extra {extra}", False, False, detail, f"pip install '{PACKAGE}[{extra}]'")
        else:
            yield Check(f"extra {extra}", True, False, purpose or "installed")


def weight_checks() -> Iterator[Check]:
    """Open the weight files."""
    from ferce_agent.graphs.engines import default_engines

    try:
        network = default_engines().pipeline.detector.network
        yield Check("face detector", True, True, f"{network.path.name}, sha256 {network.sha256[:12]}…")
    except FerceError as error:
        yield broken("face detector", error, needed=True)
    try:
        specialist = default_engines().pipeline.specialist
        detail = f"version {specialist.card.version}, {specialist.path.name}, sha256 {specialist.sha256[:12]}…"
        yield Check("expression model", True, True, detail)
    except FerceError as error:
        yield broken("expression model", error, needed=True)
    try:
        words = len(default_engines().pipeline.vocabulary.alignment.terms)
        yield Check("open vocabulary", True, False, f"{words} terms ready")
    except FerceError as error:
        yield broken("open vocabulary", error)


def broken(name: str, error: FerceError, *, needed: bool = False) -> Check:
    """Return the check of something that raised an error."""
    return Check(name, False, needed, error.message, error.hint)


def vlm_check() -> Check:
    """Say which vision-language model the settings name, and whether its back-end can be asked."""
    from ferce_agent.graphs.engines import default_engines

    name = "vision-language model"
    try:
        asker = default_engines().asker
        default_engines().prepare_asking()
    except FerceError as error:
        return broken(name, error)
    if asker is None:
        return Check(
            name, False, False, "none is chosen.", "Name one with --vlm or FERCE_VLM; `own` comes with the package."
        )
    place = "another machine" if asker.vlm.remote else "this machine"
    return Check(
        name, True, False, f"{asker.vlm.name} {asker.vlm.version} on {place}, prompt {asker.faces.prompt.reference}"
    )


def baseline_check() -> Check:
    """Say how many baselines are kept, and whether the one that the settings name can be used; no other is opened."""
    from ferce_agent.graphs.engines import default_engines
    from ferce_agent.keeping.baselines import list_baselines
    from ferce_agent.keeping.places import kept_folder

    name = "baselines"
    try:
        kept = list_baselines()
        engines = default_engines()
        used = engines.baseline
        if used is not None:
            engines.pipeline.rest_of(used)
        place = str(kept_folder()) if kept else ""
    except FerceError as error:
        return broken(name, error)
    if not kept and used is None:
        return Check(name, False, False, "none is kept.", "Make one: ferce baseline build calm.jpg --name NAME")
    count = f"{len(kept)} kept in {place}" if kept else "none kept"
    use = "the settings name one, which can be used" if used is not None else "the settings name none"
    return Check(name, True, False, f"{count}; {use}")


def end_to_end_check() -> Check:
    """Run the workflow on a grey picture; it has no face, and the report must say so."""
    import numpy as np

    from ferce_agent.api import analyze_expression

    try:
        report = analyze_expression(np.full((120, 160, 3), 128, np.uint8))
    except FerceError as error:
        return broken("workflow", error, needed=True)
    return Check("workflow", not report.people, True, f"{len(report.provenance.timings_ms)} stages ran")
