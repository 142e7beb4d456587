from __future__ import annotations

import httpx
import pytest

from ferce_agent.evaluation.service.own_server import served


@pytest.mark.slow
def test_the_server_answers_while_the_block_lasts_and_ends_with_it() -> None:
    pytest.importorskip("uvicorn")
    with served(1) as server:
        assert httpx.get(f"{server.address}/healthz", timeout=60, trust_env=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.address}/healthz", timeout=60, trust_env=False)
