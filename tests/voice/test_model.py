from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import SoundShapeError, WeightsError
from ferce_agent.inputs.sound import read_sound
from ferce_agent.voice.features import COLUMNS, RATE, Samples
from ferce_agent.voice.model import UNLIKE, VoiceAnswer, VoiceModel, express, installed_model, pieces

SURE = {"anger": 0.9, "neutral": 0.06, "sadness": 0.04}


def answer(probabilities: dict[str, float] = SURE, unlike: float = 0.0, other: float = 0.0) -> VoiceAnswer:
    return VoiceAnswer(probabilities, 0.6, None, unlike, other)


def test_what_is_likely_enough_is_named() -> None:
    said = express(answer(), 2.0)
    assert (said.expression, said.doubt, said.arousal, said.valence) == ("anger", (), 0.6, None)
    assert said.confidence == pytest.approx(0.9)


def test_several_possible_expressions_are_unclear() -> None:
    said = express(answer({"anger": 0.45, "fear": 0.4, "sadness": 0.15}), 2.0)
    assert (said.expression, said.doubt, said.arousal) == (None, ("unclear",), 0.6)


@pytest.mark.parametrize(("unlike", "seconds", "why"), [(0.9, 3.0, "unlike_training"), (0.0, 0.4, "too_short")])
def test_nothing_is_told_of_what_the_model_does_not_know(unlike: float, seconds: float, why: str) -> None:
    said = express(answer(unlike=unlike), seconds)
    assert (said.expression, said.doubt, said.arousal) == (None, (why,), None)
    assert said.confidence < 0.7
    assert sum(said.probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("unlike", "other"), [(0.0, 0.97), (0.6, 0.0), (0.89, 0.99)])
def test_of_people_in_other_recordings_only_arousal_is_told(unlike: float, other: float) -> None:
    said = express(answer(unlike=unlike, other=other), 3.0)
    assert (said.expression, said.doubt, said.arousal) == (None, ("unlike_training",), 0.6)
    assert said.unlike_training == max(unlike, other)
    assert max(said.probabilities.values()) < 0.6


def test_long_turns_are_read_in_pieces_of_the_length_of_the_training() -> None:
    frames = np.zeros((700, COLUMNS), np.float32)
    assert [len(one) for one in pieces(frames)] == [175] * 4
    assert [len(one) for one in pieces(frames[:1])] == [1]


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        installed_model(tmp_path / "none.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no")
    with pytest.raises(WeightsError):
        installed_model(tmp_path / "broken.onnx")


@pytest.fixture(scope="module")
def model() -> VoiceModel:
    installed = installed_model()
    assert installed is not None
    return installed


def tone(seconds: float = 2.0) -> Samples:
    return np.asarray(0.2 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * RATE)) / RATE), np.float32)


def noise(seconds: float = 2.0) -> Samples:
    return np.asarray(0.05 * np.random.default_rng(1).standard_normal(int(seconds * RATE)), np.float32)


def test_the_shipped_model_answers_with_probabilities(model: VoiceModel) -> None:
    told = model.read(tone() + noise())
    assert set(told.probabilities) == {"anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"}
    assert sum(told.probabilities.values()) == pytest.approx(1.0)
    assert told.arousal is not None
    assert -1 <= told.arousal <= 1
    assert told.valence is None
    assert model.read(tone() + noise()) == told


@pytest.mark.parametrize("sound", [tone(), noise(), np.zeros(2 * RATE, np.float32), tone(0.01)])
def test_what_is_no_speech_shows_no_expression(model: VoiceModel, sound: Samples) -> None:
    told = model.read(sound)
    assert told.unlike >= UNLIKE
    assert express(told, 2.0).expression is None


def test_the_level_of_the_recording_changes_nothing(model: VoiceModel) -> None:
    sound = tone() + noise()
    loud, quiet = model.read(sound).probabilities, model.read(sound * np.float32(0.2)).probabilities
    assert loud == pytest.approx(quiet, abs=0.02)


@pytest.mark.parametrize("voice", ["de+f5", "en-us+m7", "de+klatt2", "it"])
def test_a_synthesised_voice_shows_no_expression(model: VoiceModel, voice: str) -> None:
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    text = "Der Lappen liegt auf dem Eisschrank, und die Blumen stehen auf dem Tisch."
    ran = subprocess.run([program, "-v", voice, "--stdout", text], capture_output=True, check=True)
    said = express(model.read(np.asarray(read_sound(ran.stdout).samples, np.float32)), 3.0)
    assert (said.expression, said.arousal) == (None, None)
    assert "unlike_training" in said.doubt


@pytest.mark.parametrize("wrong", [np.zeros(0), np.zeros((2, RATE)), np.full(RATE, np.nan)])
def test_what_is_no_sound_is_refused(model: VoiceModel, wrong: Samples) -> None:
    with pytest.raises(SoundShapeError):
        model.read(wrong)
