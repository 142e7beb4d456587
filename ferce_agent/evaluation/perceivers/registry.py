"""From ``NAME`` or ``NAME:OPTION`` to a perceiver. A new one is one class and one line here."""

from __future__ import annotations

from collections.abc import Callable

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.perceivers.base import Perceiver
from ferce_agent.evaluation.perceivers.fused import FusedPerceiver
from ferce_agent.evaluation.perceivers.own import ProductPerceiver, SpecialistPerceiver
from ferce_agent.evaluation.perceivers.peers import FerPeer, OpenCvFloor
from ferce_agent.evaluation.perceivers.writer import WrittenPerceiver
from ferce_agent.vlm.backends import call_named, load_vlm
from ferce_agent.vlm.protocol import VisionLanguageModel

NAMES = (
    "specialist",
    "specialist:full",
    "specialist:int8",
    "specialist:FILE.onnx",
    "product",
    "fer",
    "opencv",
    "vlm:SPEC",
    "fused:SPEC",
    "python:MODULE:FACTORY",
)


def load_perceiver(spec: str, *, consent: bool = False) -> Perceiver:
    """Build the perceiver that `spec` names; `consent`: the people shown agree that their faces go to a remote model.

    Raises:
        PolicyError: A remote model is named, and nobody said that they agree.
        SettingsError: There is none of this name, or the named factory gives something else.
    """
    name, _, option = spec.partition(":")
    if name == "specialist":
        return SpecialistPerceiver(option)
    if name == "vlm" and option:
        return WrittenPerceiver(load_vlm(option), consent=consent)
    if name == "fused" and option:
        return FusedPerceiver(option, consent=consent)
    if name == "python" and option:
        return _from_python(option, consent)
    plain: dict[str, Callable[[], Perceiver]] = {
        "product": lambda: ProductPerceiver(consent=consent),
        "fer": FerPeer,
        "opencv": OpenCvFloor,
    }
    if name not in plain or option:
        raise SettingsError(f"'{spec[:120]}' is no perceiver.", hint=f"Use one of {', '.join(NAMES)}.")
    return plain[name]()


def _from_python(place: str, consent: bool) -> Perceiver:
    """Call a function of an importable module; it returns a perceiver or a vision-language model."""
    made = call_named(place)
    if isinstance(made, Perceiver):
        return made
    if isinstance(made, VisionLanguageModel):
        return WrittenPerceiver(made, consent=consent)
    raise SettingsError(f"python:{place[:120]} gives neither a perceiver nor a vision-language model.")
