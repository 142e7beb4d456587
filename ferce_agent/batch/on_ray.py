"""The executor on Ray Data: a stateful class in `map_batches`, on this machine or on a cluster.

The batch gives the desk (`batch.ray_parts`) a new chunk only when it takes a result, so that a bounded number of chunks
and results exist at any time, whatever Ray would buffer. Nothing is reported to Ray's makers.
"""

from __future__ import annotations

import logging
import os
import pickle
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from ferce_agent.batch.executor import MakeWork, ReadChunk
from ferce_agent.batch.items import Chunk, anywhere
from ferce_agent.batch.ray_parts import ChunkReader, Desk, PackedError, take_chunks
from ferce_agent.errors import EngineError, MissingExtraError, SettingsError

AHEAD: Final = 3
"""So many chunks for each worker are under way: one that is read, one that waits at the worker, one on its way."""
ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_niceness": "0",
}
"""What Ray reads when it starts: it reports nothing, does not write over the batch's own display, and its workers get
as much of the machine as other processes. Where a variable is set already, that counts, but for the first."""


@dataclass(frozen=True, slots=True)
class RayExecutor:
    """Runs work as Ray Data does; see `batch.executor.Executor`.

    Files must be reachable under the same path from every machine of a cluster, and this package must be installed
    there in the same version.

    Attributes:
        workers: How many processes read, each with one core.
        address: A cluster's address as `ray.init` takes it, such as ``auto`` or ``10.0.0.5:6379``; None starts Ray on
            this machine, and stops it at the end. A process in which Ray runs already keeps using that one.

    Raises:
        SettingsError: There is to be no worker.
    """

    workers: int
    address: str | None = None

    def __post_init__(self) -> None:
        """Check the number of workers."""
        if self.workers < 1:
            raise SettingsError(f"{self.workers} workers read nothing.", hint="Give 1 or more.")

    def run(self, make: MakeWork, chunks: Iterable[Chunk]) -> Iterator[ReadChunk]:
        """Yield what became of each chunk, in any order; see `batch.executor.Executor.run`.

        Raises:
            MissingExtraError: Ray is not installed.
            EngineError: The cluster cannot be reached or fails.
            FerceError: The work cannot be made.
        """
        with running_ray(self.workers, self.address) as ray:
            desk = ray.remote(num_cpus=0, max_restarts=0, scheduling_strategy=_here(ray))(Desk).remote()
            try:
                yield from self._results(ray, desk, make, iter(chunks))
            except (ray.exceptions.RayError, TimeoutError) as error:
                raise EngineError(
                    f"Ray failed ({type(error).__name__}).", hint="See Ray's logs, on this machine /tmp/ray."
                ) from error
            finally:
                ray.kill(desk)

    def _results(self, ray: Any, desk: Any, make: MakeWork, chunks: Iterator[Chunk]) -> Iterator[ReadChunk]:
        open_: set[int] = set()
        given = 0

        def give() -> None:
            nonlocal given
            chunk = next(chunks, None)
            if chunk is None:
                desk.end.remote(given)
                return
            chunk = replace(chunk, items=tuple(anywhere(item) for item in chunk.items))
            desk.give.remote(given, pickle.dumps(chunk))
            open_.add(given)
            given += 1

        for _ in range(AHEAD * self.workers):
            give()
        found = iter(_dataset(ray, desk, make, self.workers).iter_batches(**ONE_BY_ONE))
        with closing(found):
            for table in found:
                number = table["number"][0].as_py()
                told = pickle.loads(table["told"][0].as_py())
                if isinstance(told, PackedError):
                    raise told.unpacked()
                if told is None or number not in open_:
                    continue
                open_.discard(number)
                desk.drop.remote(number)
                yield told
                give()


ONE_BY_ONE: Final[dict[str, Any]] = {"batch_size": 1, "batch_format": "pyarrow", "prefetch_batches": 0}


def _dataset(ray: Any, desk: Any, make: MakeWork, workers: int) -> Any:
    """Return Ray's plan: one task that waits for chunks, and the workers."""
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1  # each chunk goes on as soon as it is there
    with ray.data.DataContext.current(context):
        start = ray.data.from_items([{"start": 1}])
        # Another number of cores than the workers', so that Ray does not put both into one process.
        given = start.map_batches(
            take_chunks, batch_size=None, batch_format="pyarrow", num_cpus=0, fn_kwargs={"desk": desk}
        )
        return given.map_batches(
            ChunkReader,
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
            fn_constructor_kwargs={"make": ray.cloudpickle.dumps(make), "desk": desk},
        )


@contextmanager
def running_ray(cores: int, address: str | None = None) -> Iterator[Any]:
    """Give Ray, started or connected to; what was not there before is stopped afterwards.

    Args:
        cores: How many cores Ray counts with where it is started here.
        address: As for `RayExecutor`.

    Raises:
        MissingExtraError: Ray is not installed.
        EngineError: It cannot be started or reached.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    options: dict[str, Any] = {"num_cpus": cores, "include_dashboard": False} if address is None else {}
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=True,
            **options,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"the cluster at {address}" if address else "Ray on this machine"
        raise EngineError(
            f"{where} cannot be used ({type(error).__name__}).", hint="Does `ray status` see it?"
        ) from error
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield ray
    finally:
        ray.shutdown()


def import_ray() -> Any:
    """Return Ray with its data library; its reports of usage are off.

    Raises:
        MissingExtraError: It is not installed.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own, of packages that it uses
            import ray
            import ray.data
            import ray.exceptions
    except ImportError as error:
        raise MissingExtraError("ray", "ray") from error
    return ray


def _here(ray: Any) -> Any:
    """Return the strategy that keeps an actor on the machine of the batch."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
