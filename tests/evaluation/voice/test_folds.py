from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.speech import load_speech
from ferce_agent.evaluation.voice.folds import CLEAN, NOT_SPEECH, Answers, Told, leave_one_out
from ferce_agent.evaluation.voice.functionals import FunctionalsSvm
from ferce_agent.evaluation.voice.spoken import Spoken, read_spoken
from ferce_agent.evaluation.voice.tables import as_dicts, to_markdown
from ferce_agent.voice.features import Samples
from tests.evaluation.sounds import make_emodb


@pytest.fixture
def spoken(tmp_path: Path) -> Spoken:
    return read_spoken(load_speech(str(make_emodb(tmp_path / "emodb"))))


class Noting:
    """Answers the first emotion, and notes who was in the training."""

    def __init__(self) -> None:
        self.name = "noting"
        self.seen: dict[str, set[str]] = {}

    def fit(self, train: Spoken, fold: str) -> None:
        self.seen[fold] = set(train.speakers.tolist())

    def predict(self, frames: tuple[Samples, ...], emotions: int) -> Told:
        return Told(np.eye(emotions)[np.zeros(len(frames), int)], np.array([len(one) > 50 for one in frames]))


def answers(said: list[int], gold: list[int], emotions: tuple[str, ...] = ("anger", "neutral", "sadness")) -> Answers:
    return Answers("m", CLEAN, np.eye(len(emotions))[said], np.array(gold), emotions)


def test_nobody_is_asked_about_a_speaker_who_was_trained_on(spoken: Spoken, tmp_path: Path) -> None:
    method = Noting()
    babble: list[int] = []

    def harm(one: Samples, others: object, rng: np.random.Generator) -> Samples:
        babble.append(len(others))  # type: ignore[arg-type]
        return one

    found = leave_one_out(spoken, [method], {"harmed": harm}, tmp_path / "out")
    assert method.seen == {"03": {"08", "09"}, "08": {"03", "09"}, "09": {"03", "08"}}
    assert set(babble) == {12}
    assert [one.condition for one in found] == [CLEAN, "harmed"]
    assert [one.uar for one in found] == pytest.approx([1 / 3, 1 / 3])


def test_what_is_done_is_not_done_again(spoken: Spoken, tmp_path: Path) -> None:
    first, again = Noting(), Noting()
    leave_one_out(spoken, [first], {}, tmp_path / "out")
    found = leave_one_out(spoken, [again], {}, tmp_path / "out")
    assert again.seen == {}
    assert found[0].uar == pytest.approx(1 / 3)
    assert found[0].unlike is not None
    assert found[0].unlike.tolist() == [len(one) > 50 for one in spoken.frames]
    assert 0 < found[0].unlike.mean() < 1
    kept = tmp_path / "out" / "noting-03.npz"
    for damaged in (b"no", b"", kept.read_bytes()[:-40], kept.read_bytes()[:200]):
        kept.write_bytes(damaged)
        with pytest.raises(DataError, match="noting-03"):
            leave_one_out(spoken, [again], {}, tmp_path / "out")


def test_answers_about_another_set_are_refused(spoken: Spoken, tmp_path: Path) -> None:
    leave_one_out(spoken, [Noting()], {}, tmp_path / "out")
    with pytest.raises(DataError, match="another set"):
        leave_one_out(spoken.take(np.arange(0, 18, 2)), [Noting()], {}, tmp_path / "out")


def test_one_speaker_alone_is_refused(spoken: Spoken, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two or more"):
        leave_one_out(spoken.take(np.arange(6)), [Noting()], {}, tmp_path / "out")


def test_the_scores() -> None:
    one = answers([0, 0, 1, 2, 2, 2], [0, 0, 0, 1, 2, 2])
    assert one.recalls.tolist() == pytest.approx([2 / 3, 0, 1])
    assert one.uar == pytest.approx(5 / 9)
    assert one.arousal == pytest.approx((2 / 3 + 1) / 2)
    assert one.confusion.tolist() == [[2, 1, 0], [0, 0, 1], [0, 0, 2]]


def test_an_emotion_that_does_not_occur_does_not_count() -> None:
    assert answers([0, 1], [0, 1]).uar == 1.0


def test_the_tables_hold_every_method_and_the_confusion() -> None:
    table = to_markdown([answers([0, 1, 1], [0, 1, 2])])
    assert "| m | as recorded | 0.667 | 1.000 |  | 1.00 | 1.00 | 0.00 |" in table
    assert "| sadness | 0 | 1 | 0 |" in table
    assert as_dicts([answers([0, 1, 1], [0, 1, 2])])[0]["uar"] == 0.6667


def test_no_emotion_is_scored_where_there_is_no_speech() -> None:
    one = Answers("m", NOT_SPEECH, np.eye(2), np.array([0, 1]), ("anger", "neutral"), np.array([True, False]))
    assert "| m | unlike the training |  |  | 0.50 |  |  |" in to_markdown([one])
    assert "| s |" not in to_markdown([one, Answers("s", NOT_SPEECH, np.eye(2), one.gold, one.emotions)])


def test_the_baseline_tells_tones_of_unlike_pitch(spoken: Spoken, tmp_path: Path) -> None:
    found = leave_one_out(spoken, [FunctionalsSvm()], {}, tmp_path / "out")
    assert found[0].uar > 0.9


def test_arousal_and_valence_are_the_ontologys(spoken: Spoken) -> None:
    affect = dict(zip(spoken.emotions, spoken.affect.tolist(), strict=True))
    assert affect["anger"] == pytest.approx([0.7, -0.6])


def test_a_set_of_one_emotion_is_refused(tmp_path: Path) -> None:
    folder = make_emodb(tmp_path / "emodb")
    for path in (folder / "wav").glob("*[NT]a.wav"):
        path.unlink()
    with pytest.raises(DataError, match="two emotions"):
        read_spoken(load_speech(str(folder)))
