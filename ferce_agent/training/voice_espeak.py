"""Speech of a synthesiser, espeak-ng: what the voice model learns to be unlike its training.

The program is not part of this package: it is asked if it is installed (Debian's `espeak-ng`). Its voices differ so
much from people that a few languages and variants are enough to know the others.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

import numpy as np

from ferce_agent.inputs.sound import read_sound
from ferce_agent.voice.features import Samples

PROGRAM: Final = "espeak-ng"
VARIANTS: Final = ("", "+f1", "+f2", "+f4", "+m1", "+m2", "+m4", "+m5")
SENTENCES: Final = {
    "de": (
        "Am Mittwoch fahren wir mit dem Zug nach Hamburg zu den Großeltern.",
        "Bitte geben Sie nach dem Signalton Ihre Kundennummer ein.",
        "Die Bibliothek schließt heute schon um achtzehn Uhr dreißig.",
        "Morgen wird es im Süden bewölkt mit einzelnen Schauern.",
    ),
    "en": (
        "Please enter your customer number after the tone.",
        "The library closes at half past six this evening.",
        "Tomorrow will be cloudy in the south with scattered showers.",
        "Turn left at the next crossing and follow the river.",
    ),
    "fr": (
        "La bibliothèque ferme ce soir à six heures et demie.",
        "Demain le ciel sera couvert dans le sud du pays.",
    ),
    "es": (
        "La biblioteca cierra esta tarde a las seis y media.",
        "Mañana estará nublado en el sur con algunas lluvias.",
    ),
}
"""What is said, by language."""
PACE: Final = (130, 200)
"""Words a minute."""
HEIGHT: Final = (25, 75)
"""Pitch, on the program's scale of 0 to 99."""
LIMIT_S: Final = 20.0
"""For one sentence."""


def synthesised(seed: int) -> list[Samples]:
    """Return the sentences in all variants of a voice; none if the program is not installed or fails.

    Args:
        seed: Draws pace and pitch.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        return []
    rng = np.random.default_rng(seed)
    made = []
    for language, sentences in SENTENCES.items():
        for variant in VARIANTS:
            for sentence in sentences:
                how = ("-s", str(rng.integers(*PACE)), "-p", str(rng.integers(*HEIGHT)))
                if data := _said(program, ("-v", language + variant, *how), sentence):
                    made.append(np.asarray(read_sound(data).samples, np.float32))
    return made


def _said(program: str, how: tuple[str, ...], sentence: str) -> bytes:
    try:
        ran = subprocess.run([program, *how, "--stdout", sentence], capture_output=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return ran.stdout if ran.returncode == 0 else b""
