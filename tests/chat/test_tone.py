"""The line that says why an answer has its tone: never more than the reading says."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.chat.tone import WORDS, BecauseCode, ToneLine, named, tone_from, tone_of
from ferce_agent.context.clip_guidance import clear_episodes, main_face
from ferce_agent.context.direction import Direction
from ferce_agent.context.guidance import advice_table
from ferce_agent.graphs.chat_readings import reading_of_clip
from ferce_agent.graphs.chat_rules import Telling
from ferce_agent.graphs.chat_state import Remembered, reading_of
from ferce_agent.ontology.store import ontology
from ferce_agent.report.wording import confidence_word
from tests.chat.test_replies import report_of
from tests.clip_reports import (
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)
from tests.context.test_clip_guidance import film
from tests.factories import make_abstained_report

FREE, NOTHING, MOVEMENTS = Telling(), Telling(faces=False, note="Not told."), Telling(inferred=False)


def line_for(reading: Remembered | None, photo: Any = "read", allowed: Telling = FREE, **more: Any) -> ToneLine:
    direction = Direction(photo=photo) if reading is None else Direction.from_reading(reading, photo)
    return tone_of(direction, reading, allowed, **more)


def of_photo(primary: str, **changes: Any) -> Remembered:
    return reading_of(report_of(primary, **changes))


RESTRICTED = make_restricted_clip_report().degraded[-1]
CLIPS = {
    "shows": film(("sadness", 6.0, 8.0, 12.0)),
    "mostly": film(("sadness", 0.1, 3.0, 6.6)),
    "changed": film(("sadness", 1.0, 3.0, 5.0), ("happiness", 9.0, 10.0, 12.0)),
    "calm": film(),
}


@pytest.mark.parametrize(
    ("reading", "photo", "line"),
    [
        (of_photo("happiness"), "read", "Warm and light, because the photo shows happiness (very likely)."),
        (of_photo("happiness"), "earlier", "Warm and light, because the latest photo shows happiness (very likely)."),
        (None, "none", "Friendly and open, because neither a face nor a voice was read lately."),
        (None, "failed", "Friendly and open, because the photo could not be read."),
        (
            reading_of_clip(CLIPS["shows"]),
            "read",
            "Gentle and unhurried, because the end of the clip shows sadness (likely).",
        ),
        (
            reading_of_clip(CLIPS["mostly"]),
            "earlier",
            "Gentle and unhurried, because the clip mostly shows sadness (likely).",
        ),
        (
            reading_of_clip(CLIPS["changed"]),
            "read",
            "Open and unhurried, because the clip shows sadness, and happiness at its end (likely).",
        ),
        (
            reading_of_clip(CLIPS["calm"]),
            "read",
            "Friendly and matter-of-fact, because the end of the clip shows a neutral expression (very likely).",
        ),
        (
            reading_of_clip(make_covered_clip_report()),
            "read",
            "Friendly and open, because no expression was read in the clip.",
        ),
        (
            reading_of_clip(make_empty_clip_report()),
            "read",
            "Friendly and open, because no expression was read in the clip.",
        ),
    ],
)
def test_the_line_says_what_the_tone_rests_on(reading: Remembered | None, photo: str, line: str) -> None:
    assert line_for(reading, photo).line == line


def test_an_abstention_is_told_as_one() -> None:
    assert line_for(reading_of(make_abstained_report())).because_code == "photo_unclear"


def test_rules_are_told_as_rules() -> None:
    assert line_for(None, "none", NOTHING).because_code == "rule"
    reading = reading_of_clip(make_restricted_clip_report())
    assert line_for(reading, "read", MOVEMENTS).because_code == "rule_movements"


def test_distress_in_the_words_comes_before_everything() -> None:
    care = Direction.from_reading(of_photo("happiness")).with_care()
    for allowed in (FREE, NOTHING, MOVEMENTS):
        found = tone_of(care, of_photo("happiness"), allowed, danger=True)
        assert (found.because_code, found.manner, found.pace) == ("distress", "gentle", "slower")
        assert "happiness" not in found.line
    assert line_for(of_photo("sadness", distress=True), "earlier").because_code == "distress_before"


@pytest.mark.parametrize(("entry", "code"), [("conflict", "conflict"), ("not_understood", "language")])
def test_what_rests_on_words_is_told_as_words(entry: str, code: str) -> None:
    reading = of_photo("happiness", tone=advice_table()[entry].tone)
    assert line_for(reading).because_code == code


def test_the_graphs_event_is_enough() -> None:
    reading = of_photo("anger")
    direction = Direction.from_reading(reading)
    event: dict[str, Any] = {"event": "direction", "direction": direction.model_dump(mode="json"), "reading": reading}
    event |= {"faces": True, "inferred": True, "danger": False}
    assert tone_from(event) == tone_of(direction, reading, FREE)


def test_every_code_has_words_that_tell_no_feeling() -> None:
    assert set(WORDS) == set(get_args(BecauseCode))
    for words in WORDS.values():
        assert words.startswith("because ")
        assert not re.search(r"\bfeel|\bis (sad|happy|angry)|\bcertain", words)


def test_every_term_can_be_named() -> None:
    for term in ontology().terms.values():
        assert named(term.id)
        assert "feel" not in named(term.id)


@given(
    primary=st.sampled_from(["happiness", "sadness", "anger", "fear", "surprise", "neutral", "disgust", "contempt"]),
    confidence=st.floats(0.34, 0.97),
    abstained=st.booleans(),
    photo=st.sampled_from(["none", "earlier", "read", "failed"]),
    allowed=st.sampled_from([FREE, NOTHING, MOVEMENTS]),
    danger=st.booleans(),
)
def test_it_never_claims_what_the_reading_does_not(
    primary: str, confidence: float, abstained: bool, photo: str, allowed: Telling, danger: bool
) -> None:
    reading = of_photo(primary)
    reading["people"][0] |= {"primary": None if abstained else primary, "confidence": confidence}
    told = reading if allowed.admits(reading) else None
    found = line_for(told, photo, allowed, danger=danger)
    names = [named(one) for one in ("happiness", "sadness", "anger", "fear", "surprise", "disgust", "contempt")]
    shown = [one for one in names if re.search(rf"\b{one}\b", found.because)]
    if told is None or abstained or danger:
        assert shown == []
        assert found.because_values == {}
    elif primary != "neutral":
        assert shown == [primary]
    if found.because_values:
        assert found.because_values["confidence"] == confidence
        assert f"({confidence_word(confidence)})" in found.because
    assert "feel" not in found.line


@pytest.mark.parametrize("seed", range(12))
def test_of_a_clip_it_names_only_what_the_clip_clearly_shows(seed: int) -> None:
    report = make_long_clip_report(tracks=2, hours=0.02, seed=seed)
    reading = reading_of_clip(report)
    main = main_face(report)
    assert main is not None
    clear = {one.expression: one.confidence for one in clear_episodes(main, report.moments)}
    found = line_for(reading, "read")
    if (shown := found.because_values.get("expression")) not in {None, "neutral"}:
        assert shown in clear
        most = max(one.confidence for one in clear_episodes(main, report.moments) if one.expression == shown)
        assert float(found.because_values["confidence"]) <= most
    hidden = reading_of_clip(report.model_copy(update={"degraded": (*report.degraded, RESTRICTED)}))
    assert line_for(hidden, "read", MOVEMENTS).because_code == "rule_movements"
