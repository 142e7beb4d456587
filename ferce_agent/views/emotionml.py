"""A report as EmotionML 1.0 (W3C Recommendation, 22 May 2014).

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
