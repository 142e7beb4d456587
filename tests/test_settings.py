from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.settings import Settings


def test_the_environment_overrides_the_defaults() -> None:
    settings = Settings.from_environment(
        {"FERCE_MAX_FACES": "3", "FERCE_SMALL_FACES": "yes", "FERCE_WEIGHTS": "w.onnx", "OTHER": "x"}
    )
    assert settings == Settings(max_faces=3, small_faces=True, weights=Path("w.onnx"))
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize(
    "environment",
    [
        {"FERCE_MAX_FACES": "many"},
        {"FERCE_MAX_FACES": "0"},
        {"FERCE_FACE_THRESHOLD": "1.5"},
        {"FERCE_FACE_THRESHOLD": "nan"},
        {"FERCE_SMALL_FACES": "perhaps"},
        {"FERCE_VLM_SECONDS": "-1"},
        {"FERCE_THREADS": "1000"},
    ],
)
def test_unusable_values_are_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        Settings.from_environment(environment)
