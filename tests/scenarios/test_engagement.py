"""Engagement: planted directions come back, groups of five or more only, and nothing can be had by subtraction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ferce_agent.errors import ClipFormatError, PolicyError, SettingsError
from ferce_agent.evaluation.scenarios.made_viewers import MadeFace, made_events, still_face
from ferce_agent.policy.decide import decide
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.report.scenario import Indicator
from ferce_agent.scenarios.preset import preset
from ferce_agent.scenarios.study import Findings, read_options, study_of

TIMES = np.arange(0, 60, 0.1)
AT_SCHOOL = UseContext(domain="education", jurisdiction="eu")


def run(sources: list[list[MadeFace]], use: UseContext = NOT_STATED, **options: Any) -> Findings:
    """Return what is found of made clips."""
    kind = study_of("engagement")
    study = kind(preset("engagement"), read_options(kind, options), decide(use, remote=False, scenario="engagement"))
    for number, faces in enumerate(sources):
        study.begin(number, None)
        for event in made_events(faces):
            assert study.clip(number, event) == []
    return study.finish()


def looking(share: float, seed: int = 0, **changes: Any) -> MadeFace:
    """A face turned away for the last part of each ten seconds, by 40 degrees, with noise of 3 degrees."""
    away = 10 * share <= (TIMES % 10)
    noise = np.random.default_rng(seed).normal(0, 3, len(TIMES))
    return still_face(TIMES, yaw=np.where(away, 45.0, 0.0) + noise, **changes)


def group(count: int, share: float = 0.7, **changes: Any) -> list[list[MadeFace]]:
    """Clips of people who look at the screen for a share of the time."""
    return [[looking(share, seed, **changes)] for seed in range(count)]


def named(found: Findings, name: str) -> Indicator:
    """Return an indicator."""
    return next(one for one in found.indicators if one.id == name)


def codes(found: Findings) -> set[str]:
    """Return the codes of what could not be done."""
    return {one.code for one in found.degraded}


def test_the_planted_share_of_a_group_comes_back_with_its_interval() -> None:
    found = named(run(group(6)), "facing")
    assert found.value == pytest.approx(0.7, abs=0.02)
    assert found.low is not None and found.high is not None and found.low < 0.7 < found.high
    assert found.people == 6


def test_nothing_is_told_of_four_people() -> None:
    found = run(group(4))
    assert {one.withheld for one in found.indicators} == {"too_few_people"}
    assert found.curves == ()
    assert "too_few_people" in codes(found)


def test_a_single_person_is_told_only_as_the_own_use() -> None:
    assert named(run(group(1)), "facing").withheld == "too_few_people"
    found = run(group(1), own=True)
    assert named(found, "facing").value == pytest.approx(0.7, abs=0.02)
    assert found.sources[0].sha256 is not None


def test_two_films_are_no_own_use() -> None:
    assert named(run(group(2), own=True), "facing").withheld == "too_few_people"


def test_two_faces_in_one_film_are_no_own_use() -> None:
    assert named(run([[looking(0.7), looking(0.2, 1)]], own=True), "facing").withheld == "too_few_people"


def test_the_own_use_is_refused_in_the_eu_at_school() -> None:
    with pytest.raises(PolicyError):
        run(group(1), AT_SCHOOL, own=True)


def test_at_school_only_movements_are_told() -> None:
    found = run(group(6, shares=None), AT_SCHOOL)
    assert named(found, "facing").value is not None
    assert not [one for one in found.indicators if "with_lids" in one.id]
    assert "policy_restricted" in codes(found)


def test_a_group_is_told_as_one_source_without_digests() -> None:
    found = run(group(6))
    assert [(one.people, one.sha256) for one in found.sources] == [(6, None)]


def test_faces_seen_at_once_in_one_film_are_a_group() -> None:
    found = run([[looking(0.7, seed) for seed in range(6)]])
    assert named(found, "facing").people == 6
    assert "people_not_told_apart" in codes(found)


def test_a_person_who_comes_back_is_no_second_one() -> None:
    """Five tracks one after the other are one person at most."""
    parts = [still_face(np.arange(10.0 * part, 10.0 * part + 9, 0.1)) for part in range(5)]
    found = run([parts])
    assert named(found, "facing").withheld == "too_few_people"
    assert found.sources[0].people == 1


def test_nobody_makes_up_more_than_half_of_a_mean() -> None:
    """One is seen for a minute, four others for four seconds each."""
    brief = [still_face(np.arange(2.0, 6.2, 0.1)) for _ in range(4)]
    assert named(run([[looking(0.7)], *([one] for one in brief)], step_s=600), "facing").withheld == "too_few_people"


def test_a_slide_with_too_few_people_counts_in_nothing() -> None:
    """The sixth person alone sees the second slide; the whole is that of the first one."""
    first = [[still_face(np.arange(0, 30, 0.1))] for _ in range(5)]
    long = [[still_face(TIMES, yaw=np.where(TIMES > 30, 60.0, 0.0))]]
    found = run(first + long, markers=[[0, "one"], [30, "two"]])
    assert named(found, "slide-2.facing").withheld == "too_few_people"
    assert named(found, "facing").value == named(found, "slide-1.facing").value == 1.0
    assert [point.value for point in found.curves[0].points] == [1.0, None]
    assert found.curves[0].points[1].people == 0


def test_a_person_who_is_seen_for_moments_is_not_had_by_subtracting_the_steps() -> None:
    """The sixth is seen for two seconds of each ten: too short for every step, and so for the whole."""
    moments = still_face(TIMES[TIMES % 10 < 2], yaw=np.full(int((TIMES % 10 < 2).sum()), 60.0))
    found = run([[still_face(TIMES)] for _ in range(5)] + [[moments]])
    assert {point.people for point in found.curves[0].points} == {5}
    whole = named(found, "facing")
    assert (whole.people, whole.value) == (5, 1.0)


def test_a_person_who_blinks_in_one_slide_is_not_had_by_subtracting_it() -> None:
    """The sixth is seen for five seconds of the first slide, and counts in the whole as well."""
    others = [[still_face(TIMES, blinks=[5.0 * number for number in range(1, 12)])] for _ in range(5)]
    brief = still_face(TIMES[TIMES < 5], blinks=[1.0, 2.0, 3.0])
    found = run([*others, [brief]], markers=[[0, "one"], [30, "two"]])
    points = next(one for one in found.curves if one.id == "blinks_per_minute").points
    assert [point.people for point in points] == [6, 5]
    assert named(found, "blinks_per_minute").people == 6


def test_slides_have_their_own_numbers() -> None:
    people = [[still_face(TIMES, yaw=np.where(TIMES >= 30.5, 50.0, 0.0))] for _ in range(5)]
    found = run(people, markers="0,Title\n30.5,Formula\n")
    assert named(found, "slide-1.facing").value == pytest.approx(1.0)
    assert named(found, "slide-2.facing").value == pytest.approx(0.0)
    assert named(found, "slide-2.facing").name.endswith("Formula")
    assert found.curves[0].axis == "slide"
    assert "Most during 'Title' (100 %), least during 'Formula' (0 %)" in found.summary


def test_slides_that_are_alike_are_not_ranked() -> None:
    assert "Most during" not in run([[still_face(TIMES)] for _ in range(5)], markers="0,One\n30,Two\n").summary


def test_films_that_begin_at_other_times_are_aligned() -> None:
    people = [[still_face(TIMES, yaw=np.where(30 + shift <= TIMES, 50.0, 0.0))] for shift in range(5)]
    found = run(people, markers=[[0, "one"], [30, "two"]], offset_s=[0, 1, 2, 3, 4])
    assert named(found, "slide-1.facing").value == pytest.approx(1.0)
    assert named(found, "slide-2.facing").value == pytest.approx(0.0)


def test_the_screen_may_stand_beside_the_camera() -> None:
    people = [[still_face(TIMES, yaw=np.full(len(TIMES), 30.0))] for _ in range(5)]
    assert named(run(people), "facing").value == 0.0
    assert named(run(people, screen=[30, 0]), "facing").value == 1.0


def test_eyes_count_where_they_were_measured() -> None:
    """The head is turned to the screen, the eyes look far aside."""
    aside = np.column_stack([np.full(len(TIMES), 0.9), np.zeros(len(TIMES))])
    found = run([[still_face(TIMES, gaze=aside)] for _ in range(5)])
    assert named(found, "facing").value == 0.0
    assert "gaze_not_measured" not in codes(found)
    assert "gaze_not_measured" in codes(run(group(5)))


def test_blinks_and_brows_are_counted() -> None:
    moves = [("AU4", 10.0, 12.0), ("AU7", 11.0, 13.0), ("AU4", 30.0, 32.0)]
    blinks = [5.0 * number for number in range(1, 12)]
    found = run([[still_face(TIMES, episodes=moves, blinks=blinks)] for _ in range(5)])
    assert named(found, "blinks_per_minute").value == pytest.approx(11, rel=0.02)
    assert named(found, "brows_lowered_per_minute").value == pytest.approx(2, rel=0.02)
    assert named(found, "brows_with_lids_or_tilt_per_minute").value == pytest.approx(1, rel=0.02)


def test_a_tilted_head_goes_with_lowered_brows() -> None:
    roll = np.where((TIMES > 30) & (TIMES < 33), 20.0, 0.0)
    found = run([[still_face(TIMES, roll=roll, episodes=[("AU4", 30.5, 32.0)])] for _ in range(5)])
    assert named(found, "brows_with_lids_or_tilt_per_minute").value == pytest.approx(1, rel=0.02)


def test_eyes_that_cannot_be_judged_have_no_blinks() -> None:
    found = run(group(5, blinks=None))
    assert named(found, "blinks_per_minute").withheld == "eyes_not_judged"
    assert "eyes_not_judged" in codes(found)


def test_nothing_says_that_somebody_is_confused() -> None:
    found = run(group(6))
    told = " ".join([found.summary, *(f"{one.name} {one.text}" for one in found.indicators)]).lower()
    assert not any(word in told for word in ("confused", "bored", "feels", "attentive"))


def test_a_source_that_fails_costs_no_other() -> None:
    kind = study_of("engagement")
    study = kind(preset("engagement"), read_options(kind, {}), decide(UseContext(), remote=False))
    for number, faces in enumerate(group(6)):
        study.begin(number, None)
        if number == 3:
            study.failed(number, ClipFormatError("secret-name.mp4 is no film."))
            continue
        for event in made_events(faces):
            study.clip(number, event)
    found = study.finish()
    assert named(found, "facing").people == 5
    assert "secret-name" not in " ".join(one.message for one in found.degraded)


def test_the_same_film_again_is_nobody_else() -> None:
    kind = study_of("engagement")
    study = kind(preset("engagement"), read_options(kind, {}), decide(UseContext(), remote=False))
    for number in range(5):
        study.begin(number, None)
        for event in made_events([looking(0.7)], sha256="a" * 64):
            study.clip(number, event)
    found = study.finish()
    assert named(found, "facing").withheld == "too_few_people"
    assert any(one.code == "readings_left_out" and one.count == 4 for one in found.degraded)


def test_people_who_are_seen_too_briefly_are_told_as_such() -> None:
    brief = [[still_face(np.arange(0, 2.5, 0.1))] for _ in range(5)]
    (note,) = [one for one in run(brief).degraded if one.code == "too_few_people"]
    assert "for 3 seconds each" in note.message


def test_a_film_without_a_face_is_told() -> None:
    found = run([[]])
    assert codes(found) >= {"no_face"}
    assert named(found, "facing").withheld == "no_face"


def test_groups_and_missing_offsets_are_refused() -> None:
    kind = study_of("engagement")
    study = kind(preset("engagement"), read_options(kind, {"offset_s": [1]}), decide(UseContext(), remote=False))
    with pytest.raises(SettingsError, match="groups"):
        study.begin(0, "a")
    with pytest.raises(SettingsError, match="offset_s"):
        study.begin(1, None)
