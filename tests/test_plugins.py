from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ferce_agent.errors import DataError, PolicyError, SettingsError, SetupError
from ferce_agent.evaluation.datasets.registry import load_dataset
from ferce_agent.evaluation.perceivers.registry import load_perceiver
from ferce_agent.evaluation.perceivers.writer import WrittenPerceiver
from ferce_agent.plugins import call_named, find_plugin
from ferce_agent.vlm.backends import load_vlm, split_spec
from tests.cli.commands import ferce
from tests.plugin_package import install

ALL = {"vlm": {"acme": "Model"}, "datasets": {"acme": "reader"}, "perceivers": {"acme": "Says"}}


def searched(folder: Path) -> dict[str, str]:
    """Return the environment of a process that finds packages in a folder."""
    root = str(Path(__file__).parent.parent)
    return {"PYTHONPATH": os.pathsep.join([str(folder), root])}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on this process's search path."""
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.startswith("acme_")]:
        monkeypatch.delitem(sys.modules, module)
    return tmp_path


def test_a_model_of_an_installed_package_is_asked(photo: Path, tmp_path: Path) -> None:
    install(tmp_path, ALL)
    done = ferce("analyze", photo, "--vlm", "acme:happy", "--prompt", "regions", "--json", env=searched(tmp_path))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["people"][0]["vlm"]["primary"] == "happiness"
    model = report["provenance"]["vlm"]
    assert (model["name"], model["version"]) == ("acme-with-2-threads", "7")


def test_a_data_set_and_a_perceiver_of_an_installed_package_are_used(photo: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    install(tmp_path / "site", ALL)
    (tmp_path / "set" / "happy").mkdir(parents=True)
    (tmp_path / "set" / "happy" / "a.jpg").write_bytes(photo.read_bytes())
    chosen = ["--dataset", f"acme:{tmp_path / 'set'}", "--perceiver", "acme:happy", "--out", tmp_path / "out"]
    quick = ["--no-flips", "--resamples", "10", "--workers", "2"]
    done = ferce("bench", "run", *chosen, *quick, env=searched(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert '"accuracy": 1.0' in json.dumps(results)


def test_a_model_may_be_a_perceiver_and_a_remote_one_needs_consent(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, {"perceivers": {"acme": "Model"}})
    assert isinstance(load_perceiver("acme:happy"), WrittenPerceiver)
    model = find_plugin("perceivers", "acme")
    assert model is not None
    monkeypatch.setattr(model.factory, "remote", True)
    with pytest.raises(PolicyError):
        load_perceiver("acme:happy")
    assert load_perceiver("acme:happy", consent=True)


USES: list[tuple[str, Callable[[], object]]] = [
    ("vlm", lambda: load_vlm("acme:x")),
    ("vlm", lambda: load_vlm("acme")),
    ("datasets", lambda: load_dataset("acme:x")),
    ("perceivers", lambda: load_perceiver("acme")),
]


@pytest.mark.parametrize(("group", "use"), USES)
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("acme_gone:make", "ModuleNotFoundError: No module named 'acme_gone'"),
        ("missing", "AttributeError"),
        ("number", "nothing to call"),
        ("fails", "cannot be made .RuntimeError: no licence"),
        ("nothing", "gives no "),
    ],
)
def test_a_broken_plugin_is_an_error_that_names_the_package(
    group: str, use: Callable[[], object], target: str, said: str, site: Path
) -> None:
    install(site, {group: {"acme": target}})
    with pytest.raises(SetupError, match=said) as caught:
        use()
    assert "acme-faces" in str(caught.value)
    assert "'acme'" in str(caught.value) or target == "nothing"


@pytest.mark.parametrize(("group", "use"), USES)
def test_what_no_package_offers_is_an_error_that_lists_what_there_is(
    group: str, use: Callable[[], object], site: Path
) -> None:
    install(site, {group: {"other": "Model"}})
    with pytest.raises(SettingsError, match=r"acme.*Use .*other"):
        use()


@pytest.mark.parametrize(("group", "use"), USES)
def test_a_name_that_two_packages_offer_is_an_error_that_names_both(
    group: str, use: Callable[[], object], site: Path
) -> None:
    for name in ("acme-faces", "acme-other"):
        install(site, {group: {"acme": "Model"}}, name)
    with pytest.raises(SetupError, match="acme-faces and acme-other both offer 'acme'"):
        use()


def test_a_plugin_cannot_take_the_place_of_ours(site: Path) -> None:
    install(site, {"vlm": {"openai": "Model"}, "datasets": {"folder": "fails"}, "perceivers": {"specialist": "fails"}})
    assert load_vlm("openai:http://127.0.0.1:1/v1#m").name != "acme with 2 threads"
    with pytest.raises(SettingsError, match="names no vision-language model"):
        load_vlm("openai")
    with pytest.raises(DataError):
        load_dataset(f"folder:{site / 'nowhere'}")
    assert load_perceiver("specialist").describe()["name"] != "acme"


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("own", ("own", "")),
        ("own?threads=3", ("own", "?threads=3")),
        ("own:F?x=1", ("own", "F?x=1")),
        (" acme:http://h#m:1 ", ("acme", "http://h#m:1")),
        ("", ("", "")),
    ],
)
def test_a_string_is_a_name_and_the_rest(spec: str, parts: tuple[str, str]) -> None:
    assert split_spec(spec) == parts


def test_python_looks_only_where_modules_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Path
) -> None:
    (tmp_path / "beside_the_user.py").write_text("def make():\n    return 7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one not in {"", str(tmp_path)}])
    before = list(sys.path)
    with pytest.raises(SettingsError, match="PYTHONPATH"):
        call_named("beside_the_user:make")
    assert sys.path == before
    monkeypatch.syspath_prepend(tmp_path)
    assert call_named("beside_the_user:make") == 7
    with pytest.raises(SettingsError, match="without arguments"):
        call_named("beside_the_user:nothing")
