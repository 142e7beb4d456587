from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from ferce_agent.cli import installation_checks as doctor
from tests.cli.commands import ferce

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_every_extra_is_known_and_has_a_purpose() -> None:
    assert set(PROJECT["optional-dependencies"]) <= set(doctor.PURPOSES)
    assert set(doctor.extras()) <= set(doctor.PURPOSES)
    told = {check.name for check in doctor.extra_checks()}
    assert told == {f"extra {name}" for name in doctor.extras()}


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", gone)
    for check in doctor.extra_checks():
        assert not check.good and not check.needed
        assert check.advice == f"pip install 'ferce-agent[{check.name.removeprefix('extra ')}]'"
        assert "is missing" in check.detail


def test_an_extra_holds_its_own_packages_only() -> None:
    assert {one.name for one in doctor.requirements("peers")} == {"ai-edge-litert"}
    assert "ai-edge-litert" not in {one.name for one in doctor.requirements()}
    assert {"numpy", "langgraph", "pydantic"} <= {one.name for one in doctor.requirements()}


@pytest.mark.parametrize(
    ("line", "lack"),
    [("numpy>=2", ""), ("numpy>=99", "is not >=99"), ("no-such-package-here", "no-such-package-here is missing")],
)
def test_versions_are_checked(line: str, lack: str) -> None:
    assert doctor.lacks(Requirement(line)).endswith(lack)
    assert bool(doctor.lacks(Requirement(line))) == bool(lack)


def test_the_account_as_data_and_its_exit_status(tmp_path: Path) -> None:
    done = ferce("doctor", "--json")
    checks = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"name", "good", "needed", "detail", "advice"} == set(checks[0])
    assert {"python", "face detector", "expression model", "workflow"} <= {check["name"] for check in checks}
    broken = ferce("doctor", "--json", env={"FERCE_WEIGHTS": str(tmp_path / "gone.onnx")})
    assert broken.returncode == 1
    assert [check for check in json.loads(broken.stdout) if check["needed"] and not check["good"]]


TARGETS = re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_no_word_of_the_package_names_a_makefile() -> None:
    pattern = re.compile(rf"\bmake (?:{'|'.join(TARGETS)})\b|Makefile")
    named = {
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in (ROOT / "ferce_agent").rglob("*.py")
        if "evaluation" not in path.parts or path.name == "peers.py"
        for found in pattern.finditer(path.read_text("utf-8"))
    }
    assert named == set()
    assert b"make " not in ferce("doctor").stdout
