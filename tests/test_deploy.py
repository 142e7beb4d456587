"""The examples for containers against the real server: its options, its paths, its limits."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from ferce_agent.cli import main

FOLDER = Path(__file__).parents[1] / "docs" / "deploy"
CONTAINERFILE = (FOLDER / "Containerfile").read_text("utf-8")


def instruction(name: str) -> list[str]:
    """The words of the last instruction of this name in the Containerfile."""
    (found,) = re.findall(rf"^{name} \[(.*)\]$", CONTAINERFILE, re.MULTILINE)
    return [word.strip().strip('"') for word in found.split(",")]


def objects() -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text("utf-8"))}


def container() -> dict[str, Any]:
    found: dict[str, Any] = objects()["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
    return found


@pytest.mark.parametrize(
    "extra", [instruction("CMD"), compose()["services"]["server"]["command"], container()["args"]], ids=str
)
def test_the_server_takes_the_arguments(extra: list[str]) -> None:
    command = [*instruction("ENTRYPOINT")[1:], *extra]
    assert "serve" in command
    done = CliRunner().invoke(main, [*command, "--help"])
    assert done.exit_code == 0, done.output
    wrong = CliRunner().invoke(main, [*command, "--no-such-option"])
    assert wrong.exit_code == 2


def test_without_a_token_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERCE_TOKEN", raising=False)
    done = CliRunner().invoke(main, [*instruction("ENTRYPOINT")[1:], *instruction("CMD")])
    assert done.exit_code == 1
    assert "FERCE_TOKEN" in done.output


def test_ports_and_paths_are_the_server_s() -> None:
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.service.app import create_app
    from ferce_agent.service.readers import OwnThreads
    from ferce_agent.service.service import Service

    engines = Engines()
    paths = create_app(Service(engines, OwnThreads(engines), mcp=False)).openapi()["paths"]
    port = instruction("ENTRYPOINT")[-1]
    assert f"EXPOSE {port}" in CONTAINERFILE
    health = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", CONTAINERFILE)
    assert health is not None
    assert health[1] == port
    assert container()["ports"] == [{"name": "http", "containerPort": int(port)}]
    probes = [container()[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert {probe["port"] for probe in probes} == {"http"}
    assert {health[2], "/metrics", *(probe["path"] for probe in probes)} <= set(paths)
    assert compose()["services"]["server"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_what_is_copied_is_there() -> None:
    copied = [
        word
        for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINERFILE, re.MULTILINE)
        for word in shlex.split(line)[:-1]
    ]
    assert copied
    assert [name for name in copied if not (FOLDER.parents[1] / name).exists()] == []


def test_nothing_runs_as_root_or_stays_open() -> None:
    spec = objects()["Deployment"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container()["securityContext"]["readOnlyRootFilesystem"] is True
    assert f"USER {spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}" in CONTAINERFILE
    labels = objects()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        chosen = objects()[kind]["spec"]
        selector = chosen.get("selector") or chosen.get("podSelector")
        assert selector.get("matchLabels", selector) == labels
    grace = spec["terminationGracePeriodSeconds"]
    assert grace > 30 + int(container()["lifecycle"]["preStop"]["exec"]["command"][1])  # a photo may take 30 s
