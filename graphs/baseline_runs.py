"""A person's baseline from calm photos, clips, recordings of the voice, or the first seconds of a camera."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ferce_agent.clips.calm import calm_photo, calm_samples
from ferce_agent.clips.following import Follower
from ferce_agent.clips.samples import FollowedFrame
from ferce_agent.errors import DataError, InputError, SettingsError
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.voice_usual import hear_usual, is_sound, voice_baseline, with_voice
from ferce_agent.inputs.clip import Clip, open_camera, open_clip
from ferce_agent.inputs.clip_stills import picture_kind
from ferce_agent.inputs.files import is_stream
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import Picture, load_picture
from ferce_agent.policy.use import UseLike
from ferce_agent.report.baseline import ASSUMED_VOICE, Baseline, BaselineSource
from ferce_agent.temporal.baseline import LEAST_FILM_S, CalmReading, Origin, estimate
from ferce_agent.validation.refusal import value_of

if TYPE_CHECKING:
    from ferce_agent.inputs.clip import ClipLike
    from ferce_agent.inputs.photo import ImageSource

    CalmSource = ImageSource | Picture | ClipLike | Clip

Told = Callable[[Mapping[str, Any]], None]
"""Takes an event of progress: ``done`` of ``of`` sources, a fraction within a film; or a ``note`` in words."""
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
    sound: bool = False,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Told | None = None,
    stop: threading.Event | None = None,
) -> Baseline:
    """Return how a person's face is at rest, from pictures in which it is calm most of the time.

    A smile or another expression in a minority of the frames is left out. Nothing is kept: see
    `ferce_agent.keeping.baselines.save_baseline`.

    Args:
        sources: One or several photos, clips, or files with recordings of the voice, of the same person, in any form
            that `analyze_expression` and `analyze_clip` take; left out where `camera` is given.
        camera: Number of a camera to read instead; its first seconds count.
        seconds: How much of each clip and recording, or of the camera, is read; 120 s of each and 5 s of a camera, if
            left out.
        sound: Whether the sound of clips is listened to as well, where no recording is given: all speech in them is
            then taken to be the person's. A clip without enough speech is told to `on_event`, and is no error.
        use_context: What the baseline is for; where no expression may be inferred it holds movements and head alone.
        engines: Models and settings; the shared defaults if left out.
        on_event: Called while it is made, with how many sources are read, and with what could not be used.
        stop: Set it to read no further; what was read until then counts.

    Raises:
        InputError: A source cannot be used; a `DataError` where no face, several people, a covered face, too few
            readable frames or too little speech are found.
        PolicyError: The rules refuse this use; nothing is opened.
        CameraError: The camera cannot be used.
        SetupError: A weight file is missing or damaged.
    """
    chosen = default_engines() if engines is None else engines
    infer = chosen.permit(use_context).may_infer
    length = _length(seconds, CAMERA_S if camera is not None else LONGEST_S)
    if (sources is None) == (camera is None):
        raise SettingsError("Give either photos or a clip, or a camera.", hint="build_baseline('calm.jpg')")
    given = [] if sources is None else listed(sources)
    voices = [one for one in given if isinstance(one, str | os.PathLike) and not is_photo(one) and is_sound(one)]
    faces = [one for one in given if not any(one is voice for voice in voices)]
    tell = Progress(on_event, len(given) or 1, len(voices))
    stop = stop or threading.Event()
    work = _Work(chosen, infer, length, stop, tell)
    hear = partial(hear_usual, seconds=length, use=use_context, engines=chosen, stop=stop)
    if voices and not faces:
        return voice_baseline(voices, seconds=length, use=use_context, engines=chosen, stop=stop)
    made = work.read(faces, camera)
    if stop.is_set():
        return made
    if voices:
        return with_voice(made, hear(voices))
    films = [one for one in faces if sound and isinstance(one, str | os.PathLike | bytes) and not is_photo(one)]
    try:
        return with_voice(made, hear(films), doubts=(ASSUMED_VOICE,)) if films else made
    except InputError as error:
        tell.note(f"The voice of the clip was not taken: {error.message}")
        return made


class Progress:
    """Tells a caller how many sources of a baseline are read."""

    def __init__(self, told: Told | None, sources: int, voices: int) -> None:
        """Begin.

        Args:
            told: Takes the events; None for nobody.
            sources: How many there are.
            voices: How many of them are listened to, which comes last.

        Raises:
            SettingsError: `told` cannot be called.
        """
        if told is not None and not callable(told):
            kind = type(told).__name__
            raise SettingsError(f"on_event must be a function of one event, not {kind}.", hint="For example: print")
        self._told, self._of, self._faces = told, sources, sources - voices

    def face(self, number: int, share: float) -> None:
        """Tell how far the source of a number, from 0 on, is read: 0..1."""
        if self._told is not None:
            self._told({"done": round(min(number + min(share, 1.0), self._faces), 3), "of": self._of})

    def note(self, words: str) -> None:
        """Tell what could not be used."""
        if self._told is not None:
            self._told({"note": words})


@dataclass(slots=True)
class _Work:
    """Reads the face in one source after the other."""

    engines: Engines
    infer: bool
    seconds: float
    stop: threading.Event
    tell: Progress
    found: list[CalmReading] = field(default_factory=list)
    kinds: list[BaselineSource] = field(default_factory=list)
    film_s: float = 0.0

    def read(self, sources: Sequence[Any], camera: int | None) -> Baseline:
        """Return the baseline of a face; see `build_baseline`."""
        _ = self.engines.pipeline.taken_off  # an adapter is refused before anything is read
        if camera is not None:
            self._film(open_camera(camera), "camera", 0)
        for number, source in enumerate(sources):
            if self.stop.is_set():
                break
            if is_photo(source):
                self._photo(source)
            else:
                self._film(source if isinstance(source, Clip) else open_clip(source), "clip", number)
            self.tell.face(number, 1.0)
        origin = Origin(
            id=secrets.token_hex(8),
            made_at=datetime.now(UTC),
            sources=tuple(dict.fromkeys(self.kinds)),
            seconds=self.film_s,
            specialist=self.engines.pipeline.specialist.sha256,
        )
        return estimate(self.found, origin)

    def _photo(self, source: Any) -> None:
        pipeline = self.engines.pipeline
        urls = self.engines.settings.urls
        picture = source if isinstance(source, Picture) else load_picture(source, urls=urls)
        faces = pipeline.read([Frame(picture.pixels)], infer=self.infer)
        self.found.append(calm_photo(faces, pipeline.taken_off))
        self.kinds.append("photos")

    def _film(self, clip: Clip, kind: BaselineSource, number: int) -> None:
        """Take the readings of the one face of a film's first seconds, and how much film they lie in."""
        pipeline = self.engines.pipeline
        follower = Follower(pipeline, infer=self.infer)
        followed: list[FollowedFrame] = []
        with clip:
            length = min(self.seconds, clip.info.duration_s or self.seconds)
            for frames in _batches(clip, self.seconds):
                followed += follower.follow(frames)
                self.tell.face(number, (frames[-1].time - followed[0].time) / max(length, 1e-3))
                if self.stop.is_set():
                    break
        self.found += calm_samples(followed, pipeline.specialist.card.units, pipeline.taken_off)
        times = [frame.time for frame in followed if frame.samples]
        self.film_s += max(times[-1] - times[0], 1e-3) if times else 0.0
        self.kinds.append(kind)


async def abuild_baseline(  # noqa: PLR0913
    sources: CalmSource | Sequence[Any] | None = None,
    *,
    camera: int | None = None,
    seconds: float | None = None,
    sound: bool = False,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Told | None = None,
) -> Baseline:
    """Return how a person's face is at rest without blocking the event loop; see `build_baseline`.

    `on_event` is called in another thread.
    """
    stop = threading.Event()
    work = partial(
        build_baseline,
        sources,
        camera=camera,
        seconds=seconds,
        sound=sound,
        use_context=use_context,
        engines=engines,
        on_event=on_event,
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
