from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import EngineError, SettingsError
from ferce_agent.evaluation.scenarios.drives import CALM_S, Drive, Manner, Plan, closing, made, ramp
from ferce_agent.report.scenario_events import AlertEvent, ScenarioDegradedEvent
from ferce_agent.scenarios import preset
from ferce_agent.scenarios.driver import DriverStudy
from ferce_agent.scenarios.driver_speed import parse_speeds
from ferce_agent.scenarios.study import Findings, read_options
from ferce_agent.temporal.eye_events import CLOSED, YAWN, EyeSample
from ferce_agent.temporal.glances import AWAY_PITCH, AWAY_YAW
from ferce_agent.temporal.perclos import LEAST_SEEN_S, WINDOW_S
from tests.scenarios.driver_films import alerts, events, fed, reading, study

AT = CALM_S + 2.0


def planned(seconds: float = 30.0, **parts: Callable[[np.ndarray], np.ndarray]) -> Plan:
    """A drive with a blink every four seconds and one thing that happens."""
    plan = Plan(seconds)
    taken = parts.get("lids")
    for begin in np.arange(1.0, seconds - 1, 4.0).tolist():
        if taken is None or not taken(np.arange(begin - 1, begin + 1.3, 0.02)).any():
            plan.lids.append(ramp(begin, 0.08, 0.04, 0.14))
    for name, part in parts.items():
        getattr(plan, name).append(part)
    return plan


def driven(plan: Plan, manner: Manner | None = None, **options: object) -> tuple[list[AlertEvent], Findings]:
    drive = made(plan, manner or Manner(25.0))
    options = options or {"speed_kmh": 80}
    one = study(**options)
    told = [event for event in fed(one, events(drive.samples)) if isinstance(event, AlertEvent)]
    told += list(one._watch.finish())
    return told, one.finish()


def kinds(told: list[AlertEvent]) -> list[tuple[str, str]]:
    return [(one.event.removeprefix("alert_"), one.alert.kind) for one in told]


def shut(seconds: float) -> Callable[[np.ndarray], np.ndarray]:
    return closing(np.random.default_rng(1), AT, seconds)


def test_the_preset_names_the_thresholds_of_the_signals() -> None:
    one = preset("driver")
    assert one.value("perclos_closed") == CLOSED
    assert (one.value("perclos_window_s"), one.value("perclos_seen_s")) == (WINDOW_S, LEAST_SEEN_S)
    assert (one.value("yawn_open"), one.value("yawn_s")) == (YAWN.on, YAWN.least_s)
    assert (one.value("glance_yaw"), one.value("glance_pitch")) == (AWAY_YAW, AWAY_PITCH)
    assert any("certified" in words for words in one.is_not)


def test_a_quiet_drive_is_told_nothing_of() -> None:
    told, found = driven(planned(70.0))
    assert told == []
    assert found.alerts == ()
    numbers = {one.id: one for one in found.indicators}
    perclos, blinks = numbers["perclos"], numbers["blinks_per_minute"]
    assert perclos.value is not None
    assert perclos.value < 0.05
    assert perclos.exceeds is False
    assert blinks.value == pytest.approx(15, abs=2)
    assert blinks.low is not None
    assert numbers["eyes_judged"].value == pytest.approx(1.0, abs=0.05)
    assert {one.code for one in found.degraded} == {"gaze_not_measured"}
    assert {curve.id for curve in found.curves} == {"perclos", "away"}


@pytest.mark.parametrize("fps", [10.0, 25.0, 60.0])
def test_a_microsleep_is_told_when_it_is_half_a_second_old(fps: float) -> None:
    told, found = driven(planned(lids=shut(1.4)), Manner(fps))
    assert kinds(told) == [("begins", "microsleep"), ("ends", "microsleep")]
    begin, end = told
    assert begin.alert.onset_s == pytest.approx(AT, abs=0.15)
    assert 0.45 < begin.time_s - AT < 0.55 + 1 / fps
    assert begin.time_s == begin.alert.told_s
    assert end.alert.offset_s == pytest.approx(AT + 1.4, abs=0.15)
    assert end.alert.id == begin.alert.id
    assert found.alerts == (end.alert,)


def test_sleep_is_a_microsleep_that_goes_on() -> None:
    told, _ = driven(planned(lids=shut(4.5)))
    assert kinds(told) == [("begins", "microsleep"), ("rises", "sleep"), ("ends", "sleep")]
    assert told[1].time_s - AT == pytest.approx(3.0, abs=0.15)
    assert told[1].alert.urgency == "urgent"
    assert len({one.alert.id for one in told}) == 1


@pytest.mark.parametrize(
    ("speed", "seconds", "limit"), [(80, 5.0, 3.5), (30, 5.0, None), (30, 8.0, 6.0), (10, 9.0, None), (None, 5.0, 3.5)]
)
def test_how_long_a_glance_may_be_depends_on_the_speed(
    speed: float | None, seconds: float, limit: float | None
) -> None:
    told, found = driven(planned(yaw=ramp(AT, 0.2, seconds, 0.2, 35.0)), speed_kmh=speed)
    begins = [one for one in told if one.event == "alert_begins"]
    assert [one.alert.kind for one in begins] == (["long_glance"] if limit else [])
    if limit:
        assert begins[0].alert.limit.value == limit
        assert begins[0].time_s - AT == pytest.approx(limit + 0.1, abs=0.15)
    assert ("speed_not_known" in {one.code for one in found.degraded}) == (speed is None)


def test_who_does_not_look_back_is_warned_of_more_urgently() -> None:
    told, _ = driven(planned(yaw=ramp(AT, 0.2, 8.0, 0.2, 35.0)))
    assert [one.event for one in told] == ["alert_begins", "alert_rises", "alert_ends"]


def test_a_warning_ends_when_the_car_slows_down_and_does_not_flicker_on_the_way() -> None:
    speeds = [(0.0, 60.0), *((AT + 4.0 + 0.1 * step, 21.0 - 2 * (step % 2)) for step in range(20)), (AT + 6.5, 5.0)]
    told, _ = driven(
        planned(yaw=ramp(AT, 0.2, 9.0, 0.2, 35.0)), speeds=[*((t, 60.0) for t in range(int(AT))), *speeds[1:]]
    )
    assert [one.event for one in told] == ["alert_begins", "alert_ends"]
    assert told[-1].time_s == pytest.approx(AT + 6.5, abs=0.1)


def test_short_glances_add_up() -> None:
    plan = planned(50.0)
    plan.yaw += [ramp(AT + 2.6 * number, 0.15, 1.4, 0.15, 35.0) for number in range(9)]
    told, _ = driven(plan)
    assert kinds(told) == [("begins", "short_glances"), ("ends", "short_glances")]
    assert driven(plan, speed_kmh=15)[0] == []


def test_yawns_and_nods_are_told_and_looks_down_are_not() -> None:
    assert kinds(driven(planned(mouth=ramp(AT, 0.8, 3.0, 0.8, 0.8)))[0]) == [("begins", "yawn"), ("ends", "yawn")]
    sinks = ramp(AT, 1.0, 0.2, 0.25, -24.0)
    nod = planned(pitch=sinks, lids=ramp(AT, 1.0, 0.2, 0.25, 0.9))
    assert kinds(driven(nod)[0]) == [("begins", "head_nod"), ("ends", "head_nod")]
    assert driven(planned(pitch=ramp(AT, 0.2, 1.0, 0.2, -22.0)))[0] == []
    assert driven(planned(pitch=sinks))[0] == []


def test_a_drowsy_minute_is_told_once() -> None:
    plan = planned(160.0)
    random = np.random.default_rng(2)
    plan.lids += [closing(random, begin, 0.38) for begin in np.arange(20.0, 90.0, 1.5)]
    told, found = driven(plan)
    assert kinds(told) == [("begins", "drowsy_eyes"), ("ends", "drowsy_eyes")]
    perclos = next(one for one in found.indicators if one.id == "perclos")
    assert perclos.exceeds
    assert perclos.value == pytest.approx(0.27, abs=0.05)


def test_a_drowsy_minute_is_told_once_though_frames_are_missing() -> None:
    plan = planned(130.0)
    random = np.random.default_rng(2)
    plan.lids += [closing(random, begin, 0.38) for begin in np.arange(20.0, 120.0, 1.5)]
    drive = made(plan, Manner(25.0))
    kept = [one for one in drive.samples if one.time < 72 or one.time % 3 < 2.1]
    told = [one for one in fed(study(speed_kmh=80), events(kept)) if isinstance(one, AlertEvent)]
    assert kinds(told) == [("begins", "drowsy_eyes")]


def test_two_closures_with_missing_frames_between_are_no_microsleep() -> None:
    plan = planned()
    plan.lids += [closing(np.random.default_rng(1), begin, 0.36) for begin in (AT, AT + 1.1)]
    drive = made(plan, Manner(25.0, noise=(0.0, 0.0, 0.0)))
    kept = [one for one in drive.samples if not AT + 0.46 < one.time < AT + 1.1]
    assert alerts(fed(study(speed_kmh=80), events(kept))) == []


def test_the_moment_in_which_a_glance_ends_is_not_counted_as_away() -> None:
    plan = planned(50.0)
    plan.yaw += [ramp(AT + 2.4 * number, 0.1, 1.0, 0.1, 35.0) for number in range(9)]
    assert driven(plan)[0] == []


@pytest.mark.parametrize("glasses", ["covered", "read_as_open", "read_as_shut", "read_as_narrow"])
def test_behind_dark_glasses_nothing_is_told_of_eyes_but_of_the_head(glasses: str) -> None:
    plan = planned(100.0, lids=shut(4.0), yaw=ramp(AT + 10, 0.2, 5.0, 0.2, 35.0))
    told, found = driven(plan, replace(Manner(25.0), glasses=glasses))  # type: ignore[arg-type]
    assert {one.alert.kind for one in told} == {"long_glance"}
    assert "eyes_not_judged" in {one.code for one in found.degraded}
    judged = next(one for one in found.indicators if one.id == "eyes_judged")
    assert judged.value is not None
    assert judged.value < 0.9
    if glasses != "read_as_open":  # there it takes a minute without a blink to know
        assert next(one for one in found.indicators if one.id == "microsleeps").withheld == "eyes_not_judged"


def test_that_eyes_cannot_be_judged_is_told_while_the_film_runs() -> None:
    drive = made(planned(30.0), replace(Manner(25.0), glasses="covered"))
    told = [one for one in fed(study(), events(drive.samples)) if isinstance(one, ScenarioDegradedEvent)]
    assert [one.degraded.code for one in told] == ["eyes_not_judged"]


def test_frames_in_which_nothing_is_read_are_neither_a_warning_nor_attention() -> None:
    drive = made(planned(40.0, yaw=ramp(AT, 0.5, 8.0, 0.5, 80.0)), Manner(25.0))
    one = study(speed_kmh=80)
    told = alerts(fed(one, events(drive.samples)))
    list(one._watch.finish())
    assert told == []
    numbers = {each.id: each for each in one.finish().indicators}
    assert numbers["readable"].value == pytest.approx(32 / 40, abs=0.03)
    away = numbers["away"]
    assert away.value is not None
    assert away.seconds == pytest.approx(30, abs=1)


def test_a_warning_of_a_driver_who_goes_out_of_view_ends_without_an_end() -> None:
    drive = made(planned(40.0, lids=shut(6.0)), Manner(25.0))
    kept = [sample for sample in drive.samples if not AT + 1.5 < sample.time < AT + 8]
    one = study(speed_kmh=80)
    told = fed(one, events(kept))
    (end,) = alerts(told, "alert_ends")
    assert end.alert.offset_s is None


def test_a_film_without_a_face_says_nothing() -> None:
    found = study().finish()
    assert [one.code for one in found.degraded] == ["no_face"]
    assert {one.withheld for one in found.indicators if one.id not in {"readable", "eyes_judged"}} == {"no_face"}
    assert "no sign that all was well" in found.summary


def test_none_of_what_takes_longer_than_was_seen_is_not_told_as_none() -> None:
    ids = ("microsleeps", "sleeps", "yawns")
    _, found = driven(planned(0.4))
    short = {one.id: one.withheld for one in found.indicators}
    assert all(short[id_] for id_ in ids) and short["yawns"] == "not_enough_time"
    _, found = driven(planned(20.0))
    long = {one.id: one.value for one in found.indicators}
    assert {long[id_] for id_ in ids} == {0.0}


def test_a_film_that_fails_is_told() -> None:
    one = study()
    one.failed(0, EngineError("The detector failed."))
    assert [each.code for each in one.finish().degraded] == ["source_failed"]


def test_the_driver_is_the_largest_face_and_stays_it() -> None:
    drive = made(planned(lids=shut(1.4)), Manner(25.0))
    awake = made(planned(), Manner(25.0))
    one = study(speed_kmh=80)
    told = []
    for frame, (driver, passenger) in enumerate(zip(drive.samples, awake.samples, strict=True)):
        told += one.clip(0, reading(passenger, frame, track="track-2", size=70))
        told += one.clip(0, reading(driver, frame))
    assert [each.alert.kind for each in alerts(told)] == ["microsleep"]
    assert "several_faces" in {each.code for each in one.finish().degraded}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([8.0, 15.0, 30.0]), st.floats(0, 0.3))
def test_warnings_keep_their_rules_whatever_is_read(seed: int, fps: float, missing: float) -> None:
    """They come in order, one at a time of a kind, never at a frame that shows nothing."""
    random = np.random.default_rng(seed)
    plan = planned(25.0)
    for _ in range(6):
        at, hold = random.uniform(2, 22), random.uniform(0.1, 6)
        plan.lids.append(ramp(at, 0.1, hold, 0.1))
        plan.yaw.append(ramp(random.uniform(2, 22), 0.2, hold, 0.2, random.uniform(-80, 80)))
        plan.pitch.append(ramp(random.uniform(2, 22), 0.4, hold / 4, 0.2, random.uniform(-40, 20)))
        plan.mouth.append(ramp(random.uniform(2, 22), 0.2, hold, 0.2))
    drive = made(plan, Manner(fps, dropouts=missing, jitter=0.5, noise=(0.1, 5.0, 5.0), seed=seed % 1000))
    one = study(speed_kmh=60)
    told = [each for each in fed(one, events(drive.samples)) if isinstance(each, AlertEvent)]
    told += list(one._watch.finish())
    check_rules(told, drive)
    one.finish()


def check_rules(told: list[AlertEvent], drive: Drive) -> None:
    assert all(before.time_s <= after.time_s for before, after in pairwise(told))
    times = {round(sample.time, 4): sample for sample in drive.samples}
    by_id: dict[str, list[AlertEvent]] = {}
    for one in told:
        by_id.setdefault(one.alert.id, []).append(one)
        if one.event != "alert_ends":
            assert shows(times[one.time_s], one.alert.id)
    for each in by_id.values():
        events_of = [one.event for one in each]
        assert events_of[0] == "alert_begins"
        assert events_of[-1] == "alert_ends"
        assert events_of[1:-1] in ([], ["alert_rises"])
        assert each[0].alert.value >= each[0].alert.limit.value


def shows(sample: EyeSample, name: str) -> bool:
    """Whether the frame shows what an alert is about."""
    if name.startswith("microsleep"):
        return not np.isnan(sample.left)
    return not np.isnan(sample.jaw if name.startswith("yawn") else sample.direction.yaw)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"speed_kmh": -1}, "too small"),
        ({"speed_kmh": 1000}, "too large"),
        ({"speed_kmh": 50, "speeds": [[0, 1]]}, "not both"),
        ({"speeds": [[5, 50], [3, 50]]}, "does not follow"),
        ({"speeds": [[0, nan]]}, "not between"),
        ({"speeds": []}, "no speed"),
        ({"speeds": "drive.csv"}, "CSV text"),
        ({"speeds": "0,50\n1,fast"}, "line 2"),
        ({"speeds": "0," + "1" * 200_000}, "lines of seconds"),
        ({"speed": 50}, "speed"),
    ],
)
def test_speeds_that_cannot_be_used_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as failure:
        read_options(DriverStudy, options)
    assert words in f"{failure.value} {failure.value.hint}"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 4000)), min_size=2, max_size=20))
def test_speeds_as_text_are_those_that_were_written(rows: list[tuple[int, int]]) -> None:
    lines = [f"{time / 10},{speed / 10}" for time, speed in rows]
    assert parse_speeds("\n".join(["time_s,speed_kmh", *lines])) == tuple((t / 10, s / 10) for t, s in rows)
