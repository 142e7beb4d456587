from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.batch.ray_overhead import RayOverhead, measure_ray_overhead, repeated, to_table


def test_every_name_comes_once(tmp_path: Path) -> None:
    chunks = list(repeated([tmp_path / "photo.jpg"], 3, 4))
    names = [item.source for chunk in chunks for item in chunk.items]
    assert len(set(names)) == len(names) == 12
    assert names == sorted(names)
    assert [chunk.shard for chunk in chunks] == [0, 1, 2, 3]


def test_too_few_chunks_are_refused() -> None:
    with pytest.raises(SettingsError, match="more than 4"):
        measure_ray_overhead(workers=2, chunks=4)


def test_the_table_says_what_was_measured() -> None:
    table = to_table(RayOverhead(2, 64, 1536, 3, 110.04, 100.0, 10.04, 2.0, 9.0))
    assert "| 2 processes | 110.0 | 2.0 s |" in table
    assert "10.0 % longer on Ray (median of 3 rounds in turn, chunks of 64, 1536 photos" in table
