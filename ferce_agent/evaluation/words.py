"""What is told, counted on phrase lists: distress, English sentences without a cause, languages. `ferce bench words`.

The lists are in `words/` and were written before the lexicon and the rules that they measure, by the same hand: they
show what was meant to work and what does, not how other people's wordings fare. The English example sentences of the
event classifier and the written situations serve as a large sample of English that must not be taken for another
language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Final, Literal

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.context.events import EventMatcher, example_sentences
from ferce_agent.context.guidance import guide
from ferce_agent.context.understanding import understand
from ferce_agent.errors import DataError
from ferce_agent.evaluation.cases import SETS, load_cases, make_person
from ferce_agent.inputs.situation import Situation
from ferce_agent.report import Person

Question = Literal["distress seen", "false alarm", "no cause", "English flagged", "language seen"]
GOALS: Final[dict[Question, str]] = {
    "distress seen": "1.000",
    "false alarm": "<= 0.100",
    "no cause": "",
    "English flagged": "<= 0.010",
    "language seen": "",
}
BOX: Final = (100, 80, 120, 150)


@dataclass(frozen=True, slots=True)
class WordScore:
    """One share.

    Attributes:
        question: What is counted.
        group: The list.
        count: How many texts answer the question with yes.
        texts: How many there are.
        listed: The texts that are not as they should be.
    """

    question: Question
    group: str
    count: int
    texts: int
    listed: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of texts, 0 to 1; 0 for an empty list."""
        return self.count / max(self.texts, 1)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "share": round(self.share, 4)}


@once_each
def word_list(name: str) -> Mapping[str, Any]:
    """Return a file of `words/` as it stands.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        text = (resources.files("ferce_agent.evaluation") / "words" / f"{name}.toml").read_text("utf-8")
        return tomllib.loads(text)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"words/{name}.toml cannot be read: {error}.") from error


def person(**shows: float) -> Person:
    """Return one reported face that shows these expressions."""
    return make_person(0, {"shows": shows, "box": BOX})


def distressed(text: str) -> bool:
    """Return whether guidance for a smiling face at these words is that of distress."""
    smiling = person(happiness=0.85, neutral=0.15)
    return guide([smiling], understand([smiling], Situation(text=text))).distress


def explained(text: str, matcher: EventMatcher | None) -> bool:
    """Return whether a cause or a conflict is taken from a sentence, for a pleased, an unhappy or an angry face."""
    faces = (
        person(happiness=0.85, neutral=0.15),
        person(sadness=0.85, neutral=0.15),
        person(anger=0.85, neutral=0.15),
    )
    found = [understand([face], Situation(text=text), matcher=matcher) for face in faces]
    return any(one.causes or one.conflicts for one in found)


def foreign(text: str) -> bool:
    """Return whether a text is said not to be understood."""
    notes = understand([], Situation(text=text)).degraded
    return any(note.code == "language_not_understood" for note in notes)


def _score(question: Question, group: str, texts: Iterable[str], yes: Sequence[str], *, wanted: bool) -> WordScore:
    """Count the texts in `yes`; list those that are not as wanted."""
    every, held = list(texts), set(yes)
    listed = tuple(text for text in every if (text in held) is not wanted)
    return WordScore(question, group, sum(text in held for text in every), len(every), listed)


def measure_distress() -> list[WordScore]:
    """Return, per language, the share of true phrases that are met as distress, and of look-alikes that are."""
    found = []
    for file in ("distress", "more"):
        for language, lists in word_list(file).items():
            seen = [text for texts in lists.values() for text in texts if distressed(text)]
            group = language if file == "distress" else f"{language}, further"
            if "distress" in lists:
                found.append(_score("distress seen", group, lists["distress"], seen, wanted=True))
            if "innocent" in lists:
                found.append(_score("false alarm", group, lists["innocent"], seen, wanted=False))
    return found


def measure_plain(matcher: EventMatcher | None, how: str) -> list[WordScore]:
    """Return per group the share of sentences about nothing that would explain a face from which no cause is taken."""
    return [
        _score(
            "no cause", f"{group} ({how})", texts, [text for text in texts if not explained(text, matcher)], wanted=True
        )
        for group, texts in word_list("plain").items()
    ]


def english_samples() -> dict[str, list[str]]:
    """Return English texts that must not be flagged, by where they come from; the held-out situations are left out."""
    told = [text for name in SETS if name != "held_out" for case in load_cases(name) for text in _told(case.situation)]
    return {
        "short": list(word_list("languages")["english"]),
        "distress": [text for texts in word_list("distress")["en"].values() for text in texts],
        "plain": [text for texts in word_list("plain").values() for text in texts],
        "examples": [text for texts in example_sentences().values() for text in texts],
        "situations": told,
    }


def _told(situation: Situation) -> list[str]:
    fields = (situation.text, situation.event, situation.place, situation.scene)
    return [*(text for text in fields if text), *(turn.text for turn in situation.turns)]


def measure_languages() -> list[WordScore]:
    """Return how often English is flagged, and other languages are seen, in short texts and in the phrases."""
    found = []
    for group, texts in english_samples().items():
        found.append(_score("English flagged", group, texts, [text for text in texts if foreign(text)], wanted=False))
    for language, texts in word_list("languages")["other"].items():
        found.append(_score("language seen", language, texts, [text for text in texts if foreign(text)], wanted=True))
    phrases = [
        text
        for language, lists in word_list("distress").items()
        if language != "en"
        for texts in lists.values()
        for text in texts
    ]
    found.append(_score("language seen", "phrases", phrases, [t for t in phrases if foreign(t)], wanted=True))
    return found


def measure_words(matcher: EventMatcher | None = None) -> list[WordScore]:
    """Return all shares; sentences without a cause also with the sentence encoder, where there is one."""
    scores = [*measure_distress(), *measure_plain(None, "cue words")]
    if matcher is not None:
        scores += measure_plain(matcher, "and sentences")
    return [*scores, *measure_languages()]


def to_table(scores: Sequence[WordScore], *, listed: bool = False, totals: bool = False) -> str:
    """Return the shares as a Markdown table; below it, if asked for, the texts that are not as they should be.

    With `totals` it has one row for each question instead of one for each list as well.
    """
    lines = ["| | | share | of | goal |", "|---|---|---:|---:|---:|"]
    lines += [
        f"| {one.question} | {one.group} | {one.share:.3f} | {one.texts} | {GOALS[one.question]} |"
        for one in ([] if totals else scores)
    ]
    for question in GOALS:
        own = [one for one in scores if one.question == question]
        texts = sum(one.texts for one in own)
        share = sum(one.count for one in own) / max(texts, 1)
        lines.append(f"| {question} | all | {share:.3f} | {texts} | {GOALS[question]} |")
    if listed:
        lines += [f"{one.question}, {one.group}: {text}" for one in scores for text in one.listed]
    return "\n".join(lines)
