from __future__ import annotations

import subprocess
import sys

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


def test_public_names_resolve() -> None:
    for name in ferce_agent.__all__:
        assert getattr(ferce_agent, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        ferce_agent.nothing  # noqa: B018


def test_no_generic_name_is_importable_from_elsewhere(tmp_path: object) -> None:
    code = "import importlib.util as u\nprint([n for n in ('tools', 'graphs', 'prompts') if u.find_spec(n)])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"
