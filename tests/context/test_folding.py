"""Words that are spelt in several ways are compared as one."""

from __future__ import annotations

import pytest

from ferce_agent.context.folding import Spelling, fold, fold_letters, without_hidden, wordings


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        *(("أنا", "انا"), ("إلى", "الی"), ("آمل", "امل"), ("ٱنا", "انا"), ("شيء", "شیء"), ("مئة", "میه")),  # Arabic
        *(("حياة", "حیاه"), ("ؤ", "و"), ("أُرِيدُ", "ارید"), ("مـــوت", "موت")),
        *(
            ("كتاب", "کتاب"),
            ("پڑھنا", "پڑهنا"),
            ("پڑہنا", "پڑهنا"),
            ("میں", "مین"),
            ("ۀ", "ه"),
            ("ە", "ه"),
        ),  # Persian, Urdu
        *(("माँ", "मां"), ("ज़हर", "जहर"), ("চাঁদ", "চাংদ"), ("ড়", "ড")),  # vowel signs stay
        *(("Kırık", "kirik"), ("ёлка", "елка"), ("й", "и"), ("θάνατος", "θανατοσ"), ("מָוֶת", "מות")),
        *(("Øre", "ore"), ("Æble", "aeble"), ("cœur", "coeur"), ("łza", "lza"), ("đi", "di"), ("Über", "uber")),
        *(("don’t", "dont"), ("don't", "dont"), ("don‘t", "dont"), ("don´t", "dont"), ("'tis", "'tis")),
        *(("ｄｉｅ", "die"), ("STRASSE", "strasse"), ("Straße", "strasse")),
    ],
)
def test_letters_that_stand_for_the_same_are_one(written: str, folded: str) -> None:
    assert fold_letters(written) == folded
    assert fold_letters(folded) == folded


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("dіе", "die"),  # the last two letters are Cyrillic
        ("κill", "kill"),  # Greek
        ("рок", "рок"),  # all Cyrillic
        ("su1c1de", "suicide"),
        ("k!ll", "kill"),
        ("de@th", "death"),
        ("p@ss", "pass"),
        ("pas$", "pas$"),  # at the end, not inside
        ("4 years", "4 years"),
        ("a1", "a1"),
        ("d\u200bie", "die"),
        ("不 想 活", "不想活"),
        ("不 想 live", "不想 live"),
    ],
)
def test_disguises_are_undone_inside_words(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_hidden_characters_go_and_breaks_stay() -> None:
    assert without_hidden("a\u200bb\x00c\ud800d\ue000e\n\r\tf") == "abcde\n\r\tf"


@pytest.mark.parametrize(
    ("folded", "others"),
    [
        ("i want to die", []),
        ("well", []),
        ("dieee", ["die", "diee"]),
        ("i k i l l", ["ikill"]),
        ("now k i l l him", ["now kill him"]),
        ("k.i.l.l", ["kill"]),
        ("a b c", []),
        ("1113", []),
    ],
)
def test_what_may_have_been_meant(folded: str, others: list[str]) -> None:
    assert wordings(folded) == [folded, *others]


def test_slips_are_corrected_in_long_words_only() -> None:
    spelling = Spelling(["suicide", "myself"], kept=["suicida"])
    corrected = {
        "suicid": "suicide",
        "suuicide": "suicide",
        "siucide": "suicide",
        "suicade": "suicide",
        "mysef": "myself",
        "suicida": "suicida",  # another language's word
        "uicide": "uicide",  # the first letter is never wrong
        "suici": "suici",  # two letters too few
        "suicides": "suicide",
        "mylf": "mylf",
    }
    assert {word: spelling.corrected(word) for word in corrected} == corrected
    assert spelling.corrected("no mysef, no suicid!") == "no myself, no suicide!"
    assert Spelling([]).corrected("suicid") == "suicid"
