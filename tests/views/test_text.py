import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from ferce_agent.errors import SettingsError
from ferce_agent.report import EmotionReport, wording
from ferce_agent.views.text import MIN_WIDTH, bar, to_text
from tests.factories import (
    make_abstained_report,
    make_empty_report,
    make_expression,
    make_pair_report,
    make_person,
    make_report,
    make_unread_report,
)

REPORTS = (make_report, make_pair_report, make_abstained_report, make_unread_report, make_empty_report)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("make", REPORTS)
@pytest.mark.parametrize("width", [MIN_WIDTH, 63, 88, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_lines_keep_to_the_width(make: Callable[[], EmotionReport], width: int, colour: bool) -> None:
    text = to_text(make(), width, colour)
    assert max(cell_len(line) for line in ANSI.sub("", text).splitlines()) <= width
    assert ("\x1b" in text) == colour


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=300), st.integers(MIN_WIDTH, 120))
def test_any_context_is_wrapped_and_harmless(context: str, width: int) -> None:
    text = to_text(make_pair_report(context), width)
    assert max(cell_len(line) for line in text.split("\n")) <= width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_headline_names_expression_certainty_and_strength() -> None:
    assert "Person 1 shows happiness (very likely, 97%), strong" in to_text(make_report())
    assert "Person 1 appears happily surprised (likely, 87%), strong" in to_text(make_pair_report())


def test_neutral_has_no_strength() -> None:
    person = make_person(expression=make_expression("neutral", 0.7), rationale=())
    line = to_text(make_report(people=(person,))).splitlines()[2]
    assert line == "Person 1 shows a neutral expression (likely, 70%)"


def test_abstention_and_failure_name_no_expression() -> None:
    unsure, unread = flat(to_text(make_abstained_report())), flat(to_text(make_unread_report()))
    assert "no expression is named" in unsure and "shows" not in unsure
    assert "Person 1 could not be read" in unread and "shows" not in unread


def test_a_tie_is_called_a_tie() -> None:
    person = make_abstained_report().people[0]
    assert person.expression is not None
    shares = person.expression.distribution.model_copy(update={"sadness": 0.356, "neutral": 0.354})
    tied = person.model_copy(update={"expression": person.expression.model_copy(update={"distribution": shares})})
    assert "sadness and neutral come first" in wording.headline(tied)


def test_three_likeliest_come_in_order_with_their_numbers() -> None:
    text = to_text(make_pair_report())
    shown = re.findall(r"[█▌·]{20}  *(\d+%) (\w+)", text)
    assert shown[:3] == [("53%", "happiness"), ("34%", "surprise"), ("6%", "neutral")]


def test_text_tells_what_the_report_holds() -> None:
    report = make_pair_report()
    text = flat(to_text(report))
    cause, person = report.causes[0], report.people[0]
    expected = [report.summary, cause.text, cause.alternatives[0].text, report.relationships[0].text]
    expected += [report.guidance.suggestion, report.policy.notice, person.description.observed]
    expected += [f"✓ supported: {person.rationale[0].text}", f"? not verified: {person.rationale[1].text}"]
    expected += [entry.text for entry in report.evidence if entry.id in person.rationale[0].evidence]
    expected += ["fits what the face shows", "specialist 8.9 ms"]
    assert [part for part in expected if part not in text] == []


def test_gaps_are_told() -> None:
    assert "Not done Person 1: The face could not be read." in flat(to_text(make_unread_report()))
    assert "Not done" not in to_text(make_report())


def test_environment_does_not_change_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    before = to_text(make_pair_report()), to_text(make_pair_report(), colour=True)
    for name, value in {"COLUMNS": "40", "NO_COLOR": "1", "FORCE_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    assert (to_text(make_pair_report()), to_text(make_pair_report(), colour=True)) == before


def test_too_narrow_is_refused() -> None:
    with pytest.raises(SettingsError):
        to_text(make_report(), MIN_WIDTH - 1)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 60))
def test_bars_have_one_length_and_grow_with_the_share(one: float, other: float, columns: int) -> None:
    low, high = sorted((one, other))
    assert len(bar(low, columns)) == len(bar(high, columns)) == columns
    assert bar(low, columns).count("█") <= bar(high, columns).count("█")


@given(st.floats(0, 1), st.integers(0, 2))
def test_percentages_never_round_to_certainty(value: float, decimals: int) -> None:
    text = wording.percent(value, decimals)
    assert (float(text.rstrip("%").lstrip("<>")) in {0, 100} and text[0] not in "<>") == (value in {0, 1})
    assert abs(float(text.strip("<>%")) - value * 100) <= 10.0**-decimals


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (1, "very likely"),
        (0.9, "very likely"),
        (0.899, "likely"),
        (0.5, "more likely than not"),
        (0, "barely supported"),
    ],
)
def test_confidence_words(value: float, word: str) -> None:
    assert wording.confidence_word(value) == word


@pytest.mark.parametrize("scale", [wording.CONFIDENCE, wording.INTENSITY, wording.VALENCE, wording.AROUSAL])
def test_scales_descend_and_have_distinct_words(scale: tuple[tuple[float, str], ...]) -> None:
    bounds = [bound for bound, _ in scale]
    assert bounds == sorted(bounds, reverse=True)
    assert len({word for _, word in scale}) == len(scale)


def test_durations_switch_to_seconds() -> None:
    assert [wording.milliseconds(time) for time in (0.4, 9.99, 999.4, 999.6)] == ["0.4 ms", "10 ms", "999 ms", "1.0 s"]


def crowd(count: int) -> EmotionReport:
    """A report on `count` people, each with a cause of its own that comes from a neighbour; the last one is unclear."""
    report = make_pair_report()
    people = [make_person(number, rationale=()) for number in range(1, count)]
    unclear = make_abstained_report().people[0].model_copy(update={"id": f"person-{count}", "rationale": ()})
    causes = [
        report.causes[0].model_copy(update={"person": person.id, "source": "people", "text": f"Cause {person.id}."})
        for person in people
    ]
    changes = {"people": (*people, unclear), "causes": (*causes, report.causes[0]), "relationships": ()}
    return report.model_copy(update=changes)


@pytest.mark.parametrize("width", [MIN_WIDTH, 80])
def test_a_crowd_in_short_names_everyone_and_says_where_the_rest_is(width: int) -> None:
    report = crowd(12)
    text = to_text(report, width, full=False)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert all(re.search(rf"^ *{number} [█▌·]+ ", text, re.MULTILINE) for number in range(1, 13))
    assert report.causes[-1].text in flat(text), "what the caller's words give comes before what neighbours show"
    assert "6 more in the report (--full" in flat(text) and "All about everyone" in text
    assert "more in the report" not in to_text(report, 80)


def test_no_long_bar_stands_beside_unsure() -> None:
    line = next(line for line in to_text(crowd(4), 80, full=False).splitlines() if "unsure" in line)
    assert "█" not in line and "sadness 38%" in flat(to_text(crowd(4), 80, full=False))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
@pytest.mark.parametrize("full", [True, False])
def test_look_alikes_keep_to_the_width(encoding: str, full: bool) -> None:
    text = to_text(crowd(4), 60, full=full, encoding=encoding)
    text.encode(encoding)
    assert max(cell_len(line) for line in text.splitlines()) <= 60
