"""Instruction data for the vision-language model, made from measurements: votes, action units, certainty.

Nothing here is written by hand about a face. The annotators' votes and the specialist decide the label and how sure the
answer sounds, the measured action units which movements are named, and the ontology how they are called. The wording
varies.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Final, Literal

from ferce_agent.concurrency.lazy import once, once_each
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ActionUnit, ontology
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.reasoning.movements import PRESENT
from ferce_agent.vlm.extraction.grammar import write
from ferce_agent.vlm.extraction.prose import find_cues
from ferce_agent.vlm.extraction.shape import MOST_CUES, WORDS

NAMED: Final = PRESENT + 0.15
"""From this intensity on a movement is named: a margin over what counts as seen, for the measurement is noisy."""
SURE, LIKELY = 0.8, 0.55
"""Share of the leading label from which an answer sounds sure, or likely; below it names the second label too."""
BLEND: Final = 0.25
"""Least share of the second label for a compound."""
STYLES: Final = ("ferplus", "raf_db", "affectnet")
"""Label sets of the ontology whose words the questions use."""

OTHER_WORDS: Final = 0.12
"""Share of the questions whose candidate words come from no data set's list."""

Task = Literal["face", "ferbench", "label", "perceive", "describe", "compound"]
MIX: Final[dict[Task, float]] = {
    "face": 0.43,
    "ferbench": 0.26,
    "label": 0.05,
    "perceive": 0.12,
    "describe": 0.07,
    "compound": 0.07,
}
"""How often each prompt of the product is asked."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of one training face.

    Attributes:
        shares: Share of each canonical expression (votes and the specialist's answer, mixed), sums to one.
        units: Action-unit intensities 0..1 by id.
        readable: False where the crop shows nothing that could be read.
    """

    shares: tuple[float, ...]
    units: dict[str, float]
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    """One question about a face, and the answer to learn.

    Attributes:
        task: Name of the prompt.
        prompt: The question.
        answer: What to answer.
        labels: The candidate words, in the question's order.
    """

    task: Task
    prompt: str
    answer: str
    labels: tuple[str, ...] = ()

    def reordered(self, rng: random.Random) -> Turn:
        """Return the same question with its candidate words in another order, and the same answer."""
        words = list(self.labels)
        rng.shuffle(words)
        return replace(self, prompt=self.prompt.replace(_listed(self.labels), _listed(words)), labels=tuple(words))


@once
def phrasing() -> dict[str, list[str]]:
    """Return the wording."""
    text = resources.files("ferce_agent.training").joinpath("phrasing.toml").read_text("utf-8")
    loaded: dict[str, list[str]] = tomllib.loads(text)
    return loaded


def make_turn(face: Measured, rng: random.Random, task: Task | None = None) -> Turn:
    """Return a question about the face and the answer that the measurements call for.

    Args:
        face: What was measured.
        rng: Source of the choices of prompt, labels, order and wording.
        task: Prompt to ask; drawn from `MIX` if left out.
    """
    chosen: Task = task or rng.choices(list(MIX), list(MIX.values()))[0]
    labels = offered(face, rng, whole=chosen in ("perceive", "compound"))
    prompt = load_prompt(chosen)
    values = {"labels": _listed(labels), "examples": ""}
    question = prompt.render_from({name: values[name] for name in prompt.inputs})
    ranked = by_share(face, labels)
    if chosen == "perceive":
        return Turn(chosen, question, as_json(face, labels, ranked, rng), tuple(labels))
    thought = think(face, labels, ranked, rng, blend=chosen in ("compound", "describe"))
    answer = ranked[0]
    if chosen == "compound" and is_blend(face, labels, ranked):
        term = ontology().compound_of(frozenset(labels[word] for word in ranked[:2]))
        answer = term.label if term else answer
    return Turn(chosen, question, f"<think>{thought}</think><answer>{answer}</answer>", tuple(labels))


def by_share(face: Measured, labels: dict[str, str]) -> list[str]:
    """Return the candidate words, the largest share first; of equal ones, in the order of the canonical expressions.

    The order of the question must not decide: the same face has the same answer.
    """
    places = {word: CANONICAL.index(term) for word, term in labels.items()}
    return sorted(places, key=lambda word: (-face.shares[places[word]], places[word]))


def offered(face: Measured, rng: random.Random, *, whole: bool) -> dict[str, str]:
    """Return candidate words and the expressions they stand for, in random order.

    A list of a data set, other words, or a part.

    All lists hold the leading expression.
    """
    leading = CANONICAL[max(range(len(CANONICAL)), key=lambda place: face.shares[place])]
    sets = ontology().label_sets
    fitting = [style for style in STYLES if leading in sets[style].values()]
    words = dict(sets[rng.choice(fitting) if rng.random() < 0.5 else STYLES[0]])
    if rng.random() < 0.15:
        words = {term: term for term in CANONICAL}
    if rng.random() < OTHER_WORDS:
        words = {rng.choice(other_words(term)): term for term in words.values()}
    items = [(word, term) for word, term in words.items() if term in CANONICAL]
    rng.shuffle(items)
    if not whole and rng.random() < 0.2:
        size = rng.randint(3, 6)
        others = [item for item in items if item[1] != leading][: size - 1]
        items = [item for item in items if item in others or item[1] == leading]
    return dict(items)


@once_each
def other_words(label: str) -> tuple[str, ...]:
    """Return words of the ontology that may stand for a canonical expression: its own, and its shades'.

    Neutral has no shades here: many a face at rest is not serious or bored. Words that name a movement, and adverbs,
    are left out.
    """
    store = ontology()
    term = store.term(label)
    shades = [shade for shade in store.terms.values() if shade.kind == "fine" and shade.parents == (label,)]
    words = [term.label, term.adjective, *term.synonyms]
    if label != "neutral":
        words += [word for shade in shades for word in (shade.label, shade.adjective)]
    return tuple(
        dict.fromkeys(word for word in words if len(word.split()) <= 2 and word[-2:] != "ly" and not find_cues(word))
    )


def certainty_of(share: float) -> Literal["sure", "likely", "unsure"]:
    """Return how sure an answer with this share of the leading label may sound."""
    return "sure" if share >= SURE else "likely" if share >= LIKELY else "unsure"


def notable(face: Measured) -> list[str]:
    """Return the movements to name, strongest first."""
    found = [unit for unit, value in face.units.items() if value >= NAMED]
    return sorted(found, key=lambda unit: (-face.units[unit], unit))[:MOST_CUES]


def movement_words(unit: ActionUnit, rng: random.Random) -> str:
    """Return one way to put a movement that fits into a row of nouns."""
    fitting = [phrase for phrase in unit.phrases if " is " not in phrase and " are " not in phrase]
    return unit.movement if rng.random() < 0.6 or not fitting else rng.choice(fitting)


def degree_of(face: Measured, word: str, term: str, rng: random.Random) -> str:
    """Return an adverb (before an adjective) or an adjective (before a noun) for the strength, or nothing.

    Neutral has none.
    """
    strength = max((face.units.get(unit, 0.0) for unit in ontology().term(term).action_units), default=0.0)
    named = ontology().term(term)
    if term == "neutral" or word not in (named.label, named.adjective) or strength == 0 or rng.random() < 0.4:
        return ""
    degree = "faint" if strength < 0.35 else "strong" if strength > 0.75 else "middling"
    return rng.choice(phrasing()[f"{degree}_noun" if word == named.label else degree])


def is_blend(face: Measured, labels: dict[str, str], ranked: Sequence[str]) -> bool:
    """Return whether the two leading expressions both show; neutral is no part of a compound."""
    if len(ranked) < 2 or "neutral" in (labels[ranked[0]], labels[ranked[1]]):
        return False
    return face.shares[CANONICAL.index(labels[ranked[1]])] >= BLEND


def think(
    face: Measured, labels: dict[str, str], ranked: Sequence[str], rng: random.Random, *, blend: bool = False
) -> str:
    """Return the reasoning: the movements that were measured, and what they point to, as sure as the shares are."""
    words = phrasing()
    best = ranked[0]
    if not face.readable:
        return rng.choice(words["unreadable"]).format(word=best) + "."
    share = face.shares[CANONICAL.index(labels[best])]
    reading = rng.choice(words[certainty_of(share)]).format(
        word=best, other=ranked[1] if len(ranked) > 1 else best, degree=degree_of(face, best, labels[best], rng)
    )
    cues = notable(face)
    if blend and is_blend(face, labels, ranked):
        reading = blended(face, labels, ranked, rng)
    if not cues:
        return _sentence(rng.choice(words["quiet"]).format(reading=_sentence(reading)))
    named = [movement_words(ontology().action_units[unit], rng) for unit in cues]
    template = rng.choice(words["thoughts"])
    return _sentence(template.format(cues=in_a_row(named), reading=_sentence(reading), reading_low=_low(reading)))


def blended(face: Measured, labels: dict[str, str], ranked: Sequence[str], rng: random.Random) -> str:
    """Return which movement fits which of the two leading expressions."""
    words, first, second = phrasing(), ranked[0], ranked[1]
    store = ontology()
    present = notable(face)
    mine = [unit for unit in present if unit in store.term(labels[first]).action_units]
    theirs = [unit for unit in present if unit in store.term(labels[second]).action_units and unit not in mine]
    if not mine or not theirs:
        return rng.choice(words["blends_plain"]).format(word=first, other=second)
    return rng.choice(words["blends"]).format(
        word=first,
        other=second,
        mine=store.action_units[mine[0]].movement,
        theirs=store.action_units[theirs[0]].movement,
    )


def as_json(face: Measured, labels: dict[str, str], ranked: Sequence[str], rng: random.Random) -> str:
    """Return the answer in the extraction schema; shares below 0.15 are left out and the rest sums to one."""
    store = ontology()
    cues = [
        {
            "region": store.action_units[unit].region,
            "unit": unit,
            "words": movement_words(store.action_units[unit], rng)[:WORDS],
        }
        for unit in (notable(face) if face.readable else [])
    ]
    shares = {word: face.shares[CANONICAL.index(labels[word])] for word in ranked[:3]}
    kept = {word: share for word, share in shares.items() if share >= 0.15} or {ranked[0]: 1.0}
    whole = sum(kept.values())
    strength = max((face.units[unit] for unit in notable(face)), default=0.1) if face.readable else 0.0
    document = {
        "cues": cues,
        "labels": [{"label": word, "weight": _number(share / whole)} for word, share in kept.items()],
        "intensity": _number(strength),
        "certainty": certainty_of(shares[ranked[0]]) if face.readable else "unsure",
        "body": "",
    }
    return write(document)


def in_a_row(words: Sequence[str]) -> str:
    """Join words as a list with "and"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _low(text: str) -> str:
    return text[:1].lower() + text[1:]


def _number(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 2)
