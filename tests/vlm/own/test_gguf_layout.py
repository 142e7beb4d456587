from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

gguf = pytest.importorskip("gguf")

from ferce_agent.errors import WeightsError  # noqa: E402
from ferce_agent.vlm.own.gguf_layout import read_layout, write_alike  # noqa: E402

WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=5)
SHAPES = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), max_size=4)


def write(path: Path, words: list[str], shapes: list[list[int]], alignment: int) -> Path:
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_custom_alignment(alignment)
    writer.add_array("tokenizer.ggml.tokens", words)
    writer.add_array("some.numbers", [1, 2, 3])
    writer.add_bool("some.truth", True)
    writer.add_float64("some.fraction", 0.25)
    for number, shape in enumerate(shapes):
        writer.add_tensor(f"t{number}.weight", rng.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@given(WORDS, SHAPES, st.sampled_from([8, 32, 64]))
def test_a_copy_reads_as_the_original(words: list[str], shapes: list[list[int]], alignment: int) -> None:
    with TemporaryDirectory() as folder:
        whole = write(Path(folder) / "a.gguf", words, shapes, alignment)
        layout = read_layout(whole)
        raw = whole.read_bytes()
        sizes = [4 * int(np.prod(entry.shape)) for entry in layout.tensors]
        places = {entry.name: layout.start + entry.offset for entry in layout.tensors}
        copy = Path(folder) / "b.gguf"
        write_alike(
            copy,
            layout,
            [entry.kind for entry in layout.tensors],
            sizes,
            lambda entry: raw[places[entry.name] :][: 4 * int(np.prod(entry.shape))],
        )
        if shapes:
            assert copy.read_bytes() == raw
        known, made = gguf.GGUFReader(whole), gguf.GGUFReader(copy)
        assert made.fields["tokenizer.ggml.tokens"].contents() == words
        assert [tensor.name for tensor in made.tensors] == [tensor.name for tensor in known.tensors]
        for mine, theirs in zip(made.tensors, known.tensors, strict=True):
            assert np.array_equal(mine.data, theirs.data)


@given(st.integers(0, 400))
def test_a_cut_file_is_said_to_be_cut(length: int) -> None:
    with TemporaryDirectory() as folder:
        whole = write(Path(folder) / "a.gguf", ["one", "two"], [[2, 3]], 32)
        end = read_layout(whole).start
        whole.write_bytes(whole.read_bytes()[: min(length, end - 33)])  # within the last entry, before any padding
        with pytest.raises(WeightsError, match=r"a\.gguf is not a whole GGUF file"):
            read_layout(whole)


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        other = Path(folder) / "a.gguf"
        other.write_bytes(content)
        with pytest.raises(WeightsError):
            read_layout(other)


@given(st.integers(4, 300), st.sampled_from([4, 8]))
def test_an_absurd_number_anywhere_is_refused_or_read_past(place: int, length: int) -> None:
    with TemporaryDirectory() as folder:
        broken = write(Path(folder) / "a.gguf", ["one"], [[2]], 32)
        raw = bytearray(broken.read_bytes())
        raw[place : place + length] = b"\xff" * length
        broken.write_bytes(raw)
        with suppress(WeightsError):
            assert len(read_layout(broken).metadata) < len(raw)


def test_an_absurd_length_is_refused(tmp_path: Path) -> None:
    raw = bytearray(write(tmp_path / "a.gguf", ["one"], [[2]], 32).read_bytes())
    raw[24:32] = b"\xff" * 8  # the first key's length
    (tmp_path / "a.gguf").write_bytes(raw)
    with pytest.raises(WeightsError):
        read_layout(tmp_path / "a.gguf")
