"""From ``NAME`` or ``NAME:OPTION`` to a perceiver.

A new one of ours is one class and one line here. Another package adds one by an entry point of the group
``ferce_agent.perceivers``: a function that takes what follows the colon (an empty text, where nothing does) and returns
a `Perceiver`, or a vision-language model, which is asked in FERBench's form.
"""

from __future__ import annotations

from collections.abc import Callable

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.perceivers.base import Perceiver
from ferce_agent.evaluation.perceivers.fused import FusedPerceiver
from ferce_agent.evaluation.perceivers.own import ProductPerceiver, SpecialistPerceiver
from ferce_agent.evaluation.perceivers.peers import FerPeer, OpenCvFloor
from ferce_agent.evaluation.perceivers.writer import WrittenPerceiver
from ferce_agent.plugins import call_named, find_plugin, plugin_names
from ferce_agent.vlm.backends import load_vlm
from ferce_agent.vlm.protocol import VisionLanguageModel

NAMES = (
    "specialist",
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
        SetupError: An installed package offers the name, and cannot make the perceiver.
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
    if name in plain and not option:
        return plain[name]()
    return _from_plugin(spec, name, option, consent)


def _from_plugin(spec: str, name: str, option: str, consent: bool) -> Perceiver:
    ours = {one.partition(":")[0] for one in NAMES}
    plugin = None if name in ours else find_plugin("perceivers", name)
    if plugin is None:
        known = ", ".join([*NAMES, *plugin_names("perceivers")])
        raise SettingsError(f"'{spec[:120]}' is no perceiver.", hint=f"Use one of {known}.")
    made = _as_perceiver(plugin.make(option), consent)
    if made is None:
        raise plugin.unfit("perceiver and no vision-language model")
    return made


def _from_python(place: str, consent: bool) -> Perceiver:
    """Call a function of an importable module."""
    made = _as_perceiver(call_named(place), consent)
    if made is None:
        raise SettingsError(f"python:{place[:120]} gives neither a perceiver nor a vision-language model.")
    return made


def _as_perceiver(made: object, consent: bool) -> Perceiver | None:
    if isinstance(made, Perceiver):
        return made
    return WrittenPerceiver(made, consent=consent) if isinstance(made, VisionLanguageModel) else None
