"""Begins the scenario that a model asks for: the rules first, and files only from where it may name them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ferce_agent.tools.scenario_arguments import RunScenarioInput

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.graphs.scenario_work import ScenarioWork


def begun(asked: RunScenarioInput, roots: tuple[Path, ...], engines: Engines) -> ScenarioWork:
    """Return a run that the rules allow, before a file is opened.

    Args:
        asked: What the model asks.
        roots: Folders from which it may name files; its options name none.
        engines: Models and settings; what they say about the use holds, too.

    Raises:
        PolicyError: The rules refuse this use.
        InputError: Something cannot be used.
    """
    # Not at the top: the MCP server lists its tools before it needs the workflows, which take a second to import.
    from ferce_agent.graphs.scenario_work import ScenarioWork

    return ScenarioWork(
        asked.scenario,
        asked.sources,
        engines=engines,
        groups=asked.groups,
        options=asked.options,
        use_context=asked.use_context,
        end_s=asked.end_s,
        roots=roots,
    )
