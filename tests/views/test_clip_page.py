from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.report import ClipReport
from ferce_agent.report.clip import ClipDegradedCode, GapReason, MomentReason
from ferce_agent.report.clip_wording import CLIP_DEGRADED, GAP, MOMENT, track_name
from ferce_agent.views.clip_page import MOST_TRACKS, PICTURE_SIDES, to_clip_html
from tests.clip_reports import (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)
from tests.views.test_html import HOSTILE, Page

REPORTS = (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)
MEGABYTE = 1_000_000


def noise(side: int = 640) -> bytes:
    """A picture that compresses badly."""
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


def script_of(page: str) -> str:
    found = re.search(r"<script>(.*?)</script>", page, re.S)
    assert found
    return found[1]


def curves_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="curves">(.*?)</script>', page, re.S)
    assert found
    return dict(json.loads(found[1]))


@pytest.mark.parametrize("make", REPORTS)
def test_page_is_well_formed_and_needs_nothing_else(make: Callable[[], ClipReport]) -> None:
    report = make()
    source = to_clip_html(report, {moment.id: noise(64) for moment in report.moments})
    page = Page(re.sub(r"<script.*?</script>", "", source, flags=re.S))
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name == "src"]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert page.named("html") == [{"lang": "en"}] and source.count("<h1") == 1
    assert all(link and link.startswith("data:image/jpeg;base64,") for link in links)
    assert bool(links) == bool(report.moments)
    assert len(set(ids)) == len(ids)
    assert not re.search(r"https?:|@import|url\((?!#)", re.sub(r"data:image/jpeg;base64,[\w+/=]+", "", source))
    used = set(re.findall(r"url\(#([\w-]+)\)", source)) | {
        str(attributes["aria-labelledby"]) for _, attributes in page.tags if "aria-labelledby" in attributes
    }
    assert used <= set(map(str, ids))
    assert all(image.get("alt") for image in page.named("img"))


def test_only_the_script_of_the_page_may_run() -> None:
    source = to_clip_html(make_clip_report())
    digest = base64.b64encode(hashlib.sha256(script_of(source).encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', source)
    assert policy and f"script-src 'sha256-{digest}'" in policy[1] and "default-src 'none'" in policy[1]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_of_a_report_becomes_markup(hostile: str) -> None:
    report = make_clip_report(summary=hostile)
    track = report.tracks[0]
    summary = track.summary.model_copy(update={"text": hostile})
    moments = tuple(moment.model_copy(update={"text": hostile}) for moment in report.moments)
    between = tuple(one.model_copy(update={"text": hostile}) for one in report.between)
    tracks = (track.model_copy(update={"summary": summary}), *report.tracks[1:])
    degraded = tuple(one.model_copy(update={"message": hostile}) for one in report.degraded)
    changes = {"tracks": tracks, "moments": moments, "between": between, "degraded": degraded}
    source = to_clip_html(report.model_copy(update=changes))
    assert source.count("<script") == 2 and "alert(1)<" not in source
    page = Page(re.sub(r"<script.*?</script>", "", source, flags=re.S))
    assert page.text.count(hostile) >= 5


def test_what_the_page_says_in_words() -> None:
    page = Page(re.sub(r"<script.*?</script>", "", to_clip_html(make_clip_report()), flags=re.S))
    for words in (
        "Face 1, seen 0:00.0 to 0:12.0, moderate",
        "lip corner puller",
        "the mouth is covered",
        "0:05.0 to 0:06.4: the mouth is covered",
        "Possible micro-expressions",
        "Face 2 shows happiness 1.4 s after face 1.",
        "(not seen)",
        "The sound was not read.",
        "4 blinks (20 a minute)",
    ):
        assert words in page.text, words


def test_the_cursor_knows_the_values_of_the_samples() -> None:
    report = make_clip_report()
    data = curves_of(to_clip_html(report))
    told, track = data["tracks"]["track-1"], report.tracks[0]  # type: ignore[index]
    assert told["t"] == [round(point.time_s, 3) for point in track.samples]
    for point, shares, valence in zip(track.samples, told["p"], told["v"], strict=True):
        if point.distribution is None:
            assert shares == 0 and valence is None
        else:
            assert shares == [round(share * 1000) for _, share in point.distribution.items()]
            assert valence == round((point.valence or 0) * 100)
    assert told["g"] == [[5.0, 6.4, "the mouth is covered"]]


@pytest.mark.parametrize("tracks", [1, 8, 60])
def test_an_hour_stays_below_two_megabytes(tracks: int) -> None:
    report = make_long_clip_report(tracks)
    page = to_clip_html(report, {moment.id: noise() for moment in report.moments})
    assert len(page.encode()) < 2 * MEGABYTE
    assert page.count('class="timeline"') == min(tracks, MOST_TRACKS)
    assert (f"{tracks - MOST_TRACKS} faces seen more briefly" in page) == (tracks > MOST_TRACKS)


def test_pictures_that_are_none_are_left_out() -> None:
    report = make_clip_report()
    page = to_clip_html(report, {"moment-1": b"", "moment-2": b"no picture", "moment-3": noise(), "moment-99": noise()})
    (picture,) = re.findall(r"data:image/jpeg;base64,([\w+/=]+)", page)
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None and max(pixels.shape[:2]) in PICTURE_SIDES


def test_every_code_has_words() -> None:
    assert set(CLIP_DEGRADED) == set(get_args(ClipDegradedCode))
    assert set(MOMENT) == set(get_args(MomentReason))
    reasons = {name for part in get_args(GapReason) for name in get_args(part) or (part,)}
    assert set(GAP) == reasons


def test_the_ending_chooses_the_format(tmp_path: Path) -> None:
    report = make_clip_report()
    for name in ("c.html", "c.HTM", "c.json", "c.txt", "deep/c.csv"):
        assert report.save(tmp_path / name, pictures={"moment-1": noise(64)}) == tmp_path / name
    assert "data:image/jpeg" in (tmp_path / "c.html").read_text("utf-8")
    assert ClipReport.model_validate_json((tmp_path / "c.json").read_bytes()) == report
    assert (tmp_path / "deep/c.csv").read_text("utf-8").startswith("track,kind,label")
    for name in ("c", "c.pdf", "c.xml"):
        with pytest.raises(SettingsError, match=r"\.html"):
            report.save(tmp_path / name)


def test_where_a_rule_allows_movements_only_no_expression_is_drawn() -> None:
    source = to_clip_html(make_restricted_clip_report())
    page = Page(re.sub(r"<script.*?</script>", "", source, flags=re.S))
    assert "one above the other" not in page.text and "Valence" not in page.text and "lip corner puller" in page.text
    assert 'class="timeline"' in source and curves_of(source)["restricted"] is True


def test_a_single_frame_has_no_timeline() -> None:
    report = make_clip_report()
    track = report.tracks[0]
    points = (track.samples[30].model_copy(update={"time_s": 0.0}),)
    still = {"last_s": 0.0, "episodes": (), "gaps": (), "micro": (), "samples": points, "samples_from": 1}
    changes = {
        "source": report.source.model_copy(update={"last_s": 0.0, "frames": 1}),
        "tracks": (track.model_copy(update=still),),
        "moments": report.moments[:1],
        "between": (),
    }
    source = to_clip_html(report.model_copy(update=changes))
    assert 'class="timeline"' not in source and "<button" not in source and "Smoothed values" in source


@pytest.mark.parametrize("make", REPORTS)
def test_the_fragment_for_notebooks_stays_by_itself(make: Callable[[], ClipReport]) -> None:
    report = make()
    source = report._repr_html_()
    page = Page(source)
    assert not {"style", "script", "link", "html", "body", "img", "h1"} & {tag for tag, _ in page.tags}
    assert not [attributes for _, attributes in page.tags if {"id", "class"} & set(attributes)]
    assert report.summary in page.text and len(source) < 64_000
    for track in report.tracks:
        assert track_name(track.id) in page.text
        assert all(GAP[gap.reason] in page.text for gap in track.gaps), "each reason is told"
    assert len(page.named("svg")) == len(report.tracks)


def test_the_time_lines_of_a_fragment_lie_where_the_times_are() -> None:
    page = Page(make_clip_report()._repr_html_())
    (smile, *_), (gap, *_) = (
        [one for one in page.named("rect") if (one["fill"] == "none") == hollow] for hollow in (False, True)
    )
    assert float(smile["x"] or 0) == pytest.approx(0.7 / 12 * 239, abs=0.1)
    assert float(smile["width"] or 0) == pytest.approx(3.3 / 12 * 239, abs=0.1)
    assert float(gap["x"] or 0) == pytest.approx(5.0 / 12 * 239, abs=0.1)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_fragment_escapes(hostile: str) -> None:
    page = Page(make_clip_report(summary=hostile)._repr_html_())
    assert {tag for tag, _ in page.tags} <= {"div", "p", "strong", "svg", "path", "rect", "title"}
    assert hostile in page.text
