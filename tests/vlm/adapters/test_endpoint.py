from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferce_agent import analyze_expression
from ferce_agent.errors import VlmError, VlmTimeoutError
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings
from ferce_agent.vlm.adapters.chat_model import ChatModelVlm
from ferce_agent.vlm.adapters.endpoint import EndpointVlm
from ferce_agent.vlm.extraction.answer import read_answer
from ferce_agent.vlm.extraction.shape import shape_for
from ferce_agent.vlm.protocol import Request, VisionLanguageModel
from tests.vlm.servers import Trouble, bad_server, llama_server

pytestmark = pytest.mark.slow
pytest.importorskip("instructor")

FINE = json.dumps(
    {
        "cues": [{"region": "mouth", "unit": "AU12", "words": "corners raised"}],
        "labels": [{"label": "happy", "weight": 1.0}],
        "intensity": 0.7,
        "certainty": "sure",
        "body": "",
    }
)
OFF_LIST = FINE.replace("happy", "blissful")


@pytest.fixture(scope="module")
def server(mmproj: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("llama_cpp.server.app")
    from tests.vlm.llava_files import language_model

    with llama_server(language_model(), mmproj, tmp_path_factory.mktemp("server") / "log") as url:
        yield url


def test_a_real_server_answers_under_the_grammar(server: str, jpeg_bytes: bytes) -> None:
    model = EndpointVlm(server, "any")
    assert isinstance(model, VisionLanguageModel)
    shape = shape_for()
    answer = model.ask(Request("Answer in JSON.", (jpeg_bytes,), shape.grammar, max_tokens=600, seconds=200))
    assert answer.constrained
    assert answer.tokens
    assert read_answer(answer.text, shape).form == "json"


def test_a_real_server_answers_freely(server: str, jpeg_bytes: bytes) -> None:
    answer = EndpointVlm(server, "any").ask(Request("Look.", (jpeg_bytes,), max_tokens=8))
    assert answer.text
    assert not answer.constrained


def test_a_report_over_a_real_server(server: str, photo: Path) -> None:
    report = analyze_expression(photo, engines=Engines(Settings(vlm=f"openai:{server}#any", vlm_seconds=200)))
    seen = report.people[0].vlm
    assert seen is not None
    assert (seen.form, seen.constrained) == ("json", True)
    assert report.provenance.left_machine == ()


def test_a_langchain_chat_model_over_the_same_server(server: str, jpeg_bytes: bytes) -> None:
    openai = pytest.importorskip("langchain_openai")
    chat = openai.ChatOpenAI(base_url=server, api_key="none", model="any", temperature=0, extra_body={"max_tokens": 8})
    assert ChatModelVlm(chat, remote=False).ask(Request("Look.", (jpeg_bytes,))).text


def run(trouble: Trouble, photo: Path, **settings: object) -> EmotionReport:
    with bad_server(trouble) as url:
        chosen = Settings(**{"vlm": f"openai:{url}#m", "vlm_seconds": 200, **settings})  # type: ignore[arg-type]
        return analyze_expression(photo, engines=Engines(chosen))


def test_a_valid_answer_becomes_claims(photo: Path) -> None:
    trouble = Trouble(FINE)
    report = run(trouble, photo)
    seen = report.people[0].vlm
    assert seen is not None
    assert (seen.primary, seen.intensity, seen.constrained) == ("happiness", 0.7, False)
    assert [cue.status for cue in seen.cues] == ["supported"]
    sent = trouble.asked[0]
    assert sent["response_format"]["type"] == "json_schema"
    assert "happy" in json.dumps(sent["response_format"])
    assert photo.name not in json.dumps(sent)


def test_busy_servers_are_asked_again(photo: Path) -> None:
    for status in ("429", "500", "503"):
        trouble = Trouble(status, FINE)
        seen = run(trouble, photo).people[0].vlm
        assert seen is not None
        assert seen.primary == "happiness"
        assert len(trouble.asked) == 2


def test_a_label_off_the_list_is_asked_for_again_and_recorded(photo: Path) -> None:
    seen = run(Trouble(OFF_LIST, FINE), photo).people[0].vlm
    assert seen is not None
    assert seen.primary == "happiness"
    assert len(seen.repairs) == 1
    assert "label must be one of" in seen.repairs[0]


@pytest.mark.parametrize(
    "what", ["429", "500", "404", "401", "cut", "hang up", "garbage", "other json", OFF_LIST, "", "no JSON"]
)
def test_every_trouble_gives_a_valid_report(what: str, photo: Path) -> None:
    report = run(Trouble(what), photo)
    assert EmotionReport.model_validate_json(report.model_dump_json()) == report
    (entry,) = report.degraded
    assert entry.code == "vlm_failed"
    assert "Traceback" not in entry.message
    assert report.people[0].expression is not None
    assert report.people[0].expression.primary == "happiness"
    assert report.provenance.prompts


def test_a_slow_server_is_not_waited_for(photo: Path) -> None:
    report = run(Trouble("slow"), photo, vlm_seconds=0.3)
    (entry,) = report.degraded
    assert entry.code == "timeout"


def test_nobody_listening_is_explained(jpeg_bytes: bytes) -> None:
    with pytest.raises(VlmError, match="running"):
        EndpointVlm("http://127.0.0.1:9/v1", "m").ask(Request("Look.", (jpeg_bytes,)))


def test_a_refused_key_is_explained(jpeg_bytes: bytes) -> None:
    with bad_server(Trouble("401")) as url, pytest.raises(VlmError, match="FERCE_API_KEY"):
        EndpointVlm(url, "m").ask(Request("Look.", (jpeg_bytes,)))


def test_no_more_questions_at_once_than_allowed(jpeg_bytes: bytes) -> None:
    trouble = Trouble("slow")
    with bad_server(trouble) as url:
        model = EndpointVlm(url, "m", concurrency=2)
        threads = [
            threading.Thread(target=model.ask, args=(Request("Look.", (jpeg_bytes,), seconds=200),)) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for _ in range(2):
            assert trouble.arrived.acquire(timeout=120)
        while model._slots.ahead < 5:
            time.sleep(0.01)
        trouble.go_on.set()
        for thread in threads:
            thread.join(120)
    assert len(trouble.asked) == 5
    assert trouble.most_at_once == 2


def test_waiting_for_a_free_place_counts_as_waiting(jpeg_bytes: bytes) -> None:
    trouble = Trouble("slow")
    with bad_server(trouble) as url:
        model = EndpointVlm(url, "m", concurrency=1)
        busy = threading.Thread(target=model.ask, args=(Request("Look.", (jpeg_bytes,), seconds=200),))
        busy.start()
        assert trouble.arrived.acquire(timeout=120)
        with pytest.raises(VlmTimeoutError):
            model.ask(Request("Look.", (jpeg_bytes,), seconds=0.2))
        trouble.go_on.set()
        busy.join(120)
    assert len(trouble.asked) == 1
