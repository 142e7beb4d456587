from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.clips.speed import ClipSpeedRow, film_of, speed_table
from ferce_agent.evaluation.clips.suites import SUITES, ClipChoices, chosen, measure_clips
from ferce_agent.inputs.clip import open_clip


def test_without_data_what_needs_it_is_left_out() -> None:
    assert set(SUITES) - set(chosen(ClipChoices())) == {"episodes"}
    assert chosen(ClipChoices(data=Path("faces"))) == SUITES


def test_a_suite_that_needs_data_is_refused_without() -> None:
    with pytest.raises(SettingsError, match="--data"):
        chosen(ClipChoices(suites=("episodes",)))


def test_suites_run_in_their_own_order_and_only_those_asked_for() -> None:
    assert chosen(ClipChoices(suites=("damage", "speed"))) == ("speed", "damage")


def test_a_data_set_alone_runs_nothing_else() -> None:
    assert chosen(ClipChoices(megc=("cas-me2", Path("films")))) == ()


def test_damaged_clips_are_counted_from_one_call() -> None:
    (part,) = measure_clips(ClipChoices(suites=("damage",), count=4))
    assert part.startswith("### Damage")
    assert "4" in part


def test_goals_are_met_from_above_for_rates_and_from_below_for_times() -> None:
    assert ClipSpeedRow("a", 130, 120, "frames/s", 120).met
    assert not ClipSpeedRow("a", 110, 100, "frames/s", 120).met
    assert ClipSpeedRow("a", 50, 70, "ms", 60).met
    assert ClipSpeedRow("a", 50, 70, "ms", None).met is None
    assert "| a | 110 frames/s | 100 frames/s | ≥ 120 frames/s: missed |" in speed_table(
        [ClipSpeedRow("a", 110, 100, "frames/s", 120)]
    )


def test_the_made_film_has_the_frames_it_says() -> None:
    with open_clip(film_of(3, 0.5)) as clip:
        assert [frame.pixels.shape for frame in clip] == [(480, 640, 3)] * 15
