"""`ferce scenario` on real pictures: listed, shown, run, refused."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from pydantic import TypeAdapter

from ferce_agent.cli import main
from ferce_agent.cli.scenario import sources_named
from ferce_agent.cli.scenario_running import Outputs, Request, Teller
from ferce_agent.graphs import clip_opening
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import open_camera
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.report.scenario_events import AlertEvent, ScenarioEvent, ScenarioProgressEvent, ScenarioReportEvent
from ferce_agent.scenarios.preset import presets
from tests.cli.test_watch import Lens, make_film
from tests.scenario_reports import drive

EVENTS: TypeAdapter[ScenarioEvent] = TypeAdapter(ScenarioEvent)


def ferce(*arguments: object, **options: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def film(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(photo, tmp_path_factory.mktemp("film") / "film.mp4", 20)


def test_every_scenario_is_listed_and_shown() -> None:
    listed = ferce("scenario", "list")
    as_data = json.loads(ferce("scenario", "list", "--json").stdout)
    assert [one["name"] for one in as_data] == [one.name for one in presets()]
    for one in presets():
        assert one.name in listed.stdout
        result = ferce("scenario", "show", one.name)
        told = " ".join(result.stdout.split())
        assert result.exit_code == 0 and one.title in told
        assert all(f"{name} = {limit.value:g} {limit.unit}" in told for name, limit in one.limits.items())
    assert json.loads(ferce("scenario", "show", "driver", "--json").stdout)["limits"]["sleep_s"]["value"] == 3
    told = " ".join(ferce("scenario", "show", "audience").stdout.split())
    assert "refused, where nothing more is said of the use" in told and "timeline: What the content shows when" in told


def test_photos_and_films_as_text_json_and_files(photo: Path, film: Path, tmp_path: Path) -> None:
    saved = tmp_path / "deep" / "signals.json"
    result = ferce("scenario", "run", "moderation", photo, film, "--save", saved)
    assert result.exit_code == 0 and result.stderr == ""
    assert "Faces seen: 2" in result.stdout and "Age is not read" in result.stdout
    report = ScenarioReport.model_validate_json(saved.read_text("utf-8"))
    assert [one.kind for one in report.sources] == ["photo", "clip"]
    printed = ScenarioReport.model_validate_json(ferce("scenario", "run", "moderation", photo, "--json").stdout)
    assert printed.indicators[0].value == 1


def test_each_line_is_an_event_and_the_last_the_report(film: Path) -> None:
    result = ferce("scenario", "run", "driver", film, "--events", "--set", "speeds=0,50\n0.5,60")
    events = [EVENTS.validate_json(line) for line in result.stdout.splitlines()]
    last = events[-1]
    assert isinstance(events[0], ScenarioProgressEvent) and isinstance(last, ScenarioReportEvent)
    assert last.report.settings["speeds"] == "2 entries"


def test_a_refused_use_is_told_with_its_rule_and_opens_nothing() -> None:
    result = ferce("scenario", "run", "audience", "gone.mp4")
    assert result.exit_code == 1 and result.stdout == ""
    assert "audience-needs-consent" in result.stderr and "[policy_refused]" in result.stderr
    assert "gone.mp4" not in result.stderr
    result = ferce("scenario", "run", "audience", "--camera", "0")
    assert result.exit_code == 1 and "switched on" not in result.stderr
    for observer in ("third_party", "clinician"):
        result = ferce("scenario", "run", "wellbeing", "somebody", "--observer", observer)
        assert result.exit_code == 1 and "wellbeing-" in result.stderr
    told = ferce("policy", "--scenario", "wellbeing", "--observer", "third_party").stdout
    assert "wellbeing-no-third-party (refused)" in " ".join(told.split())
    assert "expressions are read" in ferce("policy", "--scenario", "wellbeing", "--observer", "self").stdout
    rules = " ".join(ferce("policy", env={"COLUMNS": "60"}).stdout.split())
    assert "scenario wellbeing; observer third_party" in rules


def test_a_source_that_fails_is_told_and_the_others_are_read(photo: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.jpg"
    result = ferce("scenario", "run", "moderation", gone, photo)
    assert result.exit_code == 1 and "Faces seen: 1" in result.stdout
    (line,) = result.stderr.splitlines()
    assert str(gone) in line and line.endswith("[source_failed]")


def test_sources_with_something_to_look_at_are_named(photo: Path, film: Path) -> None:
    request = Request("moderation", (str(photo), str(film)), None, {}, {}, None, {})
    report = ScenarioReport.model_validate_json(ferce("scenario", "run", "moderation", photo, film, "--json").stdout)
    assert list(sources_named(report, request)) == []
    shown = report.model_copy(update={"alerts": (drive().alerts[0].model_copy(update={"source": 1}),)})
    assert " ".join(" ".join(sources_named(shown, request)).split()) == f"Source 2 {film}"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("driver",), None),
        (("driver", "FILM", "--camera", "0"), "either sources or --camera"),
        (("driver", "FILM", "--json", "--events"), "either --json or --events"),
        (("driver", "FILM", "--set", "speed_kmh"), "OPTION=VALUE"),
        (("driver", "FILM", "--set", "speed_kmh=1", "--set", "speed_kmh=2"), "twice"),
        (("driver", "FILM", "--set", "speeds=[[0, 50]"), "begins as JSON, and is none"),
        (("driver", "FILM", "--set", 'speeds= {"a": 1'), "begins as JSON, and is none"),
        (("audience", "--group", "a"), "NAME=SOURCE"),
        (("driver", "FILM", "--save", "x.doc"), "must end with"),
        (("driver", "FILM", "--save", "FILM"), "would destroy it"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: tuple[str, ...], why: str | None, film: Path) -> None:
    result = ferce("scenario", "run", *(str(film) if one == "FILM" else one for one in arguments))
    if why is None:
        assert result.exit_code == 1 and "nothing to read" in result.stderr
    else:
        assert result.exit_code == 2 and why in " ".join(result.stderr.split())


def test_options_are_read_as_json_or_text(film: Path) -> None:
    result = ferce("scenario", "run", "driver", film, "--json", "--set", "speed_kmh=42.5")
    assert json.loads(result.stdout)["settings"]["speed_kmh"] == 42.5
    result = ferce("scenario", "run", "driver", film, "--set", "speed_kmh=fast")
    assert result.exit_code == 1 and "speed_kmh is not usable" in result.stderr
    result = ferce("scenario", "run", "driver", film, "--set", "spede=1")
    assert "Did you mean speeds?" in result.stderr
    result = ferce("scenario", "run", "driver", film, "--to", "0")
    assert "must be after" in result.stderr and "Swap" not in result.stderr


def test_a_name_that_is_none_and_an_empty_folder_are_told_once_and_rightly(tmp_path: Path) -> None:
    result = ferce("scenario", "run", "zzz", "film.mp4")
    assert result.exit_code == 1 and result.stderr.count("moderation") == 1
    result = ferce("scenario", "run", "audience", "--consent", tmp_path)
    assert result.exit_code == 1 and "holds no film." in result.stderr and "photo" not in result.stderr


def test_ctrl_c_before_anything_was_read_is_no_failure(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(_: Engines) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Engines, "prepare_asking", press)
    result = ferce("scenario", "run", "driver", film)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "ferce: stopped.\n")


def test_a_camera_is_read_until_ctrl_c(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = cv2.imread(str(photo))
    assert read is not None
    lens = Lens(np.asarray(cv2.resize(read, (256, 256)), np.uint8), 40)
    monkeypatch.setattr(clip_opening, "open_camera", partial(open_camera, opener=lambda _: lens))
    result = ferce("scenario", "run", "driver", "--camera", "0", "--json")
    assert result.exit_code == 0 and lens.released
    assert result.stderr.splitlines() == ["ferce: camera 0 is switched on; Ctrl-C ends it.", "ferce: camera 0 is off."]
    report = ScenarioReport.model_validate_json(result.stdout)
    assert report.sources[0].kind == "camera" and report.sources[0].people == 1


def test_warnings_of_a_camera_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        teller = Teller(stack, Request("driver", (), 0, {}, {}, None, {}), Outputs("json", threading.Event()))
        alert = drive().alerts[0]
        teller(AlertEvent(event="alert_begins", time_s=alert.told_s, alert=alert))
        assert alert.text in capsys.readouterr().err
        teller(AlertEvent(event="alert_ends", time_s=alert.told_s, alert=alert))
        assert alert.text not in capsys.readouterr().err
