from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.weights.arrays import DamagedArraysError, read_arrays
from tests.damage import damaged


def packed(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def member(content: bytes, name: str = "a.npy") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return buffer.getvalue()


def test_arrays_come_back_as_they_were() -> None:
    given_arrays: dict[str, Any] = {
        "numbers": np.arange(6, dtype=np.float16).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "names": np.array(["a", "été"]),
        "one": np.array(True),
        "none": np.zeros((0, 4), np.uint8),
    }
    found = read_arrays(packed(**given_arrays), tuple(given_arrays))
    for name, array in given_arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


HEADER = b"\x93NUMPY\x01\x00\x76\x00"


def header(text: str) -> bytes:
    return HEADER + text.ljust(117).encode() + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        packed(b=np.zeros(3)),
        packed(a=np.array([{}], dtype=object)),
        member(b""),
        member(b"cos\nsystem\n(S'true'\ntR."),
        member(header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }")),
        member(header("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }") + b"0000" * 4),
        member(header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }") + b"0000"),
        member(header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }") + b"0000"),
        member(header("__import__('os').getcwd()")),
    ],
)
def test_what_is_no_file_of_arrays_is_one_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    for source in (content, tmp_path / "a.npz"):
        with pytest.raises(DamagedArraysError):
            read_arrays(source, ["a"])


def test_missing_files_and_folders_are_that_error_too(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone", Path("/dev/zero"), Path("a\0b")):
        with pytest.raises(DamagedArraysError):
            read_arrays(path, ["a"])


def test_arrays_that_unpack_to_more_than_allowed_are_not_unpacked() -> None:
    bomb = packed(a=np.zeros(10**7, np.uint8))
    assert len(bomb) < 20_000
    assert read_arrays(bomb, ["a"])["a"].size == 10**7
    with pytest.raises(DamagedArraysError, match="more than"):
        read_arrays(bomb, ["a"], largest=10**6)


@given(st.data())
def test_no_damage_gives_another_kind_of_error(data: st.DataObject) -> None:
    original = packed(a=np.arange(40.0), names=np.array(["one", "two"]))
    with suppress(DamagedArraysError):
        assert set(read_arrays(damaged(data, original), ["a", "names"])) == {"a", "names"}
