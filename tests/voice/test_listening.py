"""Listening to sounds made here: turns, prosody, what is told of them, and what is no speech."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import NoSoundError, WeightsError
from ferce_agent.evaluation.voice.activity import NOISES
from ferce_agent.evaluation.voice.vowels import Voice, syllables, vowel
from ferce_agent.inputs.sound import Sound, open_sound
from ferce_agent.report.speech import SpeechProsody
from ferce_agent.voice import listening, model
from ferce_agent.voice.activity import LONGEST_S, SpeechSpan
from ferce_agent.voice.activity_network import shipped
from ferce_agent.voice.delivery import delivery, relatives
from ferce_agent.voice.listening import Heard, HeardTurn, installed_scorer, listen, relative_to
from ferce_agent.voice.prosody import prosody, prosody_track
from tests.inputs.sounds import coded

RATE = 16_000
NONE = (None, None, None)
TOO_LITTLE = dict.fromkeys(SpeechProsody.model_fields, None) | {"formants_hz": NONE, "formant_levels_db": NONE}
needs_network = pytest.mark.skipif(not shipped().is_file(), reason="the speech detector is not installed")


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


def said(*parts: float | NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sounds behind each other, numbers as seconds of silence."""
    return np.concatenate([silence(part) if isinstance(part, float) else part for part in parts])


def heard(samples: NDArray[np.float32], **asked: Any) -> Heard:
    return listen(open_sound(Sound(samples, RATE)), **asked)


def codes(found: Heard) -> set[str]:
    return {entry.code for entry in found.degraded}


def test_turns_are_where_somebody_speaks() -> None:
    found = heard(said(0.5, syllables(2.0, 120), 1.5, syllables(1.5, 220, seed=1), 0.7), infer=False)
    assert [turn.id for turn in found.turns] == ["speech-1", "speech-2"]
    first, second = (turn.span for turn in found.turns)
    assert (first.from_s, first.to_s) == pytest.approx((0.5, 2.5), abs=0.15)
    assert (second.from_s, second.to_s) == pytest.approx((4.0, 5.5), abs=0.15)
    assert found.source.speech_s == pytest.approx(3.5, abs=0.3)
    assert (found.source.first_s, found.source.last_s, found.source.kind) == (0.0, 6.2, "samples")
    assert "no_speech" not in codes(found)


def test_a_short_pause_is_within_a_turn_and_counted() -> None:
    found = heard(said(0.3, syllables(1.5), 0.5, syllables(1.5, seed=2), 1.0), infer=False)
    assert len(found.turns) == 1
    assert found.turns[0].prosody.pauses == 1


def test_pitch_is_that_of_the_voice() -> None:
    found = heard(said(0.3, syllables(3.0, 200, 1.0), 1.0), infer=False)
    spoken = found.turns[0].prosody
    assert spoken.pitch_hz == pytest.approx(200, rel=0.08)
    assert spoken.voiced_share is not None and spoken.voiced_share > 0.4
    assert spoken.syllables_per_s is not None and 2 < spoken.syllables_per_s < 9
    assert spoken.relative is None


def test_loudness_is_there_for_each_hundredth_of_a_second() -> None:
    found = heard(said(0.5, syllables(2.0), 1.0), infer=False)
    (turn,) = found.turns
    assert len(turn.loudness) == pytest.approx(100 * (turn.span.to_s - turn.span.from_s), abs=2)
    assert turn.loudness.dtype == np.float32


def test_long_speech_is_cut_and_nothing_of_it_is_lost() -> None:
    found = heard(syllables(50.0), infer=False)
    assert len(found.turns) >= 3
    assert all(turn.span.to_s - turn.span.from_s <= LONGEST_S + 0.1 for turn in found.turns)
    assert found.source.speech_s == pytest.approx(50, abs=3)
    ends = [(one.span.to_s, other.span.from_s) for one, other in zip(found.turns, found.turns[1:], strict=False)]
    assert all(end <= begin + 1e-9 for end, begin in ends)


@needs_network
@pytest.mark.parametrize("kind", [*NOISES, "silence", "tone", "vowel"])
def test_no_speech_is_made_up(kind: str) -> None:
    count = 8 * RATE
    made: dict[str, Any] = {
        "silence": lambda: np.zeros(count),
        "tone": lambda: np.sin(np.arange(count) * 2 * np.pi * 440 / RATE),
        "vowel": lambda: vowel("a", 8.0, Voice(140)),
    }
    samples = made[kind]() if kind in made else NOISES[kind](count, np.random.default_rng(3))
    found = heard((0.3 * samples / max(np.abs(samples).max(), 1)).astype(np.float32))
    assert found.turns == ()
    assert "no_speech" in codes(found)


def test_a_click_and_a_millisecond() -> None:
    assert "no_speech" in codes(heard(np.zeros(16, np.float32)))
    assert heard(np.ones(16, np.float32)).turns == ()


def test_nothing_is_no_sound() -> None:
    with pytest.raises(NoSoundError):
        listen(open_sound(Sound(silence(1.0), RATE), start_s=5.0))


@pytest.mark.parametrize("kind", ["wav", "mp3", "opus", "m4a", "flac"])
def test_files_are_heard_as_arrays_are(kind: str) -> None:
    from scipy.signal import resample_poly

    from tests.inputs.sounds import CODED

    samples = said(0.5, syllables(2.0), 1.0)
    rate = CODED[kind][2]
    data = coded(kind, samples=resample_poly(samples, rate // 10, RATE // 10).astype(np.float32))
    found = listen(open_sound(data), infer=False)
    assert len(found.turns) == 1
    assert found.turns[0].span.from_s == pytest.approx(0.5, abs=0.2)
    assert found.source.sha256 is not None


def test_what_is_wrong_with_the_sound_is_told() -> None:
    loud = np.clip(30 * syllables(2.0), -1, 1)
    assert "sound_clipped" in codes(heard(loud, infer=False))
    assert "sound_quiet" in codes(heard(0.01 * syllables(2.0), infer=False))
    assert {"sound_silent", "no_speech"} <= codes(heard(silence(2.0), infer=False))
    cut = coded("wav", samples=said(0.2, syllables(3.0)))
    assert "sound_truncated" in codes(listen(open_sound(cut[: len(cut) // 2]), infer=False))


def test_little_speech_is_told() -> None:
    found = heard(said(0.5, syllables(0.6), 1.0), infer=False)
    assert (len(found.turns), "speech_too_short" in codes(found)) in {(1, True), (0, False)}


def test_the_usual_detector_is_the_network_where_it_is_installed() -> None:
    scorer, engine = installed_scorer()
    assert engine.name == ("silero-vad" if shipped().is_file() else "energy")
    assert scorer.score(np.zeros((3, 512), np.float32)).shape == (3,)


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "shipped", lambda: tmp_path / "speech.onnx")
    monkeypatch.setattr(model, "installed_model", lambda: None)


@pytest.mark.usefixtures("nothing_installed")
def test_without_weights_it_listens_by_energy_and_says_so() -> None:
    found = heard(said(0.5, syllables(2.0), 1.0))
    assert len(found.turns) == 1
    assert found.activity.name == "energy"
    assert found.voice is None and found.turns[0].voice is None
    assert {"speech_detector_not_installed", "voice_model_not_installed"} <= codes(found)


def test_without_inference_the_voice_model_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(model, "installed_model", asked)
    found = heard(said(0.5, syllables(2.0), 1.0), infer=False)
    assert found.turns[0].voice is None
    assert not {code for code in codes(found) if code.startswith("voice_")}


def test_a_turn_that_the_model_cannot_read_does_not_take_the_others_away(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = model.installed_model()
    if installed is None:
        pytest.skip("no voice model is installed")
    lengths: list[int] = []

    def read(samples: NDArray[np.float32]) -> model.VoiceAnswer:
        lengths.append(len(samples))
        if len(lengths) == 1:
            raise RuntimeError("out of memory")
        return type(installed).read(installed, samples)

    monkeypatch.setattr(installed, "read", read, raising=False)
    monkeypatch.setattr(model, "installed_model", lambda: installed)
    found = heard(said(0.5, syllables(2.0), 1.5, syllables(2.0, seed=1), 1.0))
    assert [turn.voice is None for turn in found.turns] == [True, False]
    (entry,) = (entry for entry in found.degraded if entry.code == "voice_model_failed")
    assert entry.count == 1


def test_a_damaged_model_is_an_error_and_the_sound_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "voice.onnx"
    weights.write_bytes(b"no network")
    read = model.installed_model
    monkeypatch.setattr(model, "installed_model", lambda: read(weights))
    stream = open_sound(Sound(syllables(2.0), RATE))
    with pytest.raises(WeightsError):
        listen(stream)
    assert next(stream, None) is None


def test_progress_and_an_early_end() -> None:
    stop = threading.Event()
    times: list[float] = []
    turns: list[HeardTurn] = []

    def on_progress(time_s: float, turn: HeardTurn | None) -> None:
        times.append(time_s)
        if turn is not None:
            turns.append(turn)
            stop.set()

    stream = open_sound(Sound(said(0.5, syllables(2.0), 1.5, syllables(2.0, seed=1), 60.0), RATE))
    found = listen(stream, infer=False, cancel=stop, on_progress=on_progress)
    assert list(found.turns) == turns and len(turns) == 1
    assert times == sorted(times) and times[-1] < 6
    assert "stopped_early" in codes(found)
    assert next(stream, None) is None


def test_a_limit_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MOST_TURNS", 1)
    found = heard(said(0.5, syllables(1.5), 1.5, syllables(1.5, seed=1), 1.0), infer=False)
    assert len(found.turns) == 1
    assert "limit_reached" in codes(found)


@pytest.mark.parametrize("noise", ["white", "melody"])
def test_memory_does_not_grow_with_the_length(noise: str) -> None:
    block = Sound((0.1 * NOISES[noise](RATE * 5, np.random.default_rng(1))).astype(np.float32), RATE)

    def peak(blocks: int) -> int:
        tracemalloc.start()
        listen(open_sound(replace(block, first_s=5.0 * number) for number in range(blocks)), infer=False)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(60) < peak(6) + 3_000_000  # 4.5 more minutes of sound have 17 MB


# Flat and relative


def flatness(samples: NDArray[np.float32]) -> bool | None:
    sound = Sound(samples, RATE)
    track = prosody_track(sound)
    return delivery(prosody(sound, track), track).flat


def test_an_even_voice_is_flat_and_a_trembling_one_is_not() -> None:
    assert flatness(vowel("a", 2.0, Voice(140, jitter=0.0))) is True
    assert flatness(vowel("a", 2.0, Voice(140, jitter=0.03))) is False
    assert flatness(silence(2.0)) is None
    assert flatness(vowel("a", 0.1, Voice(140))) is None


def turn(begin: float, end: float, pitch: float | None, level: float = -20.0, rate: float = 4.0) -> HeardTurn:
    spoken = SpeechProsody(**(TOO_LITTLE | {"pitch_hz": pitch, "level_db": level, "syllables_per_s": rate}))
    return HeardTurn("speech-1", SpeechSpan(begin, end, 1.0), spoken, None, np.zeros(0, np.float32))


def test_a_turn_lies_above_what_is_usual() -> None:
    turns = [turn(0, 6, 100), turn(7, 13, 100 * 2 ** (1 / 12)), turn(14, 20, 200, -10)]
    usual, _, high = (one.prosody.relative for one in relative_to(turns))
    assert usual is not None and high is not None
    assert high.baseline_s == 12
    # The others lie half a semitone around their mean; one semitone is the least deviation that is taken.
    assert high.pitch == pytest.approx(11.5, abs=0.01)
    assert high.loudness == pytest.approx(5.0)
    assert high.rate == 0.0
    assert usual.pitch is not None and usual.pitch < 0


def test_too_little_is_no_baseline() -> None:
    assert relatives([]) == []
    assert relatives([turn(0, 30, 100)]) == [None]
    assert relatives([turn(0, 30, 100), turn(31, 32, 200)])[0] is None
    short = relatives([turn(0, 30, 100), turn(31, 32, 200)])[1]
    assert short is not None and short.baseline_s == 30


def test_what_was_not_measured_is_not_compared() -> None:
    found = relatives([turn(0, 30, None), turn(31, 61, 200)])
    assert all(one is not None and one.pitch is None and one.loudness == 0.0 for one in found)


# Recorded and synthetic speech, where it is at hand


def emodb() -> Iterator[NDArray[np.float32]]:
    from ferce_agent.evaluation.voice.activity import utterances

    folder = Path(__file__).parents[3] / "shared" / "data" / "emodb"
    if not (folder / "emodb.parquet").is_file():
        pytest.skip("EMO-DB is not there")
    yield from utterances(folder, 24)


def test_acted_speech_is_mostly_not_flat() -> None:
    flat = [flatness(samples) for samples in emodb()]
    assert sum(one is True for one in flat) <= 2


def test_synthetic_speech_is_flat_and_unlike_the_training() -> None:
    import shutil
    import subprocess

    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    for sentence in ("The meeting begins at nine tomorrow, please call me back.", "I do not know what you want."):
        spoken = subprocess.run([program, "--stdout", sentence], capture_output=True, check=True).stdout
        found = listen(open_sound(spoken))
        assert found.turns
        assert all(one.prosody.flat for one in found.turns)
        for one in found.turns:
            assert one.voice is None or (one.voice.expression is None and "unlike_training" in one.voice.doubt)
