"""What a scenario reads: photos, films, a camera, sessions; listed and told apart before any of it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.graphs.baseline_runs import HEAD_BYTES, is_photo
from ferce_agent.inputs.files import PHOTO_ENDINGS
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.kinds import FRAME, kind_of
from ferce_agent.report.session import SessionReport
from ferce_agent.scenarios.preset import Preset, Takes
from ferce_agent.sessions.store import Session
from ferce_agent.validation.refusal import unusable, value_of

MOST_SOURCES: Final = 10_000
"""Sources of one run."""
NAMES: Final[dict[Takes, str]] = {"photo": "photos", "clip": "films", "camera": "cameras", "session": "sessions"}
"""The kinds of sources in words."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A source that is to be read.

    Attributes:
        kind: What it is.
        given: As the caller gave it; of a camera its number.
        group: Name of the group it belongs to; None for none.
    """

    kind: Takes
    given: Any
    group: str | None = None


def plan(
    preset: Preset,
    sources: Any,
    camera: int | None = None,
    groups: Mapping[str, Any] | None = None,
    *,
    anywhere: bool = True,
) -> tuple[Planned, ...]:
    """Return what is to be read, in order: the sources of no group, then those of each group.

    Args:
        preset: Which scenario.
        sources: One source or a list of them; None for none.
        camera: Number of a camera.
        groups: Sources by the name of their group.
        anywhere: Whether any file may be looked at, to tell photos from films, and any folder.

    Raises:
        SettingsError: There is nothing to read, too much, or a kind that the scenario does not take.
        DataError: A folder holds nothing to read, or a session's report is none.
    """
    if groups is not None and not isinstance(groups, Mapping):
        raise SettingsError(f"groups must be sources by name, not {value_of(groups)}.", hint='{"a": […], "b": […]}')
    found = [_checked(preset, Planned("camera", _number(camera)))] if camera is not None else []
    found += [_planned(preset, one, None, anywhere) for one in _listed(preset, sources, anywhere)]
    for name, those in (groups or {}).items():
        if not isinstance(name, str):
            raise SettingsError(f"A group's name must be text, not {value_of(name)}.")
        found += [_planned(preset, one, name, anywhere) for one in _listed(preset, those, anywhere)]
    if not found:
        raise SettingsError("There is nothing to read.", hint=f"The scenario {preset.name} takes {taken(preset)}.")
    if len(found) > (MOST_SOURCES if preset.many else 1):
        most = f"at most {MOST_SOURCES:,} sources" if preset.many else "one source"
        raise SettingsError(
            f"The scenario {preset.name} reads {most} at a time, not {len(found):,}.", hint="Run it for each."
        )
    return tuple(found)


def taken(preset: Preset) -> str:
    """Return what a scenario takes, in words."""
    return " and ".join(NAMES[one] for one in preset.takes)


def session_of(given: Any, *, kept: bool = True) -> SessionReport | Session:
    """Return a session's report, or a kept session whose report is still to be made.

    Args:
        given: What a caller gives.
        kept: Whether it may be the name of a kept session.

    Raises:
        DataError: There is no such session, or it is no report of one.
        SettingsError: It is the name of none.
    """
    if isinstance(given, SessionReport | Session):
        return given
    if isinstance(given, Mapping):
        try:
            return SessionReport.model_validate(dict(given))
        except ValidationError as error:
            raise unusable(error, "The session's report", SessionReport) from error
    if isinstance(given, str) and kept:
        return Session(given)
    raise DataError(
        f"A session must be a SessionReport{' or the name of a kept one' * kept}, not {value_of(given)}.",
        hint="Session.report() makes one.",
    )


def _planned(preset: Preset, given: Any, group: str | None, anywhere: bool) -> Planned:
    return _checked(preset, Planned(_kind(preset, given, anywhere), given, group))


def _checked(preset: Preset, one: Planned) -> Planned:
    if one.kind not in preset.takes:
        raise SettingsError(
            f"The scenario {preset.name} does not take {NAMES[one.kind]}.", hint=f"It takes {taken(preset)}."
        )
    return one


def _kind(preset: Preset, given: Any, anywhere: bool) -> Takes:
    if isinstance(given, SessionReport | Session | Mapping):
        return "session"
    if preset.takes == ("session",) and isinstance(given, str):
        return "session"
    # An animation is a film, too: where no photos are taken, whatever opens films says what is wrong with a picture.
    may_move = isinstance(given, str | bytes | bytearray | memoryview | os.PathLike) and "photo" not in preset.takes
    if may_move:
        return "clip"
    looks = is_photo(given) if anywhere or not _is_path(given) else False
    return "photo" if looks or _ends_as_photo(given) else "clip"


def _is_path(given: Any) -> bool:
    return isinstance(given, os.PathLike) or (isinstance(given, str) and given[:5].lower() != "data:")


def _ends_as_photo(given: Any) -> bool:
    """Return whether a path is a photo's by its ending: one that is missing or damaged is told of as a photo."""
    return _is_path(given) and os.fsdecode(given)[-5:].lower().endswith(tuple(PHOTO_ENDINGS))


def _listed(preset: Preset, given: Any, anywhere: bool) -> Iterator[Any]:
    """Yield sources one by one; frames with their times are one film, and a folder is what it holds."""
    if given is None:
        return
    several = isinstance(given, list | tuple) and not _are_frames(given)
    for one in given if several else [given]:
        yield from _unfolded(preset, one) if anywhere else [one]


def _are_frames(given: list[Any] | tuple[Any, ...]) -> bool:
    """Return whether a list is one film: frames, or pairs of a time and a picture."""
    if not given:
        return False
    return isinstance(given[0], Frame) or (isinstance(given[0], tuple) and len(given[0]) == 2)


def _unfolded(preset: Preset, given: Any) -> Iterator[Any]:
    """Yield the photos and films of a folder; one of pictures alone is a film where no photos are taken."""
    folder = _folder(given)
    if folder is None or "clip" not in preset.takes or not preset.many:
        yield given
        return
    try:
        files = sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
    except OSError as error:
        raise DataError(f"The folder '{folder.name}' cannot be read.", hint="Check its permissions.") from error
    photos = [one for one in files if one.suffix.lower() in PHOTO_ENDINGS]
    films = [one for one in files if _is_film(one)]
    if "photo" not in preset.takes:
        if not films and not photos:
            raise DataError(f"The folder '{folder.name}' holds no film.", hint="Give the files themselves.")
        yield from films or [given]
        return
    if not photos and not films:
        raise DataError(f"The folder '{folder.name}' holds no photo and no film.", hint="Give the files themselves.")
    yield from sorted([*photos, *films])


def _folder(given: Any) -> Path | None:
    if not _is_path(given):
        return None
    try:
        path = Path(given).expanduser()
        return path if path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # what opens it says what is wrong with it
        return None


def _is_film(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(HEAD_BYTES))
    except OSError:
        return False
    return kind is not None and kind.hint == FRAME


def _number(camera: object) -> int:
    if isinstance(camera, bool) or not isinstance(camera, int) or camera < 0:
        raise SettingsError(f"camera must be a number from 0 on, not {value_of(camera)}.", hint="0 is the first one.")
    return camera
