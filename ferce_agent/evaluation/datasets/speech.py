"""Sets of acted or annotated speech: EMO-DB, RAVDESS, CREMA-D, IEMOCAP, MELD.

None of them is part of this repository. The layouts are those that their makers hand out:

- ``emodb`` (Burkhardt et al. 2005): ``DIR/wav/03a01Wa.wav`` (speaker, sentence, letter of the German word of the
  emotion, version), or ``DIR/emodb.parquet`` with the columns audio, speaker and emotion.
- ``ravdess`` (Livingstone and Russo 2018): ``DIR/Actor_01/03-01-06-01-02-01-12.wav``; songs are left out.
- ``cremad`` (Cao et al. 2014): ``DIR/AudioWAV/1001_DFA_ANG_XX.wav``.
- ``iemocap`` (Busso et al. 2008): ``DIR/Session1/dialog/EmoEvaluation/*.txt`` and
  ``DIR/Session1/sentences/wav/*/*.wav``; utterances on whose emotion the raters did not agree are left out.
- ``meld`` (Poria et al. 2019): ``DIR/test_sent_emo.csv`` with ``DIR/output_repeated_splits_test/dia0_utt0.mp4``, and
  likewise for train and dev.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.datasets.base import require, rows
from ferce_agent.evaluation.ferplus import read_columns

EMODB_LETTERS: Final = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "N": "neutral", "T": "sadness",
}  # fmt: skip
"""Letters of Wut, Langeweile, Ekel, Angst, Freude, neutral and Trauer in EMO-DB's file names."""
RAVDESS_CODES: Final = {
    "01": "neutral", "02": "calm", "03": "happiness", "04": "sadness",
    "05": "anger", "06": "fear", "07": "disgust", "08": "surprise",
}  # fmt: skip
CREMAD_CODES: Final = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness",
}  # fmt: skip
IEMOCAP_CODES: Final = {
    "neu": "neutral", "hap": "happiness", "exc": "excitement", "sad": "sadness", "ang": "anger",
    "fru": "frustration", "fea": "fear", "dis": "disgust", "sur": "surprise",
}  # fmt: skip
"""Codes of what IEMOCAP's raters agreed on; ``xxx`` (no agreement) and ``oth`` are no emotions."""
MELD_WORDS: Final = {
    "neutral": "neutral", "joy": "joy", "surprise": "surprise", "anger": "anger",
    "sadness": "sadness", "disgust": "disgust", "fear": "fear",
}  # fmt: skip
MELD_FOLDERS: Final = {
    "train": ("train_splits",),
    "dev": ("dev_splits_complete",),
    "test": ("output_repeated_splits_test", "output_repeated_splits"),
}
IEMOCAP_LINE: Final = re.compile(
    r"^\[[\d. ]+-[\d. ]+\]\s+(?P<name>Ses\d\d[FM]_\w+)\s+(?P<code>[a-z]{3})\s+"
    r"\[(?P<valence>[\d.]+),\s*(?P<arousal>[\d.]+),\s*[\d.]+\]"
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance.

    Attributes:
        name: File name, unique in its set.
        speaker: Who speaks, as the set names them; utterances of one speaker belong into one fold.
        emotion: The ontology's term of the acted or annotated emotion.
        sound: Where its sound is: a file, or the bytes of one.
        arousal: Mean of the raters, -1..1; None where the set has no ratings.
        valence: As `arousal`.
    """

    name: str
    speaker: str
    emotion: str
    sound: Path | bytes
    arousal: float | None = None
    valence: float | None = None


@dataclass(frozen=True, slots=True)
class SpeechSet:
    """A set of utterances.

    Attributes:
        name: The reader's name.
        title: For tables.
        emotions: The terms that occur, sorted.
        utterances: Sorted by name.
        note: What to know before its figures are read.
    """

    name: str
    title: str
    emotions: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    note: str = ""


class SpeechReader(Protocol):
    """Reads one layout.

    Attributes:
        layout: The files it expects, for error messages and the help text.
    """

    layout: ClassVar[str]

    def read(self, folder: Path, split: str) -> SpeechSet:
        """Read the set below `folder`; an empty `split` means the usual one.

        Raises:
            DataError: A file is missing or damaged.
        """
        ...


def _set(name: str, title: str, found: list[Utterance], note: str) -> SpeechSet:
    if not found:
        raise DataError(f"No utterances of {title} were found.", hint=f"Expected: {SPEECH_READERS[name].layout}")
    ordered = tuple(sorted(found, key=lambda one: one.name))
    return SpeechSet(name, title, tuple(sorted({one.emotion for one in ordered})), ordered, note)


def _term(codes: dict[str, str], code: str, where: str) -> str:
    if code not in codes:
        raise DataError(f"{where}: '{code[:30]}' is none of {', '.join(codes)}.")
    return codes[code]


class EmoDb:
    """`emodb`: the folder of wav files, or emodb.parquet."""

    layout: ClassVar[str] = "DIR/wav/03a01Wa.wav, or DIR/emodb.parquet with the columns audio, speaker, emotion"
    note: ClassVar[str] = "Acted German, ten speakers, studio."

    def read(self, folder: Path, split: str) -> SpeechSet:  # noqa: ARG002
        """Read the set; it has no splits."""
        path = folder / "emodb.parquet"
        found = list(self._table(path) if path.is_file() else self._files(folder))
        return _set("emodb", "EMO-DB", found, self.note)

    def _table(self, path: Path) -> Iterator[Utterance]:
        columns = read_columns(path, ("audio", "speaker", "emotion"))
        names = columns.get("file_name") or [str(index) for index in range(len(columns["emotion"]))]
        parts = zip(names, columns["audio"], columns["speaker"], columns["emotion"], strict=True)
        for name, audio, speaker, emotion in parts:
            data = audio.get("bytes") if isinstance(audio, dict) else None
            if not isinstance(data, bytes):
                raise DataError(f"{path.name}: {name} has no sound.")
            word = str(emotion)
            yield Utterance(
                str(name), str(speaker), _term({x: x for x in EMODB_LETTERS.values()}, word, path.name), data
            )

    def _files(self, folder: Path) -> Iterator[Utterance]:
        for path in require(folder / "wav", self.layout).glob("*.wav"):
            if len(path.stem) not in (6, 7):
                raise DataError(f"{path.name} is not named as EMO-DB's files are.", hint=f"Expected: {self.layout}")
            yield Utterance(path.name, path.stem[:2], _term(EMODB_LETTERS, path.stem[5], path.name), path)


class Ravdess:
    """`ravdess`: folders Actor_01 to Actor_24."""

    layout: ClassVar[str] = "DIR/Actor_01/03-01-06-01-02-01-12.wav"
    note: ClassVar[str] = "Acted English, 24 actors, two sentences."

    def read(self, folder: Path, split: str) -> SpeechSet:  # noqa: ARG002
        """Read the spoken utterances; the set has no splits."""
        found = []
        for path in folder.glob("Actor_*/*.wav"):
            codes = path.stem.split("-")
            if len(codes) != 7:
                raise DataError(f"{path.name} is not named as RAVDESS' files are.", hint=f"Expected: {self.layout}")
            if codes[1] == "01":
                found.append(Utterance(path.name, codes[6], _term(RAVDESS_CODES, codes[2], path.name), path))
        return _set("ravdess", "RAVDESS", found, self.note)


class CremaD:
    """`cremad`: the folder AudioWAV."""

    layout: ClassVar[str] = "DIR/AudioWAV/1001_DFA_ANG_XX.wav"
    note: ClassVar[str] = "Acted English, 91 actors, twelve sentences; the acted emotion, not the raters' answers."

    def read(self, folder: Path, split: str) -> SpeechSet:  # noqa: ARG002
        """Read the set; it has no splits."""
        found = []
        for path in require(folder / "AudioWAV", self.layout).glob("*.wav"):
            parts = path.stem.split("_")
            if len(parts) != 4:
                raise DataError(f"{path.name} is not named as CREMA-D's files are.", hint=f"Expected: {self.layout}")
            found.append(Utterance(path.name, parts[0], _term(CREMAD_CODES, parts[2], path.name), path))
        return _set("cremad", "CREMA-D", found, self.note)


class Iemocap:
    """`iemocap`: five sessions with evaluations and cut sentences."""

    layout: ClassVar[str] = "DIR/Session1/dialog/EmoEvaluation/*.txt and DIR/Session1/sentences/wav/*/*.wav"
    note: ClassVar[str] = "Played English dialogues, ten speakers, rated by three; without agreement left out."

    def read(self, folder: Path, split: str) -> SpeechSet:  # noqa: ARG002
        """Read the set; it has no splits."""
        found = []
        for sheet in folder.glob("Session*/dialog/EmoEvaluation/*.txt"):
            sounds = sheet.parents[2] / "sentences" / "wav"
            found += list(self._sheet(sheet, sounds))
        return _set("iemocap", "IEMOCAP", found, self.note)

    def _sheet(self, sheet: Path, sounds: Path) -> Iterator[Utterance]:
        try:
            lines = sheet.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{sheet.name} cannot be read as text.") from error
        for line in lines:
            seen = IEMOCAP_LINE.match(line)
            if seen is None or seen["code"] in ("xxx", "oth"):
                continue
            name = seen["name"]
            path = require(sounds / name.rpartition("_")[0] / f"{name}.wav", self.layout)
            # A session has one woman and one man; the letter of the turn says who of them speaks.
            speaker = name[:5] + name.rpartition("_")[2][0]
            emotion = _term(IEMOCAP_CODES, seen["code"], sheet.name)
            yield Utterance(path.name, speaker, emotion, path, _from_five(seen["arousal"]), _from_five(seen["valence"]))


def _from_five(text: str) -> float:
    """Return a rating on the scale 1 to 5 as -1..1."""
    return min(max((float(text) - 3.0) / 2.0, -1.0), 1.0)


class Meld:
    """`meld`: sentences of a television series as mp4 files, with a csv file for each split."""

    layout: ClassVar[str] = "DIR/test_sent_emo.csv and DIR/output_repeated_splits_test/dia0_utt0.mp4"
    note: ClassVar[str] = "English television series with laughter and music; labels made with text and picture."

    def read(self, folder: Path, split: str) -> SpeechSet:
        """Read ``train``, ``dev`` or (the usual one) ``test``; rows whose file is missing are left out and counted."""
        name = split or "test"
        if name not in MELD_FOLDERS:
            raise SettingsError(f"MELD has no split '{name[:30]}'.", hint=f"Use one of {', '.join(MELD_FOLDERS)}.")
        sheet = require(folder / f"{name}_sent_emo.csv", self.layout)
        places = [folder / place for place in MELD_FOLDERS[name] if (folder / place).is_dir()]
        if not places:
            raise DataError(f"No folder {MELD_FOLDERS[name][0]} in {folder.name}.", hint=f"Expected: {self.layout}")
        found, missing = [], 0
        for row in rows(sheet, ("Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")):
            path = places[0] / f"dia{row['Dialogue_ID'].strip()}_utt{row['Utterance_ID'].strip()}.mp4"
            if not path.is_file():
                missing += 1
                continue
            emotion = _term(MELD_WORDS, row["Emotion"].strip().lower(), sheet.name)
            found.append(Utterance(path.name, row["Speaker"].strip(), emotion, path))
        left = f" {missing} rows without a file are left out." if missing else ""
        return _set("meld", f"MELD ({name})", found, self.note + left)


SPEECH_READERS: Final[dict[str, SpeechReader]] = {
    "emodb": EmoDb(),
    "ravdess": Ravdess(),
    "cremad": CremaD(),
    "iemocap": Iemocap(),
    "meld": Meld(),
}


def load_speech(spec: str) -> SpeechSet:
    """Read ``NAME:DIR`` or ``NAME:DIR#SPLIT``; a folder alone is taken for EMO-DB.

    Raises:
        SettingsError: No reader has this name.
        DataError: The set's files are missing or damaged; the message names the file and the expected layout.
    """
    name, mark, place = spec.partition(":")
    if not mark or Path(spec).is_dir():
        return SPEECH_READERS["emodb"].read(Path(spec), "")
    if name not in SPEECH_READERS:
        raise SettingsError(f"'{spec[:120]}' is no set of speech.", hint=f"Use NAME:DIR: {', '.join(SPEECH_READERS)}.")
    folder, _, split = place.partition("#")
    return SPEECH_READERS[name].read(Path(folder), split)
