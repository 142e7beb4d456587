"""Figures of reports: what they tell in words, that no text is cut off or lies on another, that they need no pyplot."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from ferce_agent.errors import ImageShapeError, MissingExtraError, SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import ClipReport, EmotionReport, wording
from tests.clip_reports import (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)
from tests.factories import (
    make_abstained_report,
    make_empty_report,
    make_pair_report,
    make_report,
    make_unread_report,
)

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from ferce_agent.views import figure_style
from ferce_agent.views.figures import MOST_FACES

PHOTOS = (make_report, make_pair_report, make_abstained_report, make_unread_report, make_empty_report)
CLIPS = (
    make_clip_report,
    make_covered_clip_report,
    make_restricted_clip_report,
    make_empty_clip_report,
    lambda: make_long_clip_report(2, hours=0.1),
    lambda: make_clip_report(cuts_s=(2.0, 6.9)),
)
PIXELS = np.full((512, 512, 3), 90, np.uint8)
HOSTILE = "$\\frac{1}{0}$ \u202eevil \x1b[31m 顔 " + "x" * 300


def texts_of(figure: Any) -> list[Any]:
    """Return the visible texts of a figure, as it is laid out."""
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    figure.draw(renderer)
    found = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    return [(one.get_text(), one.get_window_extent(renderer)) for one in found if one.figure is not None]


def words_of_figure(figure: Any) -> str:
    return " ".join(" ".join(text.split()) for text, _ in texts_of(figure))


def shown(report: EmotionReport | ClipReport, width: float) -> Any:
    if isinstance(report, ClipReport):
        return report.plot(width=width)
    return report.plot(PIXELS, width=width)


@pytest.mark.parametrize("width", [3.2, 7.0, 12.0])
@pytest.mark.parametrize("make", [*PHOTOS, *CLIPS])
def test_no_text_is_cut_off_or_lies_on_another(make: Callable[[], Any], width: float) -> None:
    figure = shown(make(), width)
    texts = texts_of(figure)
    assert texts
    for text, box in texts:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text
    for (one, first), (other, second) in combinations(texts, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert wide <= 1.5 or high <= 3.5, (one, other)  # line boxes have room above and below the letters


@pytest.mark.parametrize("make", [*PHOTOS, *CLIPS])
def test_texts_are_large_enough(make: Callable[[], Any]) -> None:
    figure = shown(make(), 3.2)
    sizes = {one.get_fontsize() for one in figure.findobj(Text) if one.get_text().strip()}
    assert min(sizes) >= figure_style.SMALL == 8


def test_a_photo_tells_every_face_its_shares_its_set_and_its_doubt() -> None:
    report = make_pair_report()
    words = words_of_figure(report.plot())
    for person in report.people:
        assert wording.headline(person) in words
        assert person.expression is not None
        assert f"the 90% set ({len(person.expression.prediction_set)} of 8)" in words
        assert all(wording.percent(share) in words for _, share in person.expression.distribution.items())
        assert all(unit.name in words for unit in person.action_units)
    assert report.policy.notice in words


def test_the_prediction_set_is_filled_and_an_abstention_hatched() -> None:
    for make, hatch in ((make_pair_report, None), (make_abstained_report, figure_style.HATCH)):
        report = make()
        figure = report.plot()
        for person, part in zip(report.people, figure.subfigs, strict=False):
            assert person.expression is not None
            drawn: list[Any] = list(part.axes[0].patches)
            assert [bar.get_width() for bar in drawn] == [share for _, share in person.expression.distribution.items()]
            for bar, term in zip(drawn, CANONICAL, strict=True):
                inside = term in person.expression.prediction_set
                assert (bar.get_facecolor()[:3] != (1, 1, 1)) == inside
                assert bar.get_hatch() == (hatch if inside else None)


def test_an_abstention_is_told_as_large_as_a_name_and_with_its_reason() -> None:
    named, unnamed, unread = make_report().plot(), make_abstained_report().plot(), make_unread_report().plot()
    heads: list[Any] = [vars(figure.subfigs[0])["_suptitle"] for figure in (named, unnamed, unread)]
    assert all(head.get_fontweight() == "bold" for head in heads)
    assert len({head.get_fontsize() for head in heads}) == 1
    assert "no expression is named" in words_of_figure(unnamed)
    report = make_unread_report()
    assert wording.main_doubt(report.people[0], report) in words_of_figure(unread)


def test_what_a_rule_forbids_is_told_once_and_movements_are_drawn() -> None:
    report = make_report()
    people = tuple(one.model_copy(update={"expression": None, "rationale": ()}) for one in report.people)
    report = report.model_copy(update={"people": people})
    words = words_of_figure(report.plot())
    assert words.count("no expression is inferred") == 1 == report._repr_html_().count("no expression is inferred")
    assert all(unit.name in words for unit in report.people[0].action_units)


def test_more_faces_than_are_drawn_are_counted() -> None:
    report = make_report()
    person = report.people[0]
    crowd = tuple(person.model_copy(update={"id": f"person-{number}"}) for number in range(1, MOST_FACES + 4))
    words = words_of_figure(report.model_copy(update={"people": crowd}).plot())
    assert "3 smaller faces are not drawn" in words and f"Person {MOST_FACES} " in words


def test_a_clip_tells_names_reasons_moments_and_cuts() -> None:
    report = make_clip_report(cuts_s=(6.9,))
    words = words_of_figure(report.plot())
    assert all(text in words for text in ("happiness 74%", "sadness 74%", "valence", "eyes open", "lip corner puller"))
    assert "0:05.0 to 0:06.4: the mouth is covered" in words and "no expression was clear" in words
    assert "1 0:01.6 strongest expression" in words and "cut" in words.split()
    assert "blink (1)" in words and report.policy.notice in words
    assert "Face 1, 0:00.0 to 0:12.0, not read for 1.4 s" in words
    covered = words_of_figure(make_covered_clip_report().plot())
    assert "not read for 4.0 s, no expression is named" in covered and "part of the face is probably covered" in covered
    assert "not inferred" in words_of_figure(make_restricted_clip_report().plot())
    assert "No face was found" in words_of_figure(make_empty_clip_report().plot())


def test_curves_are_the_samples_and_stop_in_gaps() -> None:
    report = make_clip_report()
    (first, *_), track = report.plot("track-1").subfigs, report.tracks[0]
    lines = [line for line in first.axes[0].lines if len(np.asarray(line.get_xdata())) == len(track.samples)]
    read = [point.distribution is not None for point in track.samples]
    assert not all(read) and any(np.array_equal(~np.isnan(np.asarray(line.get_ydata(), float)), read) for line in lines)
    happy = np.array([point.distribution.happiness if point.distribution else np.nan for point in track.samples])
    depth = [np.asarray(line.get_ydata(), float) for line in lines]
    assert any(np.allclose((np.nanmax(ys) - ys) / 0.9, happy - np.nanmin(happy), equal_nan=True) for ys in depth)


def test_one_track_can_be_chosen() -> None:
    report = make_clip_report()
    words = words_of_figure(report.plot("track-2"))
    assert "Face 2" in words and "Face 1," not in words and "not drawn" not in words
    assert "2 faces seen more briefly are not drawn" in words_of_figure(make_long_clip_report(6, hours=0.05).plot())
    with pytest.raises(SettingsError, match="track-1, track-2"):
        report.plot("track-9")


def test_wrong_sizes_are_refused() -> None:
    for report in (make_report(), make_clip_report()):
        for width in (0.0, 2.9, 21.0, float("nan")):
            with pytest.raises(SettingsError, match="inches"):
                report.plot(width=width)
    with pytest.raises(ImageShapeError):
        make_report().plot(PIXELS[:100])


def test_hostile_words_are_neither_formulas_nor_orders_nor_wider_than_the_figure() -> None:
    clip = make_empty_clip_report(summary=HOSTILE)
    photo = make_empty_report(summary=HOSTILE)
    for report in (clip, photo):
        figure = report.plot()
        for text, box in texts_of(figure):
            assert box.x1 <= figure.bbox.x1
            assert "\x1b" not in text and "\u202e" not in text
        assert "$\\frac{1}{0}$" in words_of_figure(figure) and "顔" not in words_of_figure(figure)


def picture(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def test_the_same_report_gives_the_same_picture_also_in_threads_and_other_settings() -> None:
    import matplotlib as mpl

    made: list[bytes] = []
    workers = [threading.Thread(target=lambda: made.append(picture(make_report().plot(PIXELS)))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    before = dict(mpl.rcParams)
    assert set(made) == {picture(make_report().plot(PIXELS))} and len(made) == 3
    assert dict(mpl.rcParams) == before
    assert picture(make_clip_report().plot()) == picture(make_clip_report().plot())


@pytest.mark.parametrize("make", [make_pair_report, make_abstained_report, make_clip_report])
def test_a_dark_style_of_the_notebook_does_not_make_it_unreadable(make: Callable[[], Any]) -> None:
    from matplotlib import style

    usual = picture(make().plot())
    with style.context("dark_background"):
        assert picture(make().plot()) == usual


def test_pyplot_is_not_used_and_notebooks_see_a_picture() -> None:
    import subprocess

    code = (
        "from tests.factories import make_report; figure = make_report().plot(); import sys;"
        "assert figure._repr_png_().startswith(b'\\x89PNG'); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("make", [make_report, make_clip_report])
def test_without_matplotlib_it_is_said_what_to_install(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("figures", "clip_figures", "figure_style"):
        monkeypatch.delitem(sys.modules, f"ferce_agent.views.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"matplotlib.*ferce-agent\[notebook\]"):
        make().plot()
