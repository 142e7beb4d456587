from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.datasets.sound_files import LONGEST_S, read_utterance
from ferce_agent.evaluation.datasets.speech import (
    EMODB_LETTERS,
    IEMOCAP_LINE,
    SPEECH_READERS,
    SpeechSet,
    load_speech,
)
from ferce_agent.ontology.store import ontology
from ferce_agent.voice.features import RATE
from tests.evaluation.sounds import wav, write_wav


def told(found: SpeechSet) -> list[tuple[str, str]]:
    return [(one.speaker, one.emotion) for one in found.utterances]


def test_emodb_folder(tmp_path: Path) -> None:
    for name in ("03a01Wa", "03a02Nc", "16b10Lb"):
        write_wav(tmp_path / "wav" / f"{name}.wav")
    found = load_speech(str(tmp_path))
    assert told(found) == [("03", "anger"), ("03", "neutral"), ("16", "boredom")]
    assert found.emotions == ("anger", "boredom", "neutral")
    assert len(read_utterance(found.utterances[0].sound, "x")) == 0.3 * RATE


def test_emodb_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = [{"file_name": f"{k}.wav", "audio": {"bytes": wav(rate=22050), "path": ""}, "speaker": "08", "emotion": word}
            for k, word in enumerate(EMODB_LETTERS.values())]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "emodb.parquet")
    found = load_speech(f"emodb:{tmp_path}")
    assert found.emotions == tuple(sorted(EMODB_LETTERS.values()))
    assert abs(len(read_utterance(found.utterances[0].sound, "x")) - 0.3 * RATE) < 20


def test_ravdess_without_songs(tmp_path: Path) -> None:
    for name in ("03-01-05-01-02-01-12", "03-02-05-01-02-01-12", "03-01-02-02-01-01-12"):
        write_wav(tmp_path / "Actor_12" / f"{name}.wav")
    assert told(load_speech(f"ravdess:{tmp_path}")) == [("12", "calm"), ("12", "anger")]


def test_cremad(tmp_path: Path) -> None:
    write_wav(tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav")
    write_wav(tmp_path / "AudioWAV" / "1002_IEO_SAD_HI.wav")
    assert told(load_speech(f"cremad:{tmp_path}")) == [("1001", "anger"), ("1002", "sadness")]


def make_iemocap(folder: Path, lines: list[str]) -> None:
    sheet = folder / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" + "\n".join(lines) + "\n", "utf-8")


def test_iemocap_with_ratings_and_two_speakers(tmp_path: Path) -> None:
    make_iemocap(tmp_path, [
        "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]",
        "C-E2:\tNeutral;\t()",
        "[10.0100 - 11.3925]\tSes01F_impro01_M001\texc\t[5.0000, 4.0000, 2.5000]",
        "[14.8872 - 18.0175]\tSes01F_impro01_F002\txxx\t[2.5000, 2.5000, 2.5000]",
    ])  # fmt: skip
    for name in ("F000", "M001"):
        write_wav(tmp_path / "Session1" / "sentences" / "wav" / "Ses01F_impro01" / f"Ses01F_impro01_{name}.wav")
    found = load_speech(f"iemocap:{tmp_path}")
    assert told(found) == [("Ses01F", "neutral"), ("Ses01M", "excitement")]
    assert (found.utterances[1].arousal, found.utterances[1].valence) == (0.5, 1.0)


def test_iemocap_names_a_missing_file(tmp_path: Path) -> None:
    make_iemocap(tmp_path, ["[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]"])
    with pytest.raises(DataError, match=r"Ses01F_impro01_F000\.wav"):
        load_speech(f"iemocap:{tmp_path}")


def test_meld_counts_rows_without_a_file(tmp_path: Path) -> None:
    lines = ["Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season",
             "1,Oh no!,Rachel,surprise,negative,0,0,1", "2,Fine.,Ross,joy,positive,0,1,1"]  # fmt: skip
    (tmp_path / "test_sent_emo.csv").write_text("\n".join(lines) + "\n", "utf-8")
    write_wav(tmp_path / "output_repeated_splits_test" / "dia0_utt0.mp4")
    found = load_speech(f"meld:{tmp_path}")
    assert told(found) == [("Rachel", "surprise")]
    assert "1 rows without a file" in found.note
    with pytest.raises(SettingsError, match="no split"):
        load_speech(f"meld:{tmp_path}#some")


@pytest.mark.parametrize("name", SPEECH_READERS)
def test_an_empty_folder_is_told_with_the_layout(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as raised:
        load_speech(f"{name}:{tmp_path}")
    assert SPEECH_READERS[name].layout in str(raised.value)


def test_other_names_are_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "wav" / "03a01Xa.wav")
    with pytest.raises(DataError, match="'X' is none of"):
        load_speech(str(tmp_path))
    with pytest.raises(SettingsError, match="no set of speech"):
        load_speech("nosuch:folder")


def test_every_emotion_of_the_readers_is_in_the_ontology() -> None:
    from ferce_agent.evaluation.datasets import speech

    tables = (EMODB_LETTERS, speech.RAVDESS_CODES, speech.CREMAD_CODES, speech.IEMOCAP_CODES, speech.MELD_WORDS)
    for word in {word for table in tables for word in table.values()}:
        assert ontology().term(word).id == word


def test_a_file_that_is_no_sound_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFFnothing")
    for sound in (tmp_path / "a.wav", tmp_path / "none.wav", b"", wav()[:30]):
        with pytest.raises(DataError, match=r"a\.wav"):
            read_utterance(sound, "a.wav")


def test_two_channels_are_mixed_and_long_files_cut(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", seconds=LONGEST_S + 1, rate=8000)
    samples = read_utterance(tmp_path / "long.wav", "long.wav")
    assert len(samples) == LONGEST_S * RATE
    assert samples.dtype == np.float32
    assert 0.1 < np.abs(samples).max() <= 1


@given(st.text(max_size=80))
def test_lines_of_any_text_are_matched_or_not(line: str) -> None:
    seen = IEMOCAP_LINE.match(line)
    assert seen is None or seen["name"].startswith("Ses")
