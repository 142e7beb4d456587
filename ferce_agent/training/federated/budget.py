"""Differential privacy: what was asked for, what was released, and what that says (epsilon at delta).

Two kinds. ``central``: the server, which is trusted, cuts each client's change to a norm, takes the plain mean and adds
noise; what is protected is one client's whole part (McMahan et al. 2018). ``local``: each client trains with noise of
its own (DP-SGD, Abadi et al. 2016), so the server need not be trusted; what is protected is one face.

Epsilon is counted by opacus (Renyi, Mironov 2017). A release is written down before it leaves, so that a run that was
killed and goes on counts the one that was made twice as two.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.views.saving import write_whole

CLIPS: Final = {"central": 0.1, "local": 3.0}
"""Largest norm where none is given: of a client's change in a round, of the slope at one face."""
UNITS: Final = {
    "central": "one client's part in all rounds, against the same with no change from it; the server is trusted, every "
    "client is asked in every round",
    "local": "one face of a client, added or left out; the server is not trusted, faces are drawn by chance "
    "(Poisson) in each step",
}
DELTA: Final = 1e-5
"""Delta of all statements; a client with as many faces as 1 / delta would need a smaller one."""
ORDERS: Final = (*(1 + step / 20 for step in range(1, 200)), *range(11, 129), 192, 256, 384, 512, 1024)
"""Orders of Renyi divergences among which the accountant takes the best."""
FORM: Final = "central:NOISE or local:NOISE, such as central:1"


@dataclass(frozen=True, slots=True)
class Privacy:
    """What was asked for.

    Attributes:
        kind: ``central`` or ``local``.
        noise: Standard deviation of the noise over the largest norm, above 0.
        clip: Largest norm, above 0; see `CLIPS`.
    """

    kind: str
    noise: float
    clip: float

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: One cannot be used.
        """
        if self.kind not in CLIPS:
            raise SettingsError(f"There is no privacy '{self.kind[:40]}'.", hint=f"Use {FORM}.")
        if not (0.01 <= self.noise <= 1e3 and 1e-6 <= self.clip <= 1e6):  # also refuses NaN
            raise SettingsError("Noise or largest norm of privacy is out of range.", hint=f"Use {FORM}.")

    @property
    def title(self) -> str:
        """Its values as a part of a file's name."""
        return f"{self.kind}-{self.noise:g}-{self.clip:g}"

    @property
    def unit(self) -> str:
        """What is protected, against whom, and how units take part."""
        return UNITS[self.kind]


def privacy_of(text: str, clip: float | None = None) -> Privacy | None:
    """Read what a command asks for.

    Args:
        text: ``central:NOISE``, ``local:NOISE`` or empty for none.
        clip: Largest norm; None: the usual one.

    Raises:
        SettingsError: It says something else, or a value is out of range.
    """
    if not text:
        if clip is not None:
            raise SettingsError("A largest norm is for privacy only.", hint=f"Give --privacy {FORM}.")
        return None
    kind, _, value = text.partition(":")
    try:
        noise = float(value)
    except ValueError:
        raise SettingsError(f"'{text[:40]}' does not say how much noise.", hint=f"Use {FORM}.") from None
    return Privacy(kind, noise, CLIPS.get(kind, 1.0) if clip is None else clip)


def epsilon_of(noise: float, rate: float, steps: int, delta: float = DELTA) -> float:
    """Return epsilon of steps with Gaussian noise.

    Args:
        noise: Standard deviation over the largest norm, above 0.
        rate: Share of units that take part in a step, each drawn by itself, 0..1.
        steps: How many.
        delta: Probability with which epsilon may not hold, 0..1.
    """
    if not steps:
        return 0.0
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(noise, rate, steps)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the best order is the first or last: the bound holds all the same
        return float(accountant.get_epsilon(delta, alphas=list(ORDERS)))


@dataclass(frozen=True, slots=True)
class Spent:
    """What was released so far.

    Attributes:
        noise: Standard deviation over the largest norm.
        rate: Share of units that take part in a step.
        steps: How many there were.
    """

    noise: float
    rate: float
    steps: int

    @property
    def epsilon(self) -> float:
        """Epsilon at `DELTA`."""
        return epsilon_of(self.noise, self.rate, self.steps)


def spend(path: Path, noise: float, rate: float, steps: int) -> Spent:
    """Write down a release before it leaves.

    Args:
        path: File of one run at one place.
        noise: As of all earlier releases of the run.
        rate: As of all earlier releases of the run.
        steps: Of this release.

    Raises:
        DataError: The file is damaged, or tells of other noise.
        SettingsError: It cannot be written.
    """
    known = spent(path) or Spent(noise, rate, 0)
    if (known.noise, known.rate) != (noise, rate):
        raise DataError(f"{path.name} counts releases with other noise.", hint="Start a new run.")
    now = Spent(noise, rate, known.steps + steps)
    write_whole(path, json.dumps({"noise": noise, "rate": rate, "steps": now.steps}) + "\n")
    return now


def spent(path: Path) -> Spent | None:
    """Return what a file of `spend` tells; None: nothing was released.

    Raises:
        DataError: It is damaged.
    """
    try:
        told: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        found = Spent(float(told["noise"]), float(told["rate"]), int(told["steps"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name} does not say what was released.", hint="Start a new run.") from error
    if not (isfinite(found.noise) and found.noise > 0 and 0 < found.rate <= 1 and found.steps >= 0):
        raise DataError(f"{path.name} does not say what was released.", hint="Start a new run.")
    return found


def statement(privacy: Privacy, ledgers: Iterable[Path]) -> dict[str, Any]:
    """Return what can be said of a run: as plain data, with the largest epsilon of all its ledgers.

    Args:
        privacy: What was asked for.
        ledgers: Files of `spend`: the server's, or those of all clients.

    Raises:
        DataError: One is damaged.
    """
    found = [one for one in map(spent, ledgers) if one is not None]
    most = max(found, key=lambda one: one.epsilon, default=None)
    return {
        **{"kind": privacy.kind, "noise": privacy.noise, "clip": privacy.clip, "delta": DELTA, "unit": privacy.unit},
        "epsilon": most.epsilon if most else 0.0,
        "steps": most.steps if most else 0,
        "sampling": most.rate if most else 0.0,
    }


def sentence(told: Mapping[str, Any]) -> str:
    """Return a statement in words."""
    return (
        f"Differential privacy, {told['kind']}: epsilon {told['epsilon']:.2f} at delta {told['delta']:g} "
        f"(noise {told['noise']:g}, largest norm {told['clip']:g}, steps: {told['steps']}, sampling "
        f"{told['sampling']:.4f}). Protected: {told['unit']}. Not covered: accuracy on faces for judging."
    )
