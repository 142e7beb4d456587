"""Generated clips of up to eight faces that move, cross, leave and come back, with true boxes and identities.

Heads are cut out of the public-domain portraits that come with packages, changed (mirrored, stretched, lit otherwise)
and drawn at parts of a pixel over pictures that show nobody. A face's true box is the detector's box in the portrait,
moved along; how much of it can be seen is counted from what was drawn over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.evaluation.gates.scenes import background, package_picture
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.evaluation.variants import Pixels, seeded
from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.inputs.frames import Frame

WIDTH: Final = 640
HEIGHT: Final = 480
RATE: Final = 25.0
"""Frames a second."""
SECONDS: Final = 6.0
"""How long a clip is."""
SEEN: Final = 0.5
"""From this visible share on a face is to be followed."""
HINTED: Final = 0.15
"""Under this share it counts as not there; in between it may be followed or not."""
ABSENT_S: Final = 1.0
"""A face that was away for longer is another one: nobody is recognised."""
PORTRAITS: Final = {"matplotlib": "mpl-data/sample_data/grace_hopper.jpg"}
"""Portraits by package, besides the one of this package."""
SIDE: Final = 320
"""Side in pixels of a head as it is kept."""
FACE: Final = 130.0
"""Longer side of the face's box in it."""

Path = Callable[[float], tuple[float, float]]
"""From a time in seconds to the middle of a face's box, in pixels."""


@dataclass(frozen=True, slots=True)
class Head:
    """A head that was cut out.

    Attributes:
        pixels: BGR, shape (320, 320, 3).
        mask: How much of each pixel is head, 0..1, shape (320, 320).
        box: Width and height of the face's box, whose middle is that of the picture, in its pixels.
    """

    pixels: Pixels
    mask: NDArray[np.float32]
    box: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Actor:
    """A head on its way through a clip.

    Attributes:
        head: What it looks like.
        path: Where the middle of its face is.
        size: Longer side of its box in pixels at a time.
        sway: Degrees by which it leans to both sides, once in two seconds.
    """

    head: Head
    path: Path
    size: Callable[[float], float]
    sway: float = 0.0


@dataclass(frozen=True, slots=True)
class TrueFace:
    """Where a face truly is in a frame.

    Attributes:
        identity: Which face; another one after it was away for more than a second, and after a cut.
        box: x, y, width, height in pixels, shape (4,).
        visible: Share of the face that can be seen, 0..1.
        touched: Whether another face's box overlaps with its own.
    """

    identity: int
    box: NDArray[np.float64]
    visible: float
    touched: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene of a clip.

    Attributes:
        actors: From the back to the front.
        ground: The picture behind them, BGR; larger than the frame where the camera moves.
        camera: Shift of the camera at a time, in pixels.
        light: Factor of all levels at a time.
        post: x and width of an upright bar in front of everything, in pixels; None for none.
    """

    actors: tuple[Actor, ...]
    ground: Pixels
    camera: Path = lambda _: (0.0, 0.0)
    light: Callable[[float], float] = lambda _: 1.0
    post: tuple[int, int] | None = None


@dataclass(slots=True)
class MovingClip:
    """A generated clip.

    Attributes:
        kind: Which of `KINDS`.
        scenes: One after the other, equally long.
        noise: Seed of the sensor's noise.
        rate: Frames a second.
        seconds: How long it is.
    """

    kind: str
    scenes: tuple[Scene, ...]
    noise: int
    rate: float = RATE
    seconds: float = SECONDS
    _identities: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)

    def frames(self) -> Iterator[tuple[Frame, list[TrueFace]]]:
        """Yield every frame with the faces that are in it; one pass at a time."""
        rng = np.random.default_rng(self.noise)
        grain = rng.normal(128, 3.0, (HEIGHT + 64, WIDTH + 64, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
        self._identities.clear()
        for index in range(round(self.seconds * self.rate)):
            time = index / self.rate
            number = min(int(time / self.seconds * len(self.scenes)), len(self.scenes) - 1)
            pixels, faces = _drawn(self.scenes[number], time)
            top, left = (int(value) for value in rng.integers(0, 64, 2))
            here = grain[top : top + HEIGHT, left : left + WIDTH]
            noisy = np.asarray(cv2.addWeighted(pixels, 1.0, here, 1.0, -128.0), np.uint8)
            yield Frame(noisy, time), self._named(number, time, faces)

    def _named(
        self, scene: int, time: float, faces: Sequence[tuple[int, NDArray[np.float64], float]]
    ) -> list[TrueFace]:
        """Give the faces that can be seen their identities."""
        seen = [one for one in faces if one[2] >= HINTED]
        named = []
        for actor, box, visible in seen:
            identity, last = self._identities.get((scene, actor), (0, -np.inf))
            if time - last > ABSENT_S + 0.5 / self.rate:
                identity = 1 + max((known for known, _ in self._identities.values()), default=0)
                self._identities[scene, actor] = (identity, time)
            if visible >= SEEN:
                self._identities[scene, actor] = (identity, time)
            touched = any(other is not box and _overlap(box, other) for _, other, _ in seen)
            named.append(TrueFace(identity, box, visible, touched))
        return named


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool((np.minimum(one[:2] + one[2:], other[:2] + other[2:]) > np.maximum(one[:2], other[:2])).all())


def _drawn(scene: Scene, time: float) -> tuple[Pixels, list[tuple[int, NDArray[np.float64], float]]]:
    """Return a scene at a time, and of each actor its place, its true box and the share of it that can be seen."""
    shift = np.array(scene.camera(time))
    canvas = _ground(scene.ground, shift)
    owner = np.full((HEIGHT, WIDTH), -1, np.int8)
    boxes, wholes = [], []
    for place, actor in enumerate(scene.actors):
        box = _box(actor, time, shift)
        _draw(canvas, actor, box, time)
        axes = (max(round(float(box[2]) / 2), 1), max(round(float(box[3]) / 2), 1))
        middle = (round(float(box[0] + box[2] / 2)), round(float(box[1] + box[3] / 2)))
        cv2.ellipse(owner, middle, axes, 0, 0, 360, place, -1)
        boxes.append(box)
        wholes.append(np.pi * axes[0] * axes[1])
    if scene.post is not None:
        left, wide = scene.post
        canvas[:, left : left + wide] = (60, 70, 65)
        owner[:, left : left + wide] = -1
    found = [
        (place, box, min(float((owner == place).sum()) / whole, 1.0))
        for place, (box, whole) in enumerate(zip(boxes, wholes, strict=True))
    ]
    return np.asarray(cv2.convertScaleAbs(canvas, alpha=scene.light(time)), np.uint8), found


def _ground(picture: Pixels, shift: NDArray[np.float64]) -> Pixels:
    """Return the part of the picture behind that the camera shows."""
    room = np.array([picture.shape[1] - WIDTH, picture.shape[0] - HEIGHT])
    corner = room / 2 - shift
    matrix = np.array([[1.0, 0.0, -corner[0]], [0.0, 1.0, -corner[1]]])
    return np.asarray(cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT), np.uint8)


def _box(actor: Actor, time: float, shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the true box of an actor's face in the frame."""
    size = np.array(actor.head.box) * actor.size(time) / max(actor.head.box)
    return np.concatenate([np.array(actor.path(time)) + shift - size / 2, size])


def _draw(canvas: Pixels, actor: Actor, box: NDArray[np.float64], time: float) -> None:
    """Draw a head over a frame, in the part of the frame that it fills."""
    middle, half = box[:2] + box[2:] / 2, float(box[2:].max()) * 0.8
    low = np.maximum(np.floor(middle - half), 0).astype(int)
    high = np.minimum(np.ceil(middle + half), (WIDTH, HEIGHT)).astype(int)
    if (high <= low).any():
        return
    factor = float(box[2:].max()) / max(actor.head.box)
    angle = actor.sway * np.sin(np.pi * time)
    matrix = cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), -angle, factor)
    matrix[:, 2] += middle - 0.5 - (SIDE - 1) / 2 - low
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    mask = cv2.warpAffine(actor.head.mask, matrix, size)[..., None]
    head = cv2.warpAffine(actor.head.pixels, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = np.rint(part + mask * (head - part.astype(np.float32)))


@once
def portraits() -> tuple[tuple[Pixels, DetectedFace], ...]:
    """Return the portraits that are installed, each with its largest face."""
    own = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    others = (package_picture(package, name) for package, name in PORTRAITS.items())
    pictures = [own, *(picture for picture in others if picture is not None)]
    detector = FaceDetector()
    return tuple((picture, detector.detect(picture)[0]) for picture in pictures)


def make_head(rng: Generator) -> Head:
    """Return a head cut out of some portrait, changed by chance: mirrored, stretched, lit otherwise."""
    pictures = portraits()
    picture, face = pictures[int(rng.integers(len(pictures)))]
    zoom = FACE / float(face.box[2:].max())
    stretch = np.array([rng.uniform(0.9, 1.1) * rng.choice([-1.0, 1.0]), 1.0])
    turn = np.diag(zoom * stretch)
    middle = face.box[:2] + face.box[2:] / 2
    matrix = np.column_stack([turn, SIDE / 2 - turn @ middle])
    cut = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lit = cut.astype(np.float32) * rng.uniform(0.65, 1.1) * rng.uniform(0.9, 1.1, 3).astype(np.float32)
    box = np.abs(stretch) * zoom * face.box[2:]
    return Head(np.clip(lit, 0, 255).astype(np.uint8), _head_mask(box), (float(box[0]), float(box[1])))


def _head_mask(box: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the mask of a head around a face's box in the middle: an ellipse with a soft border."""
    places = np.arange(SIDE) + 0.5 - SIDE / 2
    across, down = places / (0.72 * box[0]), (places + 0.04 * box[1]) / (0.7 * box[1])
    radius = np.sqrt(across[None] ** 2 + down[:, None] ** 2)
    return np.asarray(np.clip((1.04 - radius) / 0.08, 0, 1), np.float32)


def _straight(start: tuple[float, float], velocity: tuple[float, float]) -> Path:
    return lambda time: (start[0] + velocity[0] * time, start[1] + velocity[1] * time)


def _around(middle: tuple[float, float], reach: tuple[float, float], phase: float, period: float) -> Path:
    return lambda time: (
        middle[0] + reach[0] * float(np.sin(2 * np.pi * time / period + phase)),
        middle[1] + reach[1] * float(np.cos(2 * np.pi * time / period + phase)),
    )


def _fixed(size: float) -> Callable[[float], float]:
    return lambda _: size


def apart(rng: Generator) -> tuple[Scene, ...]:
    """Eight faces, each on a round of its own, that never touch."""
    actors = []
    for cell in range(8):
        middle = (80 + 160 * (cell % 4), 125 + 230 * (cell // 4))
        path = _around(middle, (28, 40), rng.uniform(0, 6), rng.uniform(1.8, 3.5))
        actors.append(Actor(make_head(rng), path, _fixed(rng.uniform(75, 95)), rng.uniform(0, 12)))
    return (Scene(tuple(actors), background(rng)),)


def crossing(rng: Generator) -> tuple[Scene, ...]:
    """Two pairs of faces that pass, one in front of the other."""
    actors = []
    for row in range(2):
        for side in (1, -1):
            speed = rng.uniform(80, 110)
            start = (320 - side * speed * rng.uniform(2.4, 3.2), 130 + 225 * row + rng.uniform(-12, 12))
            path = _straight(start, (side * speed, rng.uniform(-4, 4)))
            actors.append(Actor(make_head(rng), path, _fixed(rng.uniform(95, 125)), rng.uniform(0, 8)))
    return (Scene(tuple(actors), background(rng)),)


def touching(rng: Generator) -> tuple[Scene, ...]:
    """Two faces that lean towards each other until their boxes touch, and go back; a third one apart."""
    reach = rng.uniform(56, 66)
    period = rng.uniform(2.5, 4)
    left = _around((225, 240), (reach, 6), 0.0, period)
    right = _around((415, 240), (-reach, 6), 0.0, period)
    paths = left, right, _around((80, 110), (20, 20), 1.0, 3.0)
    return (Scene(tuple(Actor(make_head(rng), path, _fixed(110), 6) for path in paths), background(rng)),)


def leaving(rng: Generator) -> tuple[Scene, ...]:
    """A face that leaves at the left edge and comes back late, one that does so early at the right, one that stays."""
    late, early = rng.uniform(1.8, 2.4), rng.uniform(0.15, 0.3)

    def out_and_back(home: float, edge: float, away: float) -> Path:
        out = 2.0 + away

        def path(time: float) -> tuple[float, float]:
            share = np.interp(time, [0.8, 2.0, out, out + 1.2], [0.0, 1.0, 1.0, 0.0])
            return home + (edge - home) * float(share), 150.0 if edge < 0 else 330.0

        return path

    paths = out_and_back(170, -75, late), out_and_back(500, WIDTH + 35, early), _around((330, 200), (40, 30), 0.0, 3.0)
    return (Scene(tuple(Actor(make_head(rng), path, _fixed(110), 5) for path in paths), background(rng)),)


def behind(rng: Generator) -> tuple[Scene, ...]:
    """Two faces that pass behind a post one after the other, out of sight for about half a second."""
    paths = _straight((70, 130), (rng.uniform(120, 140), 0)), _straight((580, 340), (-rng.uniform(120, 140), 0))
    actors = tuple(Actor(make_head(rng), path, _fixed(100), 4) for path in paths)
    return (Scene(actors, background(rng), post=(290, int(rng.uniform(60, 90)))),)


def cut(rng: Generator) -> tuple[Scene, ...]:
    """Three scenes with one to three faces each, at places that overlap from scene to scene."""
    scenes = []
    for count in rng.permutation([1, 2, 3]):
        actors = [
            Actor(
                make_head(rng),
                _around((130 + 190 * place, 240 + rng.uniform(-40, 40)), (20, 20), rng.uniform(0, 6), 2.5),
                _fixed(rng.uniform(100, 150)),
                6,
            )
            for place in range(int(count))
        ]
        scenes.append(Scene(tuple(actors), background(rng)))
    return tuple(scenes)


def panned(rng: Generator) -> tuple[Scene, ...]:
    """Three faces before a camera that swings from side to side, with two flashes of light."""
    ground = background(rng, WIDTH + 280, HEIGHT + 80)
    speed = rng.uniform(1.6, 2.4)

    def camera(time: float) -> tuple[float, float]:
        return 110 * float(np.sin(speed * time)), 20 * float(np.sin(1.3 * time))

    def light(time: float) -> float:
        return 2.2 if any(0 <= time - flash < 0.1 for flash in (1.5, 4.0)) else 1.0

    actors = [
        Actor(make_head(rng), _around((190 + 130 * place, 220), (8, 20), place, 3.0), _fixed(95), 6)
        for place in range(3)
    ]
    return (Scene(tuple(actors), ground, camera, light),)


def nearing(rng: Generator) -> tuple[Scene, ...]:
    """Two faces of which one comes nearer, to three times its size, and one goes away."""

    def grows(time: float) -> float:
        return 60 * 3 ** (time / SECONDS)

    def shrinks(time: float) -> float:
        return 180 * 3 ** (-time / SECONDS)

    paths = _around((170, 240), (20, 30), 0.0, 3.0), _around((470, 240), (20, 30), 2.0, 3.0)
    return (
        Scene(
            tuple(Actor(make_head(rng), path, size, 6) for path, size in zip(paths, (grows, shrinks), strict=True)),
            background(rng),
        ),
    )


KINDS: Final[dict[str, Callable[[Generator], tuple[Scene, ...]]]] = {
    "apart": apart,
    "crossing": crossing,
    "touching": touching,
    "leaving": leaving,
    "behind": behind,
    "cut": cut,
    "panned": panned,
    "nearing": nearing,
}
"""What happens in a clip, by name."""


def moving_clip(kind: str, number: int, seed: int = 0, rate: float = RATE) -> MovingClip:
    """Return a clip; the same for the same arguments.

    Args:
        kind: One of `KINDS`.
        number: Which of the clips of that kind.
        seed: Seed of everything.
        rate: Frames a second.

    Raises:
        KeyError: There is no such kind.
    """
    rng = seeded(seed, "moving faces", kind, str(number))
    return MovingClip(kind, KINDS[kind](rng), int(rng.integers(2**31)), rate)
