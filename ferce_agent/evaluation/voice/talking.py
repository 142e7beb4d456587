"""Films of faces that talk: the mouth of a portrait opens and closes with a voice, and who speaks is known.

A mouth does not follow the loudness of its voice exactly. In films of real speakers the area between the lips and the
envelope of the voice correlate by 0.4 to 0.8, and the mouth is 0 to 0.2 s ahead (Chandrasekaran et al. 2009, PLoS
Computational Biology 5:e1000436); here noise at the pace of syllables is added until it is about as much.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.evaluation.clips.morphs import GRAIN, Actor, Pull, pulled, with_open_mouth
from ferce_agent.evaluation.clips.moving_faces import portraits
from ferce_agent.evaluation.variants import Pixels
from ferce_agent.evaluation.voice.vowels import FORMANTS, Voice, vowel
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.sound_parts import SOUND_RATE

Samples = NDArray[np.float32]
Curve = NDArray[np.float64]

RATE: Final = 25
"""Frames a second."""
SIDE: Final = 280
"""Width and height in pixels of the part of the picture that a face fills."""
EYES: Final = 56.0
"""Distance of the eyes in it in pixels."""
JAW: Final = (Pull("mouth", (0.0, 0.25), (0.35, 0.25), (0.0, 0.3)), Pull("mouth", (0.0, 0.6), (0.4, 0.25), (0.0, 0.12)))
"""How a mouth that is wide open differs from a closed one: the lower lip and the chin go down."""
GAPE: Final = 0.22
"""Height of a mouth that is wide open, in distances of the eyes."""
CURVE_RATE: Final = 100
"""Values a second of the opening of a mouth."""


@dataclass(frozen=True)
class TalkingFace:
    """A face whose mouth can be opened.

    Attributes:
        actor: The face with its mouth as in the portrait.
    """

    actor: Actor

    @lazy_property
    def _field(self) -> NDArray[np.float32]:
        return pulled(self.actor, JAW)

    def at(self, opening: float) -> Pixels:
        """Return its picture, shape (280, 280, 3), BGR, with the mouth opened by so much, 0 to 1."""
        if opening < 0.01:
            return self.actor.pixels
        down, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
        maps = across + np.float32(opening) * self._field[0], down + np.float32(opening) * self._field[1]
        warped = cv2.remap(self.actor.pixels, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return with_open_mouth(self.actor, np.asarray(warped, np.uint8), GAPE * opening)


def talking_face(number: int, random: np.random.Generator) -> TalkingFace:
    """Return a face of one of the installed portraits, changed a little by chance: mirrored, tilted, lit otherwise.

    Args:
        number: Which portrait; they are taken in turn.
        random: Chance.
    """
    picture, face = portraits()[number % len(portraits())]
    turn = float(random.uniform(-6, 6))
    eyes = face.landmarks[:2]
    scale = EYES * float(random.uniform(0.85, 1.1)) / float(np.hypot(*(eyes[1] - eyes[0])))
    middle = face.landmarks[:2].mean(0)
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), turn, scale)
    matrix[:, 2] += np.array([SIDE / 2, SIDE * 0.42]) - middle
    cut = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    places = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    if random.random() < 0.5:
        cut = np.asarray(cut[:, ::-1])
        places = (places * [-1, 1] + [SIDE - 1, 0])[[1, 0, 2, 4, 3]]
    lit = np.clip(cut.astype(np.float32) * random.uniform(0.75, 1.1), 0, 255).astype(np.uint8)
    return TalkingFace(Actor(np.ascontiguousarray(lit), np.asarray(places, np.float64)))


def envelope(samples: Samples) -> Curve:
    """Return the level of a sound on a scale near the ear's, 0 to 1, 100 values a second.

    Args:
        samples: At 16 kHz.
    """
    step = SOUND_RATE // CURVE_RATE
    count = len(samples) // step
    power = (samples[: count * step].astype(np.float64).reshape(count, step) ** 2).mean(1)
    smooth = np.convolve(power, np.hanning(9) / np.hanning(9).sum(), mode="same") ** 0.3
    return np.asarray(smooth / max(float(np.quantile(smooth, 0.98)), 1e-6)).clip(0, 1)


def paced_noise(count: int, random: np.random.Generator) -> Curve:
    """Return noise between 1.5 and 7 Hz with a standard deviation of 1, 100 values a second."""
    spectrum = np.fft.rfft(random.normal(size=count))
    hertz = np.fft.rfftfreq(count, 1 / CURVE_RATE)
    spectrum[(hertz < 1.5) | (hertz > 7)] = 0
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / max(float(noise.std()), 1e-9))


def spoken_opening(samples: Samples, random: np.random.Generator, noise: float = 0.8) -> Curve:
    """Return how far the mouth of whoever speaks is open, 0 to 1, 100 values a second.

    Args:
        samples: The voice at 16 kHz.
        random: Chance: how far ahead the mouth is, how wide it opens, and what the voice does not tell.
        noise: Standard deviation of what the voice does not tell, in those of what it does.
    """
    loud = envelope(samples)
    speaks = np.convolve(loud > 0.15, np.ones(21) / 21, mode="same")
    ahead = round(float(random.uniform(0.0, 0.15)) * CURVE_RATE)
    led = np.roll(loud, -ahead)
    other = noise * float(led[loud > 0.15].std() if (loud > 0.15).any() else 0) * paced_noise(len(loud), random)
    wide = float(random.uniform(0.35, 0.8))
    return np.asarray(np.clip(wide * (led + speaks * other), 0, 1))


def babble(random: np.random.Generator, seconds: float | None = None) -> Samples:
    """Return syllables made of vowels, 16 kHz, shape (N,): a voice that needs no recordings.

    Args:
        random: Chance: pitch, syllables, and how loud and long they are.
        seconds: How long at least; 1 to 3 s by chance if left out.
    """
    wanted = float(random.uniform(1.0, 3.0)) if seconds is None else seconds
    pitch = float(random.uniform(100, 230))
    parts: list[Samples] = []
    while sum(map(len, parts)) < wanted * SOUND_RATE:
        lasts = float(random.uniform(0.09, 0.28))
        name = str(random.choice(list(FORMANTS)))
        voice = Voice(hertz=pitch * float(random.uniform(0.85, 1.2)), jitter=0.01, shimmer_db=0.3, noise=0.03)
        spoken = vowel(name, lasts, voice, int(random.integers(2**31)))
        shape = np.sin(np.pi * np.arange(len(spoken)) / len(spoken)) ** 0.5 * random.uniform(0.4, 1.0)
        gap = np.zeros(round(float(random.uniform(0.02, 0.1)) * SOUND_RATE), np.float32)
        parts += [np.asarray(spoken * shape, np.float32), gap]
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class TalkingFilm:
    """A film with sound.

    Attributes:
        faces: From left to right.
        openings: How far the mouth of each is open, 100 values a second.
        sound: The voice at 16 kHz, as long as the film.
        seed: Of the camera's noise.
    """

    faces: Sequence[TalkingFace]
    openings: Sequence[Curve]
    sound: Samples
    seed: int = 0

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.sound) / SOUND_RATE

    def frames(self) -> Iterator[Frame]:
        """Yield its pictures."""
        random = np.random.default_rng(self.seed)
        for number in range(int(self.seconds * RATE)):
            place = round(number / RATE * CURVE_RATE)
            parts = [
                face.at(float(opening[min(place, len(opening) - 1)]))
                for face, opening in zip(self.faces, self.openings, strict=True)
            ]
            pixels = np.concatenate(parts, axis=1)
            grain = random.standard_normal(pixels.shape[:2], np.float32)[..., None] * GRAIN
            yield Frame(np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8), number / RATE)


def with_sound(frames: Iterator[Frame], sound: Samples, rate: int = RATE) -> bytes:
    """Return an MP4 of pictures (H.264) and a sound (AAC).

    Args:
        frames: All of one size, `rate` a second from 0 on.
        sound: At 16 kHz.
        rate: Frames a second.
    """
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        video: Any = output.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "qp": "24"})
        audio: Any = output.add_stream("aac", rate=SOUND_RATE, layout="mono")
        video.pix_fmt = "yuv420p"
        for number, one in enumerate(frames):
            height, width = (side // 2 * 2 for side in one.pixels.shape[:2])
            if not number:
                video.width, video.height = width, height
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(one.pixels[:height, :width]), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            output.mux(video.encode(frame))
        output.mux(video.encode())
        heard = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        heard.sample_rate, heard.pts = SOUND_RATE, 0
        output.mux(audio.encode(heard))
        output.mux(audio.encode())
    return buffer.getvalue()
