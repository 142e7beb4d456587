"""Audience: planted reactions come back, and nothing of fewer than five viewers does, not even by subtraction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ferce_agent.errors import ClipFormatError, PolicyError, SettingsError
from ferce_agent.evaluation.scenarios.made_viewers import MadeFace, made_events, still_face
from ferce_agent.policy.decide import decide, permit
from ferce_agent.policy.use import UseContext
from ferce_agent.report.scenario import Curve, Indicator
from ferce_agent.scenarios.preset import preset
from ferce_agent.scenarios.study import Findings, read_options, study_of

AGREED = UseContext(domain="entertainment", consent=True)
TIMES = np.arange(0, 60, 0.25)
JOKES = (15.0, 40.0)


def run(
    viewers: list[MadeFace],
    groups: str | None = None,
    use: UseContext = AGREED,
    failing: int | None = None,
    **options: Any,
) -> Findings:
    """Return what is found of made viewers; `groups` has a letter for each, a space for none."""
    kind = study_of("audience")
    study = kind(preset("audience"), read_options(kind, options), decide(use, remote=False, scenario="audience"))
    for number, face in enumerate(viewers):
        study.begin(number, None if groups is None or groups[number] == " " else groups[number])
        if number == failing:
            study.failed(number, ClipFormatError("secret-name.mp4 is no film."))
            continue
        for event in made_events([face]):
            assert study.clip(number, event) == []
    return study.finish()


def viewer(seed: int, jokes: tuple[float, ...] = JOKES, *, others: int = 2, times: Any = TIMES) -> MadeFace:
    """Somebody who smiles for three seconds after each joke, and now and then at other times."""
    source = np.random.default_rng(seed)
    begins = [*(joke + source.uniform(0.3, 1.0) for joke in jokes), *source.uniform(0, 57, others)]
    shown = np.zeros(len(times), np.bool_)
    for begin in begins:
        shown |= (times >= begin) & (times < begin + 3)
    units = {"AU12": 0.1 + 0.5 * shown + source.normal(0, 0.02, len(times))}
    return still_face(times, units=units, shares={"happiness": 0.8 * shown})


def crowd(count: int, **changes: Any) -> list[MadeFace]:
    """Viewers of the same content."""
    return [viewer(seed, **changes) for seed in range(count)]


def named(found: Findings, name: str) -> Indicator:
    """Return an indicator."""
    return next(one for one in found.indicators if one.id == name)


def curve(found: Findings, name: str) -> Curve:
    """Return a curve."""
    return next(one for one in found.curves if one.id == name)


def codes(found: Findings) -> set[str]:
    """Return the codes of what could not be done."""
    return {one.code for one in found.degraded}


def test_planted_peaks_are_found_on_the_time_line() -> None:
    found = run(crowd(12), timeline="0,Opening\n14,First joke\n20,Chase\n39,Second joke\n45,End\n")
    smiles = [one for one in found.peaks if one.curve == "smile"]
    assert [one.marker for one in smiles] == ["First joke", "Second joke"]
    assert all(abs(one.at_s - joke - 2) <= 1.5 for one, joke in zip(smiles, JOKES, strict=True))
    assert all(one.p_value <= 0.05 for one in smiles)
    assert "First joke" in found.summary


def test_without_a_reaction_there_is_no_peak() -> None:
    found = run(crowd(12, jokes=(), others=4))
    assert found.peaks == ()
    assert "No peak" in found.summary


def test_shares_have_intervals_and_numbers_of_viewers() -> None:
    point = curve(run(crowd(12)), "smile").points[16]
    assert (point.value, point.people) == (1.0, 12)
    assert point.low is not None
    assert point.low < 0.8


def test_nothing_is_told_of_four_viewers() -> None:
    found = run(crowd(4))
    assert (found.curves, found.peaks) == ((), ())
    assert {one.withheld for one in found.indicators} == {"too_few_people"}
    assert codes(found) >= {"too_few_people"}


def test_a_step_with_four_viewers_is_not_told() -> None:
    brief = np.arange(0, 30, 0.25)
    found = run([*crowd(4), *(viewer(seed, jokes=(15.0,), times=brief) for seed in (4, 5))])
    points = curve(found, "smile").points
    assert len(points) == 30
    assert points[16].people == 6


def test_a_gap_in_the_middle_is_not_told() -> None:
    holes = TIMES[(TIMES < 20) | (TIMES >= 25)]
    found = run([*crowd(4), *(viewer(seed, times=holes) for seed in (4, 5))])
    points = curve(found, "smile").points
    assert [point.value for point in points[20:25]] == [None] * 5
    assert [point.people for point in points[20:25]] == [0] * 5
    assert points[19].people == 6
    assert any(one.code == "too_few_people" and one.count == 5 for one in found.degraded)


def test_viewers_become_one_source_without_a_digest() -> None:
    found = run(crowd(6))
    assert [(one.people, one.sha256) for one in found.sources] == [(6, None)]
    assert found.sources[0].readable_s <= found.sources[0].seconds
    assert all(one.source is None for one in found.degraded)


def test_films_that_begin_at_other_times_are_aligned() -> None:
    late = [viewer(seed, jokes=tuple(joke + seed for joke in JOKES)) for seed in range(8)]
    smiles = [one for one in run(late, offset_s=list(range(8)), length_s=50).peaks if one.curve == "smile"]
    assert all(abs(one.at_s - joke - 2) <= 1.5 for one, joke in zip(smiles, JOKES, strict=True))


def test_two_versions_that_differ_are_told_apart() -> None:
    found = run([*crowd(8), *crowd(8, jokes=())], "a" * 8 + "b" * 8)
    one = named(found, "smile.difference.a.b")
    assert one.value is not None
    assert one.low is not None
    assert one.value > one.low > 0
    chance = named(found, "smile.p_value.a.b")
    assert chance.value is not None
    assert chance.value <= 0.05
    assert {"smile.a", "smile.b"} <= {each.id for each in found.curves}
    assert {each.curve for each in found.peaks} <= {"smile.a", "happiness.a"}


def test_the_same_version_is_not_told_apart() -> None:
    chance = named(run(crowd(12), "abababababab"), "smile.p_value.a.b")
    assert chance.value is not None
    assert chance.value > 0.05


@pytest.mark.parametrize("groups", ["aaaaaaaabbb", "aaaaabbbbb ", "aaaaabbbbcc"])
def test_no_small_group_can_be_had_by_subtraction(groups: str) -> None:
    """Where a group, or who is in none, has fewer than five viewers, only all together are told."""
    found = run(crowd(11), groups)
    told = {one.id for one in found.indicators} | {one.id for one in found.curves}
    assert not any(".a" in one or ".b" in one for one in told)
    assert "smile" in told
    assert "too_few_people" in codes(found)


def test_a_step_in_which_one_group_is_too_few_is_told_of_nobody() -> None:
    holes = TIMES[(TIMES < 20) | (TIMES >= 25)]
    found = run([*crowd(9), viewer(9, times=holes)], "aaaaabbbbb")
    for name in ("smile", "smile.a", "smile.b"):
        points = curve(found, name).points
        assert [point.value for point in points[20:25]] == [None] * 5
        assert points[19].value is not None


def test_a_viewer_is_not_had_by_subtracting_means() -> None:
    """Of one group only four are read long enough for a mean, so no mean is told, though each step has five of it."""
    brief = [viewer(20 + part, times=np.arange(10.0 * part, 10.0 * part + 10, 0.25)) for part in range(6)]
    found = run([*crowd(9), *brief], "aaaaabbbb" + "b" * 6)
    assert [one.id for one in found.indicators if one.value is not None] == []
    points = curve(found, "smile.b").points
    assert [point.people for point in points if point.value is None] == []


def test_a_viewer_who_was_hardly_read_is_not_had_by_subtracting_the_mean_from_the_curve() -> None:
    """Who smiles how often in a curve smiles so often in the mean, too."""
    found = run([*crowd(5), viewer(9, jokes=(2.0,), others=0, times=TIMES[TIMES < 8])])
    mean, points = named(found, "smile.share"), curve(found, "smile").points
    assert mean.value is not None and mean.people == 6
    assert mean.seconds == sum(point.people for point in points)
    smiles = sum(point.people * (point.value or 0.0) for point in points)
    assert mean.value == pytest.approx(smiles / mean.seconds, abs=1e-3)


def test_where_expressions_may_not_be_read_smiles_are_told() -> None:
    at_work = UseContext(domain="workplace", jurisdiction="eu", consent=True)
    found = run(
        crowd(
            6,
        ),
        use=at_work,
    )
    assert {one.id.partition(".")[0] for one in found.indicators} == {"smile"}
    assert "policy_restricted" in codes(found)


@pytest.mark.parametrize("use", [{}, {"consent": False}, {"consent": True, "minors": True}])
def test_viewers_who_did_not_agree_are_not_read(use: dict[str, bool]) -> None:
    with pytest.raises(PolicyError):
        permit(UseContext(**use), remote=False, scenario="audience")


def test_a_face_that_rests_with_raised_corners_does_not_always_smile() -> None:
    resting = [still_face(TIMES, units={"AU12": np.where((TIMES > 30) & (TIMES < 34), 0.6, 0.32)}) for _ in range(6)]
    values = [point.value for point in curve(run(resting), "smile").points]
    assert values[10] == 0.0
    assert values[32] == 1.0


def test_a_film_that_fails_or_shows_nobody_costs_no_other() -> None:
    found = run(crowd(7), failing=3)
    assert found.sources[0].people == 6
    assert "secret-name" not in " ".join(one.message for one in found.degraded)
    assert named(found, "smile.share").people == 6


def test_the_same_film_again_is_no_other_viewer() -> None:
    """Five times the film of one viewer would tell of that one."""
    kind = study_of("audience")
    study = kind(preset("audience"), read_options(kind, {}), decide(AGREED, remote=False, scenario="audience"))
    for number in range(5):
        study.begin(number, None)
        for event in made_events([viewer(1)], sha256="a" * 64):
            study.clip(number, event)
    found = study.finish()
    assert found.curves == () and found.sources[0].people == 1
    assert any(one.code == "readings_left_out" and one.count == 4 for one in found.degraded)


def test_nothing_at_all_is_told_as_such() -> None:
    assert "Nothing is told" in run([]).summary


def test_short_content_has_no_peaks() -> None:
    found = run([viewer(seed, jokes=(5.0,), others=0, times=np.arange(0, 12, 0.25)) for seed in range(8)])
    assert found.peaks == ()
    assert "not_enough_time" in codes(found)


def test_names_of_groups_that_are_too_much_alike_are_refused() -> None:
    with pytest.raises(SettingsError, match="alike"):
        run(crowd(2), "aA")


def test_the_same_run_gives_the_same_numbers() -> None:
    assert run(crowd(8), timeline=[[0, "x"]]) == run(crowd(8), timeline=[[0, "x"]])
