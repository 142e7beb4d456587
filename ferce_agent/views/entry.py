"""One entry of the ontology as text."""

from __future__ import annotations

from ferce_agent.errors import UnknownTermError
from ferce_agent.ontology.store import ActionUnit, Appraisal, Ontology, Posture, Term


def find_entry(store: Ontology, name: str) -> Term | ActionUnit | Appraisal | Posture:
    """Return the expression, action unit, appraisal or posture of this id.

    Raises:
        UnknownTermError: There is none; the message suggests similar ids.
    """
    plain = name.strip().replace(" ", "_")
    for section in (store.action_units, store.appraisals, store.body):
        for key, entry in section.items():
            if key.lower() == plain.lower():
                return entry
    try:
        return store.term(plain.lower())
    except UnknownTermError:
        matches = store.search(name, 1)
        if matches and name.lower() in {matches[0].label, matches[0].adjective, *matches[0].synonyms}:
            return matches[0]
        raise


def fields_of(entry: Term | ActionUnit | Appraisal | Posture) -> list[tuple[str, str]]:
    """Return name and content of each field that holds something."""
    fields = []
    for name, value in entry.model_dump(mode="json").items():
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} = {item}" for key, item in value.items())
        if isinstance(value, list):
            value = ", ".join(str(item) for item in value)
        fields.append((name.replace("_", " "), str(value)))
    return fields
