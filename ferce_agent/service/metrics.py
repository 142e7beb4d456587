"""What Prometheus is told: counts, times and sizes; never anything of what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Gauge


class Metrics:
    """The figures of one server."""

    def __init__(self) -> None:
        """Begin at zero, in a registry of its own."""
        from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

        self._registry: CollectorRegistry = CollectorRegistry()
        into = self._registry
        times = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
        self._requests = Counter("ferce_requests", "Answers, by route and status", ["route", "status"], registry=into)
        self._seconds = Histogram(
            "ferce_request_seconds",
            "Time from the head of a request to the end of its answer",
            ["route"],
            buckets=times,
            registry=into,
        )
        self._refused = Counter("ferce_refused", "Answers that are errors, by code", ["code"], registry=into)
        self._groups = Histogram(
            "ferce_group_photos", "Photos that were read together", buckets=(1, 2, 4, 8, 16), registry=into
        )
        self._group_seconds = Histogram("ferce_group_seconds", "Time of such a group", buckets=times, registry=into)
        self._stages = Counter("ferce_stage_seconds", "Time spent by stage", ["stage"], registry=into)
        self._faces = Counter("ferce_faces", "Faces in reports on photos", registry=into)
        ProcessCollector(registry=self._registry)

    def watch(self, name: str, words: str, value: Callable[[], float]) -> None:
        """Tell what a function returns whenever the figures are asked for."""
        from prometheus_client import Gauge

        gauge: Gauge = Gauge(name, words, registry=self._registry)
        gauge.set_function(value)

    def answered(self, route: str, status: int, seconds: float, code: str) -> None:
        """Count an answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if code:
            self._refused.labels(code).inc()

    def grouped(self, photos: int, seconds: float) -> None:
        """Count a group that was read together."""
        self._groups.observe(photos)
        self._group_seconds.observe(seconds)

    def spent(self, stages: Mapping[str, float], faces: int) -> None:
        """Count the milliseconds by stage of one report, and its faces."""
        for stage, milliseconds in stages.items():
            self._stages.labels(stage).inc(milliseconds / 1000)
        self._faces.inc(faces)

    def text(self) -> tuple[bytes, str]:
        """Return all figures as Prometheus reads them, and the media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST
