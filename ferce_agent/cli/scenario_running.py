"""How `ferce scenario run` runs: what is asked, who takes the events, the bar, and warnings of a camera at once."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from ferce_agent.cli.output import echo_json, is_terminal
from ferce_agent.cli.results import plain_name
from ferce_agent.cli.targets import stem_of
from ferce_agent.cli.watching import SHORT_S, camera_notice
from ferce_agent.errors import FerceError

if TYPE_CHECKING:
    from ferce_agent.report.scenario import ScenarioReport
    from ferce_agent.report.scenario_events import ScenarioEvent
    from ferce_agent.settings import Settings
    from ferce_agent.views.progress import Display

Printed = Literal["text", "json", "events"]
"""What goes to standard output: text, the report, or what happens line by line."""
LONGEST_CHOICE: Final = 5_000_000
"""Characters of an option's value."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run, as given on the command line."""

    name: str
    sources: tuple[str, ...]
    camera: int | None
    groups: dict[str, list[str]]
    options: dict[str, Any]
    end_s: float | None
    use: dict[str, Any]

    def names(self) -> list[str]:
        """Return what each source that is read is called, those of folders one by one."""
        from ferce_agent.graphs.scenario_sources import plan
        from ferce_agent.scenarios.preset import preset

        planned = plan(preset(self.name), list(self.sources) or None, self.camera, self.groups or None)
        return [f"camera {one.given}" if one.kind == "camera" else plain_name(str(one.given)) for one in planned]


@dataclass(slots=True)
class Outputs:
    """What becomes of a run.

    Attributes:
        printed: What goes to standard output.
        stop: Set when the reading is to end with what was read so far.
        failed: Why sources could not be read, by their number from 0.
    """

    printed: Printed
    stop: threading.Event
    failed: dict[int, str] = field(default_factory=dict)


def read_choices(choices: Sequence[str]) -> dict[str, Any]:
    """Return options from ``name=value``: a value that is JSON as that, anything else as text.

    Raises:
        UsageError: One has no value, comes twice, or is a list or object that is broken off or wrong.
    """
    found: dict[str, Any] = {}
    for one in choices:
        name, sign, value = one.partition("=")
        name = name.strip()
        if not sign or not name:
            raise click.UsageError(f"--set takes OPTION=VALUE, not '{one[:80]}'.")
        if name in found:
            raise click.UsageError(f"--set gives {name[:80]} twice.")
        found[name] = _value(name, value)
    return found


def _value(name: str, text: str) -> Any:
    try:
        return json.loads(text[:LONGEST_CHOICE], parse_constant=str)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith(("[", "{")):
            raise click.UsageError(
                f"--set {name[:80]} begins as JSON, and is none: check brackets and quotes."
            ) from error
        return text


def grouped(groups: Sequence[str]) -> dict[str, list[str]]:
    """Return the sources of ``NAME=SOURCE`` by name.

    Raises:
        UsageError: One has no name or no source.
    """
    found: dict[str, list[str]] = {}
    for one in groups:
        name, _, source = one.partition("=")
        if not name.strip() or not source:
            raise click.UsageError(f"--group takes NAME=SOURCE, not '{one[:80]}'.")
        found.setdefault(name.strip(), []).append(source)
    return found


def perform(request: Request, settings: Settings, outputs: Outputs) -> ScenarioReport:
    """Run the scenario; what it tells on the way is passed on.

    Raises:
        FerceError: It is refused, nothing could be read, or a model is missing.
    """
    from ferce_agent.api import run_scenario
    from ferce_agent.graphs.engines import Engines

    with ExitStack() as stack:
        return run_scenario(
            request.name,
            list(request.sources) or None,
            camera=request.camera,
            groups=request.groups or None,
            options=request.options,
            end_s=request.end_s,
            use_context=request.use,
            engines=Engines(settings),
            on_event=Teller(stack, request, outputs),
            stop=outputs.stop,
        )


class Teller:
    """Takes the events of a run: lines of JSON, a bar on standard error, warnings of a camera, failed sources."""

    def __init__(self, stack: ExitStack, request: Request, outputs: Outputs) -> None:
        """Begin to measure the time; `stack` takes the bar away at its end."""
        self._stack, self._request, self._outputs = stack, request, outputs
        self._began = time.monotonic()
        self._names: list[str] = []
        self._begun = False
        self._display: Display | None = None
        # Lines of JSON on the same terminal would break the bar, and so would warnings.
        live = request.camera is not None
        self._silent = live or (outputs.printed == "events" and is_terminal(sys.stdout))

    def __call__(self, event: ScenarioEvent) -> None:
        """Take one event; the first one comes once the rules allow the run, and before a camera is opened."""
        if not self._begun:
            self._begun = True
            self._stack.enter_context(camera_notice(self._request.camera))
        if self._outputs.printed == "events":
            echo_json(event.model_dump(mode="json"), indent=None)
        if event.event == "progress":
            self._move(event.source, event.of_sources, event.time_s / event.of_s if event.of_s else 0.0)
        elif event.event == "source" and event.failed is not None:
            self._outputs.failed[event.source] = event.failed
        elif event.event in {"alert_begins", "alert_rises"} and self._request.camera is not None:
            self._warn(event)

    def _warn(self, event: Any) -> None:
        from ferce_agent.views.scenario_text import alert_text

        click.echo(alert_text(event.alert), err=True)

    def _move(self, source: int, of: int, share: float) -> None:
        """Show how far the work is, once it has lasted."""
        if self._display is None:
            if self._silent or time.monotonic() - self._began < SHORT_S:
                return
            from ferce_agent.views.progress import Display

            self._display = self._stack.enter_context(Display(of, self._request.name))
            self._names = [stem_of(one) for one in self._request.names()]
        name = self._names[source] if len(self._names) == of else ""
        self._display.show(source + min(share, 1.0), f"{source + 1} of {of}: {name}" if of > 1 else name)


class SourceFailedError(FerceError):
    """A source that could not be read; why is said in the message."""

    code = "source_failed"
