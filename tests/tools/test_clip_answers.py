from __future__ import annotations

import json

import pytest

from ferce_agent.report import ClipReport
from ferce_agent.tools.clip_answers import CUT, full_words, note_on, words, words_and_data
from ferce_agent.views.brief import rough_tokens
from tests.clip_reports import make_clip_report, make_empty_clip_report, make_long_clip_report
from tests.views.brief_sizes import tokenizers

MORE = "ferce://reports/Zk3_91xPq0aB2c7d"
LIMIT = 25_000
REPORTS = {
    "short": make_clip_report(),
    "nobody": make_empty_clip_report(),
    "an hour": make_long_clip_report(),
    "four hours of thirty people": make_long_clip_report(30, 4.0, words="Some words about what a face shows. " * 20),
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_answer_stays_under_the_limit_of_common_clients(name: str) -> None:
    report = REPORTS[name]
    for detail in ("brief", "full"):
        text, data = words_and_data(report, detail, MORE)
        alone = words(report, detail)
        for count in tokenizers().values():
            assert count(text) + count(json.dumps(data, ensure_ascii=False)) < (LIMIT if detail == "full" else 701)
            assert count(alone) < LIMIT


def test_a_short_report_comes_whole() -> None:
    report = make_empty_clip_report()
    text, data = words_and_data(report, "full", MORE)
    assert ClipReport.model_validate(data["report"]) == report
    assert CUT not in text
    assert "left out" not in text


def test_of_a_longer_one_samples_are_left_out_which_is_said() -> None:
    text, data = words_and_data(REPORTS["short"], "full", MORE)
    made = ClipReport.model_validate(data["report"])
    assert len(made.tracks[0].samples) < len(REPORTS["short"].tracks[0].samples)
    assert made.tracks[0].episodes == REPORTS["short"].tracks[0].episodes
    assert f"Some samples are left out: {MORE}; a part of the film: {MORE}/FROM/TO in seconds." in text


def test_of_a_very_long_one_the_data_are_left_out_which_is_said() -> None:
    report = REPORTS["four hours of thirty people"]
    text, data = words_and_data(report, "full", None)
    assert "report" not in data
    assert "The report is too long to be sent with this answer; ask with start_s and end_s." in text
    assert CUT in text
    assert rough_tokens(text) > 20_000  # the room is used for words


def test_words_are_cut_after_a_line() -> None:
    whole = full_words(REPORTS["an hour"], 10**9)
    cut = full_words(REPORTS["an hour"], 500)
    assert rough_tokens(cut) <= 520
    assert cut.endswith(CUT + "\n")
    assert whole.startswith(cut.removesuffix(CUT + "\n"))
    assert note_on(REPORTS["short"], REPORTS["short"], MORE) == ""
