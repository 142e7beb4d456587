from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ferce_agent.errors import EngineError
from ferce_agent.evaluation.batch.endurance import Trial, check_rows, endure, make_photos


def a_trial(folder: Path, *parts: list[str]) -> Trial:
    """Return a trial of three photos whose tables hold these sources."""
    trial = Trial(3, folder)
    make_photos(trial.folder, 3)
    (trial.tables / "faces").mkdir(parents=True)
    for number, sources in enumerate(parts):
        columns = {"source": sources, "status": ["read"] * len(sources), "person": ["person-1"] * len(sources)}
        pq.write_table(pa.table(columns), trial.tables / "faces" / f"part-{number:05}.parquet")
    return trial


def names_of(folder: Path) -> list[str]:
    """Return the names that a batch gives three made photos."""
    from ferce_agent.batch.running import BatchPlan

    make_photos(folder, 3)
    return [item.source for item in BatchPlan([str(folder)]).items()]


def test_the_same_number_makes_the_same_photo_and_others_differ(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_photos(tmp_path / name, 2)
    files = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    assert len(files) == 4
    assert len(set(files.values())) == 2


def test_rows_are_counted_where_every_photo_stands_once(tmp_path: Path) -> None:
    one, two, three = names_of(tmp_path / "photos")
    assert check_rows(a_trial(tmp_path, [one, two], [three])) == (3, 0)


def test_a_photo_that_is_missing_or_twice_is_found(tmp_path: Path) -> None:
    one, two, three = names_of(tmp_path / "photos")
    with pytest.raises(EngineError, match="1 photos are missing"):
        check_rows(a_trial(tmp_path, [one], [three]))
    with pytest.raises(EngineError, match="twice"):
        check_rows(a_trial(tmp_path / "again", [one, two], [two, three]))


@pytest.mark.slow
def test_a_batch_that_is_killed_reads_every_photo_once(tmp_path: Path) -> None:
    lines: list[str] = []
    found = endure(Trial(40, tmp_path, kills=1, shard_size=10, compared=1), lines.append)
    assert (found.photos, found.failed, found.compared) == (40, 0, 1)
    assert found.rows >= 40
