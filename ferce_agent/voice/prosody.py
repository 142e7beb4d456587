"""How something is said: pitch, loudness, voice quality, resonances, spectrum and timing, in numbers with units.

The quantities are those of the extended Geneva Minimalistic Acoustic Parameter Set (F. Eyben et al., "The Geneva
Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research and Affective Computing", IEEE Transactions on Affective
Computing 7(2), 2016), computed anew with numpy and scipy; the numbers are close to those of other programs and not
equal to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SoundShapeError
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.voice.cycles import cycle_measures, runs_of
from ferce_agent.voice.formants import formants
from ferce_agent.voice.frames import HOP_S
from ferce_agent.voice.harmonics import Harmonics, harmonics
from ferce_agent.voice.pitch import PitchTrack, pitch_track
from ferce_agent.voice.spectra import SpectralTrack, spectral_track

SEMITONE_ZERO_HZ: Final = 27.5
"""Pitch in semitones counts from here, the lowest A of a piano, as in GeMAPS."""
PAUSE_S: Final = 0.3
"""Shortest silence between speech that counts as a pause (N. de Jong and T. Wempe, Behav. Res. Methods 41, 2009)."""
PAUSE_DB: Final = 25.0
"""A frame so much below the loud ones (95th percentile) is silent (de Jong and Wempe 2009)."""
SILENT_DBFS: Final = -70.0
"""Frames below this are silent in any case."""
LEAST_VOICED: Final = 10
"""Fewer voiced frames than this, 0.1 s, tell nothing of the voice."""
SMOOTH: Final = 5
"""Frames over which loudness is averaged before its peaks are counted."""


@dataclass(frozen=True, slots=True)
class ProsodyTrack:
    """Measures for each 10 ms; the middle of frame k lies at `first_s` + (k + 0.5) · 0.01 s.

    Attributes:
        first_s: Where the sound begins, in seconds.
        pitch: Pitch in hertz and strength of voicing.
        spectra: Level, loudness, balance, slopes, cepstrum.
        formants: Shape (T, 3, 2): frequency and bandwidth in hertz; NaN where there is none.
        harmonics: Levels of single harmonics.
    """

    first_s: float
    pitch: PitchTrack
    spectra: SpectralTrack
    formants: NDArray[np.float64]
    harmonics: Harmonics

    @property
    def times(self) -> NDArray[np.float64]:
        """Middle of each frame in seconds, shape (T,)."""
        return np.asarray(self.first_s + (np.arange(len(self.pitch.hertz)) + 0.5) * HOP_S, np.float64)

    @property
    def semitones(self) -> NDArray[np.float64]:
        """Pitch in semitones above 27.5 Hz, shape (T,); NaN where unvoiced."""
        voiced = self.pitch.voiced
        octaves = np.log2(np.where(voiced, self.pitch.hertz, 1.0) / SEMITONE_ZERO_HZ)
        return np.asarray(np.where(voiced, 12 * octaves, np.nan), np.float64)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a quantity is distributed over frames.

    Attributes:
        mean: Mean.
        deviation: Standard deviation, in the quantity's unit.
        low: 20th percentile.
        middle: Median.
        high: 80th percentile.
        rising: Mean slope of rising parts, in units a second; None if there is none.
        falling: Mean slope of falling parts, negative; None if there is none.
    """

    mean: float
    deviation: float
    low: float
    middle: float
    high: float
    rising: float | None
    falling: float | None


@dataclass(frozen=True, slots=True)
class Timing:
    """Rate, voiced parts and pauses.

    Attributes:
        loudness_peaks: Peaks of loudness a second, near the rate of syllables.
        voiced_segments: Voiced stretches a second.
        voiced_s: Mean length of voiced stretches in seconds; 0 if there is none.
        voiced_deviation_s: Standard deviation of these lengths.
        unvoiced_s: Mean length of the stretches between them, pauses included.
        unvoiced_deviation_s: Standard deviation of these lengths.
        voiced_share: Share of frames that are voiced, from 0 to 1.
        pauses: Silences of at least 0.3 s between speech, how many.
        pause_share: Their share of the time from the first to the last speech, from 0 to 1.
        pause_s: Their mean length in seconds; None if there is none.
    """

    loudness_peaks: float
    voiced_segments: float
    voiced_s: float
    voiced_deviation_s: float
    unvoiced_s: float
    unvoiced_deviation_s: float
    voiced_share: float
    pauses: int
    pause_share: float
    pause_s: float | None


@dataclass(frozen=True, slots=True)
class Balance:
    """Means of the spectral measures over frames of one kind; units as in `SpectralTrack`.

    Attributes:
        alpha_db: Alpha ratio in dB; smaller (more high tones) with effort and arousal.
        hammarberg_db: Hammarberg index in dB; smaller with effort.
        slope_low: Slope from 0 to 500 Hz, dB per 100 Hz.
        slope_middle: Slope from 500 to 1,500 Hz, dB per 100 Hz.
        mfcc: Cepstral coefficients 1 to 4.
        flux: Spectral flux, from 0 to the square root of 2.
    """

    alpha_db: float
    hammarberg_db: float
    slope_low: float
    slope_middle: float
    mfcc: tuple[float, float, float, float]
    flux: float


@dataclass(frozen=True, slots=True)
class Formant:
    """A resonance over the voiced frames in which it was found.

    Attributes:
        hertz: Mean frequency.
        deviation_hz: Standard deviation of it.
        bandwidth_hz: Mean bandwidth.
        share: Share of the voiced frames in which it was found.
        level_db: Mean level of the strongest harmonic at it over the first harmonic, dB.
    """

    hertz: float
    deviation_hz: float
    bandwidth_hz: float
    share: float
    level_db: float


@dataclass(frozen=True, slots=True)
class Prosody:
    """Measures of a stretch of sound; None where there was too little to measure.

    Attributes:
        from_s: Where it begins, in seconds.
        to_s: Where it ends.
        pitch: Semitones above 27.5 Hz, over voiced frames.
        loudness: Loudness as in `SpectralTrack`, over all frames.
        level_db: Level of the mean square of all frames, dB of full scale.
        jitter: Mean difference of neighbouring cycles' lengths, a share (0.01 is 1 %).
        shimmer_db: Mean difference of neighbouring cycles' heights, dB.
        hnr_db: Mean harmonics-to-noise ratio over voiced frames, dB.
        h1_h2_db: Mean level of the first harmonic over the second in voiced frames, dB.
        h1_a3_db: Mean level of the first harmonic over the strongest one at F3, dB; None without F3.
        formants: F1, F2 and F3; None for one found in less than a tenth of the voiced frames.
        voiced: Spectral measures of voiced frames.
        unvoiced: Spectral measures of unvoiced frames that are not silent.
        timing: Rate, voiced parts and pauses.
    """

    from_s: float
    to_s: float
    pitch: Spread | None
    loudness: Spread | None
    level_db: float | None
    jitter: float | None
    shimmer_db: float | None
    hnr_db: float | None
    h1_h2_db: float | None
    h1_a3_db: float | None
    formants: tuple[Formant | None, Formant | None, Formant | None]
    voiced: Balance | None
    unvoiced: Balance | None
    timing: Timing | None


def prosody_track(sound: Sound) -> ProsodyTrack:
    """Return the measures of each 10 ms.

    Raises:
        SoundShapeError: The sound has another rate than 16 kHz.
    """
    if sound.rate != SOUND_RATE:
        raise SoundShapeError(f"The sound has {sound.rate:,} samples a second, not {SOUND_RATE:,}.", hint="read_sound.")
    pitch = pitch_track(sound.samples)
    spectra = spectral_track(sound.samples)
    resonances = formants(sound.samples, pitch.voiced)
    levels = harmonics(sound.samples, np.where(pitch.voiced, pitch.hertz, np.nan), resonances[:, :, 0])
    return ProsodyTrack(sound.first_s, pitch, spectra, resonances, levels)


def prosody(sound: Sound, track: ProsodyTrack | None = None) -> Prosody:
    """Return the measures of a stretch of sound as a whole.

    Args:
        sound: At 16 kHz; a turn of speech is a good stretch.
        track: Of the same sound, if it is there already.

    Raises:
        SoundShapeError: The sound has another rate than 16 kHz.
    """
    found = prosody_track(sound) if track is None else track
    spectra, voiced = found.spectra, found.pitch.voiced
    cycles = cycle_measures(sound.samples, found.pitch)
    enough = int(voiced.sum()) >= LEAST_VOICED
    speaks = _speaks(spectra.level_db) | voiced
    return Prosody(
        from_s=sound.first_s,
        to_s=sound.end_s,
        pitch=_spread(found.semitones) if enough else None,
        loudness=_spread(spectra.loudness) if len(voiced) else None,
        level_db=float(10 * np.log10((10 ** (spectra.level_db / 10)).mean())) if len(voiced) else None,
        jitter=cycles.jitter,
        shimmer_db=cycles.shimmer_db,
        hnr_db=float(found.pitch.hnr_db[voiced].mean()) if enough else None,
        h1_h2_db=_mean(found.harmonics.h1_h2_db[voiced]) if enough else None,
        h1_a3_db=_mean(found.harmonics.h1_a3_db[voiced]) if enough else None,
        formants=_formants(found, voiced) if enough else (None, None, None),
        voiced=_balance(spectra, voiced),
        unvoiced=_balance(spectra, speaks & ~voiced),
        timing=_timing(found, speaks) if len(voiced) else None,
    )


def _speaks(level_db: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which frames are not silent."""
    if not len(level_db):
        return np.zeros(0, bool)
    return level_db > max(float(np.percentile(level_db, 95)) - PAUSE_DB, SILENT_DBFS)


def _spread(values: NDArray[np.float64]) -> Spread:
    """Return how a quantity is distributed; NaN interrupts its course."""
    steps = np.diff(values) / HOP_S
    known = values[np.isfinite(values)]
    low, middle, high = np.percentile(known, [20, 50, 80]).tolist()
    up, down = steps[steps > 0], steps[steps < 0]
    return Spread(
        float(known.mean()),
        float(known.std()),
        low,
        middle,
        high,
        float(up.mean()) if len(up) else None,
        float(down.mean()) if len(down) else None,
    )


def _balance(spectra: SpectralTrack, chosen: NDArray[np.bool_]) -> Balance | None:
    if int(chosen.sum()) < LEAST_VOICED:
        return None
    first, second, third, fourth = spectra.mfcc[chosen].mean(0).tolist()
    return Balance(
        float(spectra.alpha_db[chosen].mean()),
        float(spectra.hammarberg_db[chosen].mean()),
        float(spectra.slope_low[chosen].mean()),
        float(spectra.slope_middle[chosen].mean()),
        (first, second, third, fourth),
        float(spectra.flux[chosen].mean()),
    )


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) >= max(len(values) / 10, 1) else None


def _formants(found: ProsodyTrack, voiced: NDArray[np.bool_]) -> tuple[Formant | None, Formant | None, Formant | None]:
    resonances, levels = found.formants[voiced], found.harmonics.formants_db[voiced]
    one, two, three = (_formant(resonances[:, index], levels[:, index]) for index in range(3))
    return one, two, three


def _formant(found: NDArray[np.float64], levels: NDArray[np.float64]) -> Formant | None:
    there = np.isfinite(found[:, 0])
    known = found[there]
    if len(known) < max(len(found) / 10, 1):
        return None
    hertz, width = known[:, 0], known[:, 1]
    share, level = len(known) / len(found), float(levels[there].mean())
    return Formant(float(hertz.mean()), float(hertz.std()), float(width.mean()), share, level)


def _timing(track: ProsodyTrack, speaks: NDArray[np.bool_]) -> Timing:
    voiced = track.pitch.voiced
    seconds = len(voiced) * HOP_S
    voiced_s = _lengths(runs_of(voiced))
    unvoiced_s = _lengths(runs_of(~voiced))
    spoken = np.flatnonzero(speaks)
    inside = ~speaks[spoken[0] : spoken[-1] + 1] if len(spoken) else np.zeros(0, bool)
    pauses = _lengths(runs_of(inside))
    pauses = pauses[pauses >= PAUSE_S - 1e-9]
    return Timing(
        loudness_peaks=_peaks(track.spectra.loudness) / seconds,
        voiced_segments=len(voiced_s) / seconds,
        voiced_s=float(voiced_s.mean()) if len(voiced_s) else 0.0,
        voiced_deviation_s=float(voiced_s.std()) if len(voiced_s) else 0.0,
        unvoiced_s=float(unvoiced_s.mean()) if len(unvoiced_s) else 0.0,
        unvoiced_deviation_s=float(unvoiced_s.std()) if len(unvoiced_s) else 0.0,
        voiced_share=float(voiced.mean()),
        pauses=len(pauses),
        pause_share=float(pauses.sum() / (len(inside) * HOP_S)) if len(inside) else 0.0,
        pause_s=float(pauses.mean()) if len(pauses) else None,
    )


def _lengths(runs: list[tuple[int, int]]) -> NDArray[np.float64]:
    return np.array([(end - begin) * HOP_S for begin, end in runs])


def _peaks(loudness: NDArray[np.float64]) -> int:
    """Count the peaks of loudness that stand out by a tenth of its range."""
    from scipy.signal import find_peaks

    smooth = np.convolve(loudness, np.full(SMOOTH, 1 / SMOOTH), "same")
    height = float(np.ptp(smooth)) if len(smooth) else 0.0
    return len(find_peaks(smooth, prominence=0.1 * height)[0]) if height > 1e-6 else 0
