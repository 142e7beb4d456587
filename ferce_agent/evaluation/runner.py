"""The work of `ferce bench run`.

Ask every perceiver about every view of every item, in worker processes, and keep each answer at once.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import EngineError, FerceError, SettingsError
from ferce_agent.evaluation.answers import read_leniently, read_strictly
from ferce_agent.evaluation.cue_check import CueCheck
from ferce_agent.evaluation.datasets.registry import load_dataset
from ferce_agent.evaluation.items import Dataset, Item, LabelSpace
from ferce_agent.evaluation.journal import Journal, Row, open_journal
from ferce_agent.evaluation.perceivers.base import Perceiver, Prediction, Sample
from ferce_agent.evaluation.perceivers.registry import load_perceiver
from ferce_agent.evaluation.variants import CORRUPTIONS, SEVERITIES, Scene, Variant, seeded
from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.measure import measure_face

JOURNAL: Final = "answers.jsonl"
"""File of the answers in a run's folder; see `ferce_agent.evaluation.journal`."""
CHUNK: Final = 16
"""Items per task: the most answers that each worker loses if the run is killed."""
WARM_UP: Final = 3
"""Items that a worker looks at before it times any."""
KEPT_TEXT: Final = 4000
"""Characters of a written answer that are kept for reading; the scores come from the whole."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does; everything that decides its numbers.

    Attributes:
        datasets: ``NAME:DIR`` or ``NAME:DIR#SPLIT``.
        perceivers: Names as `load_perceiver` reads them.
        limit: Use only so many items per set; 0 uses all.
        seed: Seed of corruptions, label orders, conformal splits and resampling.
        flips: Whether to ask about mirrored, re-encoded and (for written answers) label-shuffled views.
        robustness: Number of items to ask about under each corruption and severity; 0 leaves it out.
        labels: Candidate words instead of the set's own (open vocabulary).
        consent: Whether the people shown agree that their faces go to a remote model; without it none is asked. No
            number depends on it.
    """

    datasets: tuple[str, ...]
    perceivers: tuple[str, ...]
    limit: int = 0
    seed: int = 7
    flips: bool = True
    robustness: int = 0
    labels: tuple[str, ...] = ()
    consent: bool = False

    def __post_init__(self) -> None:
        """Check the plan.

        Raises:
            SettingsError: Nothing to do, or something twice.
        """
        if not self.datasets or not self.perceivers:
            raise SettingsError("A run needs at least one data set and one perceiver.")
        for names in (self.datasets, self.perceivers):
            if len(set(names)) != len(names):
                raise SettingsError("A data set or perceiver is named twice.")

    def perceiver(self, spec: str) -> Perceiver:
        """Build one of the perceivers.

        Raises:
            PolicyError: A remote model is named, and nobody said that the people shown agree.
        """
        return load_perceiver(spec, consent=self.consent)

    def load(self, spec: str) -> Dataset:
        """Read one of the data sets, cut and relabelled as the plan says."""
        dataset = load_dataset(spec).first(self.limit)
        return dataset.with_labels(self.labels) if self.labels else dataset


@dataclass(frozen=True, slots=True)
class Task:
    """A few items of one view for one perceiver."""

    dataset: str
    perceiver: str
    variant: str
    items: tuple[int, ...]


def run(plan: Plan, out: Path, workers: int = 1, progress: Callable[[int, int, str], None] | None = None) -> list[Row]:
    """Do what is left of the plan and return all rows of the journal in `out`.

    A run that was stopped at any moment goes on where it was.

    Args:
        plan: What to do.
        out: Folder of the journal.
        workers: Worker processes.
        progress: Called with (answers so far, answers in all, what is being done).

    Raises:
        SettingsError: The journal belongs to another plan, or another run is using it.
        DataError: A data set cannot be used.
        EngineError: A worker process died.
    """
    datasets = {spec: plan.load(spec) for spec in plan.datasets}
    options = {
        **asdict(replace(plan, consent=False)),
        "data": {spec: dataset.sha256 for spec, dataset in datasets.items()},
    }
    options["perceived_by"] = {spec: plan.perceiver(spec).describe().get("weights_sha256") for spec in plan.perceivers}
    options = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    with open_journal(out / JOURNAL, options) as journal:
        tasks = list(pending(plan, datasets, journal.rows))
        left = sum(len(task.items) for task in tasks)
        done = _answers(journal.rows)
        total = done + left
        for perceiver in plan.perceivers:
            mine = [task for task in tasks if task.perceiver == perceiver]
            for rows in _execute(plan, mine, workers, journal):
                done += _answers(rows)
                if progress is not None:
                    progress(done, total, perceiver)
        return journal.rows


def _answers(rows: Iterable[Row]) -> int:
    return sum("item" in row for row in rows)


def pending(plan: Plan, datasets: dict[str, Dataset], rows: list[Row]) -> Iterator[Task]:
    """Yield what the journal does not hold yet, by perceiver, set and view."""
    known = {(row["dataset"], row["perceiver"], row["variant"], row["item"]) for row in rows if "item" in row}
    for perceiver in plan.perceivers:
        writes = plan.perceiver(perceiver).writes
        for spec, dataset in datasets.items():
            for variant, places in views(plan, dataset, writes=writes):
                left = [i for i in places if (spec, perceiver, variant.key, dataset.items[i].id) not in known]
                for start in range(0, len(left), CHUNK):
                    yield Task(spec, perceiver, variant.key, tuple(left[start : start + CHUNK]))


def views(plan: Plan, dataset: Dataset, *, writes: bool) -> Iterator[tuple[Variant, list[int]]]:
    """Yield each view and the items asked about in it."""
    everything = list(range(len(dataset.items)))
    yield Variant("plain"), everything
    if plan.flips:
        yield Variant("mirror"), everything
        yield Variant("jpeg"), everything
        if writes:
            yield Variant("order"), everything
    chosen = robust_items(plan, dataset)
    if chosen:
        for name in CORRUPTIONS:
            for severity in SEVERITIES:
                yield Variant(name, severity), chosen


def robust_items(plan: Plan, dataset: Dataset) -> list[int]:
    """Return the items asked about under corruption: a seeded sample that is the same for every perceiver."""
    count = min(plan.robustness, len(dataset.items))
    order = seeded(plan.seed, dataset.name, "robustness").permutation(len(dataset.items))
    return sorted(int(index) for index in order[:count])


def _execute(plan: Plan, tasks: list[Task], workers: int, journal: Journal) -> Iterator[list[Row]]:
    """Run tasks of one perceiver in fresh processes, so that memory and time are its own; write each answer at once."""
    if not tasks:
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(plan,))
    try:
        futures: list[Future[list[Row]]] = [pool.submit(_work, task) for task in tasks]
        for future in as_completed(futures):
            rows = future.result()
            journal.write(rows)
            yield rows
    except BrokenProcessPool as error:
        raise EngineError("A worker process died, perhaps for lack of memory.", hint="Start again to go on.") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_WORKER: list[Worker] = []


def _start_worker(plan: Plan) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run itself answers to control-C
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()
    _WORKER[:] = [Worker(plan)]


def _die_with(sentinel: int) -> None:
    """End this process when the run that started it is gone, however it went."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _work(task: Task) -> list[Row]:
    return _WORKER[0].do(task)


class Worker:
    """Answers tasks in one process; keeps sets and perceivers loaded."""

    def __init__(self, plan: Plan) -> None:
        """Remember the plan; everything is loaded on first use."""
        self._plan = plan
        self._datasets: dict[str, Dataset] = {}
        self._perceivers: dict[str, Perceiver] = {}
        self._cues = CueCheck()

    @lazy_property
    def _detector(self) -> FaceDetector:
        return FaceDetector()

    def do(self, task: Task) -> list[Row]:
        """Return one row per item, and one with this process's peak memory."""
        if task.dataset not in self._datasets:
            self._datasets[task.dataset] = self._plan.load(task.dataset)
        dataset = self._datasets[task.dataset]
        if task.perceiver not in self._perceivers:
            self._perceivers[task.perceiver] = self._plan.perceiver(task.perceiver)
            for index in task.items[:WARM_UP]:
                self._answer(task, dataset, dataset.items[index])
        rows = [self._answer(task, dataset, dataset.items[index]) for index in task.items]
        return [*rows, {"memory": peak_megabytes(), "perceiver": task.perceiver}]

    def _answer(self, task: Task, dataset: Dataset, item: Item) -> Row:
        row: Row = {
            "dataset": task.dataset,
            "perceiver": task.perceiver,
            "variant": task.variant,
            "item": item.id,
            "gold": item.gold,
        }
        labels, places = self._labels(task, dataset, item)
        try:
            sample = self._sample(task, dataset, item)
            row["face"] = sample.is_crop or sample.face is not None
            began = time.perf_counter()
            prediction = self._perceivers[task.perceiver].perceive(sample, labels)
            row["ms"] = round((time.perf_counter() - began) * 1000, 3)
            if sample.face is not None and task.variant == "plain":
                row["quality"] = measure_face(sample.pixels, sample.face).quality.score
            if prediction.answer is not None and task.variant == "plain":
                prediction = replace(prediction, claims=self._cues.count(sample, prediction.answer))
            return {**row, **as_row(prediction, labels, places)}
        except FerceError as error:
            return {**row, "error": error.code}
        except Exception as error:
            # A peer or a plugged-in model may raise anything; one bad item must not end a run of hours.
            return {**row, "error": type(error).__name__}

    def _labels(self, task: Task, dataset: Dataset, item: Item) -> tuple[LabelSpace, list[int]]:
        """Return the candidates in the order they are given, and each one's place in the set's own order."""
        places = list(range(len(dataset.labels.words)))
        if task.variant == "order":
            places = [int(i) for i in seeded(self._plan.seed, item.id, "order").permutation(len(places))]
            words = tuple(dataset.labels.words[i] for i in places)
            return replace(dataset.labels, words=words, terms=tuple(dataset.labels.terms[i] for i in places)), places
        return dataset.labels, places

    def _sample(self, task: Task, dataset: Dataset, item: Item) -> Sample:
        pixels, variant = item.pixels(), Variant.from_key(task.variant)
        is_crop = dataset.framing == "crop"
        if variant.severity:
            before = None if is_crop else self._largest(pixels)
            pixels = variant.apply(pixels, Scene.of(pixels, before), item.id, self._plan.seed)
        else:
            pixels = variant.apply(pixels, Scene.of(pixels, None), item.id, self._plan.seed)
        return Sample(pixels, None if is_crop else self._largest(pixels), is_crop)

    def _largest(self, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> DetectedFace | None:
        return next(iter(self._detector.detect(pixels)), None)


def as_row(prediction: Prediction, labels: LabelSpace, places: list[int]) -> Row:
    """Return the journal's fields of one prediction; class indices are in the set's own order."""
    row: Row = {}
    if prediction.probabilities is not None:
        values = np.zeros(len(places))
        values[places] = prediction.probabilities
        if not np.isfinite(values).all():
            raise EngineError("The perceiver gave numbers that are not finite.")
        row["p"] = [round(float(value), 6) for value in values]
        row["said"] = int(values.argmax())
    elif prediction.answer is not None:
        strict = read_strictly(prediction.answer, labels.words)
        lenient = read_leniently(prediction.answer, labels.words)
        row["text"] = prediction.answer[:KEPT_TEXT]
        row["said"] = -1 if strict is None else places[strict]
        row["lenient"] = -1 if lenient is None else places[lenient]
    else:
        row["said"] = -1
    if prediction.claims:
        row["claims"] = dict(prediction.claims)
    if prediction.in_set is not None:
        row["set"] = [places[index] for index in prediction.in_set]
    if prediction.named is not None:
        row["named"] = prediction.named
    return row


def peak_megabytes() -> float:
    """Return the peak resident memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
