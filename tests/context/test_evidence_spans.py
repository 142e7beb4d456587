from __future__ import annotations

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
