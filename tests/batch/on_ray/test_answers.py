"""Ray's processors for language models: the real pipeline, with a real server on loopback in the place of a GPU."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.batch.beforehand import answers_of, ask_beforehand, asked, messages_of, vllm_config, vllm_processor
from ferce_agent.batch.items import Chunk, Item, WholeFile
from ferce_agent.batch.on_ray import RayExecutor, import_ray
from ferce_agent.batch.work import BatchWork
from ferce_agent.settings import Settings
from ferce_agent.vlm.adapters.scripted import made_up
from ferce_agent.vlm.extraction.shape import shape_for

pytestmark = pytest.mark.slow
pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def ray_here() -> Iterator[None]:
    ray = import_ray()
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server of OpenAI's form that is busy once and then answers."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            text = made_up(shape_for().grammar).text
            body = json.dumps({"choices": [{"message": {"content": text}}], "usage": {"completion_tokens": 5}}).encode()
            self.send_response(429 if len(heard) == 1 else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_address[1]}/v1/chat/completions", heard
        made.shutdown()
        thread.join()


def posted(row: dict[str, Any]) -> dict[str, Any]:
    return {"key": row["key"], "payload": {"model": "m", "messages": messages_of(row)}}


def heard_back(row: dict[str, Any]) -> dict[str, Any]:
    found = row["http_response"]
    words = found["choices"][0]["message"]["content"]
    return {"key": row["key"], "text": words, "tokens": found["usage"]["completion_tokens"]}


def test_questions_go_through_ray_and_answers_come_back_to_their_faces(
    photo: Path, tmp_path: Path, server: tuple[str, list[dict[str, Any]]]
) -> None:
    from ray.data.llm import HttpRequestProcessorConfig, build_processor

    address, heard = server
    config = HttpRequestProcessorConfig(url=address, batch_size=4, max_retries=3, base_retry_wait_time_in_s=0.01)
    answer_all = answers_of(build_processor(config, preprocess=posted, postprocess=heard_back))
    make = BatchWork(Settings(vlm=f"later:{tmp_path}#m?where=here"))
    chunk = Chunk(0, 0, 1, (Item("a", "photo", WholeFile(str(photo))),))
    assert ask_beforehand(lambda: RayExecutor(1).run(make, [chunk]), tmp_path, answer_all) == 1
    assert len(heard) == 2
    assert heard[1]["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    (read,) = RayExecutor(1).run(make, [chunk])
    assert read.tables["faces"][0]["vlm_expression"]


def test_ray_takes_the_questions_and_the_configuration_of_vllm() -> None:
    ray = import_ray()
    config = vllm_config("some/model", 2, 32, tensor_parallel_size=2)
    assert (config.model_source, config.concurrency, config.batch_size) == ("some/model", 2, 32)
    assert config.should_continue_on_error
    rows = [
        {"key": "k", "prompt": "Look.", "pictures": ["YQ==", "Yg=="], "schema": schema, "max_tokens": 9}
        for schema in ("", json.dumps(shape_for().grammar.schema))
    ]
    made = ray.data.from_items(rows).map(asked).take_all()
    kinds = [[part["type"] for part in row["messages"][0]["content"]] for row in made]
    assert kinds == [["image_url", "image_url", "text"]] * 2
    assert [bool(row["sampling_params"].get("structured_outputs")) for row in made] == [False, True]


def test_ray_builds_the_stages_of_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}))
    stages = vllm_processor(str(tmp_path)).list_stage_names()
    assert stages[0] == "PrepareMultimodalStage"
    assert "vLLMEngineStage" in stages
