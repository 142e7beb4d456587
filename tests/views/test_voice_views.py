"""A voice report as text, brief, table, page and file."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ferce_agent.errors import SettingsError
from ferce_agent.report import VoiceReport
from ferce_agent.views.brief import rough_tokens
from ferce_agent.views.turn_choice import worth_telling
from ferce_agent.views.voice_brief import MOST, voice_brief, voice_brief_text
from ferce_agent.views.voice_page import voice_fragment, voice_html
from ferce_agent.views.voice_tables import turn_columns, turns_csv
from ferce_agent.views.voice_text import MOST_TURNS, voice_text
from tests.voice_reports import (
    make_long_voice_report,
    make_restricted_voice_report,
    make_silent_report,
    make_turn,
    make_voice,
    make_voice_report,
    make_words,
)

SAID = "Remember the blue bicycle."
EVERY = (make_voice_report(SAID), make_silent_report(), make_restricted_voice_report(), make_long_voice_report(120))
UGLY = "</script><img src=x onerror=alert(1)>\x1b[31m=1+1"


@pytest.mark.parametrize("report", EVERY)
@pytest.mark.parametrize("width", [40, 88])
@pytest.mark.parametrize("full", [True, False])
def test_text_keeps_its_width(report: VoiceReport, width: int, full: bool) -> None:
    text = voice_text(report, width, full=full)
    assert max(map(len, text.splitlines())) <= width
    assert text.splitlines()[0].split()[0] == report.summary.split()[0]


def test_text_tells_doubt_conflict_and_what_was_not_done() -> None:
    text = " ".join(voice_text(make_voice_report(SAID)).split())
    for words in (
        "Turn 1, 0:00.4 to 0:03.2: sounds like anger (likely, 81%)",
        "no expression is named: several expressions are possible",
        SAID,
        "It could be: politeness",
        "Turn 2: No words were told for turn 2.",
    ):
        assert words in text


def test_text_that_is_not_full_says_how_many_turns_are_left_out() -> None:
    text = voice_text(make_long_voice_report(30), full=False)
    assert f"{30 - MOST_TURNS} more turns of speech" in text


def test_a_column_too_few_is_refused() -> None:
    with pytest.raises(SettingsError, match="39"):
        voice_text(make_voice_report(), 39)


def test_turns_worth_telling_are_clear_ones_in_their_order() -> None:
    turns = (
        make_turn(1, 0, 9, voice=make_voice(None)),
        make_turn(2, 10, 11),
        make_turn(3, 12, 20, voice=make_voice("neutral")),
        make_turn(4, 21, 23),
    )
    assert [turn.id for turn in worth_telling(turns, 3)] == ["speech-2", "speech-3", "speech-4"]


@pytest.mark.parametrize("report", EVERY)
def test_a_brief_is_short_and_holds_no_words_that_were_said(report: VoiceReport) -> None:
    brief = voice_brief(report, "ferce://report/1")
    told = json.dumps(brief.told())
    assert rough_tokens(voice_brief_text(brief)) + rough_tokens(told) <= MOST
    assert "bicycle" not in told + voice_brief_text(brief)
    assert len(brief.turns) + brief.more_turns == len(report.speech)
    assert len(brief.conflicts) + brief.more_conflicts == len(report.conflicts)


def test_a_brief_tells_what_each_turn_sounds_like() -> None:
    brief = voice_brief(make_voice_report())
    first, second = brief.turns
    assert (first.sounds, first.words_express, first.together) == ("anger", "sadness", "anger")
    assert (second.sounds, second.doubts, second.flat) == (None, ("unclear",), True)
    assert brief.conflicts[0].kind == "voice_and_words"
    assert "no expression named: several expressions are possible" in voice_brief_text(brief)


def test_a_rule_is_told_before_everything_else_that_was_not_done() -> None:
    brief = voice_brief(make_restricted_voice_report())
    assert brief.not_done[0] == "policy_restricted"
    assert all(turn.sounds is None for turn in brief.turns)
    assert "no expression inferred" in voice_brief_text(brief)


def test_a_table_has_a_row_a_turn() -> None:
    report = make_voice_report(UGLY)
    first, second = csv.DictReader(io.StringIO(turns_csv(report.speech)))
    assert (first["turn"], first["expression"], first["p_anger"]) == ("speech-1", "anger", "0.81")
    assert (second["expression"], second["doubt"], second["flat"]) == ("", "unclear", "1")
    assert first["pitch_hz"] == "212.4"
    assert turns_csv(()).strip() == ",".join(turn_columns())


def test_no_cell_is_a_formula() -> None:
    turn = make_turn(words=make_words("=1+1"))
    assert next(csv.DictReader(io.StringIO(turns_csv([turn]))))["text"] == "'=1+1"


@pytest.mark.parametrize("report", EVERY)
def test_a_page_loads_nothing_and_runs_nothing(report: VoiceReport) -> None:
    for page in (voice_html(report), voice_fragment(report)):
        assert not re.search(r"<script|<link|<img|\bsrc=|https?://|\bon\w+=", page)
        assert report.policy.notice in page
    assert len(voice_html(report)) < 500_000


def test_a_page_escapes_what_was_said() -> None:
    page = voice_html(make_voice_report(UGLY))
    assert "<img" not in page
    assert "\x1b" not in page
    assert "&lt;img src=x" in page


def test_a_page_says_all_of_a_turn() -> None:
    page = voice_html(make_voice_report(SAID))
    for words in ("sounds like anger (likely, 81%)", SAID, "The voice does not go with the words", "It could be:"):
        assert words in page


def test_a_report_is_saved_in_the_format_of_its_ending(tmp_path: Path) -> None:
    report = make_voice_report()
    for name in ("r.html", "r.json", "r.txt", "r.csv"):
        assert report.save(tmp_path / name) == tmp_path / name
    assert VoiceReport.model_validate_json((tmp_path / "r.json").read_bytes()) == report
    with pytest.raises(SettingsError, match=r"\.csv"):
        report.save(tmp_path / "r.emotionml")
    assert report._repr_html_() == voice_fragment(report)


@given(st.text(min_size=1, max_size=80))
def test_any_words_stay_on_their_page(said: str) -> None:
    words = make_words(said) if said.strip() else make_words()
    report = make_voice_report(speech=(make_turn(words=words), make_turn(2, 4, 7)))
    assert max(map(cell_len, voice_text(report, 40).split("\n"))) <= 40
    assert "<img" not in voice_html(report)
