"""How well a gate network does on patches it has not learnt from, and which thresholds follow from that.

The patches are made from FER+'s validation faces, from coverings and textures drawn with another seed, and from
held-out pictures without faces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.specialist.gates import REGIONS, GateCard, Gates
from ferce_agent.training.coverings import COVERINGS, DISTRACTORS
from ferce_agent.training.drawings import STYLES
from ferce_agent.training.gate_pictures import Studio, Target, View, random_view

Array = NDArray[Any]
LOST: Final = 0.005
"""Share of upright, uncovered faces that may be taken for something else."""
FALSE_FLAGS: Final = 0.03
"""Share of uncovered faces of which a region may be called covered."""
WRONG: Final = 30.0
WRONG_SHARE: Final = 0.01
"""Of the rolls that count as certain, so many may be wrong by more than `WRONG` degrees."""
PHOTOS_DRAWN: Final = 0.01
"""Share of photographed faces that may be called drawn."""
BANDS: Final = ((0, 20), (20, 60), (60, 120), (120, 180))
"""Bands of the turn, in degrees to either side."""


@dataclass(frozen=True, slots=True)
class Checked:
    """N patches of one kind: what they show and what the network said.

    Attributes:
        kind: In words.
        targets: What each shows, length N.
        outputs: The network's outputs by name, each (N, columns).
    """

    kind: str
    targets: list[Target]
    outputs: dict[str, Array]

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.targets)

    @property
    def roll_error(self) -> Array:
        """Degrees by which the roll is off, 0..180, shape (N,)."""
        found = np.degrees(np.arctan2(self.outputs["turn"][:, 1], self.outputs["turn"][:, 0]))
        off = found - np.array([target.roll for target in self.targets])
        return np.asarray(np.abs((off + 180) % 360 - 180))

    @property
    def certain(self) -> Array:
        """How sure the roll is, 0..1, shape (N,)."""
        return np.asarray(np.hypot(self.outputs["turn"][:, 0], self.outputs["turn"][:, 1]).clip(0, 1))

    @property
    def human(self) -> Array:
        """Probability of a human face, shape (N,)."""
        return self.outputs["human"][:, 0]

    @property
    def drawn(self) -> Array:
        """Probability of a drawing, shape (N,)."""
        return self.outputs["drawn"][:, 0]

    @property
    def shares(self) -> Array:
        """Share of each region that is covered, shape (N, 3)."""
        return np.stack([target.covered for target in self.targets])

    def flags(self, card: GateCard) -> Array:
        """Return which regions are called covered, shape (N, 3)."""
        limits = np.array([card.covered[region] for region in REGIONS])
        return np.asarray(self.outputs["covered"] >= limits)


def check(gates: Gates, kind: str, made: Iterable[tuple[Array, Target]]) -> Checked:
    """Let the network look at some patches."""
    patches, targets = zip(*made, strict=True)
    return Checked(kind, list(targets), gates.run(np.stack(patches)))


@dataclass(frozen=True, slots=True)
class Checks:
    """Everything looked at.

    Attributes:
        plain: Uncovered faces as they are in FER+, turned by at most 20 degrees.
        bands: Faces turned by the degrees of each of `BANDS`; half as they are, half spoilt and some of these covered.
        coverings: By kind of covering, spoilt faces turned as in training.
        distractors: The same for what covers nothing.
        drawings: By style.
        others: By kind, what is no face.
    """

    plain: Checked
    bands: list[Checked]
    coverings: list[Checked]
    distractors: list[Checked]
    drawings: list[Checked]
    others: list[Checked]


def run_checks(gates: Gates, studio: Studio, seed: int, each: int = 150) -> Checks:
    """Look at patches of all kinds, `each` per kind and more of those that thresholds hang on.

    Args:
        gates: The network.
        studio: Makes the patches; of held-out faces and pictures.
        seed: Of the patches.
        each: Patches per kind.
    """
    rng = np.random.default_rng(seed)
    count = len(studio.faces)

    def some(times: int = 1) -> list[int]:
        return [int(index) for index in rng.integers(0, count, each * times)]

    def band(low: int, high: int) -> Iterable[tuple[Array, Target]]:
        for number, index in enumerate(some(3)):
            turn, plain = float(rng.choice([-1, 1]) * rng.uniform(low, high)), number % 2 == 0
            kind = str(rng.choice(list(COVERINGS))) if not plain and rng.random() < 0.25 else None
            yield studio.face(index, rng, kind, random_view(rng, turn), plain=plain)

    def drawings(style: str) -> Iterable[tuple[Array, Target]]:
        return (studio.drawing(index, rng, random_view(rng), style) for index in some())

    kinds = sorted(set(studio.others.kinds))
    places = {kind: [i for i, other in enumerate(studio.others.kinds) if other == kind][: 2 * each] for kind in kinds}
    order = rng.permutation(count)[: 16 * each]
    return Checks(
        check(
            gates,
            "plain",
            (studio.face(int(i), rng, None, _mild(random_view(rng, rng.uniform(-20, 20))), plain=True) for i in order),
        ),
        [check(gates, f"{low} to {high} degrees", band(low, high)) for low, high in BANDS],
        [check(gates, kind, (studio.face(i, rng, kind, random_view(rng)) for i in some())) for kind in COVERINGS],
        [check(gates, kind, (studio.face(i, rng, kind, random_view(rng)) for i in some())) for kind in DISTRACTORS],
        [check(gates, style, drawings(style)) for style in STYLES],
        [
            check(gates, kind, (studio.other(i, rng, random_view(rng)) for i in indices))
            for kind, indices in places.items()
        ],
    )


def _mild(view: View) -> View:
    return replace(view, stretch=1.0)


def choose_thresholds(checks: Checks, card: GateCard) -> GateCard:
    """Return the card with the thresholds that follow from the checks.

    `human`: at most `LOST` of the plain faces are under it. `drawn`: at most `PHOTOS_DRAWN` of them reach it.
    `covered`: all regions equally strict, at most `FALSE_FLAGS` of the faces on which nothing is covered get a flag.
    `certain`: of the rolls that reach it, at most `WRONG_SHARE` are wrong.
    """
    human = float(np.quantile(checks.plain.human, LOST))
    drawn = float(np.quantile(checks.plain.drawn, 1 - PHOTOS_DRAWN))
    free = (checks.plain, *checks.distractors)
    said = np.concatenate([part.outputs["covered"][part.shares.max(1) < 0.25] for part in free])
    ranks = np.linspace(FALSE_FLAGS, 0, 60)
    limits = np.quantile(said, 1 - ranks, axis=0)
    fine = [row for row in limits if (said >= row).any(1).mean() <= FALSE_FLAGS]
    covered = dict(zip(REGIONS, (round(float(value), 4) for value in (fine[0] if fine else limits[-1])), strict=True))
    return replace(
        card,
        human=round(human, 4),
        drawn=round(drawn, 4),
        covered=covered,
        certain=round(least_certain(checks.bands), 4),
    )


def least_certain(bands: list[Checked]) -> float:
    """Return the least `certain` from which on at most `WRONG_SHARE` of the rolls are wrong by more than `WRONG`."""
    errors = np.concatenate([part.roll_error for part in bands])
    certain = np.concatenate([part.certain for part in bands])
    known = np.isfinite(errors)
    order = np.argsort(-certain[known])
    wrong = np.cumsum(errors[known][order] > WRONG) / np.arange(1, int(known.sum()) + 1)
    fine = np.flatnonzero(wrong <= WRONG_SHARE)
    return float(certain[known][order][fine[-1]]) if len(fine) else 1.0


def tables(checks: Checks, card: GateCard) -> str:
    """Return what was found, with the card's thresholds, as Markdown."""
    return "\n\n".join([_roll_table(checks, card), _covered_table(checks, card), _human_table(checks, card)])


def _roll_table(checks: Checks, card: GateCard) -> str:
    rows = []
    for part in checks.bands:
        known = np.isfinite(part.roll_error)
        error, sure = part.roll_error[known], part.certain[known] >= card.certain
        wrong = float((error[sure] > WRONG).mean()) if sure.any() else 0.0
        rows.append(
            f"| {part.kind} | {len(error)} | {np.median(error):.1f} | {(error <= 20).mean():.3f} "
            f"| {sure.mean():.3f} | {wrong:.4f} |"
        )
    head = "| turned by | patches | median error | within 20 degrees | certain | of these wrong by over 30 |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def _covered_table(checks: Checks, card: GateCard) -> str:
    rows = [_covered_row("nothing (FER+ as it is)", checks.plain, card)]
    rows += [_covered_row(part.kind, part, card) for part in (*checks.distractors, *checks.coverings)]
    head = (
        "| drawn over the face | patches | false flags where nothing is covered | flagged where a region is "
        f"| {' | '.join(f'{region} found' for region in REGIONS)} |\n|---|---|---|---|{'---|' * len(REGIONS)}"
    )
    return "\n".join([head, *rows])


def _covered_row(name: str, part: Checked, card: GateCard) -> str:
    flags, shares = part.flags(card), part.shares
    free, hidden = shares.max(1) < 0.25, shares.max(1) > 0.5
    cells = [_share(flags[free].any(1)), _share(flags[hidden].any(1))]
    cells += [_share(flags[shares[:, place] > 0.5, place]) for place in range(len(REGIONS))]
    return f"| {name} | {len(part)} | {' | '.join(cells)} |"


def _share(found: Array) -> str:
    return f"{found.mean():.3f} ({len(found)})" if len(found) else "–"


def _human_table(checks: Checks, card: GateCard) -> str:
    rows = [
        f"| {name} | {len(part)} | {(part.human >= card.human).mean():.4f} | {(part.drawn >= card.drawn).mean():.4f} |"
        for name, part in [
            ("faces, plain", checks.plain),
            *((f"faces, {part.kind}", part) for part in checks.bands),
            *((f"drawings, {part.kind}", part) for part in checks.drawings),
            *((part.kind, part) for part in checks.others),
        ]
    ]
    others = np.concatenate([part.human for part in checks.others])
    rows.append(f"| **all that is no face** | {len(others)} | {(others >= card.human).mean():.4f} | |")
    return "\n".join(["| patches of | patches | taken for a human face | called drawn |\n|---|---|---|---|", *rows])
