from __future__ import annotations

import pytest

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.views.emotionml import to_emotionml
from tests.factories import make_abstained_report, make_empty_report, make_pair_report, make_report, make_unread_report
from tests.views.emotionml_check import check_emotionml


@pytest.mark.parametrize("make", [make_report, make_pair_report, make_abstained_report, make_unread_report])
def test_every_kind_of_report_is_structurally_right(make: object) -> None:
    assert check_emotionml(to_emotionml(make())) == []  # type: ignore[operator]


def test_the_document_says_what_was_expressed_and_where() -> None:
    xml = to_emotionml(make_report())
    assert 'expressed-through="face"' in xml
    assert 'name="happiness"' in xml
    assert "#xywh=" in xml
    assert all(f'<item name="{name}"' in xml for name in CANONICAL)


def test_unread_faces_and_empty_pictures_have_no_emotion() -> None:
    for report in (make_empty_report(), make_unread_report()):
        assert "<emotion " not in to_emotionml(report)


BREAKS = {
    "version": ('emotionml" version="1.0"', 'emotionml" version="2.0"'),
    "vocabulary": ('category-set="#ferce-expressions"', 'category-set="#nothing"'),
    "name": ('<category name="happiness"', '<category name="joyfulness"'),
    "range": ('confidence="0.', 'confidence="7.'),
    "dimension": ("pad-dimensions", "fantasy-dimensions"),
    "role": ('role="expressedBy"', 'role="paintedBy"'),
    "well-formed": ("</emotion>", "</emotio>"),
    "value": ('name="arousal" value=', 'name="arousal" worth='),
    "no content": ("<emotion ", "<emotion/><emotion "),
    "id": ('id="person-1"', 'id="ferce-expressions"'),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_check_finds_what_is_broken(name: str) -> None:
    old, new = BREAKS[name]
    xml = to_emotionml(make_report())
    assert old in xml
    assert check_emotionml(xml.replace(old, new, 1)) != []
