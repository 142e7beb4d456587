"""From a pydantic model of answers to the three forms that back-ends enforce: a schema, a grammar in GBNF, the model.

The pydantic model is the one description of an answer; the JSON schema is its own, and the grammar is made from the
schema. Words that are known only at run time (labels, names) are handed in and enumerated in all three. Our grammar is
stricter than what llama.cpp derives from a schema: numbers have two digits, texts are short and hold no control
characters, quotes, backslashes or markup.

A new kind of answer is a pydantic model made of nested models, lists with ``max_length``, enumerated words, texts with
``max_length`` and numbers from 0 to 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from ferce_agent.vlm.protocol import Grammar

Words = Mapping[str, Mapping[str, Sequence[str]]]
"""Words on offer, by the name of a model and of its field."""

SHARE: Final = '"0." [0-9] [0-9] | "1.00"'
"""A number from 0 to 1."""
LETTER: Final = "[a-zA-Z0-9 ,.;()'-]"
"""A character of a text."""
SPACE: Final = '" "?'


@dataclass(frozen=True, slots=True)
class Pair:
    """The first two fields of a model, where the first follows from the second; only the grammar can say so.

    Attributes:
        first: Name of the first field.
        second: Name of the second field.
        allowed: For each word of the first field, the words of the second.
    """

    first: str
    second: str
    allowed: Mapping[str, Sequence[str]]


def grammar_of(
    model: type[BaseModel],
    words: Words | None = None,
    context: Mapping[str, Any] | None = None,
    pairs: Mapping[str, Pair] | None = None,
    rules: Mapping[str, str] | None = None,
) -> Grammar:
    """Return what an answer must look like, in all forms.

    Args:
        model: The answer.
        words: Words on offer in fields that are plain texts in the model.
        context: What the model is validated with.
        pairs: For models whose first two fields depend on each other, which words go together.
        rules: Names of the grammar's rules for nested models; their own names in small letters otherwise.
    """
    made = schema_of(model, words or {})

    class Offered(model):  # type: ignore[valid-type,misc]  # a class that is known at run time
        __doc__ = model.__doc__

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return made

    return Grammar(_Gbnf(made, pairs or {}, rules or {}).text(), made, Offered, context or {})


def schema_of(model: type[BaseModel], words: Words) -> dict[str, Any]:
    """Return the JSON schema of a model with the words on offer enumerated."""
    made = model.model_json_schema()
    for name, fields in words.items():
        part = made if name == model.__name__ else made["$defs"][name]
        for field, offered in fields.items():
            part["properties"][field]["enum"] = list(offered)
    return made


def write(document: object) -> str:
    """Return plain data as an answer that the grammar allows: JSON in which numbers have two digits."""
    if isinstance(document, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)}: {write(value)}" for name, value in document.items()) + "}"
    if isinstance(document, list | tuple):
        return "[" + ", ".join(write(one) for one in document) + "]"
    return f"{document:.2f}" if isinstance(document, float) else json.dumps(document, ensure_ascii=False)


class _Gbnf:
    """Makes the grammar of one schema; an item of a rule is a literal (a tuple of one text) or a piece of notation."""

    def __init__(self, schema: Mapping[str, Any], pairs: Mapping[str, Pair], rules: Mapping[str, str]) -> None:
        self._schema, self._pairs, self._names = schema, pairs, rules
        self._objects: dict[str, str] = {}
        self._choices: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def text(self) -> str:
        """Return the grammar: the root, nested objects, words on offer, then numbers and texts."""
        rules = {"root": self._object(self._schema), **self._objects, **self._choices, **self._numbers, **self._texts}
        if self._texts:
            rules["letter"] = LETTER
        rules["sp"] = SPACE
        return "\n".join(f"{name} ::= {rule}" for name, rule in rules.items()) + "\n"

    def _object(self, schema: Mapping[str, Any]) -> str:
        fields = list(schema["properties"].items())
        pair = self._pairs.get(schema["title"])
        items: list[tuple[str] | str] = []
        if pair is not None:
            items.append("(" + " | ".join(_together(pair)) + ")")
            fields = fields[2:]
        for name, value in fields:
            items += [(",",), "sp"] if items else [("{",)]
            items += [(f"{json.dumps(name)}:",), "sp", *self._value(name, value)]
        return _joined([*items, ("}",)])

    def _value(self, name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str] | str]:
        if schema.get("type") != "array":
            yield self._rule(name, schema)
            return
        one, most = self._rule(name, schema["items"]), schema["maxItems"]
        several = f'{one} ("," sp {one}){{0,{most - 1}}}'
        yield ("[",)
        yield several if schema.get("minItems") else f"({several})?"
        yield ("]",)

    def _rule(self, name: str, schema: Mapping[str, Any]) -> str:
        """Return the name of the rule for a value, and make the rule."""
        if "$ref" in schema:
            title = schema["$ref"].rpartition("/")[2]
            name = self._names.get(title, title.lower())
            self._objects.setdefault(name, "")  # before those inside it
            self._objects[name] = self._object(self._schema["$defs"][title])
        elif "enum" in schema:
            self._choices[name] = " | ".join(_quoted(word) for word in schema["enum"])
        elif schema["type"] == "string":
            self._texts[name] = f'"\\"" letter{{0,{schema["maxLength"]}}} "\\""'
        elif (schema["type"], schema.get("minimum"), schema.get("maximum")) == ("number", 0, 1):
            name = "share"
            self._numbers[name] = SHARE
        else:
            raise ValueError(f"a {schema['type']} has no form in the grammar")
        return name


def _together(pair: Pair) -> Iterator[str]:
    """Yield the beginning of an object for each word of its first field."""
    for word, others in pair.allowed.items():
        first, second = json.dumps(pair.first), json.dumps(pair.second)
        items: list[tuple[str] | str] = [("{" + f"{first}:",), "sp", (f"{json.dumps(word)},",), "sp", (f"{second}:",)]
        yield _joined([*items, "sp", "(" + " | ".join(_quoted(one) for one in others) + ")"])


def _joined(items: Sequence[tuple[str] | str]) -> str:
    """Return a rule; literals that follow each other become one."""
    done: list[tuple[str] | str] = []
    for item in items:
        last = done[-1] if done else ""
        if isinstance(item, tuple) and isinstance(last, tuple):
            done[-1] = (last[0] + item[0],)
        else:
            done.append(item)
    return " ".join(_literal(item[0]) if isinstance(item, tuple) else item for item in done)


def _quoted(word: str) -> str:
    """Return the literal of a word in JSON's double quotes."""
    return _literal(json.dumps(word, ensure_ascii=False))


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
