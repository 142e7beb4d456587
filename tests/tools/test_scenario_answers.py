from __future__ import annotations

import json
from functools import partial

import pytest

from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.tools.clip_answers import MOST
from ferce_agent.tools.scenario_answers import CUT, words, words_and_data
from ferce_agent.views.brief import rough_tokens
from tests.scenario_reports import EVERY, drive

MORE = "ferce://reports/Zk3_91xPq0aB2c7d"


@pytest.mark.parametrize("name", ["drive", "moderation", "few_viewers"])
def test_a_whole_report_goes_with_the_answer_where_there_is_room(name: str) -> None:
    report = EVERY[name]()
    text, data = words_and_data(report, "full", MORE)
    assert ScenarioReport.model_validate(data["report"]) == report
    assert CUT not in text and rough_tokens(text) + rough_tokens(json.dumps(data)) <= MOST
    brief, short = words_and_data(report, "brief", MORE)
    assert "report" not in short and MORE in brief and len(brief) < len(text)


def test_a_long_report_is_cut_in_words_and_its_place_named() -> None:
    short = drive()
    many = tuple(one.model_copy(update={"id": f"{one.id}-{part}"}) for part in range(80) for one in short.indicators)
    report = short.model_copy(update={"indicators": many})
    text, data = words_and_data(report, "full", MORE)
    assert "report" not in data and CUT in text and f"too long to be sent with this answer: {MORE}." in text
    assert rough_tokens(text) + rough_tokens(json.dumps(data)) <= MOST
    assert "ask about fewer sources" in words_and_data(report, "full", None)[0]
    assert max(map(rough_tokens, map(partial(words, report), ("brief", "full")))) <= MOST
