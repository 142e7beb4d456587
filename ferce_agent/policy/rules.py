"""The rules of `rules.toml`: loaded once, checked, then immutable."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import SettingsError
from ferce_agent.policy.labels import Domain, Grounds, Jurisdiction, Observer
from ferce_agent.policy.use import UseContext
from ferce_agent.report.scenario import ScenarioName

Verdict = Literal["allowed", "restricted", "refused"]
"""What a rule decides."""
Effect = Literal["refuse", "no_inference", "no_sending", "tell", "note"]
"""What follows from it; see `rules.toml`."""
Known = Literal["yes", "no", "unknown"]
"""A fact that the caller states, denies or leaves open."""

STRICTNESS: Final[tuple[Verdict, ...]] = ("allowed", "restricted", "refused")
"""Decisions from the mildest to the strictest; of several rules the strictest decides."""
VERDICT: Final[dict[Effect, Verdict]] = {
    "refuse": "refused",
    "no_inference": "restricted",
    "no_sending": "restricted",
    "tell": "allowed",
    "note": "allowed",
}
"""The one decision that goes with each effect."""
KNOWN: Final[dict[bool | None, Known]] = {True: "yes", False: "no", None: "unknown"}

RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Entry(BaseModel):
    """Base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class When(Entry):
    """Conditions of a rule; they are explained in `rules.toml`. An empty list and null hold always."""

    domain: tuple[Domain, ...] = ()
    jurisdiction: tuple[Jurisdiction, ...] = ()
    basis: tuple[Grounds, ...] = ()
    consent: tuple[Known, ...] = ()
    minors: tuple[Known, ...] = ()
    remote: bool | None = None
    stated: bool | None = None
    heard: bool | None = None
    scenario: tuple[ScenarioName, ...] = ()
    observer: tuple[Observer | Literal["unknown"], ...] = ()

    def holds(self, use: UseContext, remote: bool, heard: bool = False, scenario: ScenarioName | None = None) -> bool:
        """Return whether all conditions hold.

        Args:
            use: What the report is used for.
            remote: Whether a model that runs elsewhere is set up.
            heard: Whether sound is listened to.
            scenario: Which scenario is run; None for none.
        """
        lists: tuple[tuple[tuple[str, ...], str | None], ...] = (
            (self.domain, use.domain),
            (self.jurisdiction, use.jurisdiction),
            (self.basis, use.basis),
            (self.consent, KNOWN[use.consent]),
            (self.minors, KNOWN[use.minors]),
            (self.scenario, scenario),
            (self.observer, use.observer or "unknown"),
        )
        switches = ((self.remote, remote), (self.stated, use.is_stated), (self.heard, heard))
        listed = all(not wanted or found in wanted for wanted, found in lists)
        return listed and all(wanted in (None, found) for wanted, found in switches)


class Rule(Entry):
    """One rule; the fields are explained in `rules.toml`."""

    id: RuleId
    when: When
    decision: Verdict
    effect: Effect
    source: Words
    words: Words
    sign: Annotated[str, StringConstraints(max_length=200)] = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.decision != VERDICT[self.effect]:
            raise ValueError(f"{self.id}: the effect {self.effect} goes with the decision {VERDICT[self.effect]}")
        if (self.effect == "tell") != bool(self.sign):
            raise ValueError(f"{self.id}: a sign goes with the effect tell, and only with that")
        return self

    @property
    def is_binding(self) -> bool:
        """Whether the rule holds something back."""
        return self.decision != "allowed"


class RuleBook(Entry):
    """All rules, in the order of the file."""

    rule: tuple[Rule, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if len({rule.id for rule in self.rule}) != len(self.rule):
            raise ValueError("rule ids repeat")
        return self


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Return the rules of a TOML text.

    Raises:
        SettingsError: The text is not TOML, or a rule does not hold together.
    """
    try:
        return RuleBook.model_validate(tomllib.loads(text)).rule
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError("The policy rules are damaged.", hint=str(error)) from error


@once
def rules() -> tuple[Rule, ...]:
    """Return the rules of this package, in the order of the file.

    Raises:
        SettingsError: The file is damaged.
    """
    return parse_rules((resources.files("ferce_agent.policy") / "rules.toml").read_text("utf-8"))
