"""Reports of scenarios and sessions fit their published JSON Schemas."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from ferce_agent.report.scenario import scenario_json_schema
from ferce_agent.report.scenario_brief import scenario_brief_schema
from ferce_agent.report.session import session_json_schema
from ferce_agent.views.scenario_brief import scenario_brief
from tests import scenario_reports, session_reports


@pytest.mark.parametrize("name", tuple(scenario_reports.EVERY))
def test_reports_and_briefs_of_scenarios_fit_their_schemas(name: str) -> None:
    report = scenario_reports.EVERY[name]()
    Draft202012Validator(scenario_json_schema()).validate(report.model_dump(mode="json"))
    Draft202012Validator(scenario_brief_schema()).validate(scenario_brief(report).told())


@pytest.mark.parametrize("name", tuple(session_reports.EVERY))
def test_reports_of_sessions_fit_their_schema(name: str) -> None:
    Draft202012Validator(session_json_schema()).validate(session_reports.EVERY[name]().model_dump(mode="json"))
