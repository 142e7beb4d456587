from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import PolicyError
from ferce_agent.policy.decide import Decision, check_sending, combined, decide, permit, standard_policy
from ferce_agent.policy.labels import Domain, Grounds, Jurisdiction, Observer
from ferce_agent.policy.rules import STRICTNESS, Rule, rules
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.report.scenario import ScenarioName

REFUSED = (
    "deception_detection",
    "recruitment",
    "law_enforcement",
    "identification",
    "migration",
    "credit",
    "insurance",
)
WORK = UseContext(domain="workplace", jurisdiction="eu")
CARE = UseContext(domain="workplace", jurisdiction="eu", basis="medical")
ROBOT = UseContext(domain="assistant", jurisdiction="other")

EXAMPLES: dict[str, tuple[tuple[UseContext, bool], tuple[UseContext, bool]]] = {
    "no-deception-detection": ((UseContext(domain="deception_detection"), False), (ROBOT, False)),
    "no-recruitment": ((UseContext(domain="recruitment", jurisdiction="other"), False), (WORK, False)),
    "no-law-enforcement": ((UseContext(domain="law_enforcement", consent=True), False), (ROBOT, False)),
    "no-identification": ((UseContext(domain="identification"), False), (ROBOT, False)),
    "no-migration": ((UseContext(domain="migration", basis="safety"), False), (ROBOT, False)),
    "no-credit": ((UseContext(domain="credit"), False), (UseContext(domain="insurance"), False)),
    "no-insurance": ((UseContext(domain="insurance"), False), (UseContext(domain="credit"), False)),
    "eu-ai-act-5-1-f": ((UseContext(domain="education"), False), (CARE, False)),
    "remote-needs-consent": ((NOT_STATED, True), (UseContext(consent=True), True)),
    "remote-consent-withheld": ((UseContext(consent=False), True), (UseContext(consent=False), False)),
    "remote-not-minors": ((UseContext(minors=True, consent=True), True), (UseContext(minors=True), False)),
    "eu-ai-act-5-1-f-exception": ((CARE, False), (WORK, False)),
    "eu-ai-act-50-3": ((UseContext(domain="entertainment", jurisdiction="eu"), False), (ROBOT, False)),
    "eu-ai-act-annex-iii-1-c": ((UseContext(domain="general", jurisdiction="eu"), False), (WORK, False)),
    "eu-ai-act-2-6": (
        (UseContext(domain="research", jurisdiction="eu"), False),
        (UseContext(domain="research"), False),
    ),
    "no-medical-device": ((UseContext(domain="healthcare"), False), (CARE, False)),
    "use-stated": ((UseContext(purpose="a photo booth"), False), (NOT_STATED, False)),
    "no-purpose-stated": ((UseContext(consent=True), False), (ROBOT, False)),
}
"""For each rule a use that triggers it and one that does not, with whether a remote model is set up."""

USES = st.builds(
    UseContext,
    domain=st.sampled_from([None, *get_args(Domain)]),
    jurisdiction=st.sampled_from(get_args(Jurisdiction)),
    purpose=st.sampled_from(["", "a photo booth"]),
    basis=st.sampled_from(get_args(Grounds)),
    consent=st.sampled_from([None, True, False]),
    minors=st.sampled_from([None, True, False]),
    observer=st.sampled_from([None, *get_args(Observer)]),
)
SCENARIOS = st.sampled_from([None, *get_args(ScenarioName)])


def severity(decision: Decision) -> tuple[int, bool, bool]:
    return STRICTNESS.index(decision.decision), not decision.may_infer, not decision.may_send


def not_stricter(one: Decision, other: Decision) -> bool:
    """Return whether `one` holds nothing back that `other` allows."""
    return all(mine <= theirs for mine, theirs in zip(severity(one), severity(other), strict=True))


HEARD = {"eu-ai-act-50-3-heard": (UseContext(jurisdiction="eu"), ROBOT)}
"""Likewise for the rules that hold only where sound is listened to."""
MINE = UseContext(observer="self")
IN_SCENARIOS: dict[str, tuple[ScenarioName, UseContext, UseContext | None]] = {
    "wellbeing-not-at-work": ("wellbeing", UseContext(domain="workplace", observer="self", basis="medical"), MINE),
    "wellbeing-no-third-party": ("wellbeing", UseContext(observer="third_party", consent=True), MINE),
    "wellbeing-say-who-reads": ("wellbeing", UseContext(consent=True), MINE),
    "wellbeing-clinician-needs-consent": (
        "wellbeing",
        UseContext(observer="clinician"),
        UseContext(observer="clinician", consent=True),
    ),
    "audience-needs-consent": ("audience", UseContext(consent=False), UseContext(consent=True)),
    "audience-not-minors": ("audience", UseContext(minors=True, consent=True), UseContext(consent=True)),
    "driver-not-certified": ("driver", NOT_STATED, None),
    "engagement-groups": ("engagement", NOT_STATED, None),
    "audience-groups": ("audience", UseContext(consent=True), None),
    "moderation-people-decide": ("moderation", NOT_STATED, None),
    "wellbeing-no-illness": ("wellbeing", MINE, None),
}
"""For each rule of a scenario a use that triggers it there, and one that does not; None where every use does."""


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.when.scenario], ids=lambda rule: rule.id)
def test_every_rule_of_a_scenario_holds_in_it_alone(rule: Rule) -> None:
    name, yes, no = IN_SCENARIOS[rule.id]
    assert rule.id in decide(yes, remote=False, scenario=name).rules
    assert no is None or rule.id not in decide(no, remote=False, scenario=name).rules
    for other in (None, *get_args(ScenarioName)):
        if other not in rule.when.scenario:
            assert rule.id not in decide(yes, remote=False, scenario=other).rules


def test_who_reads_is_said_by_whoever_has_the_readings_unless_the_operator_says_it() -> None:
    assert permit(MINE, remote=False, scenario="wellbeing").may_infer
    assert permit(MINE, remote=False, scenario="wellbeing", own=UseContext(jurisdiction="eu")).may_infer
    with pytest.raises(PolicyError, match="wellbeing-no-third-party"):
        permit(MINE, remote=False, scenario="wellbeing", own=UseContext(observer="third_party"))


USUAL_RULES = [rule for rule in rules() if not rule.when.heard and not rule.when.scenario]


@pytest.mark.parametrize("rule", USUAL_RULES, ids=lambda rule: rule.id)
def test_every_rule_is_triggered_by_one_use_and_not_by_another(rule: object) -> None:
    name = str(getattr(rule, "id", ""))
    (yes, remote), (no, other) = EXAMPLES[name]
    assert name in decide(yes, remote=remote).rules
    assert name not in decide(no, remote=other).rules


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.when.heard], ids=lambda rule: rule.id)
def test_rules_on_what_is_heard_hold_for_sound_alone(rule: Rule) -> None:
    yes, no = HEARD[rule.id]
    assert rule.id in decide(yes, remote=False, heard=True).rules
    assert rule.id not in decide(yes, remote=False).rules
    assert rule.id not in decide(no, remote=False, heard=True).rules


def test_where_sound_is_listened_to_the_sign_speaks_of_voices_and_else_it_does_not() -> None:
    use = UseContext(domain="entertainment", jurisdiction="eu")
    seen, heard = decide(use, remote=False), decide(use, remote=False, heard=True)
    assert "faces and voices in what is recorded here" in heard.notice
    assert "faces in pictures taken here" not in heard.notice
    assert "voices" not in seen.notice
    assert [rule for rule in heard.rules if rule not in seen.rules] == ["eu-ai-act-50-3-heard"]


@given(USES, USES, st.booleans())
def test_what_may_be_done_is_the_same_for_voices_as_for_faces(use: UseContext, own: UseContext, remote: bool) -> None:
    assert severity(decide(use, remote=remote, own=own)) == severity(decide(use, remote=remote, own=own, heard=True))


@pytest.mark.parametrize("use", [UseContext(consent=False), UseContext(minors=True, consent=True), NOT_STATED])
def test_sound_stays_here_for_the_reasons_for_which_pictures_do(use: UseContext) -> None:
    decision = decide(use, remote=True, heard=True)
    with pytest.raises(PolicyError, match="The sound may not be sent to the model"):
        check_sending(decision, "sound")


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.is_binding], ids=lambda rule: rule.id)
def test_no_rule_that_holds_something_back_speaks_of_faces_alone(rule: Rule) -> None:
    assert ("face" not in rule.words.lower()) or "voice" in rule.words.lower()
    assert ("picture" not in rule.words) or "sound" in rule.words


def test_without_a_stated_use_all_is_as_before_on_this_machine_and_with_consent() -> None:
    for use, remote in ((NOT_STATED, False), (UseContext(consent=True), True)):
        decision = decide(use, remote=remote)
        assert decision.policy == standard_policy()
        assert (decision.decision, decision.rules) == ("allowed", ("no-purpose-stated",))
        assert decision.may_infer
        assert decision.may_send
        assert decision.notice == (
            "A shown expression is not a feeling, and its meaning varies with culture, situation and person. In the "
            "EU, inferring emotions at work or in education is prohibited except for medical or safety reasons "
            "(AI Act, Article 5(1)(f)), and people exposed to emotion recognition must be told (Article 50(3))."
        )


@pytest.mark.parametrize("use", [NOT_STATED, ROBOT, UseContext(purpose="a photo booth"), UseContext(minors=False)])
def test_a_remote_model_gets_nothing_unless_somebody_says_that_the_people_agree(use: UseContext) -> None:
    decision = decide(use, remote=True)
    assert (decision.decision, decision.may_infer, decision.may_send) == ("restricted", True, False)
    assert decision.lacks_consent
    assert decide(use.model_copy(update={"consent": True}), remote=True).may_send
    with pytest.raises(PolicyError, match=r"remote-needs-consent.*--consent"):
        check_sending(decision)


def test_where_the_operator_leaves_consent_open_the_callers_word_counts() -> None:
    agreed = UseContext(consent=True)
    for own in (NOT_STATED, ROBOT):
        assert not decide(NOT_STATED, remote=True, own=own).may_send
        assert decide(agreed, remote=True, own=own).may_send
    for own in (UseContext(consent=False), UseContext(minors=True)):
        decision = decide(agreed, remote=True, own=own)
        assert not decision.may_send
        assert not decision.lacks_consent
        with pytest.raises(PolicyError, match="ferce policy"):
            check_sending(decision)


@pytest.mark.parametrize("domain", REFUSED)
def test_some_uses_are_refused_anywhere(domain: str) -> None:
    for jurisdiction in get_args(Jurisdiction):
        use = UseContext(domain=domain, jurisdiction=jurisdiction, basis="medical", consent=True)
        decision = decide(use, remote=False)
        assert (decision.decision, decision.may_infer, decision.may_send) == ("refused", False, False)
        with pytest.raises(PolicyError, match=r"no-[a-z-]+.*Own rule; cf"):
            permit(use, remote=False)


@pytest.mark.parametrize("domain", ["workplace", "education"])
def test_work_and_education_in_the_eu(domain: Domain) -> None:
    for jurisdiction in ("eu", "unknown"):
        decision = decide(UseContext(domain=domain, jurisdiction=jurisdiction), remote=False)
        assert (decision.decision, decision.may_infer) == ("restricted", False)
        lifted = decide(UseContext(domain=domain, jurisdiction=jurisdiction, basis="safety"), remote=False)
        assert (lifted.decision, lifted.may_infer) == ("allowed", True)
        assert "eu-ai-act-5-1-f-exception" in lifted.rules
    assert decide(UseContext(domain=domain, jurisdiction="other"), remote=False).may_infer


def test_the_people_shown_get_a_sentence_for_a_sign() -> None:
    decision = decide(UseContext(domain="entertainment", jurisdiction="eu"), remote=False)
    assert 'For a sign: "A computer program describes faces' in decision.notice
    assert decision.decision == "allowed"


def test_the_strictest_rule_wins_and_rules_keep_the_order_of_the_file() -> None:
    decision = decide(UseContext(domain="recruitment", jurisdiction="eu", minors=True), remote=True)
    assert decision.decision == "refused"
    assert decision.rules == (
        "no-recruitment",
        "remote-needs-consent",
        "remote-not-minors",
        "eu-ai-act-50-3",
        "use-stated",
    )
    assert [rule.id for rule in decision.binding] == list(decision.rules[:3])


@given(USES, USES, st.booleans())
def test_a_decision_is_total_and_fits_the_contract(use: UseContext, own: UseContext, remote: bool) -> None:
    decision = decide(use, remote=remote, own=own)
    order = [rule.id for rule in rules()]
    assert decision.rules
    assert list(decision.rules) == sorted(decision.rules, key=order.index)
    assert decision.policy.decision == decision.decision
    assert len(decision.cited) < 1000
    assert decision.may_infer or not decision.may_send
    assert (decision.decision == "allowed") == decision.may_send
    assert ("use-stated" in decision.rules) != ("no-purpose-stated" in decision.rules)


@given(USES, st.booleans(), st.sampled_from(["medical", "safety"]))
def test_consent_and_grounds_never_make_it_stricter(use: UseContext, remote: bool, basis: Grounds) -> None:
    before = decide(use, remote=remote)
    agreed = use.model_copy(update={"consent": True})
    assert not_stricter(decide(agreed, remote=remote), before)
    if use.basis == "none":
        assert not_stricter(decide(use.model_copy(update={"basis": basis}), remote=remote), before)


@given(USES, USES, st.booleans(), SCENARIOS)
def test_a_caller_cannot_loosen_the_operators_use(
    use: UseContext, own: UseContext, remote: bool, scenario: ScenarioName | None
) -> None:
    open_ = {name: getattr(use, name) for name in ("consent", "observer") if getattr(own, name) is None}
    alone = decide(own.model_copy(update=open_), remote=remote, scenario=scenario)
    assert not_stricter(alone, decide(use, remote=remote, own=own, scenario=scenario))
    for one in (use, own):
        decided = decide(one, remote=remote, scenario=scenario)
        assert decide(NOT_STATED, remote=remote, own=one, scenario=scenario) == decided
        assert decide(one, remote=remote, own=NOT_STATED, scenario=scenario) == decided


@given(USES)
def test_a_model_on_this_machine_needs_no_consent(use: UseContext) -> None:
    decision = decide(use, remote=False)
    assert decision.may_send == decision.may_infer


def test_a_caller_may_tighten() -> None:
    own = UseContext(domain="assistant", jurisdiction="eu", consent=True)
    assert decide(UseContext(domain="workplace"), remote=True, own=own).decision == "restricted"
    assert not decide(UseContext(consent=False), remote=True, own=own).may_send
    with pytest.raises(PolicyError, match="no-credit"):
        permit(UseContext(domain="credit"), remote=False, own=own)


def test_an_exception_claimed_by_a_caller_is_not_named_where_the_operators_rule_binds() -> None:
    decision = decide(CARE, remote=False, own=WORK)
    assert "eu-ai-act-5-1-f" in decision.rules
    assert "eu-ai-act-5-1-f-exception" not in decision.rules


def test_an_allowed_or_restricted_use_is_permitted_as_decided() -> None:
    for use in (NOT_STATED, ROBOT, WORK):
        for remote in (False, True):
            assert permit(use, remote=remote) == decide(use, remote=remote)
            assert permit(NOT_STATED, remote=remote, own=use) == decide(use, remote=remote)


def test_where_no_rule_applies_all_is_allowed() -> None:
    decision = combined([])
    assert (decision.decision, decision.rules, decision.notice) == ("allowed", (), "")
    assert (decision.may_infer, decision.may_send) == (True, True)


def test_a_refusal_names_the_rule_its_source_and_its_reason() -> None:
    with pytest.raises(PolicyError) as caught:
        permit(UseContext(domain="migration", jurisdiction="eu"), remote=True)
    (rule,) = (one for one in rules() if one.id == "no-migration")
    assert caught.value.message == (
        f"This use is refused by the rule no-migration ({rule.source}). "
        "Faces and voices are not read to decide on borders, visas or asylum."
    )
    assert caught.value.hint == "All rules: ferce policy"


def test_all_rules_that_hold_faces_back_are_cited() -> None:
    with pytest.raises(PolicyError) as caught:
        check_sending(decide(UseContext(minors=True), remote=True))
    sources = {rule.id: rule.source for rule in rules()}
    assert caught.value.message == (
        "The faces may not be sent to the model. Rule: "
        f"remote-needs-consent ({sources['remote-needs-consent']}); remote-not-minors ({sources['remote-not-minors']})."
    )
    assert caught.value.hint == "All rules: ferce policy"


def test_the_missing_consent_is_asked_for() -> None:
    with pytest.raises(PolicyError) as caught:
        check_sending(decide(NOT_STATED, remote=True))
    assert caught.value.hint == (
        "Where the people shown or heard agree, say so: --consent, or consent = true in the use context. "
        "A model on this machine needs none."
    )


def test_the_notice_holds_the_words_of_every_rule_in_one_line() -> None:
    decision = decide(UseContext(domain="entertainment", jurisdiction="eu"), remote=False)
    found = [rule for rule in rules() if rule.id in decision.rules]
    (tell,) = (rule for rule in found if rule.effect == "tell")
    assert len(found) > 2
    assert decision.notice == " ".join(rule.words for rule in found).replace(
        tell.words, f'{tell.words} For a sign: "{tell.sign}"'
    )
