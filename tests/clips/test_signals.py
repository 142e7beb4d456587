"""The channels of a face: what is read, how uncertain it is, what may not be named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ferce_agent.clips.samples import TrackSample
from ferce_agent.clips.signals import Channels, affect, spread
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import QualityReason
from ferce_agent.specialist.runner import Specialist
from ferce_agent.temporal.episodes import FoundEpisode


@pytest.fixture(scope="module")
def channels() -> Channels:
    """Return the channels of the shipped weights."""
    return Channels(Specialist(threads=1).card, 0.5)


def sample(channels: Channels, happiness: float = 0.9, reasons: tuple[QualityReason, ...] = ()) -> TrackSample:
    """Return a face that shows happiness with this probability, and neutral otherwise."""
    probabilities = np.full(8, 0.001)
    probabilities[:2] = 1 - happiness - 0.006, happiness
    units = np.array([0.1 for channel in channels.all if channel.kind == "movement"])
    return TrackSample(
        time=1.0,
        track=1,
        box=np.array([10.0, 10, 90, 110]),
        landmarks=np.array([[35.0, 50], [75, 50], [55, 75], [40, 95], [70, 95]]),
        score=0.95,
        carried=False,
        pose=np.zeros(3),
        quality=1.0,
        reasons=reasons,
        probabilities=probabilities,
        units=units,
        shapes=np.zeros(45),
        strangeness=-1.0,
    )


def test_each_channel_has_a_value_an_error_and_a_drift(channels: Channels) -> None:
    """All arrays have one entry for each channel; errors and drifts are above 0."""
    values, deviations = channels.read(sample(channels))
    assert len(values) == len(deviations) == len(channels) == len(channels.drifts)
    assert (deviations > 0).all()
    assert (channels.drifts > 0).all()
    assert len({(one.name, one.kind) for one in channels.all}) == len(channels)


def test_the_distribution_comes_back(channels: Channels) -> None:
    """From the channels the probabilities come back, and from them valence and arousal."""
    face = sample(channels, 0.8)
    values, _ = channels.read(face)
    found = channels.distribution(values)
    assert found is not None
    assert face.probabilities is not None
    np.testing.assert_allclose(found, face.probabilities, atol=0.005)
    assert found.sum() == pytest.approx(1)
    happy, sad = np.eye(8)[CANONICAL.index("happiness")], np.eye(8)[CANONICAL.index("sadness")]
    assert affect(happy)[0] > 0.5 > -0.5 > affect(sad)[0]
    assert set(channels.movements(values)) == set(channels._card.units)


def test_what_cannot_be_read_is_missing(channels: Channels) -> None:
    """No probabilities, or too low a quality: no expressions; movements that were not read stay missing."""
    face = sample(channels)
    for worse in (replace(face, probabilities=None), replace(face, quality=0.05)):
        values, _ = channels.read(worse)
        assert np.isnan(values[:8]).all()
        assert channels.distribution(values) is None
        assert np.isfinite(values[9:]).all()
    unread = replace(face, units=np.full(len(face.units), np.nan), shapes=np.full(45, np.nan))
    values, _ = channels.read(unread)
    assert np.isfinite(values[:9]).all()
    assert np.isnan(values[9:]).all()
    assert channels.movements(values) == {}


def test_a_covered_face_shows_only_what_the_rest_carries(channels: Channels) -> None:
    """Without the mouth happiness can be named from 0.9 on, and sadness not at all; without eyes and mouth nothing."""
    least = channels.place("least", "least")
    values, _ = channels.read(sample(channels, reasons=("mouth_covered",)))
    known = {name for name, value in zip(CANONICAL, values[:8], strict=True) if np.isfinite(value)}
    assert known == {"happiness", "anger"}
    assert 1 / (1 + np.exp(-values[least])) == pytest.approx(0.9)
    assert channels.distribution(values) is None
    values, _ = channels.read(sample(channels, reasons=("mouth_covered", "eyes_covered")))
    assert np.isnan(values[:8]).all()


def test_the_least_probability_is_that_of_a_photo(channels: Channels) -> None:
    """It rises with the strangeness of the face as the card says, and with its turn."""
    least = channels.place("least", "least")
    face = sample(channels)
    for strangeness in (-1.5, 0.0, 2.5):
        values, _ = channels.read(replace(face, strangeness=strangeness))
        card = Specialist(threads=1).card
        assert 1 / (1 + np.exp(-values[least])) == pytest.approx(card.thresholds(0.5, strangeness)[1])
    values, _ = channels.read(replace(face, pose=np.array([0.0, 0.0, 50.0])))
    assert 1 / (1 + np.exp(-values[least])) >= 0.7 - 1e-9


def test_strange_faces_have_larger_errors(channels: Channels) -> None:
    """A face that is unlike pictures as they are is read less exactly, within limits."""
    face = sample(channels)
    errors = [channels.read(replace(face, strangeness=value))[1] for value in (-9.0, -3.0, 0.0, 2.0, 5.0, 9.0)]
    assert (errors[0] == errors[1]).all()
    assert (errors[1] < errors[2]).all()
    assert (errors[2] < errors[3]).all()
    assert (errors[4] == errors[5]).all()
    assert spread(replace(face, strangeness=0.0)) == 1
    unknown = channels.read(replace(face, strangeness=float("nan"), probabilities=None))[1]
    assert (unknown > 0).all(), "where it is unknown, errors are those of a face of strangeness 0"


def test_rules_are_of_expressions_and_movements_but_not_of_calm(channels: Channels) -> None:
    """Seven expressions and the movements have rules; neutral has none, and blinks are told elsewhere."""
    named = [channels.all[rule.channel or 0].name for rule in channels.rules]
    assert "neutral" not in named
    assert "AU45" not in named
    episode = FoundEpisode(0, 0.0, 1.0, 2.0, 0.6, 0.9, onset_seen=True, offset_seen=True)
    assert channels.of(episode).name == named[0] == "happiness"
    assert len(named) == len(set(named)) == 7 + len(channels._card.units) - 1
