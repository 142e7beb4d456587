from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ferce_agent.errors import SetupError
from ferce_agent.inputs.photo import load_picture


def test_a_missing_decoder_is_not_called_damage(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    with pytest.raises(SetupError, match="simplejpeg"):
        load_picture(photo)
