"""A scenario's report as a page: complete, escaped, with everything it needs within."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.report.scenario import (
    Alert,
    Curve,
    CurvePoint,
    Limit,
    ScenarioDegradedCode,
    ScenarioReport,
    Urgency,
)
from ferce_agent.report.scenario_wording import LOOK, SCENARIO_DEGRADED, URGENCY
from ferce_agent.views.scenario_page import MOST_ALERTS, MOST_CURVES, curve_chart, scenario_html, strip, timelines
from tests.scenario_reports import EVERY, audience, drive, engagement, few_viewers, moderation, restricted
from tests.views.test_html import HOSTILE, Page


def shown(source: str) -> str:
    """Return what a reader sees: texts without tags and breaks."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", source, flags=re.S)).split())


@pytest.mark.parametrize("name", tuple(EVERY))
def test_page_is_well_formed_and_needs_nothing_else(name: str) -> None:
    source = scenario_html(EVERY[name]())
    page = Page(source)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    labelled = {attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert page.named("html") == [{"lang": "en"}] and source.count("<h1") == 1
    assert len(set(ids)) == len(ids) and labelled <= set(ids)
    assert not page.named("script") and not page.named("img")
    assert not re.search(r"https?:|@import|url\(", source)
    assert all(one.get("aria-label") for _, one in page.tags if one.get("role") == "img")
    assert len(source) < 250_000


@pytest.mark.parametrize("name", tuple(EVERY))
def test_page_tells_every_caution_limit_and_gap(name: str) -> None:
    report = EVERY[name]()
    page = Page(scenario_html(report))
    told = " ".join(" ".join(page.texts).split())
    texts = [report.summary, report.policy.notice, *report.is_not]
    texts += [one.is_not for one in report.indicators] + [
        one.name for one in report.indicators if one.value is not None
    ]
    texts += [text for one in report.alerts for text in (one.text, one.limit.source)]
    texts += [one.limit.source for one in report.indicators if one.limit]
    texts += [one.message for one in report.degraded]
    missing = [text for text in texts if " ".join(text.split()) not in told]
    assert missing == []


def test_words_for_every_code() -> None:
    assert set(SCENARIO_DEGRADED) == set(get_args(ScenarioDegradedCode))
    assert set(URGENCY) == set(LOOK) == set(get_args(Urgency))


def test_alerts_lie_on_a_time_line_by_kind() -> None:
    (line,) = timelines(drive(), drive().alerts)
    assert [lane.name for lane in line.lanes] == ["sleep", "head nod", "yawn"]
    urgency, bar = line.lanes[0].bars[0]
    assert urgency == "urgent"
    assert bar.left == pytest.approx(38.36 / drive().sources[0].seconds, abs=0.01)
    assert timelines(moderation(), moderation().alerts) == []


def test_curves_show_their_limit_and_peaks_are_numbered() -> None:
    perclos = next(one for one in drive().curves if one.id == "perclos")
    drawn = curve_chart(perclos, drive())
    assert [words for _, words in drawn.levels] == ["limit 15.0%"]
    assert drawn.gaps
    smiles = next(one for one in audience().curves if one.id == "smile.a")
    assert [one.words for one in curve_chart(smiles, audience()).stretches] == ["1", "2"]
    slides = curve_chart(engagement().curves[0], engagement())
    assert [words for _, words in slides.xs] == ["slide 1", "slide 2", "slide 3"]


def test_only_shares_have_a_strip() -> None:
    shapes = {one.id: strip(one) for one in drive().indicators}
    known = shapes["perclos"]
    assert known is not None and known.limit == 0.15 and known.left < known.value < known.left + known.width
    assert shapes["microsleeps"] is None and shapes["longest_closure_s"] is None
    assert all(strip(one) is None for one in few_viewers().indicators)


def test_a_restricted_use_is_told_at_the_top() -> None:
    source = scenario_html(restricted())
    assert source.index("Use restricted.") < source.index("What this is not")
    assert source.count("For a sign:") == 1


def test_page_stays_small_however_much_was_found() -> None:
    report = audience()
    limit = Limit(value=0.5, source="Own choice")
    alerts = tuple(
        Alert(
            id=f"a-{at}", kind=f"kind_{at % 7}", urgency="notice", onset_s=at, told_s=at, offset_s=at + 1, value=1,
            unit="share", limit=limit, confidence=0.5, text="Something.",
        )
        for at in range(300)
    )  # fmt: skip
    points = tuple(CurvePoint(at=at, value=0.5, low=0.4, high=0.6, people=9) for at in range(2000))
    curves = tuple(Curve(id=f"c-{at}", name="n", unit="share", axis="seconds", points=points) for at in range(60))
    source = scenario_html(report.model_copy(update={"alerts": alerts, "curves": curves, "peaks": ()}))
    assert len(source) < 1_000_000
    assert f"{300 - MOST_ALERTS} more" in source and f"{60 - MOST_CURVES} more curves" in source


def hostile(report: ScenarioReport, text: str) -> ScenarioReport:
    """Return a report in which a text stands wherever a caller, a file or a model may put one."""
    changes = {
        "title": text,
        "summary": text,
        "is_not": (text,),
        "indicators": tuple(one.model_copy(update={"name": text, "is_not": text}) for one in report.indicators),
        "alerts": tuple(one.model_copy(update={"text": text}) for one in report.alerts),
        "curves": tuple(one.model_copy(update={"name": text}) for one in report.curves),
        "peaks": tuple(one.model_copy(update={"marker": text}) for one in report.peaks),
        "degraded": tuple(one.model_copy(update={"message": text}) for one in report.degraded),
        "settings": {"option": text},
        "policy": report.policy.model_copy(update={"notice": text}),
    }
    return report.model_copy(update=changes)


@pytest.mark.parametrize("make", [drive, audience, moderation])
def test_hostile_texts_stay_texts(make: Callable[[], ScenarioReport]) -> None:
    tags = Page(scenario_html(make())).tags
    page = Page(scenario_html(hostile(make(), " ".join(HOSTILE))))
    kinds = {name for name, _ in page.tags}
    assert kinds <= {name for name, _ in tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


@settings(max_examples=8)
@given(st.text(min_size=1, max_size=40))
def test_whatever_is_written_no_tag_comes_of_it(text: str) -> None:
    plain = [name for name, _ in Page(scenario_html(hostile(drive(), "plain"))).tags]
    assert [name for name, _ in Page(scenario_html(hostile(drive(), text + "<i>"))).tags] == plain


def test_pages_are_saved_by_their_ending(tmp_path: Path) -> None:
    saved = drive().save(tmp_path / "drive.html")
    assert saved.read_text("utf-8") == scenario_html(drive())
    assert shown(saved.read_text("utf-8"))
