"""The ontology: loaded from the TOML files beside this module, checked as a whole, then immutable."""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from ferce_agent.concurrency.lazy import lazy_property, once
from ferce_agent.errors import OntologyError, UnknownTermError
from ferce_agent.ontology.labels import CANONICAL, Canonical

FILES: Final = ("terms.toml", "action_units.toml", "appraisals.toml", "body.toml")

Mfoem = Annotated[str, StringConstraints(pattern=r"^MFOEM_\d{6}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Signed = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class Entry(BaseModel):
    """Base of the ontology's entries: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


EntryT = TypeVar("EntryT", "Term", "ActionUnit", "Appraisal", "Posture")


class Term(Entry):
    """An expression.

    Attributes:
        id: Stable name.
        label: Noun, as in "shows LABEL".
        adjective: As in "appears ADJECTIVE".
        kind: ``canonical`` (one of the eight of FER+), ``compound`` (two canonical ones at once), or ``fine`` (a finer
            word below another term).
        parents: Ids one level up.
        synonyms: Other words for it; no word stands for two terms.
        action_units: Ids of the movements that are typical of it (its prototype).
        valence: Pleasantness, -1 to 1, approximate.
        arousal: Activation, -1 to 1, approximate.
        mfoem: Id in the Emotion Ontology.
        emotionml: Its names in the W3C vocabularies ``big6`` and ``everyday``.
        sources: Which lists of compound expressions have it.
        definition: One sentence.
    """

    id: Name
    label: Words
    adjective: Words
    kind: Literal["canonical", "compound", "fine"]
    parents: tuple[str, ...] = ()
    synonyms: tuple[Words, ...] = ()
    action_units: tuple[str, ...] = ()
    valence: Signed
    arousal: Signed
    mfoem: Mfoem | None = None
    emotionml: dict[Literal["big6", "everyday"], str] = Field(default_factory=dict)
    sources: tuple[Literal["raf-ce", "du-2014"], ...] = ()
    definition: Words

    @property
    def names(self) -> tuple[str, ...]:
        """All words for the term: id with spaces, label, adjective, synonyms."""
        return (self.id.replace("_", " "), self.label, self.adjective, *self.synonyms)


class ActionUnit(Entry):
    """A facial movement of the Facial Action Coding System (FACS, Ekman & Friesen).

    Attributes:
        id: ``AU`` and its number.
        name: FACS name.
        region: Part of the face.
        movement: In everyday words, as in "the face shows MOVEMENT".
        muscles: The main ones.
        phrases: How people and language models put it; longer phrases win over the shorter ones inside them.
    """

    id: Annotated[str, StringConstraints(pattern=r"^AU\d{1,2}$")]
    name: Words
    region: Literal["brow", "eye", "nose", "cheek", "mouth", "jaw", "head"]
    movement: Words
    muscles: tuple[Words, ...]
    phrases: tuple[Words, ...] = ()


class Appraisal(Entry):
    """How a situation is judged by the person in it; types the causes of a report.

    Attributes:
        id: Stable name.
        label: Name for people.
        mfoem: Id in the Emotion Ontology.
        dimension: What is judged, such as suddenness.
        reading: Completes "something appraised as ...".
        expressions: Canonical expressions that it leads one to expect.
        cues: Words and phrases by which a caller states such a situation.
    """

    id: Name
    label: Words
    mfoem: Mfoem
    dimension: Words
    reading: Words
    expressions: tuple[Canonical, ...] = ()
    cues: tuple[Words, ...] = ()


class Posture(Entry):
    """A posture or a gesture: a measured fact, never an emotion by itself.

    Attributes:
        id: Stable name.
        label: Completes "from 3.2 s to 5.0 s ...".
        definition: What is measured.
        may_come_with: Some of the things it is seen with; several that exclude one another, so that none is concluded.
    """

    id: Name
    label: Words
    definition: Words
    may_come_with: Annotated[tuple[Words, ...], Field(min_length=3)]


class Ontology(BaseModel):
    """The whole ontology. Mappings are keyed by id, in file order."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(lazy_property,))

    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    terms: dict[str, Term]
    action_units: dict[str, ActionUnit]
    appraisals: dict[str, Appraisal]
    body: dict[str, Posture]
    label_sets: dict[str, dict[str, Canonical]]

    def term(self, name: str) -> Term:
        """Return the term of this id.

        Raises:
            UnknownTermError: There is none; the message suggests similar ids.
        """
        if name in self.terms:
            return self.terms[name]
        close = difflib.get_close_matches(name, self.terms, 3, 0.6)
        hint = f"Did you mean {' or '.join(close)}?" if close else "See: ferce ontology search WORD"
        raise UnknownTermError(f"'{name[:80]}' is not an expression of the ontology.", hint=hint)

    def ancestors(self, name: str) -> list[str]:
        """Return the ids above a term, nearest first."""
        found: list[str] = []
        queue = list(self.term(name).parents)
        while queue:
            parent = queue.pop(0)
            if parent not in found:
                found.append(parent)
                queue += self.term(parent).parents
        return found

    def canonical_of(self, name: str) -> tuple[Canonical, ...]:
        """Return the canonical expressions a term belongs to, in FER+ order."""
        family = {name, *self.ancestors(name)}
        return tuple(label for label in CANONICAL if label in family)

    def compound_of(self, parts: frozenset[str]) -> Term | None:
        """Return the (first) compound term of exactly these canonical expressions, or None."""
        return self._compounds.get(parts)

    @lazy_property
    def _compounds(self) -> dict[frozenset[str], Term]:
        compounds = [term for term in self.terms.values() if term.kind == "compound"]
        return {frozenset(term.parents): term for term in reversed(compounds)}

    def search(self, query: str, limit: int = 10) -> list[Term]:
        """Return terms whose names or definition match, best first.

        A name that equals the query comes first, then one that starts with it, one that holds it, a definition that
        holds it, and at last names that are spelled alike.
        """
        words = query.strip().lower()
        if not words:
            return []
        ranked = [(rank, term) for term in self.terms.values() if (rank := _rank(words, term)) < 5]
        return [term for _, term in sorted(ranked, key=lambda item: item[0])][:limit]


def _rank(words: str, term: Term) -> float:
    names = [name.lower() for name in term.names]
    if words in names:
        return 0
    if any(name.startswith(words) for name in names):
        return 1
    if any(words in name for name in names):
        return 2
    if words in term.definition.lower():
        return 3
    likeness = max(difflib.SequenceMatcher(None, words, name).ratio() for name in names)
    return 5 - likeness if likeness > 0.8 else 5


@once
def ontology() -> Ontology:
    """Return the ontology of this package, loaded on first use.

    Raises:
        OntologyError: Its files do not hold together.
    """
    home = resources.files("ferce_agent.ontology")
    return parse_ontology({name: (home / name).read_text("utf-8") for name in FILES})


def parse_ontology(files: Mapping[str, str]) -> Ontology:
    """Build the ontology from the texts of its files, by file name, and check it as a whole.

    Raises:
        OntologyError: Something is wrong; the message names the file and the entry.
    """
    tables = {name: _parse_toml(name, text) for name, text in files.items()}
    terms = tables["terms.toml"]
    try:
        store = Ontology(
            version=terms.get("version", ""),
            terms=_entries("terms.toml", terms.get("term", []), Term),
            action_units=_entries("action_units.toml", tables["action_units.toml"].get("action_unit", []), ActionUnit),
            appraisals=_entries("appraisals.toml", tables["appraisals.toml"].get("appraisal", []), Appraisal),
            body=_entries("body.toml", tables["body.toml"].get("body", []), Posture),
            label_sets=terms.get("label_sets", {}),
        )
    except ValidationError as error:
        raise OntologyError(f"terms.toml: {_first(error)}") from error
    _check(store)
    return store


def _parse_toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OntologyError(f"{name} is not valid TOML.", hint=str(error)) from error


def _first(error: ValidationError) -> str:
    details = error.errors()[0]
    return f"{'.'.join(str(part) for part in details['loc'])}: {details['msg']}"


def _entries(file: str, rows: Any, kind: type[EntryT]) -> dict[str, EntryT]:
    """Validate all entries of a file at once (much faster than one by one) and key them by id."""
    try:
        entries: list[EntryT] = TypeAdapter(list[kind]).validate_python(rows)  # type: ignore[valid-type]
    except ValidationError as error:
        place = error.errors()[0]["loc"]
        row = rows[place[0]] if place and isinstance(place[0], int) and isinstance(rows, list) else {}
        name = row.get("id", f"entry {place[0] if place else 0}") if isinstance(row, dict) else "entry"
        raise OntologyError(f"{file}: {name}: {_first(error)}") from error
    found = {entry.id: entry for entry in entries}
    if len(found) != len(entries):
        repeated = [name for name, count in Counter(entry.id for entry in entries).items() if count > 1]
        raise OntologyError(f"{file}: the id {', '.join(repeated)} repeats.")
    return found


def _check(store: Ontology) -> None:
    """Check what no single entry shows."""
    canonical = tuple(term.id for term in store.terms.values() if term.kind == "canonical")
    if canonical != CANONICAL:
        raise OntologyError(f"terms.toml: the canonical terms must be {', '.join(CANONICAL)}, in this order.")
    for term in store.terms.values():
        _require(term.action_units, store.action_units, f"terms.toml: {term.id}: action_units")
        _require(term.parents, store.terms, f"terms.toml: {term.id}: parents")
        _check_place(store, term)
    _check_names(store.terms.values())


def _require(names: Iterable[str], known: Iterable[str], where: str) -> None:
    missing = sorted(set(names) - set(known))
    if missing:
        raise OntologyError(f"{where}: {', '.join(missing)} does not exist.")


def _check_place(store: Ontology, term: Term) -> None:
    """A canonical term is a root, a compound one has two canonical parents, a fine one reaches a canonical term."""
    above = store.ancestors(term.id)
    if term.id in above:
        raise OntologyError(f"terms.toml: {term.id} is its own ancestor.")
    if term.kind == "canonical" and term.parents:
        raise OntologyError(f"terms.toml: {term.id} is canonical and has no parents.")
    if term.kind == "compound" and (len(term.parents) < 2 or not set(term.parents) <= set(CANONICAL)):
        raise OntologyError(f"terms.toml: {term.id} needs two canonical parents.")
    if term.kind == "fine" and not set(above) & set(CANONICAL):
        raise OntologyError(f"terms.toml: {term.id} hangs below no canonical term.")


def _check_names(terms: Iterable[Term]) -> None:
    counts = Counter(name for term in terms for name in {name.lower() for name in term.names})
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise OntologyError(f"terms.toml: {', '.join(repeated)} stands for more than one term.")
