from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ferce_agent


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not {"numpy", "cv2", "pydantic", "langgraph"} & loaded_after("import ferce_agent")


def test_the_workflow_loads_no_optional_package() -> None:
    heavy = {"torch", "transformers", "llama_cpp", "instructor", "onnxruntime", "pyarrow", "mcp"}
    assert not heavy & loaded_after("import ferce_agent.api")


def test_the_mcp_server_starts_without_the_workflows() -> None:
    loaded = loaded_after("from ferce_agent.tools.mcp import create_server\ncreate_server()")
    assert loaded.isdisjoint({"langgraph", "langchain_core", "ferce_agent.api", "av", "onnxruntime"})


def test_public_names_resolve() -> None:
    for name in ferce_agent.__all__:
        assert getattr(ferce_agent, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        ferce_agent.nothing  # noqa: B018


def test_no_generic_name_is_importable_from_elsewhere(tmp_path: object) -> None:
    code = "import importlib.util as u\nprint([n for n in ('tools', 'graphs', 'prompts') if u.find_spec(n)])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"


def test_reading_a_photo_leaves_no_file_behind(tmp_path: Path) -> None:
    """An engine that notes its use in the temporary folder may send these notes, too."""
    code = (
        "from ferce_agent import analyze_expression; from ferce_agent.evaluation.speed import demo_photo; "
        "analyze_expression(demo_photo())"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "TMP": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []
