"""Generated clips of faces with short movements of known times, among blinks, speech, head turns and longer movements.

A photo of a face is warped by smooth displacement fields: one field a movement, such as an inner brow that goes up,
with a curve over time that rises and falls as half periods of a cosine. The head's own motion is a similarity, a small
perspective and the parallax of the nose. Noise of a sensor is added to each frame; some clips are encoded and decoded
as H.264.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once, once_each
from ferce_agent.faces.alignment import fit_similarity
from ferce_agent.faces.motion import LAYOUT
from ferce_agent.inputs.frames import Frame

Floats = NDArray[np.float64]
Grid = NDArray[np.float32]

SIDE: Final = 288
"""Side of the generated frames in pixels."""
EYES: Final = 84.0
"""Distance between the eyes in the generated frames, in pixels."""
MIDDLE: Final = (SIDE / 2, 112.0)
"""Where the middle between the eyes lies at first."""
NOISES: Final = 12
"""How many noise pictures a clip draws from, each shifted anew for every frame."""

NO_MAP: Final = np.empty(0, np.float32)
"""The second map of `cv2.remap` where the first one has both coordinates."""


@dataclass(frozen=True, slots=True)
class Bump:
    """A smooth displacement field around one place.

    Attributes:
        at: Its centre in eye distances from the middle between the eyes, (x, y).
        radii: Where it has fallen to exp(-1), in eye distances.
        direction: Displacement at the centre for a strength of 1, (x, y).
    """

    at: tuple[float, float]
    radii: tuple[float, float]
    direction: tuple[float, float]


def _pair(at: tuple[float, float], radii: tuple[float, float], direction: tuple[float, float]) -> tuple[Bump, Bump]:
    return (
        Bump((-at[0], at[1]), radii, (-direction[0], direction[1])),
        Bump(at, radii, direction),
    )


_INNER, _OUTER, _CORNER = ((0.32, -0.4), (0.26, 0.2)), ((0.68, -0.4), (0.26, 0.2)), ((0.42, 1.05), (0.26, 0.24))
MOVEMENTS: Final[dict[str, tuple[Bump, ...]]] = {
    "inner_brows_up": _pair(*_INNER, (0.0, -1.0)),
    "inner_brows_down": _pair(*_INNER, (-0.3, 1.0)),
    "outer_brow_up_left": _pair(*_OUTER, (0.0, -1.0))[:1],
    "outer_brow_up_right": _pair(*_OUTER, (0.0, -1.0))[1:],
    "cheeks_up": _pair((0.52, 0.36), (0.3, 0.18), (0.0, -1.0)),
    "nose_up": _pair((0.26, 0.5), (0.2, 0.24), (0.0, -1.0)),
    "corner_up_left": _pair(*_CORNER, (0.6, -0.8))[:1],
    "corner_up_right": _pair(*_CORNER, (0.6, -0.8))[1:],
    "corners_down": _pair(*_CORNER, (0.1, 1.0)),
    "chin_up": (Bump((0.0, 1.5), (0.4, 0.24), (0.0, -1.0)),),
    "blink": (*_pair((0.5, -0.05), (0.24, 0.1), (0.0, 1.0)), *_pair((0.5, -0.35), (0.3, 0.15), (0.0, 0.06))),
    "jaw": (
        Bump((0.0, 1.3), (0.5, 0.3), (0.0, 1.0)),
        *_pair((0.4, 1.08), (0.24, 0.22), (-0.35, 0.3)),
    ),
    "smile": (*_pair(*_CORNER, (0.7, -0.7)), *_pair((0.55, 0.6), (0.3, 0.25), (0.1, -0.4))),
    "brows_up": (*_pair(*_INNER, (0.0, -0.8)), *_pair(*_OUTER, (0.0, -0.8))),
    "parallax": (Bump((0.0, 0.45), (0.24, 0.5), (1.0, 0.0)),),
}
"""The displacement fields; sides are those of the picture."""
MICRO: Final = tuple(name for name in MOVEMENTS if name not in ("blink", "jaw", "smile", "brows_up", "parallax"))
"""Movements that are generated as micro-movements."""
LOWER: Final = frozenset(MICRO) - {"inner_brows_up", "inner_brows_down", "outer_brow_up_left", "outer_brow_up_right"}
"""Those of the lower face, which speech moves as well; they are not put into it."""


@dataclass(frozen=True, slots=True)
class Move:
    """One movement in time.

    Attributes:
        name: A key of `MOVEMENTS`.
        strength: Displacement at the apex in percent of the eye distance.
        onset_s: When it begins.
        apex_s: When it is strongest.
        offset_s: When it is over.
    """

    name: str
    strength: float
    onset_s: float
    apex_s: float
    offset_s: float

    def at(self, time: float) -> float:
        """Return the displacement at a time, in percent of the eye distance."""
        if not self.onset_s < time < self.offset_s:
            return 0.0
        rising = time <= self.apex_s
        share = (time - self.onset_s) / (self.apex_s - self.onset_s) if rising else 0.0
        if not rising:
            share = (self.offset_s - time) / (self.offset_s - self.apex_s)
        return self.strength * 0.5 * (1 - float(np.cos(np.pi * share)))


@dataclass(frozen=True, slots=True)
class HeadPath:
    """How the head moves: slow sways, and turns that come and go.

    Attributes:
        sways: Rows of (axis, amplitude, hertz, phase); axis 0 and 1 shift in eye distances, 2 turn in radians, 3
            growth.
        turns: Moves whose strength is the yaw in degrees at the apex.
    """

    sways: tuple[tuple[int, float, float, float], ...] = ()
    turns: tuple[Move, ...] = ()

    def at(self, time: float) -> tuple[Floats, float]:
        """Return shift x, y, turn and growth, shape (4,), and the yaw in degrees."""
        place = np.zeros(4)
        for axis, amplitude, hertz, phase in self.sways:
            place[axis] += amplitude * float(np.sin(2 * np.pi * hertz * time + phase))
        return place, sum(turn.at(time) for turn in self.turns)


@dataclass(frozen=True, slots=True)
class MicroClip:
    """The plan of one generated clip.

    Attributes:
        disturbance: What is in the way: ``none``, ``blinks``, ``speech``, ``macro``, ``turns``, ``light``, ``h264`` or
            ``all``.
        frame_rate: Frames a second.
        seconds: Its length.
        micro: The micro-movements to find.
        others: Blinks, speech, longer movements.
        head: How the head moves.
        noise: Standard deviation of the noise in grey levels.
        light: Amplitude of changes of the light, as a share.
        encoded: Whether it is encoded and decoded as H.264.
        seed: Of the noise.
    """

    disturbance: str
    frame_rate: float
    seconds: float
    micro: tuple[Move, ...]
    others: tuple[Move, ...] = ()
    head: HeadPath = field(default_factory=HeadPath)
    noise: float = 2.0
    light: float = 0.0
    encoded: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PosedFace:
    """A photo of a face at the size and place of the generated frames.

    Attributes:
        pixels: Shape (SIDE, SIDE, 3), BGR.
        landmarks: Five points in it, shape (5, 2).
    """

    pixels: NDArray[np.uint8]
    landmarks: Floats

    @classmethod
    def of(cls, photo: NDArray[np.uint8], landmarks: Floats, *, mirrored: bool = False) -> PosedFace:
        """Cut the face out of a BGR photo (H, W, 3) with its landmarks, upright."""
        if mirrored:
            photo = np.ascontiguousarray(photo[:, ::-1])
            landmarks = ([photo.shape[1] - 1, 0] + landmarks * [-1, 1])[[1, 0, 2, 4, 3]]
        matrix = fit_similarity(landmarks, LAYOUT * EYES + np.array(MIDDLE))
        pixels = cv2.warpAffine(photo, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        return cls(np.asarray(pixels, np.uint8), landmarks @ matrix[:, :2].T + matrix[:, 2])


@once_each
def field_of(name: str) -> Grid:
    """Return a movement's displacement field for one percent of the eye distance, pixels, shape (SIDE, SIDE, 2)."""
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    total = np.zeros((SIDE, SIDE, 2), np.float32)
    for bump in MOVEMENTS[name]:
        x, y = np.array(MIDDLE) + np.array(bump.at) * EYES
        radii = np.array(bump.radii) * EYES
        weight = np.exp(-np.square((across - x) / radii[0]) - np.square((down - y) / radii[1]))
        total += weight[..., None] * np.array(bump.direction, np.float32)
    return np.asarray(total * (EYES / 100), np.float32)


def head_matrix(place: Floats, yaw: float) -> Floats:
    """Return where the picture's points come to lie as the head moves, a homography (3, 3)."""
    shift_x, shift_y, turn, growth = place
    x, y = MIDDLE
    to_middle = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1.0]])
    angle = np.radians(yaw)
    perspective = np.array([[np.cos(angle), 0, 0], [0, 1, 0], [np.sin(angle) / (12 * EYES), 0, 1]])
    cosine, sine = np.cos(turn) * (1 + growth), np.sin(turn) * (1 + growth)
    motion = np.array([[cosine, -sine, x + shift_x * EYES], [sine, cosine, y + shift_y * EYES], [0, 0, 1.0]])
    return np.asarray(motion @ perspective @ to_middle, np.float64)


def rendered(clip: MicroClip, face: PosedFace) -> Iterator[tuple[Frame, Floats]]:
    """Yield the frames of a clip with the true landmarks (5, 2) of each."""
    frames = _plain(clip, face)
    if not clip.encoded:
        yield from frames
        return
    places: list[Floats] = []
    film = io.BytesIO()

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for frame, marks in frames:
            places.append(marks)
            yield frame.pixels

    _encode(film, clip.frame_rate, pictures())
    for number, pixels in enumerate(_decode(film)):
        yield Frame(pixels, number / clip.frame_rate), places[number]


def _plain(clip: MicroClip, face: PosedFace) -> Iterator[tuple[Frame, Floats]]:
    chance = np.random.default_rng(clip.seed)
    noises = [chance.normal(0, clip.noise, (2 * SIDE, 2 * SIDE, 3)).astype(np.int8) for _ in range(NOISES)]
    for number in range(round(clip.seconds * clip.frame_rate)):
        time = number / clip.frame_rate
        pixels, marks = _posed(clip, face, time)
        light = 1 + clip.light * np.sin(2 * np.pi * 0.4 * time) + 0.3 * clip.light * np.sin(2 * np.pi * 1.7 * time)
        x, y = chance.integers(0, SIDE, 2)
        noise = noises[int(chance.integers(NOISES))][y : y + SIDE, x : x + SIDE]
        lit = cv2.addWeighted(pixels, float(light), noise, 1.0, 0.0, dtype=cv2.CV_8U)
        yield Frame(np.asarray(lit, np.uint8), time), marks


def _posed(clip: MicroClip, face: PosedFace, time: float) -> tuple[NDArray[np.uint8], Floats]:
    """Return the face at one time, without noise, interpolated once, and its landmarks."""
    place, yaw = clip.head.at(time)
    # A point as far in front of the face as the nose tip moves by sin(yaw) of its depth, 0.45 eye distances.
    moves = [(move.name, move.at(time)) for move in (*clip.micro, *clip.others)]
    moves.append(("parallax", 45.0 * float(np.sin(np.radians(yaw)))))
    matrix = head_matrix(place, yaw)
    marks = np.asarray(cv2.perspectiveTransform(face.landmarks[None], matrix)[0], np.float64)
    shown = [(name, strength) for name, strength in moves if strength]
    source = np.asarray(cv2.perspectiveTransform(_grid(), np.linalg.inv(matrix)), np.float32)
    if shown:
        moved = sum(field_of(name) * np.float32(strength) for name, strength in shown)
        source -= cv2.remap(np.asarray(moved, np.float32), source, NO_MAP, cv2.INTER_LINEAR)
    pixels = cv2.remap(face.pixels, source, NO_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(pixels, np.uint8), marks


@once
def _grid() -> Grid:
    """Return the coordinates of all pixels, shape (SIDE, SIDE, 2)."""
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return np.stack([across, down], axis=-1)


def _encode(film: io.BytesIO, frame_rate: float, pictures: Iterator[NDArray[np.uint8]]) -> None:
    import av

    with av.open(film, "w", format="mp4") as container:
        stream: Any = container.add_stream(
            "libx264", rate=round(frame_rate), options={"crf": "21", "preset": "veryfast"}
        )
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for pixels in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode())


def _decode(film: io.BytesIO) -> Iterator[NDArray[np.uint8]]:
    import av

    film.seek(0)
    with av.open(film, "r") as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a clip is drawn from.

    Attributes:
        disturbance: See `MicroClip.disturbance`.
        frame_rate: Frames a second.
        seconds: Its length.
        durations: Durations of micro-movements in seconds, of which each is as likely.
        strengths: Their strengths in percent of the eye distance, of which each is as likely.
    """

    disturbance: str
    frame_rate: float
    seconds: float
    durations: tuple[float, ...] = (0.04, 0.08, 0.15, 0.25, 0.35, 0.5)
    strengths: tuple[float, ...] = (1.0, 1.5, 2.0, 3.0)


FIRST: Final = 1.5
"""Seconds before the first movement: the spotter has seen too little before."""
SHORT: Final = 10.0
"""Seconds under which movements follow one another more closely, so that short clips have several."""
APART: Final = 0.9
"""Seconds from the end of a movement to the next one, at least."""


def draw(plan: Plan, seed: int) -> MicroClip:
    """Return a clip drawn at random; the same for the same seed."""
    chance = np.random.default_rng([seed, round(plan.frame_rate), round(plan.seconds), *plan.disturbance.encode()])
    others = _disturbances(plan, chance)
    micro: list[Move] = []
    spare = 0.3 if plan.seconds < SHORT else 1.0
    time = FIRST + float(chance.uniform(0, spare))
    while time < plan.seconds - 1.6:
        move = _micro(plan, chance, time)
        if not _collides(move, others):
            micro.append(move)
        time = move.offset_s + APART + float(chance.exponential(spare))
    return MicroClip(
        plan.disturbance,
        plan.frame_rate,
        plan.seconds,
        tuple(micro),
        tuple(others),
        _head(plan, chance),
        noise=float(chance.uniform(1.0, 3.0)),
        light=0.08 if plan.disturbance in ("light", "all") else 0.0,
        encoded=plan.disturbance == "h264",
        seed=int(chance.integers(2**31)),
    )


def without_micro(clip: MicroClip) -> MicroClip:
    """Return the same clip without its micro-movements: whatever is spotted in it is a false alarm."""
    return replace(clip, micro=())


def _micro(plan: Plan, chance: np.random.Generator, time: float) -> Move:
    duration = float(chance.choice(plan.durations))
    apex = time + duration * float(chance.uniform(0.35, 0.55))
    return Move(str(chance.choice(MICRO)), float(chance.choice(plan.strengths)), time, apex, time + duration)


def _collides(move: Move, others: list[Move]) -> bool:
    """Return whether a movement lies in or near another that hides it: speech hides only those of the lower face."""
    near = [one for one in others if one.onset_s - 0.3 < move.offset_s and move.onset_s < one.offset_s + 0.3]
    return any(one.name != "jaw" or move.name in LOWER for one in near)


def _disturbances(plan: Plan, chance: np.random.Generator) -> list[Move]:
    kinds = {
        "blinks": ("blink",),
        "speech": ("speech",),
        "macro": ("macro",),
        "all": ("blink", "blink", "speech", "macro"),
        "h264": ("blink", "macro"),
    }.get(plan.disturbance, ())
    moves: list[Move] = []
    time = FIRST + float(chance.uniform(0, 1.5))
    while kinds and time < plan.seconds - 1.0:
        new = _disturbance(str(chance.choice(kinds)), chance, time)
        moves += [move for move in new if move.offset_s < plan.seconds]
        time = new[-1].offset_s + float(chance.uniform(1.2, 3.5))
    return moves


def _disturbance(kind: str, chance: np.random.Generator, time: float) -> list[Move]:
    if kind == "blink":
        duration = float(chance.uniform(0.1, 0.4))
        return [Move("blink", float(chance.uniform(7, 9)), time, time + duration * 0.4, time + duration)]
    if kind == "macro":
        rise, fall = (float(value) for value in chance.uniform(0.35, 1.2, 2))
        name = str(chance.choice(["smile", "brows_up"]))
        return [Move(name, float(chance.uniform(4, 9)), time, time + rise, time + rise + max(fall, 0.8 - rise))]
    syllables = []
    end = time + float(chance.uniform(1.2, 3.5))
    while time < end:
        duration = 1 / float(chance.uniform(3, 6))
        syllables.append(Move("jaw", float(chance.uniform(2, 9)), time, time + duration / 2, time + duration))
        time += duration * float(chance.choice([1.0, 1.0, 1.6]))
    return syllables


def _head(plan: Plan, chance: np.random.Generator) -> HeadPath:
    """Draw how the head moves: everybody sways a little; in ``turns`` and ``all`` it turns and nods as well."""
    sways = [
        (axis, float(chance.uniform(0.2, 1.0) * size), float(chance.uniform(0.1, 0.5)), float(chance.uniform(0, 6.3)))
        for axis, size in enumerate((0.05, 0.05, 0.03, 0.02))
    ]
    turns: list[Move] = []
    if plan.disturbance in ("turns", "all"):
        time = float(chance.uniform(0.5, 2.0))
        while time < plan.seconds - 1:
            rise, stay = float(chance.uniform(0.3, 0.9)), float(chance.uniform(0.5, 1.2))
            yaw = float(chance.uniform(3, 9) * chance.choice([-1, 1]))
            turns.append(Move("parallax", yaw, time, time + rise, time + rise + stay))
            time += rise + stay + float(chance.uniform(0.5, 3))
        sways.append((1, 0.06, float(chance.uniform(0.5, 1.2)), 0.0))
    return HeadPath(tuple(sways), tuple(turns))
