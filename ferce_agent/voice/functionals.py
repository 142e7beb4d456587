"""Functionals: statistics of an utterance's frames, as many numbers for each however long it is.

Two sets: the plain ones of cepstrum, pitch, periodicity and loudness, which the baseline of `ferce bench voice` uses;
and the rich ones, which add bands, modulation and spectral balance, and which the kernel machine of the voice model
reads. All are independent of the recording's level. An own choice, with numpy alone; no openSMILE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.voice.features import BANDS, VOICED, Samples

CEPSTRA: Final = 20
"""Coefficients of the cosine transform of the log-mel spectrum."""
QUIET_DB: Final = 25.0
"""Frames so far below the utterance's loud ones are pauses."""
COARSE: Final = 32
"""Bands of the rich functionals: pairs of mel bands."""
SPREAD: Final = 8
"""Twice the frames between which the change of a band is taken, which are 40 ms; shorter pieces have none."""
BROAD: Final = 8
"""Broad bands whose modulation is measured."""
MODULATION: Final = ((1.0, 3.0), (3.0, 5.0), (5.0, 8.0), (8.0, 13.0), (13.0, 25.0))
"""Ranges of modulation in Hz; syllables come at about 3 to 8 Hz."""
MODULATION_POINTS: Final = 512
"""Length of the transform of which the modulation is taken: 5.1 s; what is longer is cut off."""
FEW: Final = 2
"""With no more voiced frames than this, all frames are taken for the statistics of voiced ones."""
STEADY_OCTAVES: Final = 0.3
"""A larger step of the pitch between frames is an octave error, or the next voiced part."""
FRAME_S: Final = 0.01
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Parts:
    """An utterance's frames, its level taken out.

    Attributes:
        bands: Shape (T, BANDS), dB against the utterance's level.
        loud: Loudness, shape (T,), likewise.
        octaves: Pitch in octaves over 100 Hz, shape (T,).
        periodic: 0..1, shape (T,).
        speaks: Whether a frame is no pause, shape (T,).
        voiced: Whether it is voiced and no pause, shape (T,).
    """

    bands: Numbers
    loud: Numbers
    octaves: Numbers
    periodic: Numbers
    speaks: NDArray[np.bool_]
    voiced: NDArray[np.bool_]


def _parts(frames: Samples) -> _Parts:
    values = frames.astype(np.float64)
    level = np.percentile(values[:, BANDS], 90)
    loud = values[:, BANDS] - level
    speaks = loud > -QUIET_DB
    voiced = (values[:, -1] >= VOICED) & speaks
    return _Parts(values[:, :BANDS] - level, loud, values[:, -2], values[:, -1], speaks, voiced)


def plain_functionals(frames: Samples) -> Numbers:
    """Return the plain functionals of one utterance, shape (258,).

    Args:
        frames: As of `ferce_agent.voice.features.voice_frames`, shape (T, COLUMNS), T >= 1.
    """
    return _plain(_parts(frames))


def rich_functionals(frames: Samples) -> Numbers:
    """Return the plain functionals and further ones, shape (549,).

    Args:
        frames: As of `ferce_agent.voice.features.voice_frames`, shape (T, COLUMNS), T >= 1.
    """
    parts = _parts(frames)
    coarse = parts.bands.reshape(len(parts.bands), COARSE, -1).mean(2)
    return np.concatenate([_plain(parts), _band_statistics(coarse, parts), _modulation(parts), _shape(coarse, parts)])


def _plain(parts: _Parts) -> Numbers:
    cosine = np.cos(np.pi / BANDS * (np.arange(BANDS) + 0.5)[:, None] * np.arange(CEPSTRA))
    cepstra = parts.bands @ cosine / BANDS
    cepstra[:, 0] = parts.loud
    change = np.gradient(cepstra, axis=0) if len(cepstra) > 1 else np.zeros_like(cepstra)
    spoken = cepstra[parts.voiced] if parts.voiced.any() else cepstra
    tables = [_statistics(cepstra), _statistics(change), spoken.mean(0), spoken.std(0)]
    return np.concatenate([*tables, _pitch(parts.octaves, parts.voiced), _rhythm(parts)])


def _statistics(series: Numbers) -> Numbers:
    return np.concatenate([series.mean(0), series.std(0), *np.percentile(series, [10, 50, 90], axis=0)])


def _pitch(octaves: Numbers, voiced: NDArray[np.bool_]) -> Numbers:
    """Return statistics of the pitch, and of its change from frame to frame, shape (11,)."""
    heard = octaves[voiced] if voiced.sum() > 1 else np.zeros(2)
    steps = np.diff(heard)
    steady = steps[np.abs(steps) < STEADY_OCTAVES]
    steps = steady if len(steady) else np.zeros(1)
    spread = [heard.mean(), heard.std(), np.ptp(heard), np.abs(steps).mean(), steps.mean(), steps.std()]
    return np.concatenate([spread, np.percentile(heard, [5, 20, 50, 80, 95])])


def _rhythm(parts: _Parts) -> Numbers:
    """Return shares and lengths of voiced parts, the share of pauses, how periodic voiced frames are; shape (7,)."""
    voiced = parts.voiced
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voiced.astype(int), [0]])))
    lengths = edges[1::2] - edges[::2] if len(edges) else np.zeros(1)
    inside = parts.periodic[voiced] if voiced.any() else np.zeros(1)
    spoken = [voiced.mean(), len(lengths) / len(voiced), lengths.mean(), lengths.std()]
    return np.array([*spoken, 1 - parts.speaks.mean(), inside.mean(), inside.std()])


def _voiced(series: Numbers, parts: _Parts) -> Numbers:
    return series[parts.voiced] if parts.voiced.sum() > FEW else series


def _band_statistics(coarse: Numbers, parts: _Parts) -> Numbers:
    """Return level, spread and change of the coarse bands, shape (7 * COARSE,)."""
    change = coarse[SPREAD // 2 :] - coarse[: -SPREAD // 2] if len(coarse) > SPREAD else np.zeros((1, COARSE))
    heard = _voiced(coarse, parts)
    levels = np.percentile(coarse, [20, 80, 95], axis=0).ravel()
    return np.concatenate([heard.mean(0), heard.std(0), np.abs(change).mean(0), change.std(0), levels])


def _modulation(parts: _Parts) -> Numbers:
    """Return how strongly broad bands, loudness and pitch move at several rates, shape (5 * (BROAD + 2),)."""
    broad = parts.bands.reshape(len(parts.bands), BROAD, -1).mean(2)
    series = np.column_stack([broad, parts.loud, parts.octaves * parts.voiced])
    series = (series - series.mean(0)) * np.hanning(len(series))[:, None]
    spectrum = np.abs(np.fft.rfft(series, MODULATION_POINTS, axis=0)) / np.sqrt(len(series))
    hertz = np.fft.rfftfreq(MODULATION_POINTS, FRAME_S)
    strength = [spectrum[(hertz >= low) & (hertz < high)].mean(0) for low, high in MODULATION]
    return np.log(np.concatenate(strength) + 1e-3)


def _shape(coarse: Numbers, parts: _Parts) -> Numbers:
    """Return statistics of the spectrum's centre of mass, and pitch and loudness by thirds, shape (17,)."""
    power = 10.0 ** (coarse / 10.0)
    centre = _voiced((power * np.linspace(0, 1, COARSE)).sum(1) / power.sum(1), parts)
    enough = parts.voiced.sum() > FEW + 3
    pitch, loud = ((one[parts.voiced] if enough else np.zeros(6)) for one in (parts.octaves, parts.loud))
    thirds = [*np.array_split(pitch, 3), *np.array_split(loud, 3)]
    moments = [one.mean() for one in thirds] + [one.std() for one in thirds]
    return np.array([centre.mean(), centre.std(), *np.percentile(centre, [10, 50, 90]), *moments])
