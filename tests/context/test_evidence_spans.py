from __future__ import annotations

import pytest

from ferce_agent.context.evidence_spans import CLAUSE, LONGEST, carrying_words

TEXT = "The neighbours' huge dog has got loose again and is standing in front of the garden gate, growling."


def pieces(telling: str) -> list[tuple[int, int, dict[str, float]]]:
    place = TEXT.index(telling)
    vague = [(at, at + 1, {"dangerous": 8.0}) for at in range(0, len(TEXT), 5)]
    return [*vague, (place, place + len(telling), {"dangerous": 60.0})]


def test_a_short_sentence_is_named_whole_without_its_marks() -> None:
    first, last = carrying_words("“Her dog died!”", "loss")
    assert "“Her dog died!”"[first:last] == "Her dog died"


def test_one_telling_word_outweighs_many_vague_ones() -> None:
    for word in ("neighbours", "loose", "growling"):
        first, last = carrying_words(TEXT, "dangerous", pieces(word))
        assert word in TEXT[first:last]
        assert LONGEST <= len(TEXT[first:last].split()) <= CLAUSE


def test_a_cue_is_inside_the_span() -> None:
    place = TEXT.index("growling")
    first, last = carrying_words(TEXT, "dangerous", cues=[(place, place + 8)])
    assert "growling" in TEXT[first:last]


def test_texts_without_words_or_signs_are_named_whole() -> None:
    assert carrying_words("...", "loss") == (0, 3)
    assert carrying_words(TEXT, "loss") == (0, len(TEXT) - 1)


def test_a_clause_is_not_cut_where_it_is_short() -> None:
    text = "We had been told all week to wait, but the old dog died on the Monday, and then it rained."
    place = text.index("died")
    first, last = carrying_words(text, "loss", cues=[(place, place + 4)])
    assert text[first:last] == "but the old dog died on the Monday"


@pytest.mark.parametrize(
    "word",
    [
        "and",
        "but",
        "or",
        "so",
        "because",
        "while",
        "when",
        "where",
        "after",
        "before",
        "until",
        "since",
        "though",
        "although",
    ],
)
def test_a_joining_word_begins_a_clause(word: str) -> None:
    text = f"I remember the long cold week at home {word} the very old dog died on the Monday"
    place = text.index("died")
    first, last = carrying_words(text, "loss", cues=[(place, place + 4)])
    assert text[first:last] == f"{word} the very old dog died on the Monday"


@pytest.mark.parametrize("word", ["who", "which", "that"])
def test_a_relative_word_begins_a_clause(word: str) -> None:
    text = f"I saw the woman and the tiny white house {word} lost the large old tree on that Monday"
    place = text.index("tree")
    first, last = carrying_words(text, "loss", cues=[(place, place + 4)])
    assert text[first:last].startswith(f"{word} lost the large old tree")


def test_up_to_eight_words_are_one_span() -> None:
    eight = "Sadly, the old dog died in the night."
    place = eight.index("died")
    assert carrying_words(eight, "loss", cues=[(place, place + 4)]) == (0, len(eight) - 1)
    nine = "Sadly, the very old dog died in the night."
    place = nine.index("died")
    first, last = carrying_words(nine, "loss", cues=[(place, place + 4)])
    assert nine[first:last] == "the very old dog died in the night"


def words_of(text: str, shares: dict[str, float]) -> list[tuple[int, int, dict[str, float]]]:
    return [(text.index(word), text.index(word) + len(word), {"loss": share}) for word, share in shares.items()]


def test_many_words_outweigh_one_that_tells_little_more() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    vague = dict.fromkeys(text.split()[:8], 8.0)
    first, last = carrying_words(text, "loss", words_of(text, vague | {"sixteen": 10.0}))
    assert text[first:last] == " ".join(text.split()[:8])
    first, last = carrying_words(text, "loss", words_of(text, vague | {"sixteen": 20.0}))
    assert text[first:last].endswith("sixteen seventeen")


def test_a_word_in_several_pieces_tells_as_much_as_they_do_on_average() -> None:
    text = "unbelievable one two three four five six seven eight nine ten eleven twelve lost"
    halves = [(0, 6, {"loss": 12.0}), (6, 12, {"loss": 2.0, "pleasant": 9.0})]
    first, last = carrying_words(text, "loss", [*halves, *words_of(text, {"lost": 9.0})])
    assert text[first:last].endswith("lost")
    first, last = carrying_words(text, "loss", [*halves, *words_of(text, {"lost": 6.0})])
    assert text[first:last].startswith("unbelievable")


@pytest.mark.parametrize(
    ("before", "behind", "span"),
    [
        (2, 2, "whole"),
        (2, 3, "before"),
        (3, 2, "behind"),
        (5, 1, "behind"),
        (1, 5, "before"),
        (4, 0, "whole"),
        (5, 0, "none"),
        (0, 5, "none"),
    ],
)
def test_a_span_is_widened_to_twelve_words_the_nearer_end_first(before: int, behind: int, span: str) -> None:
    inner = "see how he lost his old red hat"
    head, tail = " ".join(["very"] * before), " ".join(["indeed"] * behind)
    clause = " ".join(part for part in (head, inner, tail) if part)
    text = f"We waited for it all day long, {clause}, until the sun went down"
    ends = (text.index(inner), text.index(inner) + len(inner))
    whole = (text.index(clause), text.index(clause) + len(clause))
    first, last = carrying_words(text, "loss", words_of(text, dict.fromkeys(["see", "how", "lost", "red", "hat"], 9.0)))
    assert (first, last) == {
        "whole": whole,
        "before": (whole[0], ends[1]),
        "behind": (ends[0], whole[1]),
        "none": ends,
    }[span]
