from __future__ import annotations

from typing import Any

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.policy.decide import decide
from ferce_agent.policy.use import UseContext
from ferce_agent.scenarios import preset, presets, study_of
from ferce_agent.scenarios.preset import parse_preset
from ferce_agent.scenarios.study import HOME, Study, read_options
from ferce_agent.settings import Settings


def test_every_preset_has_a_study_limits_with_sources_and_usable_settings() -> None:
    assert [one.name for one in presets()] == list(HOME)
    for one in presets():
        assert issubclass(study_of(one.name), Study)
        assert all(limit.source for limit in one.limits.values())
        assert one.settings_over(Settings())


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"There is no scenario 'divers'.*driver"):
        preset("divers")


def test_a_damaged_preset_and_unknown_options_are_refused() -> None:
    with pytest.raises(SettingsError, match="damaged"):
        parse_preset("name = 7")
    with pytest.raises(SettingsError, match="speeed"):
        read_options(study_of("driver"), {"speeed": 3})


def test_a_study_refuses_in_words_what_its_preset_does_not_take() -> None:
    decision = decide(UseContext(consent=True), remote=False)
    for one in presets():
        study = study_of(one.name)
        made = study(one, read_options(study, {}), decision)
        takes: dict[str, Any] = {"photo": made.photo, "session": made.session}
        for kind in set(takes) - set(one.takes):
            with pytest.raises(SettingsError, match=f"The scenario {one.name} does not take {kind}s"):
                takes[kind](0, None)
