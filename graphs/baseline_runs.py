"""A person's baseline from calm photos, a clip, or the first seconds of a camera."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ferce_agent.clips.calm import calm_photo, calm_samples
from ferce_agent.clips.following import Follower
from ferce_agent.clips.samples import FollowedFrame
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.inputs.clip import Clip, open_camera, open_clip
from ferce_agent.inputs.clip_stills import picture_kind
from ferce_agent.inputs.files import is_stream
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import Picture, load_picture
from ferce_agent.policy.use import UseLike
from ferce_agent.report.baseline import Baseline, BaselineSource
from ferce_agent.temporal.baseline import LEAST_FILM_S, CalmReading, Origin, estimate
from ferce_agent.validation.refusal import value_of

if TYPE_CHECKING:
    from ferce_agent.inputs.clip import ClipLike
    from ferce_agent.inputs.photo import ImageSource

    CalmSource = ImageSource | Picture | ClipLike | Clip

CAMERA_S: Final = 5.0
"""Seconds of a camera that are read where nothing else is said."""
LONGEST_S: Final = 120.0
"""Most seconds of a clip that are read: how a face rests is known by then."""
HEAD_BYTES: Final = 4096
"""Bytes by which a photo is told from a film."""
BATCH: Final = 16
"""Frames that are read together."""


def build_baseline(  # noqa: PLR0913  # one parameter per thing a caller may say
    sources: CalmSource | Sequence[Any] | None = None,
    *,
    camera: int | None = None,
    seconds: float | None = None,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    stop: threading.Event | None = None,
) -> Baseline:
    """Return how a person's face is at rest, from pictures in which it is calm most of the time.

    A smile or another expression in a minority of the frames is left out. Nothing is kept: see
    `ferce_agent.keeping.baselines.save_baseline`.

    Args:
        sources: One or several photos or clips of the same person, in any form that `analyze_expression` and
            `analyze_clip` take; left out where `camera` is given.
        camera: Number of a camera to read instead; its first seconds count.
        seconds: How much of each clip, or of the camera, is read; 120 s of a clip and 5 s of a camera, if left out.
        use_context: What the baseline is for; where no expression may be inferred it holds movements and head alone.
        engines: Models and settings; the shared defaults if left out.
        stop: Set it to read no further; what was read until then counts.

    Raises:
        InputError: A source cannot be used; a `DataError` where no face, several people, a covered face or too few
            readable frames are seen.
        PolicyError: The rules refuse this use; nothing is opened.
        CameraError: The camera cannot be used.
        SetupError: A weight file is missing or damaged.
    """
    chosen = default_engines() if engines is None else engines
    infer = chosen.permit(use_context).may_infer
    length = _length(seconds, CAMERA_S if camera is not None else LONGEST_S)
    stop = stop or threading.Event()
    read = partial(_film, engines=chosen, infer=infer, seconds=length, stop=stop)
    found: list[CalmReading] = []
    kinds: list[BaselineSource] = []
    film_s = 0.0
    if (sources is None) == (camera is None):
        raise SettingsError("Give either photos or a clip, or a camera.", hint="build_baseline('calm.jpg')")
    if camera is not None:
        found, film_s = read(open_camera(camera))
        kinds = ["camera"]
    for source in [] if sources is None else listed(sources):
        if stop.is_set():
            break
        if is_photo(source):
            picture = source if isinstance(source, Picture) else load_picture(source, urls=chosen.settings.urls)
            faces = chosen.pipeline.read([Frame(picture.pixels)], infer=infer)
            found.append(calm_photo(faces, chosen.pipeline.taken_off))
            kinds.append("photos")
            continue
        readings, lasted = read(source if isinstance(source, Clip) else open_clip(source))
        found, film_s = [*found, *readings], film_s + lasted
        kinds.append("clip")
    origin = Origin(
        id=secrets.token_hex(8),
        made_at=datetime.now(UTC),
        sources=tuple(dict.fromkeys(kinds)),
        seconds=film_s,
        specialist=chosen.pipeline.specialist.sha256,
    )
    return estimate(found, origin)


async def abuild_baseline(
    sources: CalmSource | Sequence[Any] | None = None,
    *,
    camera: int | None = None,
    seconds: float | None = None,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
) -> Baseline:
    """Return how a person's face is at rest without blocking the event loop; see `build_baseline`."""
    stop = threading.Event()
    work = partial(
        build_baseline,
        sources,
        camera=camera,
        seconds=seconds,
        use_context=use_context,
        engines=engines,
        stop=stop,
    )
    try:
        return await asyncio.to_thread(work)
    finally:
        stop.set()


def _length(seconds: float | None, usual: float) -> float:
    if seconds is None:
        return usual
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not LEAST_FILM_S <= seconds <= LONGEST_S:
        raise SettingsError(
            f"seconds must be {LEAST_FILM_S:g} to {LONGEST_S:g}, not {value_of(seconds)}.", hint="For example 5."
        )
    return float(seconds)


def listed(sources: Any) -> list[Any]:
    """Return sources one by one; frames with their times are one clip, and a folder's pictures are photos each."""
    if isinstance(sources, str | os.PathLike):
        pictures = _pictures_in(sources)
        if pictures is None:
            return [sources]
        if not pictures:
            raise DataError("There is no photo in the folder.", hint="Give a folder with photos of the calm face.")
        return list(pictures)
    if not isinstance(sources, list | tuple):
        return [sources]
    if not sources:
        raise DataError("No photo and no clip was given.", hint="Give one with the face calm.")
    if isinstance(sources[0], Frame) or (isinstance(sources[0], tuple) and len(sources[0]) == 2):
        return [sources]
    return [part for one in sources for part in listed(one)]


def _pictures_in(path: str | os.PathLike[str]) -> list[Path] | None:
    """Return the pictures in a folder by name; None for anything else, or a folder that cannot be listed."""
    if str(path)[:5].lower() == "data:":
        return None
    try:
        if not Path(path).is_dir():
            return None
        return sorted(one for one in Path(path).iterdir() if one.is_file() and is_photo(one))
    except OSError:  # what opens it says what is wrong with it
        return None


def is_photo(source: Any) -> bool:
    """Return whether a source is a photo; everything else is read as a clip, which says what is wrong with it."""
    if isinstance(source, np.ndarray | Picture) or hasattr(source, "getexif"):
        return True
    if isinstance(source, bytes | bytearray | memoryview):
        return picture_kind(bytes(source[:HEAD_BYTES])) is not None
    if isinstance(source, str) and source[:5].lower() == "data:":
        return source[:11].lower() == "data:image/"
    if isinstance(source, str | os.PathLike):
        return _starts_as_picture(source)
    if is_stream(source):
        return _peeked(source)
    return False


def _starts_as_picture(path: str | os.PathLike[str]) -> bool:
    if "://" in os.fsdecode(path)[:20]:
        return True
    try:
        with Path(path).expanduser().open("rb") as file:
            return picture_kind(file.read(HEAD_BYTES)) is not None
    except (OSError, ValueError, RuntimeError):
        return False


def _peeked(stream: Any) -> bool:
    try:
        place = stream.tell()
        head = stream.read(HEAD_BYTES)
        stream.seek(place)
    except (OSError, ValueError):
        return False
    return isinstance(head, bytes) and picture_kind(head) is not None


def _film(
    clip: Clip, *, engines: Engines, infer: bool, seconds: float, stop: threading.Event
) -> tuple[list[CalmReading], float]:
    """Return the readings of the one face of a film's first seconds, and how much film they lie in."""
    follower = Follower(engines.pipeline, infer=infer)
    followed: list[FollowedFrame] = []
    with clip:
        for frames in _batches(clip, seconds):
            followed += follower.follow(frames)
            if stop.is_set():
                break
    units = engines.pipeline.specialist.card.units
    readings = calm_samples(followed, units, engines.pipeline.taken_off)
    times = [frame.time for frame in followed if frame.samples]
    return readings, max(times[-1] - times[0], 1e-3) if times else 0.0


def _batches(clip: Clip, seconds: float) -> Iterable[list[Frame]]:
    batch: list[Frame] = []
    first: float | None = None
    for frame in clip:
        first = frame.time if first is None else first
        if frame.time - first >= seconds:
            break
        batch.append(frame)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
