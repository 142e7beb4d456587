"""Flower, with its and Ray's usage reports switched off; imported before anything of Flower."""

from __future__ import annotations

import importlib.util
import logging
import os

from ferce_agent.errors import MissingExtraError

for _name, _value in (("FLWR_TELEMETRY_ENABLED", "0"), ("RAY_USAGE_STATS_ENABLED", "0")):
    os.environ.setdefault(_name, _value)


def require_flower() -> None:
    """Check that Flower and its simulation are installed, and let its log tell warnings only.

    Raises:
        MissingExtraError: They are not.
    """
    for package in ("flwr", "ray"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "federated")
    logging.getLogger("flwr").setLevel(logging.WARNING)


def require_torch() -> None:
    """Check that torch is installed, before anything here imports it.

    Raises:
        MissingExtraError: It is not.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("torch", "federated")
