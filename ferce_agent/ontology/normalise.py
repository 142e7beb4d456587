"""From free text to an ontology term, and from free text to cue phrases; both know negation and word boundaries.

Words are looked up whole: "unhappy" is a word of its own (for sadness) and never a "happy" with something in front.
Endings are only taken off to find a word of the ontology ("happily", "fears", "surprised-looking"). A negation ("not",
"never", "no sign of", "far from", …) reaches four words ahead within its clause. Everything is linear in the length of
the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.ontology.store import Ontology, ontology

MAX_TEXT: Final = 20_000
"""Characters that are read; the rest is ignored."""
REACH: Final = 4
"""How many words a negation reaches ahead."""

TOKEN: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*|[.,;:!?()\n]")
"""A word, with hyphens and apostrophes inside it, or a mark."""
NEGATORS: Final = frozenset(
    {"not", "no", "never", "neither", "nor", "none", "nobody", "nothing", "without", "hardly", "barely", "scarcely"}
    | {
        "cannot",
        "lacks",
        "lacking",
        "lack",
        "isnt",
        "arent",
        "wasnt",
        "doesnt",
        "didnt",
        "dont",
        "cant",
        "wont",
        "absent",
    }
)
"""Words that negate what follows them, in lower case without apostrophes."""
NEGATING_PHRASES: Final = (("far", "from"), ("anything", "but"), ("rather", "than"), ("instead", "of"), ("free", "of"))
"""Pairs of words that negate what follows them."""
CANCELLED: Final = frozenset({"only", "just", "merely"})
"""After "not" these words cancel the negation: "not only happy"."""
BREAKS: Final = frozenset({"but", "however", "though", "although", "yet", *".,;:!?()\n"})
"""Words and marks that end a negation's reach."""
PERSISTENT: Final = frozenset({"neither"})
"""Negations that reach over "or", "and" and "nor" to the end of the clause."""

Status = Literal["found", "negated", "ambiguous", "unknown"]
"""What came of looking for an expression in a text; see `Normalisation`."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word or mark of the text.

    Attributes:
        word: In lower case.
        start: First character in the text.
        end: One past the last character.
        negated: Whether a negation before it reaches it.
    """

    word: str
    start: int
    end: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What a text names.

    Attributes:
        status: ``found``: one expression; ``negated``: only expressions that are denied; ``ambiguous``: several;
            ``unknown``: none.
        term: Id of the expression, if found.
        candidates: All ids named and not denied.
        spans: Where they stand in the text, as (start, end).
    """

    status: Status
    term: str | None
    candidates: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PhraseHit:
    """One cue phrase found in a text.

    Attributes:
        key: What the phrase stands for, such as an appraisal id.
        phrase: The phrase as it was given to the finder.
        start: First character in the text.
        end: One past the last character.
        negated: Whether a negation reaches it.
    """

    key: str
    phrase: str
    start: int
    end: int
    negated: bool


def tokenise(text: str) -> list[Token]:
    """Split a text into lower-case words and marks, and mark the words that a negation reaches."""
    raw = [(match.group().lower().replace("’", "'"), *match.span()) for match in TOKEN.finditer(text[:MAX_TEXT])]
    tokens: list[Token] = []
    reach = 0
    for index, (word, start, end) in enumerate(raw):
        following = raw[index + 1][0] if index + 1 < len(raw) else ""
        if word in BREAKS and (index == 0 or (raw[index - 1][0], word) not in NEGATING_PHRASES):
            reach = 0
        tokens.append(Token(word, start, end, reach > 0))
        reach = max(reach - 1, 0)
        if _negates(word, following):
            reach = 2 * REACH if word in PERSISTENT else REACH
        elif index and (raw[index - 1][0], word) in NEGATING_PHRASES:
            reach = REACH
    return tokens


def _negates(word: str, following: str) -> bool:
    negation = word in NEGATORS or word.endswith(("n't", "n’t"))
    return negation and following not in CANCELLED


def stem(word: str) -> str:
    """Return a word without its common English endings; equal for the forms of most regular words."""
    for ending in ("ings", "ing", "ies", "ied", "edly", "ed", "es", "s", "ly", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl" else word


def normalise(text: str, allowed: Collection[str] | None = None, store: Ontology | None = None) -> Normalisation:
    """Return the expression a text names, if it names exactly one.

    Two terms of which one lies below the other count as the finer one. "Happily surprised" is a compound expression,
    "happy and surprised" is two.

    Args:
        text: Any text; the first 20,000 characters are read.
        allowed: If given, only these ids may be returned; a finer term is lifted to its nearest allowed ancestor.
        store: The ontology; the package's own if left out.
    """
    known = store or ontology()
    hits = list(_find_terms(tokenise(text), _lexicon(known.version) if store is None else _build_lexicon(known)))
    lifted = [(term, span) for name, span, negated in hits if not negated and (term := _lift(known, name, allowed))]
    names = tuple(dict.fromkeys(term for term, _ in lifted))
    finest = [name for name in names if all(other == name or other in known.ancestors(name) for other in names)]
    spans = tuple(span for _, span in lifted)
    if finest:
        return Normalisation("found", finest[0], names, spans)
    if names:
        return Normalisation("ambiguous", None, names, spans)
    return Normalisation("negated" if any(negated for *_, negated in hits) else "unknown", None, (), ())


def _lift(store: Ontology, name: str, allowed: Collection[str] | None) -> str | None:
    if allowed is None or name in allowed:
        return name
    return next((parent for parent in store.ancestors(name) if parent in allowed), None)


Lexicon = Mapping[str, list[tuple[tuple[str, ...], str]]]
"""First word -> (all words, term id), longest first."""


@once_each
def _lexicon(version: str) -> Lexicon:  # noqa: ARG001  # one lexicon per loaded ontology
    return _build_lexicon(ontology())


def _build_lexicon(store: Ontology) -> Lexicon:
    lexicon: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for term in store.terms.values():
        for name in term.names:
            words = tuple(token.word for token in tokenise(name))
            if words:
                lexicon.setdefault(words[0], []).append((words, term.id))
    for entries in lexicon.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return lexicon


def _forms(word: str) -> Iterator[str]:
    """Yield the word and what it may be a form of."""
    yield word
    base = word.removesuffix("-looking").removesuffix("'s")
    if base != word:
        yield base
    for ending, replacement in (("ily", "y"), ("ly", ""), ("iness", "y"), ("ness", ""), ("ier", "y"), ("iest", "y")):
        if base.endswith(ending):
            yield base.removesuffix(ending) + replacement
    for ending in ("der", "dest", "s", "er", "est"):
        if base.endswith(ending) and len(base) > len(ending) + 2:
            yield base.removesuffix(ending)


def _find_terms(tokens: list[Token], lexicon: Lexicon) -> Iterator[tuple[str, tuple[int, int], bool]]:
    """Yield (term id, span, negated), longest match first, without overlaps."""
    index = 0
    while index < len(tokens):
        match = _match_at(tokens, index, lexicon)
        if match is None:
            index += 1
            continue
        length, name = match
        last = tokens[index + length - 1]
        yield name, (tokens[index].start, last.end), tokens[index].negated
        index += length


def _match_at(tokens: list[Token], index: int, lexicon: Lexicon) -> tuple[int, str] | None:
    for form in _forms(tokens[index].word):
        for words, name in lexicon.get(form, ()):
            rest = tokens[index + 1 : index + len(words)]
            if tuple(token.word for token in rest) == words[1:]:
                return len(words), name
    return None


class PhraseFinder:
    """Finds many cue phrases in a text at once. Endings of words are ignored, negations are noted."""

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        """Index the phrases: key -> its phrases."""
        self._index: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
        for key, texts in phrases.items():
            for text in texts:
                words = tuple(stem(token.word) for token in tokenise(text))
                if words:
                    self._index.setdefault(words[0], []).append((words, key, text))

    def find(self, text: str) -> list[PhraseHit]:
        """Return all hits in the order of the text; a phrase that itself holds a negation is not negated by it."""
        tokens = tokenise(text)
        stems = [stem(token.word) for token in tokens]
        hits = []
        for index, first in enumerate(stems):
            for words, key, phrase in self._index.get(first, ()):
                if tuple(stems[index : index + len(words)]) == words:
                    end = tokens[index + len(words) - 1].end
                    hits.append(PhraseHit(key, phrase, tokens[index].start, end, tokens[index].negated))
        return hits
