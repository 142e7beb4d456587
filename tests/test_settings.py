from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferce_agent.cli import main
from ferce_agent.cli.analyze import analyze
from ferce_agent.cli.options import chosen_settings, engine_options
from ferce_agent.cli.settings import settings_page
from ferce_agent.errors import SettingsError
from ferce_agent.settings import OTHER_VARIABLES, Settings, settings_table
from ferce_agent.validation.fields import nearest


def test_the_environment_overrides_the_defaults() -> None:
    settings = Settings.from_environment(
        {"FERCE_MAX_FACES": "3", "FERCE_SMALL_FACES": "yes", "FERCE_WEIGHTS": "w.onnx", "OTHER": "x"}
    )
    assert settings == Settings(max_faces=3, small_faces="always", weights=Path("w.onnx"))
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize(
    "environment",
    [
        {"FERCE_MAX_FACES": "many"},
        {"FERCE_MAX_FACES": "0"},
        {"FERCE_FACE_THRESHOLD": "1.5"},
        {"FERCE_FACE_THRESHOLD": "nan"},
        {"FERCE_SCENE": "perhaps"},
        {"FERCE_VLM_SECONDS": "-1"},
        {"FERCE_THREADS": "1000"},
        {"FERCE_BUDGET_MS": "inf"},
    ],
)
def test_unusable_values_are_refused(environment: dict[str, str]) -> None:
    ((name, value),) = environment.items()
    with pytest.raises(SettingsError, match=f"^{name}={value} is not usable. It takes "):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FERCE_MAXFACES", "FERCE_MAX_FACES"),
        ("FERCE_MAX-FACES", "FERCE_MAX_FACES"),
        ("ferce_max_faces", "FERCE_MAX_FACES"),
        ("FERCE_VML", "FERCE_VLM"),
        ("FERCE_APIKEY", "FERCE_API_KEY"),
        ("FERCE_SETTING", "FERCE_SETTINGS"),
    ],
)
def test_a_variable_that_would_be_ignored_is_an_error(name: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name} is no setting.*Did you mean {meant}\?"):
        Settings.from_environment({name: "3"})


def test_an_unknown_variable_that_is_near_none_gets_all_of_them() -> None:
    with pytest.raises(SettingsError, match=r"Known are: .*FERCE_BANK, .*FERCE_WEIGHTS"):
        Settings.from_environment({"FERCE_QQQ": "3"})


def test_other_variables_of_the_package_and_empty_ones_are_no_error() -> None:
    others = dict.fromkeys(OTHER_VARIABLES - {"FERCE_SETTINGS"}, "x")
    assert Settings.from_environment({**others, "FERCE_MAX_FACES": " ", "FERCE_MAXFACES": ""}) == Settings()


def test_the_command_line_says_which_variable_would_be_ignored(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    monkeypatch.setenv("FERCE_MAXFACES", "1")
    result = CliRunner().invoke(main, ["analyze", str(photo)])
    assert result.exit_code == 1
    assert "Did you mean FERCE_MAX_FACES?" in result.stderr


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"maxfaces": 3}, r"no setting maxfaces\. Did you mean max_faces"),
        ({"threads": None}, r"threads=None is not usable\. It takes a whole number from 1 to 64"),
        ({"threads": True}, "threads=True"),
        ({"max_faces": 4.5}, "a whole number from 1 to 256"),
        ({"max_faces": "9" * 5000}, "max_faces=9"),
        ({"face_threshold": 1}, "a number above 0 and below 1"),
        ({"face_threshold": float("nan")}, "face_threshold=nan"),
        ({"flatten": [1]}, "a number from 0 to 1"),
        ({"scene": None}, "true or false"),
        ({"weights": 5}, "the path of a file"),
        ({"vlm": object()}, r"Engines\(vlm=…\)"),
    ],
)
def test_wrong_types_and_names_in_python_are_typed_errors(values: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings(**values)
    with pytest.raises(SettingsError, match=words):
        replace(Settings(), **values)


def test_what_is_clearly_meant_is_taken() -> None:
    settings = Settings(max_faces="4", weights="w.onnx", vlm=None, bank="", flatten=1)  # type: ignore[arg-type]
    assert settings == Settings(max_faces=4, weights=Path("w.onnx"), flatten=1.0)
    assert Settings(bank="~/b.npz").bank == Path.home() / "b.npz"  # type: ignore[arg-type]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().max_faces = 3  # type: ignore[misc]
    assert hash(replace(Settings(), max_faces=16)) == hash(Settings())


def test_every_setting_can_come_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "all.toml").write_text("max_faces = 3\nvlm = 'own'\nscene = true\nflatten = 0\n")
    expected = Settings(max_faces=3, vlm="own", scene=True, flatten=0.0)
    assert Settings.from_file(tmp_path / "all.toml") == expected
    environment = {"FERCE_SETTINGS": str(tmp_path / "all.toml"), "FERCE_FLATTEN": "0.2"}
    assert Settings.from_environment(environment) == replace(expected, flatten=0.2)


def test_python_reads_no_environment_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all.toml").write_text("shots = 1")
    monkeypatch.setenv("FERCE_MAX_FACES", "3")
    monkeypatch.setenv("FERCE_SETTINGS", str(tmp_path / "all.toml"))
    assert Settings() == Settings.from_environment({})
    assert Settings.from_file(tmp_path / "all.toml") == Settings(shots=1)
    assert Settings.from_environment() == Settings(max_faces=3, shots=1)


def test_a_variable_counts_for_more_than_the_file_and_a_wrong_value_is_told_by_its_source(tmp_path: Path) -> None:
    (tmp_path / "all.toml").write_text("max_faces = 3\nshots = 99")
    environment = {"FERCE_SETTINGS": str(tmp_path / "all.toml"), "FERCE_SHOTS": "2"}
    assert Settings.from_environment(environment) == Settings(max_faces=3, shots=2)
    with pytest.raises(SettingsError, match=r"^FERCE_MAX_FACES=x is not usable"):
        Settings.from_environment({**environment, "FERCE_MAX_FACES": "x"})
    del environment["FERCE_SHOTS"]
    with pytest.raises(
        SettingsError, match=r"^all\.toml: shots = 99 is not usable. It takes a whole number from 0 to 20"
    ):
        Settings.from_environment(environment)


def test_every_setting_is_explained_and_the_documentation_is_made_of_them() -> None:
    table = settings_table()
    assert [one.name for one in table] == [one.name for one in fields(Settings)]
    assert all(one.description.endswith(".") for one in table)
    assert (Path(__file__).parent.parent / "docs" / "settings.md").read_text("utf-8") == settings_page()


def test_every_offered_setting_is_an_option_with_its_help() -> None:
    options = {name: one for one in analyze.params if isinstance(one, click.Option) for name in one.opts}
    for setting in settings_table():
        for name in setting.options:
            made = options.pop(name)
            assert made.name == setting.name
            if not setting.option.flags:
                assert (made.help or "").startswith(setting.summary)
    assert {"--threads", "--urls", "--flatten"}.isdisjoint(options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {}),
        (["--max-faces", "4", "--prompt", "label"], {"max_faces": 4, "vlm_prompt": "label"}),
        (["--small-faces"], {"small_faces": "always"}),
        (["--no-small-faces", "--scene"], {"small_faces": "never", "scene": True}),
        (
            ["--vlm", "own", "--vlm-when", "unsure", "--budget-ms", "50"],
            {"vlm": "own", "vlm_when": "unsure", "budget_ms": 50},
        ),
    ],
)
def test_options_count_for_more_than_environment_and_file(
    options: list[str], expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    @engine_options
    def command(chosen: dict[str, Any]) -> None:
        found.append(chosen_settings(chosen))

    found: list[Settings] = []
    monkeypatch.setenv("FERCE_MAX_FACES", "3")
    monkeypatch.setenv("FERCE_SHOTS", "1")
    command.main(options, standalone_mode=False)
    assert found == [replace(Settings(max_faces=3, shots=1), **expected)]


def test_a_switch_that_is_left_alone_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERCE_SCENE", "1")
    done = CliRunner().invoke(main, ["settings"])
    assert "* scene            true" in done.stdout


def test_the_settings_in_force_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERCE_MAX_FACES", "3")
    done = CliRunner().invoke(main, ["settings", "--scene"])
    marked = [line.split()[1:3] for line in done.stdout.splitlines() if line.startswith("* ")]
    assert marked == [["max_faces", "3"], ["scene", "true"], ["differs", "from"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[vlm]\nname = 'own'", "vlm = .*It takes text"),
        (b"[ferce]\nmax_faces = 3", "unknown setting ferce.*without a"),
        (b"maxfaces = 3", "Did you mean max_faces"),
        (b"max_faces = [3]", r"max_faces = \[3\] is not usable"),
        (b"max_faces = true", "max_faces = True is not usable"),
        (b"max_faces", "cannot be read"),
        (b"\xff\xfem\x00", "cannot be read"),
        (b"x = " + b"[" * 3000, "cannot be read"),
        (b"#" * 1_000_001, "too large"),
    ],
)
def test_files_that_cannot_be_used_are_typed_errors(tmp_path: Path, text: bytes, words: str) -> None:
    file = tmp_path / "f.toml"
    file.write_bytes(text)
    with pytest.raises(SettingsError, match=words):
        Settings.from_file(file)


@pytest.mark.parametrize("place", ["none.toml", ".", "/dev/zero", "a\0b"])
def test_what_is_no_file_is_a_typed_error(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="there is no such file"):
        Settings.from_environment({"FERCE_SETTINGS": place})


def test_a_file_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_bytes(b"\xef\xbb\xbfmax_faces = 3\r\n")
    assert Settings.from_file(str(file)).max_faces == 3


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers())


@given(st.sampled_from([one.name for one in fields(Settings)]), ANYTHING)
def test_any_value_is_taken_or_refused_by_name(name: str, value: Any) -> None:
    try:
        Settings(**{name: value})
    except SettingsError as error:
        assert name in str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_any_file_is_taken_or_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "f.toml").write_bytes(data)
    try:
        Settings.from_file(tmp_path / "f.toml")
    except SettingsError as error:
        assert "f.toml" in str(error)


def test_the_nearest_name_is_found_whatever_its_spelling() -> None:
    assert nearest("useContext", ["image", "use_context", "context"]) == "use_context"
    assert nearest("contxt", ["image", "use_context", "context"]) == "context"
    assert nearest("q", ["image"]) is None
