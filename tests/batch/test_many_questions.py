from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ferce_agent.batch.executor import ReadChunk
from ferce_agent.batch.items import Chunk, Item, WholeFile
from ferce_agent.batch.work import BatchWork
from ferce_agent.settings import Settings
from tests.vlm.servers import Trouble, bad_server

pytestmark = pytest.mark.slow
pytest.importorskip("instructor")


def test_many_questions_are_under_way_as_many_as_allowed_and_the_rows_are_those_of_one_by_one(photo: Path) -> None:
    items = tuple(Item(f"{number}", "photo", WholeFile(str(photo))) for number in range(6))
    chunk = Chunk(0, 0, 1, items)

    def read(url: str, concurrency: int, together: int) -> ReadChunk:
        settings = Settings(vlm=f"openai:{url}#m?concurrency={concurrency}", vlm_prompt="label", vlm_seconds=120)
        return BatchWork(settings, together=together)()(chunk)

    one_by_one = Trouble("<answer>happy</answer>")
    with bad_server(one_by_one) as url:
        alone = read(url, 1, 1)
    busy = Trouble("429", "slow")
    with bad_server(busy) as url:

        def let_go_of_three() -> None:
            for _ in range(3):
                busy.arrived.acquire()
            busy.go_on.set()

        waiter = threading.Thread(target=let_go_of_three)
        waiter.start()
        together = read(url, 3, 6)
        waiter.join()
    assert together.tables == alone.tables
    assert busy.most_at_once == 3
    assert len(busy.asked) == 7
    assert all(row["vlm_expression"] == "happiness" for row in alone.tables["faces"])
