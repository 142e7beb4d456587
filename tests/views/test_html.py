import base64
import itertools
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import ImageShapeError
from ferce_agent.report import ActionUnitReading, Claim, Degradation, EmotionReport, Estimate
from ferce_agent.report.wording import headline, percent, term_label
from ferce_agent.views.html import to_html
from tests.factories import (
    make_abstained_report,
    make_empty_report,
    make_expression,
    make_face,
    make_pair_report,
    make_person,
    make_report,
    make_unread_report,
)

VOID = {"meta", "img", "br", "hr", "link", "input"}
REPORTS = (make_report, make_pair_report, make_abstained_report, make_unread_report, make_empty_report)
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "</style><b>", "'--> ]]>")


class Page(HTMLParser):
    """Collects tags, attributes and text; fails on tags that do not balance."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture() -> NDArray[np.uint8]:
    return np.full((512, 512, 3), 90, np.uint8)


@pytest.mark.parametrize("make", REPORTS)
def test_page_is_well_formed_and_needs_nothing_else(make: Callable[[], EmotionReport]) -> None:
    source = to_html(make(), picture())
    page = Page(source)
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name == "src"]
    anchors = [attributes["href"] for _, attributes in page.tags if "href" in attributes]
    ids = {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    assert page.named("html") == [{"lang": "en"}]
    assert not page.named("script") and not page.named("link")
    assert links and all(link and link.startswith("data:image/jpeg;base64,") for link in links)
    assert set(anchors) <= ids, "links lead to places of the page only"
    assert not re.search(r"https?:|@import|url\(", source)
    assert source.count("<h1") == 1


@pytest.mark.parametrize("make", REPORTS)
def test_ids_are_unique_and_every_section_is_named(make: Callable[[], EmotionReport]) -> None:
    page = Page(to_html(make()))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert all(attributes["aria-labelledby"] in ids for attributes in page.named("section"))


def test_every_probability_is_shown_and_the_set_is_marked() -> None:
    report = make_pair_report()
    text = Page(to_html(report)).text
    for person in report.people:
        assert person.expression is not None
        for term, share in person.expression.distribution.items():
            assert percent(share, 1) in text, term
    assert "34.3% ● yes" in text and "6.1% ● yes" not in text


def test_page_tells_what_the_report_holds() -> None:
    report = make_pair_report()
    text = Page(to_html(report)).text
    person, cause, relationship = report.people[0], report.causes[0], report.relationships[0]
    expected = [report.summary, cause.text, cause.alternatives[0].text, relationship.text, report.policy.notice]
    expected += [report.guidance.suggestion, report.guidance.tone, person.description.observed]
    expected += [person.description.inferred, *(claim.text for claim in person.rationale)]
    expected += [unit.name.capitalize() for unit in person.action_units]
    expected += ["Happiness 61%", "Surprise 39%", "likely, 87%", "Barrett", "CC BY 3.0", "a" * 64, "Schema", "8.9 ms"]
    assert [part for part in expected if part.lower() not in text.lower()] == []


def test_a_claim_is_followed_by_a_symbol_a_word_and_its_evidence() -> None:
    claim = Claim(text="Brows down.", basis="inferred", evidence=("context.1",), status="contradicted")
    report = make_pair_report("Good news came.")
    people = (report.people[0].model_copy(update={"rationale": (claim,)}), report.people[1])
    text = Page(to_html(report.model_copy(update={"people": people}))).text
    assert "Brows down. concluded ✗ contradicted Good news came." in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_of_the_report_cannot_become_markup(hostile: str) -> None:
    claim = Claim(text=hostile, basis="stated", evidence=("context.1",), status="unverified")
    report = make_pair_report(hostile, summary=hostile)
    person = report.people[0].model_copy(update={"rationale": (claim,)})
    gap = Degradation(stage="vlm", code="vlm_failed", message=hostile, person="person-1")
    changed = report.model_copy(update={"people": (person, report.people[1]), "degraded": (gap,)})
    plain, page = Page(to_html(make_pair_report())), Page(to_html(changed))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags} | {"aside", "strong"}
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert page.text.count(hostile) >= 5, "the text itself is shown as it is"


def test_hidden_reading_direction_marks_are_dropped() -> None:
    assert "\u202e" not in to_html(make_pair_report("abc\u202edef\x1b[31m"))
    assert "abcdef[31m" in to_html(make_pair_report("abc\u202edef\x1b[31m"))


@pytest.mark.parametrize("word", ["feels happy", "is happy", "patient", "diagnos"])
def test_page_claims_nothing_about_feelings(word: str) -> None:
    assert word not in Page(to_html(make_report())).text


def test_abstention_names_no_expression_but_says_why() -> None:
    text = Page(to_html(make_abstained_report())).text
    assert "no expression is named" in text and "likeliest: sadness, 38%" in text
    assert "shows sadness" not in text
    assert "the face is blurred; the face is dark" in text


def test_gaps_are_named_in_general_and_with_the_person() -> None:
    text = Page(to_html(make_unread_report())).text
    assert "What could not be done" in text
    assert text.count("The face could not be read. Try another picture.") >= 2
    assert "What could not be done" not in Page(to_html(make_report())).text


def test_picture_is_a_jpeg_with_a_description() -> None:
    image, *thumbnails = Page(to_html(make_pair_report(), picture())).named("img")
    assert [one["alt"] for one in thumbnails] == ["", ""], "the text beside them says who it is"
    assert image["src"] and image["alt"]
    assert base64.b64decode(image["src"].partition(",")[2])[:3] == b"\xff\xd8\xff"
    assert "2 marked faces" in image["alt"] and "Person 1: happily surprised" in image["alt"]
    assert not Page(to_html(make_pair_report())).named("img")


def test_large_picture_gives_a_page_of_bounded_size() -> None:
    report = make_report()
    source = report.source.model_copy(update={"width": 4000, "height": 3000})
    noise = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), np.uint8)
    assert len(to_html(report.model_copy(update={"source": source}), noise)) < 2_000_000


def test_picture_of_another_report_is_refused() -> None:
    with pytest.raises(ImageShapeError):
        to_html(make_report(), np.zeros((10, 90, 3), np.uint8))


def test_bars_are_as_long_as_the_probabilities() -> None:
    source = to_html(make_report())
    assert re.findall(r'class="bar" style="--share: ([0-9.]+)%', source)[:2] == ["97.2", "0.4"]


def test_same_report_gives_the_same_page() -> None:
    report: EmotionReport = make_pair_report()
    again = EmotionReport.model_validate_json(report.model_dump_json())
    assert to_html(report, picture()) == to_html(again, picture())
    assert to_html(report) != to_html(make_report(people=(make_person(),)))


def test_people_are_folded_under_an_overview() -> None:
    source = to_html(make_pair_report(), picture())
    page = Page(source)
    cards = [attributes for attributes in page.named("a") if attributes.get("class") == "card"]
    assert [card["href"] for card in cards] == ["#person-1", "#person-2"]
    folds = [attributes for attributes in page.named("details") if attributes.get("class") == "person"]
    assert len(folds) == 2 and all("open" not in fold for fold in folds)
    assert source.index('class="overview"') < source.index('class="person"')
    assert "Person 1: happily surprised 87%, likely" in page.text


def test_a_single_person_is_open_and_has_no_overview() -> None:
    page = Page(to_html(make_report(), picture()))
    (fold,) = [attributes for attributes in page.named("details") if attributes.get("class") == "person"]
    assert "open" in fold and not page.named("a")
    assert not Page(to_html(make_empty_report(), picture())).named("ol")


def test_headings_leave_out_no_level() -> None:
    for make in REPORTS:
        levels = [int(tag[1]) for tag, _ in Page(to_html(make(), picture())).tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_movements_come_strongest_first_and_the_weak_ones_are_folded() -> None:
    units = [("AU1", 0.2), ("AU2", 0.9), ("AU4", 0.1), ("AU5", 0.6), ("AU6", 0.4), ("AU7", 0.3), ("AU9", 0.8)]
    seen = tuple(ActionUnitReading(id=name, name=f"unit {name}", intensity=x, origin="measured") for name, x in units)
    text = Page(to_html(make_report(people=(make_person(action_units=seen),)))).text
    places = [text.index(f"Unit {name.lower()}") for name in ("AU2", "AU9", "AU5", "AU6", "AU7", "AU1", "AU4")]
    assert places == sorted(places)
    assert text.index("Unit au7") < text.index("2 weaker movements") < text.index("Unit au1")


def test_nothing_can_cover_the_words_at_the_axes() -> None:
    for valence, arousal in ((-1.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (0.9, 0.02)):
        spot: dict[str, Any] = {
            "valence": Estimate(value=valence, origin="derived", method="m"),
            "arousal": Estimate(value=arousal, origin="derived", method="m"),
        }
        source = to_html(make_report(people=(make_person(expression=make_expression(**spot)),)))
        found = re.search(r'<circle cx="([0-9.]+)" cy="([0-9.]+)" r="5">', source)
        assert found
        for at in map(float, found.groups()):
            assert at - 5 >= 0 and at + 5 <= 120, "the spot stays inside the square, the words stand outside"
    for x, y in re.findall(r'<text x="([-0-9]+)" y="([-0-9]+)"', source):
        assert not (0 < int(x) < 120 and 0 < int(y) < 120)


def test_causes_of_several_people_in_the_same_words_are_told_once() -> None:
    report = make_pair_report()
    cause = report.causes[0]
    both = (cause, cause.model_copy(update={"person": "person-2"}))
    text = Page(to_html(report.model_copy(update={"causes": both}))).text
    assert text.count(cause.text) == 1 and "Persons 1 and 2: " in text


@pytest.mark.parametrize(("x", "y"), [(-60, -60), (460, 470), (170, 60), (-300, 0), (2000, 2000)])
def test_faces_at_and_beyond_the_edge(x: float, y: float) -> None:
    report = make_pair_report()
    people = (report.people[0].model_copy(update={"face": make_face(x, y)}), report.people[1])
    page = Page(to_html(report.model_copy(update={"people": people}), picture()))
    outside = not (0 <= x + 55 <= 512 and 0 <= y + 70 <= 512)
    assert len(page.named("img")) == (2 if outside else 3)


def test_thumbnails_keep_the_page_small() -> None:
    report = make_pair_report()
    source = report.source.model_copy(update={"width": 4000, "height": 4000})
    face = make_face(100, 100, 2000, 2500)
    people = tuple(person.model_copy(update={"face": face}) for person in report.people)
    noise = np.random.default_rng(1).integers(0, 256, (4000, 4000, 3), np.uint8)
    page = Page(to_html(report.model_copy(update={"source": source, "people": people}), noise))
    assert all(len(image["src"] or "") < 20_000 for image in page.named("img")[1:])


@pytest.mark.parametrize("make", REPORTS)
def test_the_fragment_for_notebooks_stays_by_itself(make: Callable[[], EmotionReport]) -> None:
    report = make()
    source = report._repr_html_()
    page = Page(source)
    assert not {"style", "script", "link", "html", "body", "img", "h1"} & {tag for tag, _ in page.tags}
    assert not [attributes for _, attributes in page.tags if {"id", "class"} & set(attributes)]
    assert report.summary in page.text and len(source) < 6000
    for person in report.people:
        assert headline(person) in page.text
        for term, share in person.expression.distribution.ranked()[:3] if person.expression else ():
            assert f"{term_label(term)} {percent(share)}" in page.text


def test_the_bars_of_a_fragment_fill_the_prediction_set() -> None:
    for report in (make_pair_report(), make_abstained_report()):
        page = Page(report._repr_html_())
        filled = [one for one in page.named("rect") if one["fill"] != "none"]
        read = [person.expression for person in report.people if person.expression]
        assert len(filled) == sum(len(one.prediction_set) for one in read)
        labels = [str(one["aria-label"]) for one in page.named("svg")]
        assert len(labels) == len(read) and all(
            term_label(one.prediction_set[-1]) in text for one, text in zip(read, labels, strict=True)
        )


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_fragment_escapes(hostile: str) -> None:
    page = Page(make_pair_report(summary=hostile)._repr_html_())
    assert {tag for tag, _ in page.tags} <= {"div", "p", "strong", "svg", "text", "rect"}
    assert hostile in page.text
