"""Sends requests to a server at a fixed rate with locust, in a process of its own, and reads what became of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from ferce_agent.api import analyze_expression
from ferce_agent.errors import EngineError, FerceError, MissingExtraError
from ferce_agent.evaluation.speed import vga_photo
from ferce_agent.inputs.photo import load_picture
from ferce_agent.web.answers import error_body, status_of

GOOD: Final = 4
"""Photos that can be read among the bodies."""
PATIENCE_S: Final = 60.0
"""Seconds after which a request counts as one without an answer."""
ANSWERS: Final = "answers.jsonl"
"""File in which locust writes what became of each request."""
REFUSED: Final = frozenset({429, 503, 504})
"""Statuses with which a server says that it has too much to do; a client may come back."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request sends.

    Attributes:
        kind: Its name.
        data: The bytes.
        status: The status that is the right answer, if the server takes it.
        media_type: What the bytes are said to be.
        told: The right answer as data, without what differs each time; None if only the status is looked at.
    """

    kind: str
    data: bytes
    status: int = 200
    media_type: str = "image/jpeg"
    told: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Driven:
    """What became of requests that were sent at a fixed rate.

    Attributes:
        offered: Requests a second that were sent.
        requests: How many.
        right: How many have the right status, and the right answer where it is known.
        refused: How many have a status of `REFUSED`.
        unanswered: How many have no answer.
        wrong: How many have any other status, or another answer.
        good: Photos a second that were read: answers with status 200, over the time until the last answer.
        p50_ms: Median of the milliseconds from when a photo was due to be sent until it was read; NaN if none was.
        p95_ms: 95th percentile of them.
        p99_ms: 99th percentile of them.
        statuses: How many answers have each status; 0: no answer.
        client_cpu: CPU seconds of locust a second, which are missing from the server on the same machine.
        different: How many of the wrong ones have the right status: another report, or another error.
    """

    offered: float
    requests: int
    right: int
    refused: int
    unanswered: int
    wrong: int
    good: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    statuses: dict[int, int]
    client_cpu: float
    different: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return asdict(self)


def good_and_bad() -> tuple[Body, ...]:
    """Return `GOOD` photos of 640x480 with one face each, then inputs that cannot be read, with their right answers.

    No two photos have the same report, so that an answer that belongs to another request is found out. The reports are
    those of this package with its usual settings.
    """
    photos = good_photos()
    whole = photos[0]
    bad = {"text": b"This is no picture.", "cut off": whole[: len(whole) // 3], "empty": b"", "junk": whole[::-1]}
    good = [Body(f"photo {place}", data, told=_report_of(data)) for place, data in enumerate(photos)]
    return *good, *(_bad(kind, data) for kind, data in bad.items())


def good_photos() -> list[bytes]:
    """Return `GOOD` photos of 640x480: the demo photo as it is, mirrored, darker, and moved."""
    first = vga_photo()
    pixels = np.asarray(cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    others = (pixels[:, ::-1], np.asarray(pixels * 0.8, np.uint8), np.roll(pixels, (8, 24), (0, 1)))
    return [first, *(cv2.imencode(".jpg", np.ascontiguousarray(one))[1].tobytes() for one in others)]


def _report_of(photo: bytes) -> dict[str, Any]:
    return lasting(analyze_expression(photo).model_dump(mode="json"))


def _bad(kind: str, data: bytes) -> Body:
    try:
        load_picture(data)
    except FerceError as error:
        return Body(kind, data, status_of(error), told=None if not data else error_body(error))
    raise EngineError("An input that should be bad can be read.", hint="This is a bug; please report it.")


def lasting(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report as data without what differs each time: when it was made, and how long it took."""
    provenance = report.get("provenance")
    if not isinstance(provenance, Mapping):
        return dict(report)
    kept = {key: value for key, value in provenance.items() if key not in {"timings_ms", "created_at"}}
    return {**report, "provenance": kept}


def with_bad(requests: int, kinds: int, every: int = 100, good: int = 1) -> list[int]:
    """Return the numbers of the bodies of so many requests: every so often a bad one, each kind in turn.

    Args:
        requests: How many.
        kinds: Number of bodies; the first ones are good.
        every: One in so many is bad.
        good: How many kinds are good; they take turns, too.
    """
    bad = kinds - good
    return [
        good + number // every % bad if bad and number % every == every - 1 else number % good
        for number in range(requests)
    ]


def find_locust(named: Path | None = None) -> list[str]:
    """Return the command that starts locust: the program that is named, else this Python's own, else one on the path.

    Raises:
        MissingExtraError: There is none.
    """
    from importlib.util import find_spec

    if named is not None:
        return [str(named)]
    if find_spec("locust") is not None:
        return [sys.executable, "-m", "locust"]
    if found := shutil.which("locust"):
        return [found]
    raise MissingExtraError("locust", "load")


def drive(address: str, rate: float, bodies: Sequence[Body], sequence: Sequence[int], locust: Sequence[str]) -> Driven:
    """Send requests at a fixed rate, and wait for all answers.

    A request is sent when it is due, whatever became of those before it: a slow server is not spared.

    Args:
        address: Where photos are posted.
        rate: Requests a second.
        bodies: What may be sent.
        sequence: Which body each request sends.
        locust: The command that starts locust.

    Raises:
        EngineError: Locust failed.
    """
    with tempfile.TemporaryDirectory(prefix="ferce-load-") as name:
        folder = Path(name)
        _write_plan(folder, address, rate, bodies, sequence)
        _run(locust, folder / "plan.json", PATIENCE_S + len(sequence) / rate * 3)
        return _judged(folder / ANSWERS, rate, bodies)


def _judged(answers: Path, rate: float, bodies: Sequence[Body]) -> Driven:
    """Read what became of the requests; answers are compared one by one, since 10,000 of them are much memory."""
    lines: list[tuple[int, int, float, int]] = []
    different: set[int] = set()
    spent: dict[str, float] = {}
    for found in _lines(answers):
        if isinstance(found, dict):
            spent = found
            continue
        number, body, milliseconds, status, text = found
        lines.append((number, body, milliseconds, status))
        if status == bodies[body].status and not is_right(bodies[body], text):
            different.add(number)
    return driven(rate, bodies, lines, spent, different)


def _lines(answers: Path) -> Iterator[Any]:
    with answers.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def is_right(body: Body, text: str) -> bool:
    """Return whether an answer with the right status says what it should, where that is known."""
    if body.told is None:
        return True
    try:
        answer = json.loads(text)
    except ValueError:
        return False
    return isinstance(answer, dict) and lasting(answer) == body.told


def _write_plan(folder: Path, address: str, rate: float, bodies: Sequence[Body], sequence: Sequence[int]) -> None:
    files = [folder / f"{place}.body" for place in range(len(bodies))]
    for file, body in zip(files, bodies, strict=True):
        file.write_bytes(body.data)
    token = os.environ.get("FERCE_TOKEN")
    plan = {
        "address": address,
        "rate": rate,
        "bodies": [
            {
                "file": str(file),
                "media_type": body.media_type,
                "status": body.status,
                "looked_at": body.told is not None,
            }
            for file, body in zip(files, bodies, strict=True)
        ],
        "sequence": list(sequence),
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "out": str(folder / ANSWERS),
    }
    (folder / "plan.json").write_text(json.dumps(plan), "utf-8")


def _run(locust: Sequence[str], plan: Path, seconds: float) -> None:
    script = Path(__file__).with_name("locust_script.py")
    command = [*locust, "-f", str(script), "--headless", "-u", "1", "-r", "1", "--only-summary", "-L", "ERROR"]
    environment = {**os.environ, "FERCE_LOAD_PLAN": str(plan), "FERCE_LOAD_TIMEOUT": str(PATIENCE_S)}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds, check=False, cwd=plan.parent
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"Locust did not do its work ({type(error).__name__}).") from error
    if not plan.with_name(ANSWERS).exists():
        raise EngineError(f"Locust failed: {done.stderr.strip()[-500:]}", hint="Try the program by itself.")


def driven(
    rate: float,
    bodies: Sequence[Body],
    lines: Sequence[tuple[int, int, float, int]],
    spent: Mapping[str, float],
    different: Set[int] = frozenset(),
) -> Driven:
    """Return the figures of what locust wrote down.

    Args:
        rate: Requests a second.
        bodies: What was sent.
        lines: Number, body, milliseconds and status of each request.
        spent: Its CPU seconds (``cpu_s``) and wall-clock seconds (``seconds``).
        different: Numbers of the requests whose answer has the right status and says something else.
    """
    statuses = Counter(status for *_, status in lines)
    right = sum(status == bodies[body].status for _, body, _, status in lines) - len(different)
    refused = sum(statuses[status] for status in REFUSED)
    times = [ms for _, _, ms, status in lines if status == 200] or [float("nan")]
    last = max((number / rate + ms / 1000 for number, _, ms, status in lines if status == 200), default=0.0)
    p50, p95, p99 = np.percentile(times, [50, 95, 99]).tolist()
    return Driven(
        offered=rate,
        requests=len(lines),
        right=right,
        refused=refused,
        unanswered=statuses[0],
        wrong=len(lines) - right - refused - statuses[0],
        good=statuses[200] / last if last else 0.0,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        statuses=dict(sorted(statuses.items())),
        client_cpu=spent["cpu_s"] / spent["seconds"],
        different=len(different),
    )
