"""How an assistant might answer somebody whose voice was heard; the table is that of photos."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from ferce_agent.context.guidance import AS_CERTAIN, CONFIDENT, DISTRESSED, GRAVE, advice_table
from ferce_agent.ontology.store import ontology
from ferce_agent.report import Cause, Guidance
from ferce_agent.report.speech import Fused, ModalityConflict, SpeechTurn

OF_VOICES: Final[dict[str, dict[str, Any]]] = {
    "neutral": {
        "suggestion": "Answer what was asked; the voice gives no reason to change the tone.",
        "avoid": ("reading a mood into a calm voice",),
    },
    "happiness": {"avoid": ("overdoing the enthusiasm", "assuming what the cheerful tone is about")},
    "mixed": {"suggestion": "Do not build on the voice; ask an open question if the mood matters."},
    "conflict": {
        "suggestion": "How it sounds and what is said do not go together; ask how it is rather than assuming either.",
        "avoid": ("taking the tone of voice at face value", "congratulating or comforting before asking"),
    },
    "not_understood": {
        "suggestion": "Something was said that was not understood here: read or hear it yourself before choosing a "
        "tone, and ask how it is rather than going by the voice.",
        "avoid": ("building on the voice alone", "congratulating or comforting before the words are understood"),
    },
}
"""Words of the table that speak of faces, for voices."""


def guide_voice(
    turns: Sequence[SpeechTurn],
    *,
    fused: Sequence[Fused] = (),
    conflicts: Sequence[ModalityConflict] = (),
    causes: Sequence[Cause] = (),
    crisis: Sequence[str] = (),
) -> Guidance:
    """Return advice; the safe default where nothing is clear.

    Words of distress override everything, whatever the voice sounds like; an unhappy or frightened voice counts
    together with words of loss only, never by itself.

    Args:
        turns: What was heard.
        fused: What voice and words say together.
        conflicts: Where they do not go together.
        causes: What the words say.
        crisis: Ids of evidence that speaks of distress.
    """
    if ids := tuple(crisis) or _grave(turns, causes):
        return Guidance(**_advice("distress"), evidence=ids, distress=True)
    if conflicts:
        return Guidance(**_advice("conflict"), evidence=conflicts[-1].evidence)
    if any(_not_understood(turn) for turn in turns):
        return Guidance(**_advice("not_understood"), evidence=())
    leading = _leading(turns, fused)
    if leading is None:
        return Guidance(**_advice("mixed"), evidence=())
    expression, confidence, evidence = leading
    fields = _advice(expression)
    sure = confidence >= CONFIDENT
    if not sure:
        fields["suggestion"] = _advice("mixed")["suggestion"]
        fields["avoid"] = (*fields["avoid"], AS_CERTAIN)
    fields["acknowledge"] = bool(fields["acknowledge"]) and sure
    return Guidance(**fields, evidence=evidence)


def _advice(name: str) -> dict[str, Any]:
    return dict(advice_table()[name]) | OF_VOICES.get(name, {})


def _not_understood(turn: SpeechTurn) -> bool:
    words = turn.words
    return words is not None and words.language not in {None, "en"} and words.valence is None


def _grave(turns: Sequence[SpeechTurn], causes: Sequence[Cause]) -> tuple[str, ...]:
    """Return the evidence of distress: words of loss in a turn that sounds unhappy or frightened."""
    voices = {turn.id: turn.voice for turn in turns if turn.voice is not None and not turn.voice.doubt}
    for cause in causes:
        voice = voices.get(cause.person)
        if voice is None or cause.basis != "stated" or cause.appraisal not in GRAVE or not cause.agrees:
            continue
        if voice.probabilities.get("sadness", 0.0) + voice.probabilities.get("fear", 0.0) >= DISTRESSED:
            return (f"{cause.person}.voice", *cause.evidence)
    return ()


def _leading(turns: Sequence[SpeechTurn], fused: Sequence[Fused]) -> tuple[str, float, tuple[str, ...]] | None:
    """Return what the longest speech expresses, how probable that is (mean by length), and its evidence."""
    together = {one.turn: one for one in fused}
    lasts: defaultdict[str, float] = defaultdict(float)
    sums: defaultdict[str, float] = defaultdict(float)
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for turn in turns:
        name, sure, rests_on = _said_by(turn, together.get(turn.id))
        if name is not None:
            seconds = turn.end_s - turn.start_s
            lasts[name] += seconds
            sums[name] += sure * seconds
            ids[name] += rests_on
    if not lasts:
        return None
    best = max(lasts, key=lambda name: lasts[name])
    return best, sums[best] / max(lasts[best], 1e-6), tuple(dict.fromkeys(ids[best]))


def _said_by(turn: SpeechTurn, one: Fused | None) -> tuple[str | None, float, tuple[str, ...]]:
    """Return what a turn expresses, how sure that is, and its evidence: fused, by the voice, or else by the words."""
    voice, words = turn.voice, turn.words
    if one is not None and (one.expression is not None or len(one.shares) > 1):
        return one.expression, one.confidence, one.evidence
    if voice is not None and voice.expression is not None:
        forms = ontology().canonical_of(voice.expression)
        # By itself a voice is only as sure as its measured reliability allows, which the fused answer tells.
        sure, rests_on = (voice.confidence, (f"{turn.id}.voice",)) if one is None else (one.confidence, one.evidence)
        return (forms[0] if len(forms) == 1 else None), sure, rests_on
    if words is not None and words.expression is not None:
        return words.expression, words.expression_confidence or 0.0, (f"{turn.id}.words",)
    return None, 0.0, ()
