"""Who reads photos for the server: this process in threads of its own, or other processes.

What goes to a reader and what comes back is plain data, so that it can cross to another process: encoded bytes in,
an encoded answer out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from ferce_agent.api import aanalyze_expression
from ferce_agent.batch.reading import AskedPhoto, Outcome, read_photos
from ferce_agent.errors import DeadlineError, FerceError, UnavailableError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.inputs.situation import read_situation
from ferce_agent.report import EmotionReport
from ferce_agent.service.answers import Answer, View, error_answer, photo_answer
from ferce_agent.specialist.labels import read_labels
from ferce_agent.web.edge import typed
from ferce_agent.web.serving import warm

MOST_TOGETHER: Final = 16
"""Photos that are read together: more gain little, and let the first of them wait for the last."""
SIDE_BY_SIDE: Final = 2
"""Groups that are read side by side in one process: while one composes reports, another one's network runs."""
ASKING: Final = 4
"""Photos at a time with a vision-language model or a baseline, each by its own workflow."""


@dataclass(frozen=True, slots=True)
class PhotoJob:
    """A photo to be read. It can be pickled.

    Attributes:
        data: The encoded photo.
        view: What the client wants to have.
        context: What the client tells about the situation.
        labels: Words to rank.
        use: What the report is used for.
        due: When nobody waits for it any more (`time.monotonic`, the same clock in all processes of a machine).
    """

    data: bytes = field(repr=False)
    view: View = "full"
    context: str | Mapping[str, Any] | None = field(default=None, repr=False)
    labels: tuple[str, ...] = field(default=(), repr=False)
    use: Mapping[str, Any] = field(default_factory=dict)
    due: float = float("inf")


class Readers(Protocol):
    """Reads photos; several groups may be under way at the same time."""

    @property
    def most_together(self) -> int:
        """Most photos of one group."""

    @property
    def side_by_side(self) -> int:
        """How many groups may be under way at the same time."""

    @property
    def state(self) -> Literal["starting", "ready", "failed"]:
        """Whether photos can be read now: models are loaded, or could not be."""

    async def start(self) -> None:
        """Begin to load what the first photo needs, and return at once."""

    async def read(self, jobs: Sequence[PhotoJob]) -> list[Answer]:
        """Return an answer for each photo, in order; one that cannot be read has an error as its answer."""

    async def close(self) -> None:
        """Let go of threads or processes, when nothing is under way any more."""


class OwnThreads:
    """Reads in threads of this process.

    Where a vision-language model or a baseline is configured, each photo goes the way of the workflow, a few at a time.
    """

    def __init__(self, engines: Engines, *, side_by_side: int = SIDE_BY_SIDE) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            engines: Models and settings.
            side_by_side: Groups at the same time, where photos are read in groups.
        """
        self._engines = engines
        self._alone = engines.asker is not None or engines.baseline is not None
        self.most_together = 1 if self._alone else MOST_TOGETHER
        self.side_by_side = ASKING if self._alone else side_by_side
        self.state: Literal["starting", "ready", "failed"] = "starting"
        self._pool = ThreadPoolExecutor(self.side_by_side, thread_name_prefix="ferce-reader")
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to load the models."""
        self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        loaded = await asyncio.get_running_loop().run_in_executor(self._pool, warm, self._engines)
        self.state = "ready" if loaded else "failed"

    async def read(self, jobs: Sequence[PhotoJob]) -> list[Answer]:
        """Read photos; see `Readers`."""
        if self._alone:
            return [await self._by_workflow(job) for job in jobs]
        return await asyncio.get_running_loop().run_in_executor(self._pool, read_jobs, jobs, self._engines)

    async def _by_workflow(self, job: PhotoJob) -> Answer:
        began = time.perf_counter()
        try:
            report = await aanalyze_expression(
                job.data, job.context, labels=job.labels, use_context=job.use, engines=self._engines
            )
        except Exception as error:
            return error_answer(typed(error))
        return photo_answer(report, job.view, (time.perf_counter() - began) * 1000)

    async def close(self) -> None:
        """Wait for the threads."""
        if self._warming is not None:
            await self._warming
        await asyncio.to_thread(self._pool.shutdown)


def read_jobs(jobs: Sequence[PhotoJob], engines: Engines) -> list[Answer]:
    """Read photos together in this thread, and return an answer for each, in order.

    Args:
        jobs: The photos; those whose time is over are not read.
        engines: Models and settings; no vision-language model is asked.
    """
    opened = [_opened(job, engines) for job in jobs]
    began = time.perf_counter()
    outcomes = iter(read_photos([one for one in opened if isinstance(one, AskedPhoto)], engines))
    spent = (time.perf_counter() - began) * 1000 / max(len(jobs), 1)
    return [
        _answered(job, next(outcomes) if isinstance(one, AskedPhoto) else one, spent)
        for job, one in zip(jobs, opened, strict=True)
    ]


def _opened(job: PhotoJob, engines: Engines) -> AskedPhoto | FerceError:
    """Return a photo ready to be read: the rules come first, then the picture, as in the workflow."""
    began = time.perf_counter()
    if time.monotonic() > job.due:
        return DeadlineError.passed()
    try:
        decision = engines.permit(job.use)
        situation = read_situation(job.context)
        picture = load_picture(job.data)
        labels = engines.pipeline.prepare_labels(read_labels(job.labels))
    except Exception as error:
        return typed(error)
    return AskedPhoto(picture, situation, labels, decision, (time.perf_counter() - began) * 1000)


def _answered(job: PhotoJob, outcome: Outcome, spent: float) -> Answer:
    if isinstance(outcome, EmotionReport):
        return photo_answer(outcome, job.view, spent)
    return error_answer(outcome)


def lost_job(_: PhotoJob) -> Answer:
    """Return the answer for a photo during which readers died again and again."""
    return error_answer(
        UnavailableError(
            "What read this photo was stopped, several times.", hint="Send it again; if that repeats, not."
        )
    )
