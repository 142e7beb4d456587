"""From a use to a decision: which rules apply, and what they leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import PolicyError
from ferce_agent.policy.rules import STRICTNESS, Rule, Verdict, rules
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.report import Policy
from ferce_agent.report.scenario import ScenarioName

ASK_THEM: Final = "Where the people shown or heard agree, say so: --consent, or consent = true in the use context."
"""What a caller can do where the missing consent is all that keeps faces or sound from a remote model."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What may be done for a use.

    Attributes:
        decision: That of the strictest rule.
        rules: Ids of the rules that applied, in the order of the file.
        notice: What to keep in mind, or to tell the people shown or heard.
        may_infer: Whether expressions may be read; if not, only movements and measures of the voice are told.
        may_send: Whether a vision-language model may be asked, or sound sent to a transcriber.
    """

    decision: Verdict
    rules: tuple[str, ...]
    notice: str
    may_infer: bool
    may_send: bool

    @property
    def binding(self) -> tuple[Rule, ...]:
        """The rules that hold something back, in the order of the file."""
        return tuple(rule for rule in rules() if rule.id in self.rules and rule.is_binding)

    @property
    def cited(self) -> str:
        """The rules that hold something back, with their sources."""
        return "; ".join(f"{rule.id} ({rule.source})" for rule in self.binding)

    @property
    def lacks_consent(self) -> bool:
        """Whether all that keeps pictures or sound from a remote model is that nobody said that the people agree."""
        return [rule.id for rule in self.binding] == ["remote-needs-consent"]

    @property
    def policy(self) -> Policy:
        """The report's account of the decision."""
        return Policy(decision=self.decision, rules=self.rules, notice=self.notice)


def decide(
    use: UseContext,
    *,
    remote: bool,
    own: UseContext = NOT_STATED,
    heard: bool = False,
    scenario: ScenarioName | None = None,
) -> Decision:
    """Return what may be done.

    What the caller leaves open is taken from the operator's own use. The caller cannot loosen that: a rule that holds
    something back for the operator's own use does so for every caller. Whether the people shown or heard agreed is
    known to whoever has the picture or the sound: where the operator leaves that open, the caller's word counts.

    Args:
        use: What the caller says.
        remote: Whether a vision-language model or a transcriber that runs elsewhere is set up.
        own: What the operator of a server says.
        heard: Whether sound is listened to: then the people heard are to be told, too.
        scenario: Which scenario is run, as some have rules of their own; None for none.
    """
    usual = not remote and not heard and scenario is None and use == own == NOT_STATED
    return _usual() if usual else _decided(use, own, Facts(remote, heard, scenario))


@once
def _usual() -> Decision:
    """Return the decision where nobody says anything and no model runs elsewhere, as for most photos: made once."""
    return _decided(NOT_STATED, NOT_STATED, Facts())


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds whatever anybody says of the use.

    Attributes:
        remote: Whether a model that runs elsewhere is set up.
        heard: Whether sound is listened to.
        scenario: Which scenario is run; None for none.
    """

    remote: bool = False
    heard: bool = False
    scenario: ScenarioName | None = None


def _decided(use: UseContext, own: UseContext, facts: Facts) -> Decision:
    # Who reads, and whether the people agree, is known to whoever has the picture or the sound.
    open_ = {name: getattr(use, name) for name in ("consent", "observer") if getattr(own, name) is None}
    agreed = own.model_copy(update=open_)
    general, asked = (applying(one, facts) for one in (agreed, use.completed_by(own)))
    bound = [rule for rule in general if rule.is_binding]
    # Where the operator's rule binds against the caller's words, those words are not what holds.
    overruled = any(rule not in asked for rule in bound)
    notes = general if overruled else asked
    found = {rule.id for rule in (*bound, *notes, *(rule for rule in asked if rule.is_binding))}
    return combined([rule for rule in rules() if rule.id in found])


def standard_policy() -> Policy:
    """Return the policy of a call that states no use: allowed, with the notice."""
    return decide(NOT_STATED, remote=False).policy


def applying(use: UseContext, facts: Facts) -> list[Rule]:
    """Return the rules whose conditions hold."""
    return [rule for rule in rules() if rule.when.holds(use, facts.remote, facts.heard, facts.scenario)]


def combined(found: list[Rule]) -> Decision:
    """Return what several rules together decide."""
    effects = {rule.effect for rule in found}
    may_infer = not effects & {"refuse", "no_inference"}
    return Decision(
        decision=max((rule.decision for rule in found), key=STRICTNESS.index, default="allowed"),
        rules=tuple(rule.id for rule in found),
        notice=notice_of(found),
        may_infer=may_infer,
        may_send=may_infer and "no_sending" not in effects,
    )


def notice_of(found: Iterable[Rule]) -> str:
    """Return what the rules mean for the caller; a sentence for the people shown is quoted."""
    return " ".join(f'{rule.words} For a sign: "{rule.sign}"' if rule.sign else rule.words for rule in found)


def permit(
    use: UseContext,
    *,
    remote: bool,
    own: UseContext = NOT_STATED,
    heard: bool = False,
    scenario: ScenarioName | None = None,
) -> Decision:
    """Return what may be done, see `decide`.

    Raises:
        PolicyError: The use is refused; the message names the rule and its source.
    """
    decision = decide(use, remote=remote, own=own, heard=heard, scenario=scenario)
    if decision.decision == "refused":
        refusing = next(rule for rule in decision.binding if rule.effect == "refuse")
        raise PolicyError(
            f"This use is refused by the rule {refusing.id} ({refusing.source}). {refusing.words}",
            hint="All rules: ferce policy",
        )
    return decision


def check_sending(decision: Decision, what: str = "faces") -> None:
    """Refuse to go on where a face, or sound, would be sent away that must stay.

    Args:
        decision: What the rules allow.
        what: What would be sent, for the message.

    Raises:
        PolicyError: The decision holds it back from a remote model.
    """
    if not decision.may_send:
        raise PolicyError(
            f"The {what} may not be sent to the model. Rule: {decision.cited}.",
            hint=f"{ASK_THEM} A model on this machine needs none."
            if decision.lacks_consent
            else "All rules: ferce policy",
        )
