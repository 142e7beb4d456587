"""The suites of `ferce bench clips`: each makes its films, has them read by the product, and returns its tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ferce_agent.errors import SettingsError
from ferce_agent.views.progress import Display

SUITES: Final = ("speed", "damage", "tracking", "episodes", "eyes", "micro")
"""In the order in which they run: what is timed first."""
TRACKING_SEED: Final = 2
"""Of the clips that are reported; the rules of following were chosen on those of seeds 0 and 1."""
NEEDS_DATA: Final = {"episodes"}
"""Suites whose films are made of the faces of FER+."""


@dataclass(frozen=True, slots=True)
class ClipChoices:
    """What is measured.

    Attributes:
        suites: Which; empty for all that can be made with what is given.
        data: Folder with valid.parquet of FER+; None leaves out what needs it.
        megc: Kind (``cas-me2`` or ``samm-lv``) and folder of a data set of long films; None for none.
        minutes: Length of the film for the memory of `speed`, in minutes; 0 leaves it out.
        count: Damaged clips.
        each: Clips of each kind for `tracking`, and of each condition and frame rate for `episodes`.
    """

    suites: tuple[str, ...] = ()
    data: Path | None = None
    megc: tuple[str, Path] | None = None
    minutes: float = 0.0
    count: int = 300
    each: int = 2


def measure_clips(choices: ClipChoices) -> Iterator[str]:
    """Yield the tables of each suite as Markdown, each as soon as it is done.

    Raises:
        SettingsError: A suite was asked for that needs a folder, and none is given.
        DataError: A folder cannot be used.
    """
    for name in chosen(choices):
        yield f"### {name.capitalize()}\n\n{_measured(name, choices)}\n"
    if choices.megc is not None:
        yield f"### MEGC\n\n{_megc(*choices.megc)}\n"
    left_out = sorted(NEEDS_DATA - set(chosen(choices))) if not choices.suites and choices.data is None else []
    if left_out:
        yield f"*Left out: {', '.join(left_out)} (--data DIR was not given).*"


def chosen(choices: ClipChoices) -> tuple[str, ...]:
    """Return the suites that run.

    Raises:
        SettingsError: One of those asked for needs a folder, and none is given.
    """
    if not choices.suites:
        nothing_else = choices.megc is not None
        return () if nothing_else else tuple(one for one in SUITES if choices.data or one not in NEEDS_DATA)
    missing = sorted(NEEDS_DATA & set(choices.suites)) if choices.data is None else []
    if missing:
        raise SettingsError(f"{missing[0]} needs the faces of FER+.", hint="Give their folder with --data.")
    return tuple(one for one in SUITES if one in choices.suites)


def _measured(name: str, choices: ClipChoices) -> str:
    ways: dict[str, Callable[[ClipChoices], str]] = {
        "speed": _speed,
        "damage": _damage,
        "tracking": _tracking,
        "episodes": _episodes,
        "eyes": _eyes,
        "micro": _micro,
    }
    return ways[name](choices)


def _speed(choices: ClipChoices) -> str:
    from ferce_agent.evaluation.clips.speed import measure_clip_speed, speed_table

    return speed_table(measure_clip_speed(minutes=choices.minutes))


def _damage(choices: ClipChoices) -> str:
    from ferce_agent.evaluation.clips.damage import run_damage

    return run_damage(choices.count).table()


def _tracking(choices: ClipChoices) -> str:
    from ferce_agent.evaluation.clips.tracking import run_tracking

    lines: list[str] = []
    run_tracking(each=choices.each, seed=TRACKING_SEED, show=lines.append)
    return "\n".join(lines)


def _episodes(choices: ClipChoices) -> str:
    from ferce_agent.evaluation.clips.episodes import Suite, episode_table, run_episodes

    assert choices.data is not None
    return episode_table(run_episodes(choices.data, Suite(clips=choices.each)))


def _eyes(choices: ClipChoices) -> str:  # noqa: ARG001
    from ferce_agent.evaluation.clips.eyes import eye_tables, run_eyes
    from ferce_agent.pipeline import default_pipeline

    return eye_tables(run_eyes(default_pipeline()))


def _micro(choices: ClipChoices) -> str:  # noqa: ARG001
    from ferce_agent.evaluation.clips.micro import micro_table, run_micro

    with _shown("Micro-movements") as progress:
        return micro_table(run_micro(progress=progress))


def _megc(kind: str, folder: Path) -> str:
    from ferce_agent.evaluation.clips.micro import run_megc

    with _shown(kind) as progress:
        return run_megc(folder, kind, progress=progress).text()


@contextmanager
def _shown(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows on the terminal how many films are done."""
    with Display(100, title) as display:
        yield lambda done, of: display.show(100 * done / max(of, 1), f"{title}: {done} of {of}")
    sys.stderr.flush()
