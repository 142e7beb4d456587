import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import ImageShapeError, SettingsError
from ferce_agent.report import Box, EmotionReport, Source
from ferce_agent.views.annotate import (
    SMALLEST_SIDE,
    Label,
    _font,
    _mark,
    _placed,
    annotate,
    encode_jpeg,
)
from tests.factories import (
    make_abstained_report,
    make_empty_report,
    make_face,
    make_pair_report,
    make_person,
    make_report,
    make_unread_report,
)


def grey(height: int = 512, width: int = 512) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 128, np.uint8)


def sized(report: EmotionReport, width: int, height: int) -> EmotionReport:
    source = Source(width=width, height=height, sha256="c" * 64, media_type="image/png")
    return report.model_copy(update={"source": source})


def with_boxes(*boxes: tuple[float, float, float, float], size: tuple[int, int] = (512, 512)) -> EmotionReport:
    people = tuple(make_person(index + 1, face=make_face(*box), rationale=()) for index, box in enumerate(boxes))
    return sized(make_report(people=people), *size)


def labels_of(report: EmotionReport) -> list[Label]:
    marks = [mark for person in report.people if (mark := _mark(person, (1, 1)))]
    size = (report.source.width, report.source.height)
    return _placed(marks, _font(marks, max(size)), *size)


def test_only_the_face_and_its_label_change() -> None:
    before = grey()
    after = annotate(before, make_report())
    changed = np.argwhere((after != before).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert (before == 128).all(), "the caller's picture was drawn on"
    assert top >= 60 - 30 and left >= 170 - 4
    assert bottom <= 200 + 4 and right <= 280 + 30
    inner = after[150:190, 180:200]
    assert (inner == 128).all(), "the inside of the box stays visible"


def test_box_edges_are_where_the_report_puts_them() -> None:
    after = annotate(grey(), make_report(people=(make_person(face=make_face(100, 200, 80, 60)),)))
    changed = (after != 128).any(axis=2)
    assert changed[230, 100] and changed[230, 180] and changed[260, 140]
    assert not changed[230, 90] and not changed[230, 190] and not changed[270, 140]


def test_coordinates_follow_the_scale_of_the_picture() -> None:
    report = make_report(people=(make_person(face=make_face(2000, 1000, 400, 600)),))
    after = annotate(grey(3000, 4000), sized(report, 4000, 3000))
    changed = (after != 128).any(axis=2)
    assert after.shape == (900, 1200, 3)
    assert changed[390, 600] and changed[390, 720] and changed[480, 660]


def test_a_smaller_copy_gives_the_same_picture_as_the_original() -> None:
    report = make_report(people=(make_person(face=make_face(2000, 1000, 400, 600)),))
    from_original = annotate(grey(3000, 4000), sized(report, 4000, 3000), 800)
    from_copy = annotate(grey(600, 800), sized(report, 4000, 3000), 800)
    assert np.array_equal(from_original, from_copy)


def test_expressions_have_colours_of_their_own_and_unnamed_ones_share_one() -> None:
    def colour(report: EmotionReport) -> tuple[int, ...]:
        # The left edge of the box, half-way down.
        return tuple(annotate(grey(), report)[130, 170])

    happy, pair, unsure, unread = (
        colour(make()) for make in (make_report, make_pair_report, make_abstained_report, make_unread_report)
    )
    assert happy == pair, "a compound has the colour of its heaviest part"
    assert unsure == unread != happy


def test_labels_say_expression_and_probability() -> None:
    assert [label.text for label in labels_of(make_pair_report())] == [
        "1  happily surprised  87%",
        "2  happiness  97%",
    ]
    assert [label.text for label in labels_of(make_abstained_report())] == ["1  unsure"]
    assert [label.text for label in labels_of(make_unread_report())] == ["1  not read"]


def test_label_shrinks_to_the_number_where_it_does_not_fit() -> None:
    narrow = with_boxes((2, 60, 30, 40), size=(40, 400))
    assert [label.text for label in labels_of(narrow)] == ["1"]


def test_neighbours_do_not_share_label_space() -> None:
    report = with_boxes(*((20 + 62 * i, 200, 60, 70) for i in range(7)))
    labels = labels_of(report)
    assert len(labels) == 7
    for index, one in enumerate(labels):
        assert not any(one.area.overlap(other.area) for other in labels[index + 1 :])


def test_label_of_a_face_at_the_top_edge_stays_inside() -> None:
    (label,) = labels_of(with_boxes((400, -10, 120, 140)))
    assert label.area.top >= 0 and label.area.right <= 512


def test_face_outside_the_frame_is_not_drawn() -> None:
    assert (annotate(grey(), with_boxes((900, 900, 50, 50))) == 128).all()


def test_report_without_people_leaves_the_picture_as_it_is() -> None:
    assert (annotate(grey(), make_empty_report()) == 128).all()


@pytest.mark.parametrize("size", [(8, 8), (48, 48), (6000, 30), (1, 1), (3, 500), (2400, 1600)])
def test_any_picture_size(size: tuple[int, int]) -> None:
    width, height = size
    report = with_boxes((width * 0.2, height * 0.2, width * 0.5, height * 0.6), size=size)
    after = annotate(grey(height, width), report)
    assert SMALLEST_SIDE <= max(after.shape[:2]) <= 1200
    assert (after != 128).any()


numbers = st.floats(-1e12, 1e12) | st.floats(-300, 900)
boxes = st.builds(
    lambda x, y, w, h: Box(x=x, y=y, width=w, height=h),
    numbers,
    numbers,
    st.floats(1e-3, 1e12) | st.floats(1, 400),
    st.floats(1e-3, 1e12) | st.floats(1, 400),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=6), st.integers(1, 700), st.integers(1, 700), st.integers(1, 500))
def test_never_raises_and_keeps_labels_inside(places: list[Box], width: int, height: int, max_side: int) -> None:
    report = with_boxes(*((b.x, b.y, b.width, b.height) for b in places), size=(width, height))
    after = annotate(grey(height, width), report, max_side)
    assert after.dtype == np.uint8 and max(after.shape[:2]) <= max_side
    for label in labels_of(report):
        assert label.area.left >= 0 and label.area.top >= 0
        assert label.area.right <= width and label.area.bottom <= height


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 3))],
)
def test_what_is_no_picture_is_refused(pixels: NDArray[Any]) -> None:
    with pytest.raises(ImageShapeError):
        annotate(pixels, make_report())
    with pytest.raises(ImageShapeError):
        encode_jpeg(pixels)


def test_another_picture_than_the_reports_is_refused() -> None:
    with pytest.raises(ImageShapeError, match="512"):
        annotate(grey(512, 400), make_report())


def test_senseless_options_are_refused() -> None:
    with pytest.raises(SettingsError):
        annotate(grey(), make_report(), 0)
    with pytest.raises(SettingsError):
        encode_jpeg(grey(), 0)


def test_jpeg_holds_the_picture_and_shrinks_with_the_quality() -> None:
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, :48] = (255, 0, 0)
    image = Image.open(io.BytesIO(encode_jpeg(pixels)))
    blue = np.asarray(image.convert("RGB"))[32, 20]
    assert image.format == "JPEG" and image.size == (96, 64)
    assert blue[2] > 240 and blue[0] < 15
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert len(encode_jpeg(noise, 20)) < len(encode_jpeg(noise, 95))
