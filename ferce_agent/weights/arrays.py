"""Reading files of named arrays (.npz) from anywhere: whatever is in the file, there are arrays or one typed error.

`numpy.load` trusts a file: it allocates what a header claims, unpacks what a member holds, and raises whatever error
the zip, header or array code meets. Here the size that each member claims is checked before anything is unpacked, and
objects are refused.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ferce_agent.errors import DataError

LARGEST: Final = 512 * 2**20
"""Bytes of all arrays together, unpacked."""
KINDS: Final = frozenset("biufU")
"""Kinds of numbers and text that are read: truth values, integers, floats, text."""


class DamagedArraysError(DataError):
    """A file of arrays is missing, damaged, too large, or lacks an array."""


def read_arrays(data: bytes | Path, names: Sequence[str], largest: int = LARGEST) -> dict[str, NDArray[Any]]:
    """Return the named arrays of a file, or of its bytes; other arrays in it are not read.

    Args:
        data: The file, or what is in it.
        names: Names of the arrays.
        largest: Bytes that the arrays may have together.

    Raises:
        DamagedArraysError: See there.
    """
    try:
        raw = read_file(data, largest) if isinstance(data, Path) else data
        with zipfile.ZipFile(BytesIO(raw)) as file:
            members = [file.getinfo(f"{name}.npy") for name in names]
            if sum(member.file_size for member in members) > largest:
                raise DamagedArraysError(f"The arrays have more than {largest:,} bytes.")
            return {name: _read_array(file, member) for name, member in zip(names, members, strict=True)}
    except DamagedArraysError:
        raise
    except Exception as error:  # zipfile, its decompressors and numpy's header parser each raise their own kinds
        raise DamagedArraysError(f"No arrays can be read: {type(error).__name__}.") from error


def read_file(path: Path, largest: int = LARGEST) -> bytes:
    """Return what is in a plain file; pipes and devices, which may never end, are refused.

    Raises:
        DamagedArraysError: It is missing, no plain file, or has more than `largest` bytes.
    """
    try:
        if not path.is_file() or path.stat().st_size > largest:
            raise DamagedArraysError(f"{path.name} is missing, no plain file, or larger than {largest:,} bytes.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise DamagedArraysError(f"{path.name} cannot be read.") from error


def _read_array(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with file.open(member) as stream:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_column, kind = read_header(stream)
        if kind.hasobject or kind.kind not in KINDS:
            raise DamagedArraysError("The file holds objects instead of numbers or text.")
        claimed = math.prod(shape) * kind.itemsize
        if min(shape, default=0) < 0 or claimed > member.file_size:
            raise DamagedArraysError("An array is smaller than its header says.")
        values = stream.read(claimed)
    if len(values) != claimed:
        raise DamagedArraysError("An array is smaller than its header says.")
    return np.frombuffer(values, kind).reshape(shape, order="F" if by_column else "C").copy()


def all_finite(arrays: Sequence[NDArray[Any]]) -> bool:
    """Return whether every number of the arrays is one."""
    return all(bool(np.isfinite(array).all()) for array in arrays)
