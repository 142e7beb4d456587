"""A check of the structure of EmotionML 1.0 documents, by the rules of the specification that ours can break."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final

from ferce_agent.views.emotionml import NAMESPACE, PAD

KNOWN_VOCABULARIES: Final = {PAD: ("pleasure", "arousal", "dominance")}
CONTENT: Final = ("category", "dimension", "appraisal", "action-tendency")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def check_emotionml(xml: str) -> list[str]:
    """Return what is wrong with the structure of an EmotionML document; an empty list if nothing is.

    Checked are the rules of the specification that concern the elements used here: root and version, declared and
    resolvable vocabularies, names in them, numbers in 0..1, value and trace not together, at least one description per
    emotion, no name twice in one emotion, unique ids, reference roles.
    """
    try:
        root = ET.fromstring(xml.encode())
    except ET.ParseError as error:
        return [f"not well-formed: {error}"]
    if root.tag != _tag("emotionml") or root.get("version") != "1.0":
        return ["the root is not emotionml version 1.0"]
    problems = []
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    if len(set(ids)) != len(ids):
        problems.append("an id repeats")
    vocabularies = {f"#{element.get('id')}": _items(element) for element in root.findall(_tag("vocabulary"))}
    for emotion in root.findall(_tag("emotion")):
        problems += _check_emotion(emotion, root, {**KNOWN_VOCABULARIES, **vocabularies})
    return problems


def _items(vocabulary: ET.Element) -> tuple[str, ...]:
    return tuple(item.get("name", "") for item in vocabulary.findall(_tag("item")))


def _check_emotion(emotion: ET.Element, root: ET.Element, vocabularies: dict[str, tuple[str, ...]]) -> list[str]:
    problems = []
    children = [child for child in emotion if child.tag in {_tag(kind) for kind in CONTENT}]
    if not children:
        problems.append("an emotion without category, dimension, appraisal or action-tendency")
    for kind in CONTENT:
        elements = emotion.findall(_tag(kind))
        names = [element.get("name", "") for element in elements]
        declared = emotion.get(f"{kind}-set") or root.get(f"{kind}-set")
        if names and declared not in vocabularies:
            problems.append(f"{kind}-set is not declared or not known")
        problems += [
            f"{kind} '{name}' is not in its vocabulary" for name in names if name not in _of(declared, vocabularies)
        ]
        if len(set(names)) != len(names):
            problems.append(f"a {kind} repeats in one emotion")
        problems += [problem for element in elements for problem in _check_numbers(element, kind)]
    for reference in emotion.findall(_tag("reference")):
        if not reference.get("uri") or reference.get("role", "expressedBy") not in _ROLES:
            problems.append("a reference without uri or with an unknown role")
    return problems


_ROLES: Final = ("expressedBy", "experiencedBy", "triggeredBy", "targetedAt")


def _of(declared: str | None, vocabularies: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return vocabularies.get(declared or "", ())


def _check_numbers(element: ET.Element, kind: str) -> list[str]:
    problems = []
    for attribute in ("value", "confidence"):
        text = element.get(attribute)
        if text is not None and not _in_unit(text):
            problems.append(f"{attribute} {text} is not in 0..1")
    trace = element.find(_tag("trace")) is not None
    if trace and element.get("value") is not None:
        problems.append("value and trace in one element")
    if kind == "dimension" and not trace and element.get("value") is None:
        problems.append("a dimension without value or trace")
    return problems


def _in_unit(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
