"""`ferce bench scale`: measures, predicts a real batch, and plans larger ones."""

from __future__ import annotations

from pathlib import Path

from ferce_agent.evaluation.scale.inputs import load_inputs
from ferce_agent.evaluation.scale.plans import plan_all
from ferce_agent.evaluation.scale.prediction import predict, read_batch
from ferce_agent.evaluation.scale.service_times import measure_service_times
from ferce_agent.evaluation.scale.tables import ScaleTables


def measure_scale(
    inputs: Path | None = None, *, workers: int = 2, photos: int = 2000, seeds: int = 10, rounds: int = 4
) -> ScaleTables:
    """Measure times on this machine and plan with them.

    Args:
        inputs: TOML file with prices, limits and failures; None: that of the package.
        workers: Processes that measure and read at the same time.
        photos: Photos of the real batch that is predicted; 0 leaves it out.
        seeds: Simulations of each plan.
        rounds: Measured groups of each kind for each worker.

    Raises:
        DataError, SettingsError: The inputs cannot be used.
        MissingExtraError: pyarrow is not installed.
    """
    known = load_inputs(inputs)
    times = measure_service_times(workers, rounds)
    if not photos:
        return ScaleTables(known, times, plan_all(known, times, seeds), None)
    batch = read_batch(known, photos, workers)
    times = times.and_also(measure_service_times(workers, rounds))
    return ScaleTables(known, times, plan_all(known, times, seeds), predict(times, batch, seeds))
