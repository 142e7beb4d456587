"""A report as EmotionML 1.0 (W3C Recommendation, 22 May 2014), and a check of its structure.

Each face becomes one `<emotion>`. Expressions are not emotions; EmotionML's own attribute ``expressed-through="face"``
says that the annotation describes what was expressed. The eight FER+ expressions are declared as a vocabulary inside
the document, because the W3C's big6 has neither neutral nor contempt. Valence and arousal become the dimensions
pleasure and arousal, rescaled to 0..1.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import EmotionReport, Expression, Person

NAMESPACE: Final = "http://www.w3.org/2009/10/emotionml"
VOCABULARY: Final = "ferce-expressions"
PAD: Final = "http://www.w3.org/TR/emotion-voc/xml#pad-dimensions"
KNOWN_VOCABULARIES: Final = {PAD: ("pleasure", "arousal", "dominance")}
CONTENT: Final = ("category", "dimension", "appraisal", "action-tendency")


def to_emotionml(report: EmotionReport) -> str:
    """Return the report's faces as an EmotionML document; faces that were not read are left out.

    The categories carry the calibrated probabilities as `confidence`, the named expression (or the likeliest) first.
    """
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(_tag("emotionml"), {"version": "1.0", "category-set": f"#{VOCABULARY}", "dimension-set": PAD})
    vocabulary = ET.SubElement(root, _tag("vocabulary"), {"type": "category", "id": VOCABULARY})
    for name in CANONICAL:
        ET.SubElement(vocabulary, _tag("item"), {"name": name})
    for person in report.people:
        if person.expression is not None:
            _add_emotion(root, person, person.expression, report.source.sha256)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add_emotion(root: ET.Element, person: Person, expression: Expression, sha256: str) -> None:
    emotion = ET.SubElement(root, _tag("emotion"), {"id": person.id, "expressed-through": "face"})
    named = [part.term for part in expression.components] or list(expression.prediction_set)
    shares = dict(expression.distribution.items())
    for name in named:
        ET.SubElement(emotion, _tag("category"), {"name": name, "confidence": f"{shares[name]:.4f}"})
    for dimension, estimate in (("pleasure", expression.valence), ("arousal", expression.arousal)):
        value = f"{(estimate.value + 1) / 2:.4f}"
        ET.SubElement(emotion, _tag("dimension"), {"name": dimension, "value": value})
    box = person.face.box
    area = ",".join(str(max(round(value), 0)) for value in (box.x, box.y, box.width, box.height))
    ET.SubElement(emotion, _tag("reference"), {"uri": f"urn:sha256:{sha256}#xywh={area}", "role": "expressedBy"})


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
