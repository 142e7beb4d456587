"""`ferce session week`: a page of a week, for those whom the person named."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ferce_agent.cli import main
from ferce_agent.evaluation.scenarios.simulated_people import MONDAY
from ferce_agent.sessions.store import Session
from ferce_agent.sessions.trends import week_of_readings
from tests.sessions.lives import make_entry


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("FERCE_KEPT", str(tmp_path / "kept"))
    monkeypatch.delenv("FERCE_PASSPHRASE", raising=False)
    made = Session.new("anna", purpose="see how I am", keep_days=3660)
    made.add([make_entry(one, distress="likely" if one == 28 else "none") for one in range(30)])
    return made


def week(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["session", "week", "anna", *map(str, arguments)])


def test_a_page_of_the_week_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "week.html"
    last = MONDAY + timedelta(days=34)
    told = week("--save", file, "--to", last, "--observer", "self")
    assert told.exit_code == 0 and "not sealed" in told.stdout
    page = file.read_text("utf-8")
    assert "2 February 2026, to Sunday, 8 February 2026" in page and "Words of distress" in page


def test_others_and_other_formats_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "week.html"
    for use, told in (
        ((), "Who reads this is not said"),
        (("--observer", "third_party", "--consent"), "wellbeing-no-third-party"),
        (("--observer", "clinician", "--consent"), "agreed that self may read"),
    ):
        refused = week("--save", file, *use)
        assert refused.exit_code != 0 and told in refused.output + str(refused.exception)
    assert week("--save", tmp_path / "week.pdf", "--observer", "self").exit_code == 2
    assert not list(tmp_path.glob("week*"))


def test_the_newest_week_with_a_reading_is_the_usual_one() -> None:
    wednesday = MONDAY + timedelta(days=2)
    entries = [make_entry(0), make_entry(2)]
    assert week_of_readings(entries, wednesday) == wednesday
    assert week_of_readings(entries, MONDAY + timedelta(days=40)) == MONDAY + timedelta(days=6)
    assert week_of_readings([], date(2026, 3, 3)) == date(2026, 3, 3)
