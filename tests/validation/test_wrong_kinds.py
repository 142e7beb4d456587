"""Arguments of another kind than they should be, through Python: a typed error that names the argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ferce_agent import analyze_expression
from ferce_agent.errors import FerceError, SettingsError
from ferce_agent.report import EmotionReport
from ferce_agent.tools.langchain import create_analyze_expression_tool
from ferce_agent.tools.langchain_clip import create_analyze_clip_tool
from ferce_agent.tools.mcp import create_server


@pytest.mark.parametrize("given", [{"engines": 5}, {"engines": "own"}, {"on_event": 5}, {"on_event": "print"}])
def test_engines_and_listeners(photo: Path, given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(given))):
        analyze_expression(photo, **given)


def test_no_picture() -> None:
    with pytest.raises(FerceError, match="No picture was given"):
        analyze_expression(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("roots", [5, [5], [None]])
def test_roots(roots: Any) -> None:
    for make in (create_analyze_expression_tool, create_analyze_clip_tool, create_server):
        with pytest.raises(SettingsError, match="root"):
            make(roots=roots)


def test_one_root_needs_no_list(photo: Path) -> None:
    tool = create_analyze_expression_tool(roots=str(photo.parent))
    assert "happiness" in tool.invoke({"image": photo.name})


@pytest.mark.parametrize("path", [None, 5, 3.5, ["x.html"]])
def test_where_to_save(report: EmotionReport, path: Any) -> None:
    with pytest.raises(SettingsError, match="path"):
        report.save(path)
