"""A bounded choice of rows in the order of their times: what is worth seeing of a curve of any length."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import InputError, SettingsError
from ferce_agent.temporal.filtering import from_plain, plain

GAP: Final = 10.0
"""What a value that is missing in one of two rows counts in their difference: a gap is the largest change."""

Array = NDArray[np.float64]
Row = tuple[float, Array]


class Thinned:
    """Keeps at most `limit` of the rows that come, evenly spread in number.

    One row is kept of each stretch of equally many rows: the one that differs most from the row kept before it, so that
    peaks stay peaks and gaps stay gaps; no value is made up. When `limit` is reached the stretches are doubled.

    Attributes:
        limit: Most rows that are kept.
        count: Rows that have come.
    """

    def __init__(self, limit: int = 300) -> None:
        """Prepare.

        Args:
            limit: Most rows that are kept, at least 4.

        Raises:
            SettingsError: The limit is lower.
        """
        if limit < 4:
            raise SettingsError(f"A limit of {limit} rows is not usable.", hint="Keep at least 4 rows.")
        self.limit = limit
        self.count = 0
        self._stretch = 1
        self._kept: list[Row] = []
        self._best: Row | None = None
        self._last: Row | None = None
        self._taken = 0
        """Rows of the stretch under way that have come."""

    def push(self, time: float, values: Array) -> None:
        """Take a row.

        Args:
            time: Seconds, after that of the row before.
            values: Shape (K,); NaN where something could not be read.

        Raises:
            InputError: The time does not grow.
        """
        if self._last is not None and not time > self._last[0]:
            raise InputError(f"The time {time:g} s does not follow {self._last[0]:g} s.")
        row = float(time), np.array(values, np.float64)
        self.count += 1
        self._last = row
        self._taken += 1
        if self._best is None or self._change(row) > self._change(self._best):
            self._best = row
        if self._taken == self._stretch:
            self._kept.append(self._best)
            self._best, self._taken = None, 0
        if len(self._kept) >= self.limit - 2:
            self._halve()

    def rows(self) -> list[Row]:
        """Return the rows kept, at most `limit`, as (time, values) by time; the first and the last are among them."""
        rows = list(self._kept)
        for row in (self._best, self._last):
            if row is not None and (not rows or row[0] > rows[-1][0]):
                rows.append(row)
        return rows

    def _change(self, row: Row) -> float:
        return difference(self._kept[-1][1], row[1]) if self._kept else 0.0

    def _halve(self) -> None:
        """Double the stretches: of each two rows keep the one that differs more from the one kept before."""
        kept = self._kept[:1]
        rest = self._kept[1:]
        for pair in zip(rest[::2], rest[1::2], strict=False):
            kept.append(max(pair, key=lambda row: difference(kept[-1][1], row[1])))
        # A row without a partner begins the stretch under way, of which it is one half.
        self._best, self._taken = (rest[-1], self._stretch) if len(rest) % 2 else (None, 0)
        self._kept = kept
        self._stretch *= 2

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data, for `load`."""
        best, last = ([] if row is None else [row[0], plain(row[1])] for row in (self._best, self._last))
        kept = [[time, plain(values)] for time, values in self._kept]
        state = {"limit": self.limit, "count": self.count, "stretch": self._stretch, "taken": self._taken}
        return {**state, "kept": kept, "best": best, "last": last}

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Thinned:
        """Return a collection that goes on where the one that gave `dump` stood.

        Raises:
            InputError: It is not what `dump` gives.
        """
        try:
            made = cls(int(dump["limit"]))
            made.count, made._stretch, made._taken = (int(dump[name]) for name in ("count", "stretch", "taken"))
            made._kept = [(float(time), from_plain(values)) for time, values in dump["kept"]]
            made._best, made._last = (
                (float(row[0]), from_plain(row[1])) if row else None for row in (dump["best"], dump["last"])
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError("The state of a thinned curve cannot be read.", hint="Start the clip again.") from error
        return made


def difference(before: Array, after: Array) -> float:
    """Return the sum of the absolute differences of two rows; a value missing in one alone counts `GAP`."""
    missing = np.isnan(before), np.isnan(after)
    return float(np.nansum(np.abs(after - before)) + GAP * np.sum(missing[0] != missing[1]))
