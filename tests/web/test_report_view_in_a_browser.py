"""The report view as Chromium shows it: reports of photos and clips, whole, short, restricted, hostile, large."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.api import analyze_expression
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.views.annotate import PALETTE
from ferce_agent.views.brief import rough_tokens, size, to_brief
from ferce_agent.web.answers import clip_answer, photo_answer
from ferce_agent.web.site import Site
from ferce_agent.web.texts import own_texts
from tests.clip_reports import (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)
from tests.factories import (
    make_abstained_report,
    make_compound_person,
    make_empty_report,
    make_evidence,
    make_face,
    make_pair_report,
    make_person,
    make_report,
    make_unread_report,
)
from tests.web.browsing import NEEDS_BROWSER, chromium, opened
from tests.web.live_client import served

pytestmark = NEEDS_BROWSER
HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
SHOW = """async ([json, picture]) => {
  const answer = JSON.parse(json);
  const { showAnswer } = await import("/static/report.js");
  document.querySelector("#report > article")?.remove();
  document.getElementById("report").append(showAnswer(answer, { picture }));
}"""
SPEAK = """async (language) => (await import("/static/texts.js")).loadTexts(language)"""


@pytest.fixture(scope="module")
def site(engines: Engines) -> Iterator[Site]:
    with served(Site(engines)) as one:
        yield one


@pytest.fixture(scope="module")
def whole(site: Site) -> Iterator[Any]:
    with chromium() as browser:
        page = opened(browser, site)
        # The view is looked at by itself; what is around it has tests of its own.
        page.evaluate("for (const one of document.querySelectorAll('main > section:not(#report)')) one.remove()")
        yield page


@pytest.fixture
def page(whole: Any) -> Any:
    whole.set_viewport_size({"width": 1000, "height": 900})
    whole.emulate_media(color_scheme="light")
    whole.evaluate(SPEAK, "en")
    return whole


def show(page: Any, answer: dict[str, Any], picture: str | None = None) -> Any:
    # As one text: Playwright takes a minute for the values of a large report one by one.
    page.evaluate(SHOW, [json.dumps(answer), picture])
    return page.locator("#report article.answer")


def photo(report: EmotionReport) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(json.dumps(photo_answer(report)))
    return answer


def clip(report: ClipReport, **pictures: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(json.dumps(clip_answer(report, pictures)))
    return answer


def part(page: Any, name: str) -> Any:
    return page.locator(f'#report [data-part="{name}"]')


def unfold(page: Any) -> None:
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


def many(count: int) -> EmotionReport:
    """A report of a crowd, in rows of six."""
    people = tuple(
        make_person(place + 1, face=make_face(10 + place % 6 * 80, 10 + place // 6 * 90, 50, 60))
        for place in range(count)
    )
    return make_report(people=people, evidence=tuple(one for person in people for one in make_evidence(person.id)))


def test_a_photo_is_shown_with_box_expression_doubt_bars_and_what_is_told(
    page: Any, report: EmotionReport, pixels: NDArray[np.uint8]
) -> None:
    done, jpeg = cv2.imencode(".png", pixels)
    assert done
    answer = photo(report)
    view = show(page, answer, url(jpeg.tobytes()))
    face = view.locator('[data-person="person-1"]')
    assert face.get_attribute("data-shows") == "happiness"
    assert "Person 1 shows happiness" in face.locator("> summary").inner_text()
    assert "very likely" in face.locator("> summary").inner_text()
    assert face.locator("table.bars").first.locator("tbody tr").count() == 8
    assert part(page, "told").locator("pre").first.text_content() == answer["brief_text"]
    told = int(view.locator("[data-tokens]").get_attribute("data-tokens"))
    assert told == pytest.approx(size(to_brief(report)), rel=0.02)
    assert "promoted" in part(page, "scene").inner_text()
    assert colour_at(page, report) == PALETTE["happiness"]


def url(png: bytes) -> str:
    import base64

    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def colour_at(page: Any, report: EmotionReport) -> tuple[int, ...]:
    """The colour in the middle of the left side of the first box, as it is drawn over the picture."""
    box = report.people[0].face.box
    place = [box.x / report.source.width, (box.y + box.height / 2) / report.source.height]
    seen = page.evaluate(
        """async ([x, y]) => { const one = document.querySelector("#report .stage canvas");
        const next = () => new Promise((done) => requestAnimationFrame(done));
        const colour = () => [...one.getContext("2d").getImageData(x * one.width, y * one.height, 1, 1).data];
        while (colour()[3] === 0) await next();
        return colour(); }""",
        place,
    )
    return tuple(seen[:3])


def test_what_is_not_named_stands_out_as_much_as_a_name_with_its_reason(page: Any) -> None:
    report = make_abstained_report()
    show(page, photo(report))
    unnamed = next(one for one in report.people if one.expression is None or one.expression.abstained)
    head = page.locator(f'[data-person="{unnamed.id}"] > summary strong')
    assert "no expression is named" in head.inner_text()
    reason = page.locator(f'[data-person="{unnamed.id}"]').get_attribute("data-unnamed")
    why = own_texts("en")[f"abstain.{reason}"]
    assert why in page.locator(f'[data-person="{unnamed.id}"] > summary').inner_text()
    assert why in part(page, "withheld").inner_text()
    size_of = "one => getComputedStyle(one).fontSize + getComputedStyle(one).fontWeight"
    look = head.evaluate(size_of)
    assert show(page, photo(make_report())).locator(".face > summary strong").first.evaluate(size_of) == look


def test_a_face_that_could_not_be_read_and_a_picture_without_one(page: Any) -> None:
    view = show(page, photo(make_unread_report()))
    assert "could not be read" in view.inner_text()
    assert part(page, "withheld").locator('[data-code="face_failed"]').count() == 1
    view = show(page, photo(make_empty_report()))
    assert view.locator(".first-line").inner_text() == own_texts("en")["report.no_face"]
    assert view.locator(".face").count() == 0
    assert part(page, "withheld").locator('[data-code="no_face"]').count() == 1


def test_where_the_rules_allow_movements_only_no_expression_is_shown_anywhere(
    page: Any, engines: Engines, pixels: NDArray[np.uint8]
) -> None:
    report = analyze_expression(
        np.ascontiguousarray(pixels[..., ::-1]), use_context={"domain": "workplace"}, engines=engines
    )
    view = show(page, photo(report))
    face = view.locator('[data-person="person-1"]')
    assert (face.get_attribute("data-shows"), face.get_attribute("data-unnamed")) == ("", "by_rule")
    assert "happiness" not in page.locator("#report").inner_text()
    assert face.locator("[data-movement=AU12]").count() == 1
    assert part(page, "withheld").locator('[data-decision="restricted"]').count() == 1
    assert own_texts("en")["rule.eu-ai-act-5-1-f"] in (part(page, "withheld").text_content() or "")


def test_thirty_faces_fit_a_phone_and_are_chosen_in_the_picture_and_by_keyboard(page: Any) -> None:
    report = many(30)
    view = show(page, photo(report), PIXEL)
    assert view.locator(".face").count() == 30
    assert view.locator(".face[open]").count() == 1
    box = report.people[13].face.box
    # The tiny picture is stretched to the shape of the report's, so that places in it are those of the boxes.
    page.evaluate(
        """([w, h]) => { const one = document.querySelector("#report .stage img");
        one.style.width = `${w}px`; one.style.height = `${h}px`; one.style.maxHeight = "none"; }""",
        [400, 400 * report.source.height / report.source.width],
    )
    canvas = view.locator("canvas")
    frame = canvas.bounding_box()
    across, down = frame["width"] / report.source.width, frame["height"] / report.source.height
    canvas.click(position={"x": (box.x + box.width / 2) * across, "y": (box.y + box.height / 2) * down})
    chosen = view.locator('[data-person="person-14"]')
    assert chosen.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.closest('[data-person]').dataset.person") == "person-14"
    page.keyboard.press("Enter")
    assert chosen.get_attribute("open") is None
    page.set_viewport_size({"width": 320, "height": 700})
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def poisoned(value: Any, key: str = "") -> Any:
    """Put markup wherever a report may hold words."""
    if isinstance(value, dict):
        return {name: poisoned(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, key) for one in value]
    keep = isinstance(value, str) and re.fullmatch(r"(person|track|moment)-\d+|[a-z_]+|AU\d+", value) is not None
    return HOSTILE if isinstance(value, str) and not keep else value


@pytest.mark.parametrize("short", [False, True], ids=["whole", "brief only"])
def test_markup_in_a_report_is_shown_as_it_is_written(page: Any, short: bool) -> None:
    pair = make_pair_report()
    labelled = {"labels": [{"label": HOSTILE, "term": None, "score": 1.0}]}
    answers = [photo(pair), clip(make_clip_report())]
    answers[0]["report"]["people"][0].update(labelled)
    for answer in answers:
        hostile = {**poisoned(answer), "kind": answer["kind"]}
        hostile["pictures"] = {"moment-1": "javascript:window.hacked=1", "moment-2": "http://127.0.0.1:9/x.png"}
        if short:
            del hostile["report"]
        view = show(page, hostile)
        unfold(page)
        assert HOSTILE in view.locator("pre.brief").first.inner_text()
        assert view.locator("img, script").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_picture_that_the_browser_cannot_show_is_said_to_be_none(page: Any) -> None:
    view = show(page, photo(make_report()), "data:image/heic;base64,AAAA")
    view.get_by_text(own_texts("en")["report.not_shown"]).wait_for()
    assert view.locator(".face").count() == 1


def test_codes_that_this_page_does_not_know_are_written_as_words(page: Any) -> None:
    answer = photo(make_report())
    answer["report"]["degraded"] = [
        {"stage": "x", "code": "something_new", "message": "News.", "person": None, "count": None}
    ]
    answer["report"]["people"][0]["face"]["quality"]["reasons"] = ["made_of_glass"]
    answer["report"]["people"][0]["expression"]["primary"] = "delighted_beyond_words"
    view = show(page, answer)
    for words in ("something new", "made of glass", "delighted beyond words"):
        assert words in view.inner_text()


def test_a_brief_alone_is_shown_too(page: Any) -> None:
    for report in (make_pair_report(), make_abstained_report(), make_empty_report(), many(12)):
        answer = photo(report)
        del answer["report"]
        view = show(page, answer)
        listed = answer["brief"].get("people", [])
        assert view.locator(".face").count() == len(listed)
        assert part(page, "told").locator("pre").first.text_content() == answer["brief_text"]
    for film in (make_clip_report(), make_empty_clip_report(), make_restricted_clip_report(), make_long_clip_report()):
        answer = clip(film)
        del answer["report"]
        show(page, answer)
        assert page.locator("#report .track").count() == len(answer["brief"].get("tracks", []))


def test_a_compound_expression_names_its_parts(page: Any) -> None:
    person = make_compound_person()
    view = show(page, photo(make_report(people=(person,))))
    assert person.expression is not None
    assert view.locator(".face").get_attribute("data-shows") == person.expression.primary
    for component in person.expression.components:
        assert own_texts("en")[f"term.{component.term}"] in view.locator(".face .inside").inner_text()


def test_a_clip_has_a_timeline_and_tables_that_say_the_same(page: Any) -> None:
    report = make_clip_report()
    view = show(page, clip(report))
    assert view.locator(".track").count() == len(report.tracks)
    for track in report.tracks:
        box = view.locator(f'details[data-track="{track.id}"]')
        named = [one for one in track.episodes if one.expression]
        assert box.locator('[data-part="episodes"] tbody tr').count() == len(named)
        assert box.locator(".named span").count() == len(named)
        assert box.locator(".unread span").count() == len(track.gaps)
        assert box.locator('[role="img"]').get_attribute("aria-label")
    for shape in view.locator("path.band").all():
        numbers = [int(one) for one in re.findall(r"-?\d+", shape.get_attribute("d"))]
        assert numbers
        assert min(numbers) >= 0
        assert max(numbers) <= 1000


def test_nothing_is_drawn_across_a_gap(page: Any) -> None:
    report = make_clip_report()
    show(page, clip(report))
    track = report.tracks[0]
    readings = "".join("x" if point.distribution is None else "r" for point in track.samples)
    drawn = page.locator(f'[data-track="{track.id}"] path.band').first.get_attribute("d")
    assert drawn.count("M") == len(re.findall("r+", readings))
    assert drawn.count("M") >= 2
    told = part(page, "withheld").inner_text()
    assert {own_texts("en")[f"gap.{gap.reason}"] in told for gap in track.gaps} == {True}


def test_only_pictures_that_the_answer_holds_are_shown_as_moments(page: Any) -> None:
    report = make_clip_report()
    first, *others = report.moments
    view = show(page, clip(report, **{first.id: b"\xff\xd8\xff"}))
    assert view.locator(".moments img").count() == 1
    assert view.locator(f'[data-moment="{first.id}"] img').count() == 1
    assert view.locator(".moments li").count() == 1 + len(others)


def test_a_restricted_clip_shows_movements_and_no_expression(page: Any) -> None:
    report = make_restricted_clip_report()
    view = show(page, clip(report))
    assert view.locator("path.band").count() == 0
    assert view.locator("path.line").count() > 0
    assert part(page, "withheld").locator('[data-code="policy_restricted"]').count() >= 1
    assert not re.search(r"\b(happiness|sadness|anger|surprise)\b", view.inner_text())
    assert own_texts("en")["clip.by_rule"] in view.inner_text()
    assert own_texts("en")["clip.no_episodes"] not in view.inner_text()


def test_a_long_clip_with_many_faces_is_shown_and_fits_a_phone(page: Any) -> None:
    report = make_long_clip_report(tracks=20, hours=2.0)
    view = show(page, clip(report))
    assert view.locator(".track").count() == 20
    assert view.locator(".track[open]").count() == 3
    page.set_viewport_size({"width": 320, "height": 700})
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert not re.search(r"NaN|undefined|null|\[object", view.inner_text())


@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_is_left_without_words(page: Any, language: str) -> None:
    page.evaluate(SPEAK, language)
    reports = (make_pair_report(), make_abstained_report(), make_unread_report(), make_empty_report(), many(3))
    films = (make_clip_report(), make_covered_clip_report(), make_empty_clip_report(), make_restricted_clip_report())
    for answer in (*map(photo, reports), *map(clip, films)):
        view = show(page, answer)
        unfold(page)
        words = view.inner_text()
        assert not re.search(r"NaN|undefined|\[object|\{\w+\}", words)
        assert set(re.findall(r"[\w.-]+", words)) & own_texts("en").keys() == set()


def test_the_tokens_are_counted_as_the_package_does(page: Any) -> None:
    count = """async (texts) => texts.map((await import("/static/parts.js")).roughTokens)"""
    texts = ["", "One face was found.", '{"a": 1, "b": [0.97, 12]}', "Überraschung – „ja“ ½ ٣ 😀 __x__", "a" * 100]
    assert page.evaluate(count, texts) == [rough_tokens(text) for text in texts]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_rules_of_accessibility_hold(page: Any, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    films = (make_clip_report(), make_covered_clip_report(), make_restricted_clip_report())
    for answer in (photo(make_pair_report()), photo(make_abstained_report()), *map(clip, films)):
        show(page, answer, PIXEL)
        unfold(page)
        found = axe.Axe().run(page, "#report").response
        assert found["passes"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


def test_sentences_of_the_packages_own_tables_are_in_the_language_of_the_page(page: Any, report: EmotionReport) -> None:
    """Advice, its tone, and what was not done; numbers in sentences and times as the language writes them."""
    page.evaluate(SPEAK, "de")
    limits = "8 faces were found, only the 4 largest are in this report; raise max_faces to read more."
    notes = (("more_faces_than_limit", limits), ("vlm_failed", "The model chose no cause: 429 was the answer."))
    degraded = [{"stage": "detect", "code": code, "message": words, "person": None} for code, words in notes]
    answer = photo(report)
    answer["report"]["degraded"] = degraded
    answer["report"]["guidance"] |= {
        "tone": "warm and light",
        "suggestion": "Match the positive tone and go on with the matter at hand.",
        "avoid": ["overdoing the enthusiasm", "words that no table has"],
    }
    show(page, answer)
    around, withheld = part(page, "around"), part(page, "withheld")
    assert "herzlich und leicht" in around.inner_text()
    assert "Nehmen Sie den guten Ton auf" in around.inner_text()
    assert "die Begeisterung übertreiben" in around.inner_text()
    assert around.locator('[lang="en"]').all_inner_texts() == ["words that no table has"]
    assert "8 Gesichter wurden gefunden, nur die 4 größten" in withheld.inner_text()
    assert withheld.locator('[lang="en"]').all_inner_texts() == ["The model chose no cause: 429 was the answer."]
    words = 'async () => { const { clock, ownSentence } = await import("/static/texts.js");'
    brief = "What was taken for a face in fewer than three frames, or for under 0.2 s, was left out."
    told = page.evaluate(f'{words} return [clock(6.4), clock(3661, 0), ownSentence("said", "{brief}")]; }}')
    assert told == ["0:06,4", "1:01:01", own_texts("de")[f"said.{key_of(brief)}"].replace("{1}", "0,2")]


def key_of(sentence: str) -> str:
    return re.sub(r"[^a-z]+", "_", sentence.lower()).strip("_")


def test_the_numbers_of_bars_are_in_sight_in_a_window_of_320_pixels_in_german(page: Any, report: EmotionReport) -> None:
    """Long German words must not push the numbers out of sight, nor labels of times into one another."""
    page.evaluate(SPEAK, "de")
    page.set_viewport_size({"width": 320, "height": 700})
    show(page, photo(report))
    unfold(page)
    hidden = """() => [...document.querySelectorAll("#report .bars .number")].filter((one) => {
      const { left, right } = one.closest(".scrolling").getBoundingClientRect();
      const range = document.createRange();
      range.selectNodeContents(one);
      const seen = range.getBoundingClientRect();
      return seen.right > right + 0.5 || seen.left < left;
    }).map((one) => one.textContent)"""
    assert page.locator("#report .bars .number").count() > 8
    assert page.evaluate(hidden) == []
