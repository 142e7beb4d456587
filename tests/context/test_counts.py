"""Every sentence of a report counts the same faces."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.context.composition import detection_notes
from ferce_agent.context.counts import FaceCounts, count_faces, counts_of, faces_found
from ferce_agent.context.relationships import group_mood
from ferce_agent.context.restricted_report import limited
from ferce_agent.context.summary import summarise
from ferce_agent.inputs.photo import Picture
from ferce_agent.policy.decide import decide
from ferce_agent.policy.use import UseContext
from ferce_agent.report import Degradation, EmotionReport, Person
from ferce_agent.views.html import to_html
from ferce_agent.views.text import to_text
from tests.factories import make_evidence, make_expression, make_person, make_report

KINDS = ("happiness", "sadness", "neutral", "happily_surprised", None, "unread")


def person(number: int, kind: str | None) -> Person:
    expression = None if kind == "unread" else make_expression(kind) if kind in {"happiness", None} else None
    if kind not in {"happiness", None, "unread"}:
        expression = make_expression().model_copy(update={"primary": kind})
    return make_person(number, expression=expression, rationale=())


def report_of(kinds: list[str | None], left_out: int = 0, unmeasured: int = 0) -> EmotionReport:
    people = [person(number, kind) for number, kind in enumerate(kinds, 1)]
    picture = Picture(pixels=np.zeros((48, 48, 3), np.uint8), sha256="c" * 64, media_type="image/jpeg")
    notes = detection_notes(picture, len(kinds) + unmeasured + left_out, len(kinds) + unmeasured)
    lost = Degradation(stage="quality", code="face_failed", message="It failed.", person=None)
    notes = [*notes, *[lost] * unmeasured]
    group, mood = group_mood(people)
    evidence = tuple(entry for one in people for entry in make_evidence(one.id))
    if not people and not any(note.code == "no_face" for note in notes):
        notes.append(Degradation(stage="face", code="no_face", message="None could be measured.", person=None))
    changes = {} if people else {"guidance": make_report().guidance.model_copy(update={"evidence": ()})}
    return make_report(
        people=tuple(people),
        summary=summarise(people, notes),
        degraded=tuple(notes),
        group=group,
        evidence=(*evidence, *mood),
        **changes,
    )


reports = st.builds(
    report_of, st.lists(st.sampled_from(KINDS), max_size=12), st.sampled_from([0, 0, 1, 28]), st.integers(0, 3)
).filter(lambda report: counts_of(report).listed or not counts_of(report).left_out)


def numbers(text: str) -> list[int]:
    """Numbers in a sentence, "One" too, without those of people ("person 3") and percentages."""
    text = re.sub(r"[Pp]erson \d+|[<>]?\d+%", "", text.replace("One ", "1 ").replace(" One ", " 1 "))
    return [int(number) for number in re.findall(r"\d+", text)]


@given(reports)
def test_the_numbers_of_the_summary_are_the_numbers_of_the_report(report: EmotionReport) -> None:
    counts = counts_of(report)
    start = report.summary.partition(":")[0]
    found, *parts = numbers(start) or [0]
    assert found == counts.found
    assert not parts or sum(parts) == found
    by_kind = {counts.named, counts.abstained, counts.unread, counts.unmeasured, counts.left_out}
    assert set(parts) <= by_kind
    rest = numbers(report.summary.partition(":")[2])
    assert rest in ([], [counts.listed - 4])
    assert bool(rest) == (counts.listed > 4)


@given(reports)
def test_the_notes_the_group_and_the_pages_agree(report: EmotionReport) -> None:
    counts = counts_of(report)
    for note in report.degraded:
        if note.code == "more_faces_than_limit":
            assert numbers(note.message)[0] == counts.found
            assert note.count == counts.left_out
    if report.group is not None:
        read, *shown = numbers(report.group.text)
        assert read == counts.read
        if shown:
            named = sum(
                one.expression is not None and one.expression.primary == report.group.dominant for one in report.people
            )
            assert shown[:2] == [named, counts.read]
            assert shown[2:] == ([counts.abstained] if counts.abstained else [])
    heads = [line for line in to_text(report, width=200).splitlines() if re.match(r"Person \d+", line)]
    assert len(heads) == counts.listed
    assert f"{counts.listed} face" in to_html(report)


@given(reports.filter(lambda report: bool(report.people)))
def test_a_limited_report_counts_the_same_faces(report: EmotionReport) -> None:
    decision = decide(UseContext(domain="workplace", jurisdiction="eu"), remote=False)
    counts = counts_of(report)
    found, *parts = numbers(limited(report, decision).summary.partition(". By rule")[0])
    assert found == counts.found
    assert not parts or sum(parts) == found


def test_somebody_who_is_not_named_shows_nothing() -> None:
    people = [person(number, kind) for number, kind in enumerate(["happiness"] * 4 + [None], 1)]
    group, _ = group_mood(people)
    assert group is not None
    assert "4 of 5 show happiness, 1 is not clear enough to name" in group.text


def test_faces_beyond_the_limit_are_in_the_same_sentence() -> None:
    assert report_of(["happiness", "happiness"], left_out=28).summary.startswith(
        "30 faces were found (2 with a named expression, 28 left out by the limit): person 1"
    )


def test_words_for_small_numbers() -> None:
    assert faces_found(FaceCounts()) == "No face was found in the picture"
    assert faces_found(FaceCounts(named=1)) == "One face was found"
    assert faces_found(FaceCounts(named=5)) == "5 faces were found"
    assert faces_found(FaceCounts(unmeasured=1)) == "One face was found (1 could not be measured)"


def test_a_failure_at_a_listed_face_is_not_one_that_could_not_be_measured() -> None:
    failed = Degradation(stage="specialist", code="face_failed", message="It failed.", person="person-1")
    lost = failed.model_copy(update={"person": None})
    other = Degradation(stage="context", code="sentences_not_compared", message="Many.", person=None, count=7)
    more = Degradation(stage="detect", code="more_faces_than_limit", message="Many.", person=None, count=3)
    counts = count_faces([person(1, "happiness"), person(2, None), person(3, "unread")], [failed, lost, other, more])
    assert counts == FaceCounts(named=1, abstained=1, unread=1, unmeasured=1, left_out=3)
    assert (counts.read, counts.listed, counts.found) == (2, 3, 7)
    assert faces_found(counts) == (
        "7 faces were found (1 with a named expression, 1 not clear enough to name, 1 could not be read, "
        "1 could not be measured, 3 left out by the limit)"
    )
    assert faces_found(counts, by_rule=True) == (
        "7 faces were found (3 in this report, 1 could not be measured, 3 left out by the limit)"
    )


def test_faces_that_fared_alike_need_no_brackets() -> None:
    assert faces_found(FaceCounts(named=2)) == faces_found(FaceCounts(unread=2)) == "2 faces were found"
    assert faces_found(FaceCounts(named=1, unread=1)) == (
        "2 faces were found (1 with a named expression, 1 could not be read)"
    )
    assert faces_found(FaceCounts(left_out=2)) == "2 faces were found (2 left out by the limit)"


def test_a_note_without_a_number_counts_nobody() -> None:
    note = Degradation(stage="detect", code="more_faces_than_limit", message="More were found.", person=None)
    assert count_faces([], [note]) == FaceCounts()
