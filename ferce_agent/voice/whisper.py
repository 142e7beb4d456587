"""Whisper by faster-whisper (the extra ``whisper``), with a model folder of the user's own; nothing is downloaded.

The folder is one that CTranslate2's converter made (``model.bin``, ``config.json``) with the model's
``tokenizer.json``. It runs on the processor with 8-bit weights. Whisper makes up words for noise and repeats itself;
such segments are left out and counted, by the thresholds of its authors (A. Radford et al. 2022, section 4.5).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import EngineError, MissingExtraError, WeightsError
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.inputs.transcript import Segment, TimedWord, Transcript
from ferce_agent.inputs.transcript_parts import language_code, tidy

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

NEEDED: Final = ("model.bin", "config.json", "tokenizer.json")
"""Files of a model's folder. Without the last one faster-whisper would fetch one from a hub."""
CONVERTER: Final = "ct2-transformers-converter --copy_files tokenizer.json preprocessor_config.json"
NO_SPEECH: Final = 0.6
"""A segment is no speech from this probability on, where the words are unlikely (`UNLIKELY`), too."""
UNLIKELY: Final = -1.0
"""Mean log probability of a segment's tokens below which its words are unlikely."""
SURELY_NO_SPEECH: Final = 0.9
"""A segment is no speech from this probability on, whatever its words."""
REPEATED: Final = 2.4
"""A segment whose text zlib makes smaller by more than this factor repeats itself."""
HEAD: Final = 2**20
"""Bytes of the weights that go into the version; they may have gigabytes."""


class Whisper:
    """A Whisper model in a folder; it is loaded on the first sound.

    Attributes:
        name: ``faster-whisper``.
        remote: False: sound stays on this machine.
        folder: Where the model is.
        threads: Threads of the processor.
    """

    name: Final = "faster-whisper"
    remote: Final = False

    def __init__(self, folder: Path, threads: int = 2) -> None:
        """Take a folder that `whisper` has checked."""
        self.folder = folder
        self.threads = threads

    @lazy_property
    def version(self) -> str:
        """Version of faster-whisper, and the first characters of a digest of the model's beginning and size."""
        from importlib.metadata import version

        weights = self.folder / "model.bin"
        digest = hashlib.sha256((self.folder / "config.json").read_bytes())
        digest.update(str(weights.stat().st_size).encode())
        with weights.open("rb") as file:
            digest.update(file.read(HEAD))
        return f"{version('faster-whisper')}+{digest.hexdigest()[:12]}"

    @lazy_property
    def _model(self) -> WhisperModel:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise MissingExtraError("faster-whisper", "whisper") from error
        logging.getLogger("faster_whisper").setLevel(logging.ERROR)  # its log would quote words
        try:
            return WhisperModel(
                str(self.folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=self.threads,
                local_files_only=True,
            )
        except Exception as error:  # CTranslate2 and tokenizers have an error for each kind of damage
            raise WeightsError(
                f"The Whisper model in '{self.folder.name}' cannot be read ({type(error).__name__}).",
                hint=f"Convert it again: {CONVERTER}",
            ) from error

    def check(self) -> None:
        """Load the model.

        Raises:
            MissingExtraError: faster-whisper is not installed.
            WeightsError: The model cannot be read.
        """
        _ = self._model

    def transcribe(self, sound: Sound) -> Transcript:
        """Return what is said, with the times of each word; segments that are likely no speech are left out.

        Raises:
            MissingExtraError: faster-whisper is not installed.
            WeightsError: The model cannot be read.
            EngineError: The model failed on this sound.
        """
        if sound.rate != SOUND_RATE:
            raise EngineError(f"The sound must have {SOUND_RATE} samples a second.", hint="Open it with read_sound.")
        model = self._model
        try:
            found, info = model.transcribe(
                sound.samples,
                temperature=0.0,
                condition_on_previous_text=False,
                no_speech_threshold=None,  # weighed below, so that what is left out is counted
                compression_ratio_threshold=None,
                log_prob_threshold=None,
                word_timestamps=True,
            )
            heard = list(found)
        except Exception as error:  # CTranslate2 raises RuntimeError and ValueError for whatever went wrong
            raise EngineError(f"Whisper failed ({type(error).__name__}).", hint="Another model may work.") from error
        return transcript_of(heard, sound.first_s, info.language)


def transcript_of(heard: Iterable[Any], first_s: float, language: str | None) -> Transcript:
    """Return the segments of faster-whisper as a transcript, without those that are likely no speech.

    Args:
        heard: Segments, as `faster_whisper.transcribe.Segment`.
        first_s: Time of the sound's first sample, in seconds.
        language: What Whisper takes the language for.
    """
    segments: list[Segment] = []
    dropped = 0
    for one in heard:
        if not (text := tidy(one.text)):
            continue
        if is_made_up(one.no_speech_prob, one.avg_logprob, one.compression_ratio):
            dropped += 1
            continue
        start = first_s + max(float(one.start), 0.0)
        words = tuple(_words(one.words or (), first_s))
        segments.append(Segment(text, start, max(first_s + float(one.end), start), None, words))
    return Transcript(tuple(segments), "transcribed", language_code(language), dropped)


def _words(words: Iterable[Any], first_s: float) -> Iterable[TimedWord]:
    for one in words:
        if text := tidy(one.word):
            start = first_s + max(float(one.start), 0.0)
            sure = min(max(float(one.probability), 0.0), 1.0)
            yield TimedWord(text, start, max(first_s + float(one.end), start), sure)


def is_made_up(no_speech: float, likely: float, repeated: float) -> bool:
    """Return whether a segment is likely no speech, or repeats itself.

    Args:
        no_speech: Probability that nobody speaks.
        likely: Mean log probability of its tokens.
        repeated: How many times smaller its text becomes by compression.
    """
    silent = no_speech > SURELY_NO_SPEECH or (no_speech > NO_SPEECH and likely < UNLIKELY)
    return silent or repeated > REPEATED


def whisper(folder: Path | str, threads: int = 2) -> Whisper:
    """Return the Whisper model in a folder, which is loaded on the first sound.

    Args:
        folder: Made by CTranslate2's converter; never the name of a model to download.
        threads: Threads of the processor.

    Raises:
        WeightsError: It is no folder, or lacks a file of such a model.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise WeightsError(
            f"'{place.name}' is no folder with a Whisper model; models are not downloaded.",
            hint="Give the folder of a model in CTranslate2's format: model.bin, config.json, tokenizer.json.",
        )
    lacking = [name for name in NEEDED if not (place / name).is_file()]
    if lacking:
        raise WeightsError(
            f"The folder '{place.name}' holds no Whisper model: {', '.join(lacking)} is missing.",
            hint=f"{CONVERTER} makes it.",
        )
    return Whisper(place, threads)
