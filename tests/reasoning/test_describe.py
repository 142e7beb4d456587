from __future__ import annotations

import pytest

from ferce_agent.reasoning.describe import inferred_words
from ferce_agent.report import REGIONS, AbstainReason, QualityReason, Region, wording
from tests.factories import make_expression, make_face


@pytest.mark.parametrize(
    ("rests_on", "words"),
    [
        (("eyes",), " This rests on the eyes alone."),
        (("nose", "mouth"), " This rests on the nose and the mouth alone."),
        (REGIONS, ""),
    ],
)
def test_the_words_say_what_a_covered_face_is_read_from(rests_on: tuple[Region, ...], words: str) -> None:
    plain = inferred_words(make_expression(), make_face())
    assert inferred_words(make_expression(rests_on=rests_on), make_face()) == plain + words


@pytest.mark.parametrize(
    ("reason", "quality", "words"),
    [
        ("low_quality", ("not_upright", "blurred"), "because it is not clear which way up the face is; it may"),
        ("low_quality", ("maybe_not_a_face",), "because it may not be a face; it may"),
        ("low_quality", (), "because the face is too hard to read; it may"),
        ("covered", ("mouth_covered",), "because what is not covered of the face does not carry one; it may"),
        ("unsure", ("blurred",), "because no probability is high enough, or it changes from look to look; it may"),
    ],
)
def test_an_abstention_names_its_reason(reason: AbstainReason, quality: tuple[QualityReason, ...], words: str) -> None:
    expression = make_expression(None, 0.6, abstain_reason=reason)
    face = make_face(score=0.05, reasons=quality)
    assert words in inferred_words(expression, face)
    assert wording.abstention(expression, face.quality) in words
