from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.evaluation.answers import read_leniently, read_strictly

WORDS = ("angry", "happy", "sad", "neutral")


@pytest.mark.parametrize(
    ("text", "strict", "lenient"),
    [
        ("<think>Lip corners up.</think><answer>happy</answer>", 1, 1),
        ("<think>x</think>\n<ANSWER> Happy. </ANSWER>", 1, 1),
        ("<answer>happy</answer> again: <answer>happy</answer>", 1, 1),
        # The three flaws of the public scorer:
        ("<answer>unhappy</answer>", None, 1),  # a substring
        ("She looks sad, not angry.", None, 0),  # the first in list order, no tag
        ("I would say neutral", None, 3),
        # Everything else that is no answer:
        ("<answer>happy</answer><answer>sad</answer>", None, 1),
        ("<answer>happy or sad</answer>", None, 1),
        ("<answer></answer>", None, None),
        ("<answer>delighted</answer>", None, None),
        ("", None, None),
        ("<answer>happy", None, 1),
    ],
)
def test_strict_and_lenient_reading(text: str, strict: int | None, lenient: int | None) -> None:
    assert read_strictly(text, WORDS) == strict
    assert read_leniently(text, WORDS) == lenient


def test_words_of_several_parts_are_one_label() -> None:
    words = ("happily surprised", "sadly angry")
    assert read_strictly("<answer>Sadly  angry</answer>", words) == 1


def test_an_endless_answer_is_a_failure() -> None:
    assert read_strictly("<answer>" * 20_000 + "happy</answer>", WORDS) is None


@given(st.text(max_size=300))
def test_any_text_gives_an_index_or_nothing(text: str) -> None:
    for read in (read_strictly, read_leniently):
        found = read(text, WORDS)
        assert found is None or 0 <= found < len(WORDS)


@given(st.sampled_from(WORDS), st.text(alphabet="abc <>/", max_size=50))
def test_a_clear_answer_is_found_behind_any_thought(word: str, thought: str) -> None:
    assert read_strictly(f"<think>{thought}</think><answer>{word}</answer>", WORDS) == WORDS.index(word)
