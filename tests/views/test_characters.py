from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.views.characters import LOOKALIKES, fitted, spelt

ANY = st.text(st.characters(), max_size=60)  # surrogates too


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("██▌··  61%", "ascii", "##=..  61%"),
        ("✓ supported → “yes” – it’s…", "ascii", '+ supported > "yes" - it\'s...'),
        ("4° left, Grün", "ascii", "4 deg left, Grun"),
        ("4° left, Grün ✗", "cp1252", "4° left, Grün x"),
        ("█▌·", "cp437", "█▌·"),
        ("我", "cp1252", "\\u6211"),
        ("我", "utf-8", "我"),
        ("caf\udce9", "utf-8", "caf\\xe9"),
        ("┌─┬┐", "ascii", "+-++"),
        ("x", "no-such-encoding", "x"),
    ],
)
def test_look_alikes(text: str, encoding: str, expected: str) -> None:
    assert fitted(text, encoding) == expected


@given(ANY, st.sampled_from(["ascii", "cp1252", "cp437", "cp932", "koi8-r", "utf-8", "utf-16"]))
def test_nothing_fails_and_what_can_be_shown_stays(text: str, encoding: str) -> None:
    shown = fitted(text, encoding)
    assert shown.encode(encoding).decode(encoding) == shown
    try:
        assert text.encode(encoding).decode(encoding) != text or shown == text
    except UnicodeEncodeError:
        assert shown != text


def test_look_alikes_are_ascii_and_bars_keep_their_width() -> None:
    assert all(value.isascii() for value in LOOKALIKES.values())
    assert all(len(LOOKALIKES[part]) == 1 for part in "█▌·→✓✗─")


@given(ANY)
def test_spelt_names_are_one_harmless_line(text: str) -> None:
    shown = spelt(text)
    assert "\n" not in shown and "\x1b" not in shown and "\u202e" not in shown
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
