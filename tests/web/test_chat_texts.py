"""The words of the chat panel: each tone and each reason that the server may give has them."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from ferce_agent.chat.tone import BecauseCode
from ferce_agent.context.direction import Direction, Manner
from ferce_agent.context.guidance import advice_table
from ferce_agent.web.texts import LANGUAGES, own_texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tone_and_every_reason_has_words(language: str) -> None:
    tones = {*(advice.tone for advice in advice_table().values()), Direction().tone}
    wanted = {
        *("chat.tone." + re.sub(r"[^a-z]+", "_", tone.lower()) for tone in tones),
        *(f"chat.why.{code}" for code in get_args(BecauseCode)),
        *(f"chat.manner.{manner}" for manner in get_args(Manner)),
    }
    assert wanted <= own_texts(language).keys()
