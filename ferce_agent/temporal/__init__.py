"""Signals over time: one number of a face, read again and again, with the times at which it was read."""

from __future__ import annotations

from ferce_agent.temporal.samples import Sample
from ferce_agent.temporal.signal import Signal
from ferce_agent.temporal.smoothing import smooth

__all__ = ["Sample", "Signal", "smooth"]
