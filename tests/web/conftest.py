"""A served page and a browser for it, once for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ferce_agent.graphs.engines import Engines
from ferce_agent.web.site import Site
from tests.web.browsing import chromium
from tests.web.live_client import served


@pytest.fixture(scope="module")
def site(engines: Engines) -> Iterator[Site]:
    with served(Site(engines)) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started
