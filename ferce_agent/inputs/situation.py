"""What a caller may tell about the situation.

Plain words, or a structured `Situation`. All optional, all bounded in size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ferce_agent.errors import SettingsError
from ferce_agent.ontology.ids import TermId
from ferce_agent.validation.refusal import unusable, value_of

MAX_TEXT: Final = 20_000
"""Characters of free text, and of one turn; all of them are read. The schemas of the tools use it, too."""
MAX_SPOKEN: Final = 5 * MAX_TEXT
"""Characters of all turns together."""
MAX_TURNS: Final = 50
MAX_EARLIER: Final = 20
MAX_PEOPLE: Final = 16

Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
PersonId = Annotated[str, StringConstraints(pattern=r"^person-[0-9]+$")]


class Told(BaseModel):
    """Base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class Turn(Told):
    """One turn of a conversation, oldest first."""

    speaker: Name
    """Who says it: a name of `people`, ``user``, ``assistant``, or any other name."""
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
    """What is said."""
    time: datetime | None = None
    """When."""


class KnownPerson(Told):
    """Who somebody in the picture is, as the caller says."""

    person: PersonId
    """Id in the report: ``person-1`` is the largest face."""
    name: Name
    """Name or role, such as "the bride"."""


class KnownRelation(Told):
    """How two people are related, as the caller says."""

    people: tuple[PersonId, PersonId]
    """Two person ids."""
    relation: Line
    """Such as "sisters" or "opponents in the final"."""


class EarlierReading(Told):
    """What the same person showed before."""

    person: PersonId = "person-1"
    """Who, by today's id."""
    primary: TermId | None
    """Expression then; null if none was named."""
    valence: Annotated[float, Field(ge=-1, le=1)]
    """Pleasantness then."""
    time: datetime | None = None
    """When."""


class Situation(Told):
    """What the caller knows."""

    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)] | None = None
    """Anything, in plain words."""
    scene: Line | None = None
    """What can be seen around the people."""
    place: Line | None = None
    """Where it is."""
    event: Line | None = None
    """What is going on."""
    posture: Line | None = None
    """How the person with the largest face stands, sits, gestures."""
    people: Annotated[tuple[KnownPerson, ...], Field(max_length=MAX_PEOPLE)] = ()
    """Who is who."""
    relations: Annotated[tuple[KnownRelation, ...], Field(max_length=MAX_PEOPLE)] = ()
    """How they are related."""
    turns: Annotated[tuple[Turn, ...], Field(max_length=MAX_TURNS)] = ()
    """The conversation so far, oldest first."""
    earlier: Annotated[tuple[EarlierReading, ...], Field(max_length=MAX_EARLIER)] = ()
    """Earlier readings, oldest first."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if sum(len(turn.text) for turn in self.turns) > MAX_SPOKEN:
            raise ValueError(f"the turns hold more than {MAX_SPOKEN} characters; give the latest ones")
        return self


def readable(value: Any) -> Any:
    """Return data with every text in it fit to be stored.

    Halves of characters joined or marked, control characters as spaces.
    """
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.translate(CONTROLS)
    if isinstance(value, Mapping):
        return {readable(name): readable(entry) for name, entry in value.items()}
    return [readable(entry) for entry in value] if isinstance(value, list | tuple) else value


CONTROLS: Final = dict.fromkeys([*(code for code in range(32) if chr(code) not in "\t\n\r"), *range(127, 160)], " ")
"""What control characters become; tabs and line breaks stay."""


def _listed(told: Sequence[Any]) -> dict[str, Any]:
    """Return a list of sentences as one text, and a list of turns as a conversation.

    Raises:
        SettingsError: It holds anything else.
    """
    if all(isinstance(entry, str) for entry in told):
        return {"text": "\n".join(told) or None}
    turns = [_as_turn(entry) for entry in told]
    if not all(turns):
        hint = (
            "Give plain words, a list of sentences or turns, or the fields of a Situation: text, place, event, "
            "turns and so on."
        )
        raise SettingsError("The context's list holds neither sentences nor turns of a conversation.", hint=hint)
    return {"turns": turns}


def _as_turn(entry: Any) -> Any:
    """Return an entry of a conversation as fields of a `Turn`, also where it says role and content.

    None if it is none.
    """
    if isinstance(entry, Turn):
        return entry
    if not isinstance(entry, Mapping):
        return None
    named = {{"role": "speaker", "content": "text"}.get(str(name), str(name)): value for name, value in entry.items()}
    return named if {"speaker", "text"} <= set(named) else None


def read_situation(told: str | Situation | Mapping[str, Any] | Sequence[Any] | None) -> Situation:
    """Return what a caller gives in any form as a `Situation`: words, fields, a list of sentences, or a list of turns.

    Raises:
        SettingsError: A field is unknown, too long or of the wrong kind; the message names it, and the nearest known
            one.
    """
    if told is None or isinstance(told, Situation):
        return told or Situation()
    if isinstance(told, str):
        told = {"text": told}
    elif isinstance(told, list | tuple):
        told = _listed(told)
    if not isinstance(told, Mapping):
        hint = "Give plain words, or the fields of a Situation: text, place, event, turns, people and so on."
        raise SettingsError(f"The context must be text or an object with fields, not {value_of(told)}.", hint=hint)
    try:
        return Situation.model_validate(_unless_blank(readable(dict(told))))
    except ValidationError as error:
        raise unusable(error, "The context", Situation) from error


def _unless_blank(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out a text of nothing but space: it tells nothing."""
    text = fields.get("text")
    return {**fields, "text": None} if isinstance(text, str) and not text.strip() else fields
