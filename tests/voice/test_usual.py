from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import DataError
from ferce_agent.report.baseline import SEVERAL_VOICES, Baseline
from ferce_agent.report.speech import SpeechProsody
from ferce_agent.voice.activity import SpeechSpan
from ferce_agent.voice.usual import (
    DISTANCE_DB,
    SCATTER,
    UsualVoice,
    against_usual,
    measures,
    relative_of,
    usual_voice,
    voice_use,
)
from tests.baselines import make_baseline
from tests.voice_reports import make_prosody


@dataclass(frozen=True)
class Turn:
    span: SpeechSpan
    prosody: SpeechProsody


def turn(semitones: float, seconds: float = 3.0, **spoken: float | None) -> Turn:
    return Turn(
        SpeechSpan(0.0, seconds, 1.0),
        make_prosody(**{"pitch_hz": 55.0 * 2 ** (semitones / 12), "level_db": -20.0, "pause_share": 0.1, **spoken}),
    )


def turns(number: int, middle: float = 20.0, scatter: float = 1.3, seed: int = 0) -> list[Turn]:
    return [turn(value) for value in np.random.default_rng(seed).normal(middle, scatter, number)]


def baseline(usual: UsualVoice) -> Baseline:
    return make_baseline(sources=("voice",), readings=0, seconds=usual.seconds, voice=usual.levels)


def test_the_measures_have_the_units_of_the_baseline() -> None:
    found = measures(turn(24.0).prosody)
    assert list(found) == list(SCATTER)
    assert found["pitch_st"] == pytest.approx(24.0)
    assert np.isnan(measures(make_prosody(pitch_hz=None))["pitch_st"])


def test_a_shouted_turn_hardly_moves_what_is_usual() -> None:
    calm = usual_voice([turns(9)]).levels["pitch_st"]
    disturbed = usual_voice([[*turns(9), turn(40.0), turn(41.0)]]).levels["pitch_st"]
    assert calm.value == pytest.approx(20.0, abs=1.0)
    assert abs(disturbed.value - calm.value) < 1.0 < (np.mean([*[20.0] * 9, 40.0, 41.0]) - 20.0)


def test_less_speech_is_surer_of_less() -> None:
    errors = [usual_voice([turns(number)]).levels["pitch_st"].error for number in (4, 8, 40)]
    assert errors == sorted(errors, reverse=True)
    level = usual_voice([turns(40)]).levels["pitch_st"]
    assert level.error > 0.4 * level.spread  # what is common to a recording stays, however long it is
    assert usual_voice([turns(20, seed=1), turns(20, seed=2)]).levels["pitch_st"].error < level.error


def test_few_turns_that_are_alike_do_not_make_a_voice_steady() -> None:
    usual = usual_voice([[turn(20.0)] * 4])
    assert usual.levels["pitch_st"].spread > 0.5 * SCATTER["pitch_st"]
    assert usual_voice([[turn(20.0)] * 400]).levels["pitch_st"].spread < 0.2
    assert (usual.seconds, usual.turns, usual.doubts) == (12.0, 4, ())


def test_two_people_are_doubted() -> None:
    assert usual_voice([[*turns(6, 14.0), *turns(6, 24.0)]]).doubts == (SEVERAL_VOICES,)
    assert usual_voice([turns(12, scatter=1.8)]).doubts == ()


@pytest.mark.parametrize(
    "given", [[], [[]], [[turn(20.0, 0.9)] * 40], [[turn(20.0)] * 3], [[turn(20.0, 4.0)], [turn(20.0, 5.0)]]]
)
def test_too_little_speech_is_refused(given: list[list[Turn]]) -> None:
    with pytest.raises(DataError, match="of the 10 s needed") as caught:
        usual_voice(given)
    assert "longer recording" in str(caught.value.hint)


def test_what_was_never_measured_has_no_level() -> None:
    whispered = [turn(20.0, pitch_hz=None, pitch_spread_st=None) for _ in range(5)]
    assert set(usual_voice([whispered]).levels) == {"level_db", "syllables_per_s", "pause_share"}


def test_a_turn_is_told_against_what_is_usual() -> None:
    kept = baseline(usual_voice([turns(20)]))
    against = against_usual(turn(26.0, level_db=-10.0, pause_share=None), kept)
    assert against is not None
    assert set(against.changes) == set(SCATTER) - {"pause_share"}
    pitch, level = against.changes["pitch_st"], against.changes["level_db"]
    assert pitch.usual == kept.voice["pitch_st"].value
    assert pitch.value == pytest.approx(26.0 - pitch.usual, abs=1e-3)
    assert pitch.error == pytest.approx(np.hypot(kept.voice["pitch_st"].spread, kept.voice["pitch_st"].error), abs=1e-3)
    assert level.error > DISTANCE_DB  # ten decibels may be a microphone that is nearer
    told = relative_of(against)
    assert (told.to, told.baseline_s) == ("baseline", 60.0)
    assert told.pitch is not None and told.pitch > 3
    assert told.loudness is not None and told.loudness < 2
    assert 0.5 < against.baseline.weight < 1
    assert against.baseline == voice_use(kept)


def test_a_short_turn_and_a_baseline_without_a_voice_are_not_compared() -> None:
    assert against_usual(turn(20.0, 0.9), baseline(usual_voice([turns(9)]))) is None
    assert against_usual(turn(20.0), make_baseline(voice={})) is None


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 48), st.floats(1.0, 20.0)), min_size=10, max_size=30), st.floats(-12, 12))
def test_a_higher_voice_has_a_higher_baseline_and_is_as_sure(spoken: list[tuple[float, float]], shift: float) -> None:
    usual, higher = (
        usual_voice([[turn(value + moved, seconds) for value, seconds in spoken]]).levels["pitch_st"]
        for moved in (0.0, shift)
    )
    assert higher.value - usual.value == pytest.approx(shift, abs=0.02)
    assert higher.error == pytest.approx(usual.error, abs=0.02)
    assert min(value for value, _ in spoken) - 0.01 <= usual.value <= max(value for value, _ in spoken) + 0.01
