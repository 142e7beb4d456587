"""`ferce baseline`: made of real pictures and sounds, kept, shown, given out, deleted."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ferce_agent import build_baseline
from ferce_agent.cli import main
from ferce_agent.cli.installation_checks import baseline_check
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.graphs.engines import default_engines
from ferce_agent.keeping.baselines import FOLDER as BASELINES
from ferce_agent.keeping.baselines import load_baseline, save_baseline
from ferce_agent.keeping.places import FOLDER
from ferce_agent.keeping.sealed import PASSPHRASE
from ferce_agent.report.baseline import Baseline, Level
from tests.baselines import make_baseline
from tests.tools.face_films import saved as saved_film
from tests.tools.voices import conversation
from tests.tools.voices import saved as saved_voice


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the tests keep."""
    monkeypatch.delenv(PASSPHRASE, raising=False)
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    yield tmp_path / "kept"
    default_engines.cache_clear()  # it may hold a baseline of a test


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["baseline", *map(str, arguments)])


def test_made_of_a_photo_and_a_recording_it_is_kept_shown_given_out_and_deleted(tmp_path: Path, place: Path) -> None:
    voice = saved_voice(tmp_path, data=conversation(16.0))
    made = run("build", demo_photo(), voice, "--name", "Anna", "--seconds", "16")
    assert made.exit_code == 0
    assert "kept as anna, sealed with a key file beside it" in made.stderr
    assert "of photos, voice; 1 reading of the face" in made.stdout
    assert "at rest read as happiness" in made.stdout and "pitch 1" in made.stdout
    assert "doubt      It rests on one or two photos" in made.stdout
    assert run("show", "anna").stdout == made.stdout
    assert "anna " in run("list").stdout
    assert [one["name"] for one in json.loads(run("list", "--json").stdout)] == ["anna"]
    file = tmp_path / "new" / "anna.json"
    given = run("export", "anna", file)
    assert given.exit_code == 0 and "not sealed" in given.stderr
    assert load_baseline(file) == load_baseline("anna")
    assert Baseline.model_validate_json(run("show", file, "--json").stdout) == load_baseline("anna")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    gone = run("delete", "anna", "berta")
    assert gone.exit_code == 1 and "deleted: anna" in gone.stderr and "no baseline berta" in gone.stderr
    assert run("show", "anna").exit_code == 1
    assert not list((place / BASELINES).iterdir())


def test_made_of_a_silent_film_it_goes_to_a_file_and_nothing_is_kept(tmp_path: Path, place: Path) -> None:
    film, file = saved_film(tmp_path, seconds=1.5), tmp_path / "me.json"
    made = run("build", film, "--out", file, "--seconds", "1.2", "--json")
    assert made.exit_code == 0
    assert "The voice of the clip was not taken" in made.stderr and "not sealed" in made.stderr
    assert json.loads(made.stdout) == load_baseline(file).model_dump(mode="json")
    assert load_baseline(file).sources == ("clip",) and load_baseline(file).readings == 12
    assert not place.exists()
    quiet = run("build", film, "--out", file, "--seconds", "1.2", "--no-sound", "--domain", "education")
    assert "voice" not in quiet.stderr
    assert "no expression, by the rules" in quiet.stdout
    assert load_baseline(file).odds is None


def test_a_recording_alone_makes_one_of_the_voice(tmp_path: Path) -> None:
    voice = saved_voice(tmp_path, data=conversation(16.0))
    made = run("build", voice, "--name", "voice")
    assert made.exit_code == 0 and "face" not in made.stdout and "voice " in made.stdout
    assert load_baseline("voice").sources == ("voice",)


def test_a_name_that_is_taken_is_refused_before_anything_is_read_and_replaced_on_request(tmp_path: Path) -> None:
    save_baseline(make_baseline(readings=99), "anna")
    refused = run("build", tmp_path / "missing.jpg", "--name", "anna")
    assert refused.exit_code == 1 and "--replace" in refused.stderr and "missing" not in refused.stderr
    assert load_baseline("anna").readings == 99
    assert run("build", demo_photo(), "--name", "anna", "--replace").exit_code == 0
    assert load_baseline("anna").readings == 1


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def test_photos_films_and_voices_are_read_against_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build_baseline(demo_photo())
    save_baseline(made, "anna")
    photo = json.loads(call("analyze", demo_photo(), "--baseline", "Anna", "--json").stdout)
    assert photo["people"][0]["rest"]["baseline"]["id"] == made.id
    assert json.loads(call("analyze", demo_photo(), "--json").stdout)["people"][0]["rest"] is None
    film = saved_film(tmp_path, seconds=0.8)
    monkeypatch.setenv("FERCE_BASELINE", "anna")
    clip = json.loads(call("watch", film, "--json", "--no-sound").stdout)
    assert clip["tracks"][0]["rest"]["baseline"]["id"] == made.id
    voice = json.loads(call("listen", saved_voice(tmp_path), "--json").stdout)
    assert "baseline_not_applied" in {one["code"] for one in voice["degraded"]}  # it holds a face alone
    default_engines.cache_clear()
    told = baseline_check()
    assert told.good and "1 kept in" in told.detail


def test_the_first_seconds_of_a_film_can_be_its_baseline(tmp_path: Path) -> None:
    film = saved_film(tmp_path, seconds=1.5)
    done = call("watch", film, "--calibrate", "1", "--json", "--no-sound")
    assert json.loads(done.stdout)["tracks"][0]["rest"]["baseline"]["seconds"] == pytest.approx(1.0)
    both = call("watch", film, "--calibrate", "1", "--baseline", "anna")
    assert both.exit_code == 2 and "either --baseline or --calibrate" in both.stderr


@pytest.mark.parametrize("command", ["analyze", "watch", "listen"])
def test_a_baseline_that_is_not_there_is_told_before_anything_is_read(command: str, tmp_path: Path) -> None:
    done = call(command, tmp_path / "missing", "--baseline", "nobody")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no baseline nobody." in done.stderr and "missing" not in done.stderr


def test_the_doctor_says_what_is_wrong_with_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    default_engines.cache_clear()
    assert baseline_check().advice == "Make one: ferce baseline build calm.jpg --name NAME"
    monkeypatch.setenv("FERCE_BASELINE", "nobody")
    default_engines.cache_clear()
    assert not baseline_check().good and "no baseline nobody" in baseline_check().detail


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        (("build",), 2, "either a SOURCE or --camera"),
        (("build", "a.jpg", "--camera", "0"), 2, "either a SOURCE or --camera"),
        (("build", "a.jpg"), 2, "Say where it goes"),
        (("build", "a.json", "--out", "a.json"), 2, "would destroy it"),
        (("build", "a.jpg", "--out", "b.txt"), 1, "must end with .json"),
        (("build", "a.jpg", "--name", "../a"), 1, "cannot be the name"),
        (("build", "a.jpg", "--name", "a"), 1, "a.jpg"),
        (("build", "a.jpg", "--name", "a", "--seconds", "0"), 1, "seconds must be 1 to 120"),
        (("build", "a.jpg", "--name", "a", "--domain", "identification"), 1, "[policy_refused]"),
        (("build", demo_photo(), "--name", "a", "--adapter", "a.json"), 1, "adapter cannot be used together"),
        (("show", "nobody"), 1, "There is no baseline nobody"),
        (("export", "nobody", "a.json"), 1, "There is no baseline nobody"),
        (("export", "nobody", "a.txt"), 1, "must end with .json"),
        (("delete",), 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_told(
    given: tuple[object, ...], status: int, words: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.parent)
    done = run(*given)
    assert (done.exit_code, done.stdout) == (status, "")
    assert words in done.stderr and "bug" not in done.stderr
    assert not place.exists()


def test_an_empty_list_says_where_it_looked(place: Path) -> None:
    done = run("list")
    assert done.exit_code == 0 and done.stdout == "" and str(place) in done.stderr
    assert run("list", "--json").stdout == "[]\n"


def test_all_parts_of_a_baseline_are_shown() -> None:
    level = Level(value=12.0, spread=1.0, error=0.5)
    head = {name: Level(value=-0.2, spread=1.0, error=2.0) for name in ("yaw", "pitch", "roll", "eyes_open")}
    spoken = dict.fromkeys(("pitch_st", "level_db", "syllables_per_s"), level)
    share = Level(value=0.25, spread=0.1, error=0.05)
    save_baseline(make_baseline(head=head, voice={**spoken, "pause_share": share}, seconds=4.0), "anna")
    told = run("show", "anna").stdout
    assert "turned 0 ± 2°, nodded 0 ± 2°, tilted 0 ± 2°, eyes open −0.20 ± 2.00" in " ".join(told.split())
    assert "pitch 110 Hz ± 0.5 semitones, level 12.0 ± 0.5 dB, 12.0 ± 0.5 syllables a second, pauses 25%" in " ".join(
        told.split()
    )
    assert "brow lowerer 0.25 ± 0.12" in told
