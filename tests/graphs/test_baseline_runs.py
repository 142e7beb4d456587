"""A baseline from real pictures, and photos that are read against it."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ferce_agent
from ferce_agent import ClipReport, EmotionReport, abuild_baseline, analyze_clip, analyze_expression, build_baseline
from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.errors import ClipNotFoundError, DataError, SettingsError, WeightsError
from ferce_agent.evaluation.voice.talking import with_sound
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import load_picture
from ferce_agent.pipeline import default_pipeline
from ferce_agent.report.baseline import ASSUMED_VOICE, Baseline
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent
from ferce_agent.views.brief import to_brief, to_brief_text
from ferce_agent.views.clip_brief import to_clip_brief, to_clip_brief_text
from ferce_agent.views.clip_text import to_clip_text
from ferce_agent.views.html import to_html
from ferce_agent.views.text import to_text
from tests.tools.voices import speech

ASTRONAUT = Path(ferce_agent.__file__).parent / "evaluation" / "astronaut.jpg"
SCHOOL = {"domain": "education"}


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return build_baseline(ASTRONAUT)


def test_a_photo_is_told_with_and_without_the_baseline(baseline: Baseline) -> None:
    report = analyze_expression(ASTRONAUT, baseline=baseline)
    plain = analyze_expression(ASTRONAUT)
    person = report.people[0]
    assert person.rest is not None and person.expression is not None
    assert person.rest.absolute == plain.people[0].expression
    assert person.rest.baseline.id == baseline.id
    assert person.expression.confidence <= person.rest.absolute.confidence  # type: ignore[union-attr]
    assert abs(person.rest.changes["AU12"].value) < 0.05
    assert "at rest" in report.summary and "at rest" in person.description.inferred
    assert EmotionReport.model_validate_json(report.model_dump_json()) == report
    assert plain.people[0].rest is None


def test_a_film_and_a_photo_make_one_baseline() -> None:
    picture = load_picture(ASTRONAUT).pixels
    frames = [Frame(picture, at / 10) for at in range(14)]
    made = build_baseline([ASTRONAUT, frames])
    assert made.sources == ("photos", "clip")
    assert made.readings == 15
    assert made.seconds == pytest.approx(1.3)


def test_several_faces_are_read_without_the_baseline(baseline: Baseline) -> None:
    picture = load_picture(ASTRONAUT).pixels[:, :, ::-1]
    report = analyze_expression(np.hstack([picture, picture]), baseline=baseline)
    assert len(report.people) == 2
    assert all(person.rest is None for person in report.people)
    assert any(entry.code == "baseline_not_applied" for entry in report.degraded)


def test_by_rule_only_movements_and_head_are_compared(baseline: Baseline) -> None:
    made = build_baseline(ASTRONAUT, use_context=SCHOOL)
    assert made.odds is None and made.movements
    for one in (made, baseline):
        person = analyze_expression(ASTRONAUT, baseline=one, use_context=SCHOOL).people[0]
        assert person.rest is not None and person.rest.absolute is None and person.expression is None
        assert person.rest.changes and person.rest.head
    assert "happiness" not in person.description.inferred


def test_what_cannot_be_a_baseline_is_refused_with_what_to_do(baseline: Baseline) -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    picture = load_picture(ASTRONAUT).pixels[:, :, ::-1]
    for source in (grey, np.hstack([picture, picture]), [], [(at / 10, picture) for at in range(5)]):
        with pytest.raises(DataError) as refused:
            build_baseline(source)
        assert refused.value.hint
    with pytest.raises(SettingsError):
        build_baseline()
    with pytest.raises(WeightsError) as other:
        analyze_expression(ASTRONAUT, baseline=baseline.model_copy(update={"specialist": "0" * 64}))
    assert other.value.hint


async def test_a_baseline_is_made_beside_other_work(baseline: Baseline) -> None:
    made = await abuild_baseline(ASTRONAUT)
    assert made.odds == baseline.odds and made.id != baseline.id


def test_a_text_that_is_no_path_is_refused_as_any_other() -> None:
    with pytest.raises(ClipNotFoundError):
        build_baseline("x" * 5000)


def test_photos_after_a_stop_are_not_opened(tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            stop.set()
            return super().read(size)

    made = build_baseline([Stopping(ASTRONAUT.read_bytes()), tmp_path / "missing.jpg"], stop=stop)
    assert made.readings == 1


def test_a_kept_baseline_can_be_a_file(baseline: Baseline, tmp_path: Path) -> None:
    file = tmp_path / "me.json"
    file.write_text(baseline.model_dump_json(), "utf-8")
    person = analyze_expression(ASTRONAUT, baseline=file).people[0]
    assert person.rest is not None and person.rest.baseline.id == baseline.id


@pytest.fixture(scope="module")
def film() -> list[Frame]:
    picture = load_picture(ASTRONAUT).pixels[:320, :400]
    return [Frame(np.roll(picture, at % 3, 1), at / 10) for at in range(20)]


def test_a_film_is_told_with_and_without_the_baseline(baseline: Baseline, film: list[Frame]) -> None:
    report = analyze_clip(film, baseline=baseline, sound=False)
    rest = report.tracks[0].rest
    assert rest is not None and rest.resting is not None
    plain = analyze_clip(film, sound=False).tracks[0]
    assert plain.rest is None
    assert rest.absolute_shares == pytest.approx(plain.summary.shares, abs=0.02)
    assert abs(rest.changes["AU12"].value) < 0.2
    assert "at rest" in report.summary
    assert ClipReport.model_validate_json(report.model_dump_json()) == report


def test_a_film_goes_on_from_a_checkpoint_with_the_baseline(baseline: Baseline, film: list[Frame]) -> None:
    def told(stop_at: int | None) -> list[Any]:
        analysis = ClipAnalysis(default_pipeline(), infer=True, body=False, baseline=baseline)
        analysis.feed(film[:stop_at])
        if stop_at is not None:
            analysis = ClipAnalysis.load(default_pipeline(), json.loads(json.dumps(analysis.dump())))
            analysis.feed(film[stop_at:])
        analysis.finish()
        return [one.rest for one in analysis.tracks]

    (whole,), (resumed,) = told(None), told(9)
    assert resumed.baseline == whole.baseline and resumed.resting == whole.resting
    assert resumed.absolute_shares == pytest.approx(whole.absolute_shares, abs=0.001)
    for unit, one in whole.changes.items():  # a checkpoint holds rounded pictures of the flow
        assert resumed.changes[unit].value == pytest.approx(one.value, abs=0.01)


def test_two_faces_of_a_film_are_read_without_the_baseline(baseline: Baseline, film: list[Frame]) -> None:
    both = [Frame(np.hstack([one.pixels, one.pixels]), one.time) for one in film[:6]]
    report = analyze_clip(both, baseline=baseline, sound=False)
    assert len(report.tracks) == 2
    assert all(track.rest is None for track in report.tracks)
    noted = [entry.track for entry in report.degraded if entry.code == "baseline_not_applied"]
    assert noted == ["track-1", "track-2"]


def test_a_film_by_rule_has_movements_alone(baseline: Baseline, film: list[Frame]) -> None:
    report = analyze_clip(film[:8], baseline=baseline, sound=False, use_context=SCHOOL)
    rest = report.tracks[0].rest
    assert "About this baseline" in report.summary and "happiness" not in report.summary
    assert rest is not None and rest.changes
    assert rest.absolute_shares == {} and rest.resting is None
    assert rest.baseline.doubts and "happiness" not in rest.model_dump_json()


def test_the_first_seconds_of_a_film_can_be_its_baseline(film: list[Frame]) -> None:
    events: list[ClipEvent] = []
    report = analyze_clip(film, calibrate_s=1.0, sound=False, on_event=events.append)
    rest = report.tracks[0].rest
    assert rest is not None and rest.baseline.sources == ("clip",)
    assert rest.baseline.seconds == pytest.approx(1.0)
    assert report.tracks[0].first_s == 0
    readings = [one.point.time_s for one in events if isinstance(one, ReadingEvent)]
    assert readings == pytest.approx([one.time for one in film])
    assert any("read as happiness" in doubt for doubt in rest.baseline.doubts)  # the astronaut smiles throughout
    assert "About this baseline" in report.summary
    assert all(entry.code != "baseline_not_applied" for entry in report.degraded)


def test_a_film_that_is_shorter_than_asked_for_is_taken_as_it_is(film: list[Frame]) -> None:
    short = analyze_clip(film, calibrate_s=30, sound=False)
    assert short.tracks[0].rest is not None and short.tracks[0].frames == len(film)
    few = analyze_clip(film[:6], calibrate_s=30, sound=False)
    assert few.tracks[0].rest is None
    assert any(entry.code == "baseline_not_applied" for entry in few.degraded)


def test_calibration_goes_on_from_a_checkpoint(film: list[Frame]) -> None:
    analysis = ClipAnalysis(default_pipeline(), infer=True, body=False, calibrate_s=1.5)
    analysis.feed(film[:8])
    analysis = ClipAnalysis.load(default_pipeline(), json.loads(json.dumps(analysis.dump())))
    analysis.feed(film[8:])
    analysis.finish()
    (track,) = analysis.tracks
    assert track.rest is not None and track.rest.baseline.readings >= 10


@pytest.mark.parametrize("seconds", [0, 61, True, "5"])
def test_calibration_takes_seconds_within_limits(baseline: Baseline, film: list[Frame], seconds: Any) -> None:
    with pytest.raises(SettingsError) as refused:
        analyze_clip(film, calibrate_s=seconds)
    assert refused.value.hint
    with pytest.raises(SettingsError):
        analyze_clip(film, calibrate_s=5, baseline=baseline)


def test_two_faces_are_not_calibrated(film: list[Frame]) -> None:
    both = [Frame(np.hstack([one.pixels, one.pixels]), one.time) for one in film[:8]]
    report = analyze_clip(both, calibrate_s=1, sound=False)
    assert len(report.tracks) == 2 and all(track.rest is None for track in report.tracks)
    assert any("several faces" in entry.message for entry in report.degraded)


def test_briefs_and_texts_say_what_is_told_without_the_baseline(baseline: Baseline, film: list[Frame]) -> None:
    report = analyze_expression(ASTRONAUT, baseline=baseline)
    assert to_brief(report).people[0].rest in {"the same (doubtful baseline)", "happiness (doubtful baseline)"}
    assert "without baseline:" in to_brief_text(to_brief(report))
    assert "at rest" in to_text(report) and "at rest" in to_html(report)
    clip = analyze_clip(film, baseline=baseline, sound=False)
    brief = to_clip_brief_text(to_clip_brief(clip))
    assert "without baseline: happiness" in brief and "(doubtful baseline)" in brief
    sound = analyze_clip(film, baseline=baseline.model_copy(update={"doubts": ()}), sound=False)
    assert "doubtful" not in to_clip_brief_text(to_clip_brief(sound))
    assert "at rest" in to_clip_text(clip)


def test_doubts_about_a_baseline_are_told_wherever_it_is_used(baseline: Baseline, film: list[Frame]) -> None:
    doubtful = baseline.model_copy(update={"doubts": ("It rests on one photo.",)})
    told = "About this baseline: It rests on one photo."
    photo = analyze_expression(film[0].pixels, baseline=doubtful)
    clip = analyze_clip(film, baseline=doubtful)
    for report in (photo, clip):
        assert told in report.summary
    assert photo.people[0].rest is not None and photo.people[0].rest.baseline.doubts == doubtful.doubts
    sound = analyze_expression(film[0].pixels, baseline=baseline.model_copy(update={"doubts": ()}))
    assert "at rest" in sound.summary and "About this" not in sound.summary
    assert (to_brief(sound).people[0].rest or "").isalpha() or to_brief(sound).people[0].rest == "the same"


def test_the_sound_of_a_clip_is_taken_for_the_persons_on_request_and_progress_is_told(tmp_path: Path) -> None:
    picture = load_picture(ASTRONAUT).pixels[:320, :400]
    clip = tmp_path / "talking.mp4"
    clip.write_bytes(with_sound((Frame(picture, at) for at in range(16)), speech(15.0), 1))
    events: list[Any] = []
    made = build_baseline([clip, ASTRONAUT], sound=True, on_event=events.append)
    assert made.sources == ("clip", "photos", "voice") and "pitch_st" in made.voice
    assert ASSUMED_VOICE in made.doubts
    assert [event["done"] for event in events] == sorted(event["done"] for event in events)
    assert events[-1] == {"done": 2.0, "of": 2}
    assert build_baseline(clip).voice == {}
    rest = analyze_expression(ASTRONAUT, baseline=made).people[0].rest
    assert rest is not None and ASSUMED_VOICE not in rest.baseline.doubts  # it is about no face
    with pytest.raises(SettingsError, match="on_event"):
        build_baseline(clip, on_event="loud")  # type: ignore[arg-type]
