from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import WeightsError
from ferce_agent.specialist.sentence_encoder import (
    DIMENSIONS,
    NETWORK_NAME,
    OVERLAP,
    TOKENIZER_NAME,
    WINDOW,
    TextEncoder,
    kept_parts,
    window_starts,
)

TEXTS = (
    "The dog died.",
    "She was promoted to head of sales last week, and nobody had told her.",
    "",
    "a",
    "\ud800 half",
)
LONG = " ".join(f"on day {number} we walked to the mill and back" for number in range(80))


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder()


def test_like_words_are_near_each_other(encoder: TextEncoder) -> None:
    words = encoder.words(["joyful", "cheerful", "furious"])
    assert words.shape == (3, DIMENSIONS)
    assert words[0] @ words[1] > words[0] @ words[2] + 0.1
    np.testing.assert_allclose(np.linalg.norm(words, axis=1), 1, atol=1e-5)


def test_a_text_is_the_same_to_the_last_bit_alone_in_a_batch_in_any_order_and_again(encoder: TextEncoder) -> None:
    together = encoder.encode(TEXTS)
    np.testing.assert_array_equal(encoder.encode(TEXTS[::-1])[::-1], together)
    np.testing.assert_array_equal(TextEncoder().encode(TEXTS), together)
    for text, row in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(encoder.encode([text])[0], row)
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_threads_share_one_encoder() -> None:
    encoder = TextEncoder()
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: encoder.encode(TEXTS), range(12)))
    for vectors in found:
        np.testing.assert_array_equal(vectors, found[0])


def test_every_word_of_a_long_text_counts(encoder: TextEncoder) -> None:
    read = encoder.read(LONG)
    assert read.states.shape == (4, len(read.places), DIMENSIONS)
    assert len(read.places) > 10 * WINDOW
    pieces = [LONG[first:last] for first, last in read.places[1:-1]]
    assert "".join(pieces) == LONG.replace(" ", "")
    plain, changed = encoder.encode([LONG, LONG + " then the dog died"])
    assert 0.8 < plain @ changed < 0.9999


def test_a_text_one_piece_longer_than_a_window_hardly_changes(encoder: TextEncoder) -> None:
    for words in (WINDOW, WINDOW + 1):
        assert len(encoder.read("walk " * words).places) == words + 2
    one, two = encoder.encode(["we walked home " * 20 + "by bus", "we walked home " * 20 + "by bus late"])
    assert one @ two > 0.95


@given(st.integers(0, 5000))
def test_windows_overlap_and_hold_each_piece_once(count: int) -> None:
    starts = window_starts(count)
    size = min(count, WINDOW)
    assert starts[0] == 0
    assert starts[-1] + size == count
    assert all(before + WINDOW - after >= OVERLAP for before, after in pairwise(starts))
    marked = range(count + 2)
    kept = [
        place
        for start, (first, last) in zip(starts, kept_parts(starts), strict=True)
        for place in marked[start : start + size + 2][first:last]
    ]
    assert kept == list(marked)


def test_only_words_with_latin_letters_are_known(encoder: TextEncoder) -> None:
    assert all(encoder.knows(word) for word in ("bored", "naïve", "about to cry", "déçu", "A+"))
    assert not any(encoder.knows(word) for word in ("\N{GRINNING FACE}", "радость", "开心", "5/10", "?!", ""))


def copied(encoder: TextEncoder, folder: Path) -> Path:
    for name in (NETWORK_NAME, TOKENIZER_NAME):
        (folder / name).write_bytes((encoder.folder / name).read_bytes())
    return folder


@pytest.mark.parametrize("name", [NETWORK_NAME, TOKENIZER_NAME])
@pytest.mark.parametrize("damage", ["gone", "folder", "empty", "cut", "garbage", "other"])
def test_missing_and_damaged_files_say_what_to_do(encoder: TextEncoder, tmp_path: Path, name: str, damage: str) -> None:
    path = copied(encoder, tmp_path) / name
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "gone":
        other = b'{"version": "1.0", "model": {"type": "WordPiece", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}}'
        changed = {"empty": b"", "cut": content[: len(content) // 2], "garbage": b"\xff\x00" * 500, "other": other}
        path.write_bytes(changed[damage])
    broken = TextEncoder(tmp_path)
    for _ in range(2):
        with pytest.raises(WeightsError, match="Reinstall ferce-agent"):
            broken.encode(["x"])


def test_damage_is_not_announced_on_standard_output(
    encoder: TextEncoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied(encoder, tmp_path) / NETWORK_NAME
    path.write_bytes(path.read_bytes().replace(b"LayerNormalization", b"\xc2ayerNormalization", 1))
    with pytest.raises(WeightsError):
        TextEncoder(tmp_path).encode(["x"])
    assert capsys.readouterr().out == ""


def test_a_repaired_file_is_read_without_a_restart(encoder: TextEncoder, tmp_path: Path) -> None:
    repaired = TextEncoder(tmp_path)
    with pytest.raises(WeightsError):
        repaired.encode(["x"])
    copied(encoder, tmp_path)
    np.testing.assert_array_equal(repaired.encode(["x"]), encoder.encode(["x"]))
