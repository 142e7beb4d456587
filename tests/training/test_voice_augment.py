from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from ferce_agent.training import voice_augment as spoil
from ferce_agent.training.voice_augment import Harm
from ferce_agent.voice.features import RATE, Samples


def spoken(seed: int = 0, seconds: float = 1.0) -> Samples:
    """Bursts of a harmonic tone."""
    times = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 150 * k * times) / k for k in range(1, 20))
    swell = np.sin(2 * np.pi * 3 * times + seed) > 0
    return (0.2 * np.asarray(voice) * swell).astype(np.float32)


def level(samples: Samples, low: float, high: float) -> float:
    """Energy of a band in dB."""
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(10 * np.log10(power[(hertz >= low) & (hertz < high)].mean() + 1e-12))


@pytest.mark.parametrize(("colour", "slope"), [("white", 0.0), ("pink", -3.0), ("brown", -6.0), ("blue", 3.0)])
def test_noise_falls_as_its_colour_says(colour: str, slope: float) -> None:
    noise = spoil.coloured_noise(4 * RATE, colour, np.random.default_rng(1))
    per_octave = (level(noise, 2000, 4000) - level(noise, 250, 500)) / 3
    assert per_octave == pytest.approx(slope, abs=0.4)
    assert noise.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("snr", [20.0, 0.0])
def test_noise_is_so_far_below_the_speech(snr: float) -> None:
    sound = spoken()
    noisy = spoil.add_noise(sound, spoil.coloured_noise(len(sound), "white", np.random.default_rng(2)), snr)
    assert 20 * np.log10(sound.std() / (noisy - sound).std()) == pytest.approx(snr, abs=0.1)


def test_babble_is_made_of_the_given_voices_only() -> None:
    one = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    mixed = spoil.babble([one], 2 * RATE, np.random.default_rng(3))
    assert level(mixed, 400, 480) - level(mixed, 1000, 4000) > 25


def test_a_room_fades_after_the_sound() -> None:
    click = np.zeros(RATE, np.float32)
    click[100] = 1.0
    heard = spoil.room(click, 0.6, 3.0, np.random.default_rng(4))
    energy = [float((heard[a : a + 1600] ** 2).sum()) for a in (200, 3200, 6400)]
    assert heard[100] == pytest.approx(1, abs=1e-3)
    assert energy[0] > 10 * energy[1] > 100 * energy[2] * 0.5
    assert 10 * np.log10(1 / (heard[101:] ** 2).sum()) == pytest.approx(3, abs=0.5)


def test_a_telephone_line_has_its_band() -> None:
    noise = spoil.coloured_noise(2 * RATE, "white", np.random.default_rng(5)) * np.float32(0.1)
    heard = spoil.telephone(noise)
    assert len(heard) == len(noise)
    inside = level(heard, 600, 3000)
    assert inside - level(heard, 0, 150) > 15
    assert inside - level(heard, 4500, 8000) > 25


def test_opus_keeps_length_and_place() -> None:
    sound = spoken(seconds=1.3)
    heard = spoil.opus(sound, 24_000)
    assert heard.shape == sound.shape
    assert np.corrcoef(sound, heard)[0, 1] > 0.8
    assert not np.array_equal(sound, heard)


def test_speed_moves_the_pitch() -> None:
    sound = np.sin(2 * np.pi * 400 * np.arange(RATE) / RATE).astype(np.float32)
    quick = spoil.speed(sound, 1.25)
    assert len(quick) == int(RATE / 1.25)
    assert level(quick, 480, 520) - level(quick, 380, 420) > 15


@pytest.mark.parametrize("kind", spoil.KINDS)
def test_each_harm_keeps_the_length_and_comes_again_from_its_seed(kind: str) -> None:
    sound, others = spoken(), [spoken(1), spoken(2)]
    first, second = (spoil.spoilt(sound, Harm(kind, 0.5), others, np.random.default_rng(6)) for _ in range(2))
    assert first.shape == sound.shape
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()
    assert np.array_equal(first, sound) == (kind == "clean")


def test_more_noise_is_more_harm() -> None:
    sound, others = spoken(), [spoken(1)]
    for kind in ("noise", "babble", "room"):
        mild, severe = (
            float(np.abs(spoil.spoilt(sound, Harm(kind, amount), others, np.random.default_rng(7)) - sound).mean())
            for amount in (0.0, 1.0)
        )
        assert severe > 1.5 * mild


def test_copies_stay_in_range_and_differ() -> None:
    rng = np.random.default_rng(8)
    copies = [spoil.drawn_copy(spoken(), [spoken(1)], rng) for _ in range(6)]
    assert all(np.abs(one).max() <= 1 for one in copies)
    assert len({len(one) for one in copies}) > 3
