"""The app in Chromium, held by an assistant as the protocol describes one."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.report import EmotionReport
from ferce_agent.tools.clip_answers import words_and_data
from ferce_agent.tools.mcp import create_server
from ferce_agent.tools.reports import ReportStore
from tests.clip_reports import make_clip_report
from tests.web.app_hosts import PACKAGES, Assistant, ServerBehind, behind, bundled
from tests.web.browsing import BROWSER, NEEDS_BROWSER, SWITCHES

pytestmark = [
    *NEEDS_BROWSER,
    pytest.mark.skipif(
        not PACKAGES.is_dir(), reason="the assistant is not installed: `make app-host`, which needs npm"
    ),
]
SECONDS = 90_000
"""How long the browser may take for anything, in milliseconds; only a failure waits for it."""
WITH_ORIGIN = "allow-scripts allow-same-origin"
"""The sandbox in which assistants put an app that uses a camera: Chromium gives none to a document without origin."""
Make = Callable[..., Assistant]


@pytest.fixture(scope="module")
def server(photo: Path) -> Iterator[ServerBehind]:
    with behind(create_server(roots=[photo.parent])) as connected:
        yield connected


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundled(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def camera(pixels: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of one picture, the portrait, for the browser's camera that is none."""
    made = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    made.write_bytes(cv2.imencode(".jpg", cv2.resize(pixels, (640, 640)))[1].tobytes())
    return made


@pytest.fixture(scope="module")
def browser(camera: Path) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    fake = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}"]
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=[*SWITCHES, *fake], timeout=120_000)
        yield started
        started.close()


@pytest.fixture
def assistant(browser: Any, server: ServerBehind, script: Path) -> Iterator[Make]:
    contexts = []

    def make(behind: ServerBehind = server, width: int = 480, permissions: tuple[str, ...] = ()) -> Assistant:
        context = browser.new_context(viewport={"width": width, "height": 900}, permissions=list(permissions))
        context.set_default_timeout(SECONDS)
        contexts.append(context)
        return Assistant(context.new_page(), behind, script)

    yield make
    for context in contexts:
        context.close()


def data_url(photo: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


def test_a_photo_is_shown_with_its_whole_report(assistant: Make, photo: Path, tmp_path: Path) -> None:
    one = assistant()
    one.open()
    one.main.get_by_text("Waiting for something to read").wait_for()
    one.call("analyze_expression", {"image": data_url(photo)})
    one.app.locator("[data-part=told]").wait_for()
    assert [read["uri"][:16] for read in one.seen("reads")] == ["ferce://reports/"]
    assert one.seen("calls") == []
    assert one.app.locator("canvas").count() >= 1
    height = one.app.locator("html").evaluate("node => Math.ceil(node.getBoundingClientRect().height)")
    one.page.wait_for_function("height => window.host.seen.sizes.at(-1).height === height", arg=height)
    one.shoot(tmp_path, "photo")
    assert one.problems == []


def test_without_resources_the_report_comes_by_the_tool_of_the_app(assistant: Make, photo: Path) -> None:
    one = assistant()
    one.open(refuse=["reads"])
    one.call("analyze_expression", {"image": photo.name})
    one.app.locator("[data-part=told]").wait_for()
    assert [call["name"] for call in one.seen("calls")] == ["report_part"]


@pytest.mark.parametrize("kind", ["photo", "clip"])
def test_the_words_alone_lead_to_the_report(assistant: Make, report: EmotionReport, kind: str) -> None:
    store = ReportStore()
    address = store.keep(report if kind == "photo" else make_clip_report())
    with behind(create_server(reports=store)) as connected:
        one = assistant(connected)
        one.open()
        one.tell("sendToolResult", {"content": [{"type": "text", "text": f"Read. Whole report: {address}."}]})
        one.app.locator(f"[data-kind={kind}] [data-part=told]").wait_for()
    assert one.problems == []


def test_a_film_by_its_brief_alone(assistant: Make) -> None:
    text, structured = words_and_data(make_clip_report(), "brief", None)
    one = assistant()
    one.open()
    one.tell("sendToolResult", {"content": [{"type": "text", "text": text}], "structuredContent": structured})
    one.main.get_by_text("gave the short form only").wait_for()
    assert one.app.locator("[data-kind=clip]").count() == 1
    one.app.get_by_role("button", name="Copy the text").click()
    one.main.get_by_text("The text was copied.").wait_for()
    # Chromium notes that the clipboard's own interface is refused to a frame; the text is copied in the older way.
    assert [problem for problem in one.problems if "Clipboard API has been blocked" not in problem] == []


@pytest.mark.parametrize(
    "changes", [{"refuse": ["reads", "calls"]}, {"capabilities": {}}], ids=["refused", "not offered"]
)
def test_without_either_the_brief_is_shown(assistant: Make, photo: Path, changes: dict[str, Any]) -> None:
    one = assistant()
    one.open(**changes)
    result = one.call("analyze_expression", {"image": photo.name})
    one.main.get_by_text("gave the short form only").wait_for()
    for line in result["content"][0]["text"].splitlines():
        assert line.strip() in one.app.locator("main").inner_text()
    assert one.problems == []


def test_a_film_is_shown_with_its_whole_report(assistant: Make, tmp_path: Path) -> None:
    store, clip = ReportStore(), make_clip_report()
    address = store.keep(clip)
    with behind(create_server(reports=store)) as connected:
        one = assistant(connected)
        one.open()
        one.tell("sendToolInput", {"arguments": {"clip": "film.mp4"}})
        one.main.get_by_text("The film is being read").wait_for()
        text, structured = words_and_data(clip, "brief", address)
        one.tell("sendToolResult", {"content": [{"type": "text", "text": text}], "structuredContent": structured})
        one.app.locator("svg.curves").first.wait_for()
        one.shoot(tmp_path, "film")
    assert one.problems == []


def test_steps_before_an_answer_and_answers_that_are_none(assistant: Make) -> None:
    one = assistant()
    one.open()
    one.tell("sendToolInputPartial", {"arguments": {}})
    one.main.get_by_text("The photo is being read").wait_for()
    one.tell("sendToolCancelled", {"reason": "timeout <b>"})
    one.main.get_by_text("The reading was called off: timeout <b>").wait_for()
    result = one.call("analyze_expression", {"image": "nothing.jpg"})
    assert result["isError"]
    one.app.get_by_role("alert").wait_for()
    assert one.app.get_by_role("alert").inner_text() == result["content"][0]["text"]
    assert one.problems == []


def test_light_language_and_size_follow_the_assistant(assistant: Make, photo: Path) -> None:
    one = assistant()
    one.open(context={"theme": "dark", "locale": "de-AT", "availableDisplayModes": ["inline", "fullscreen"]})
    one.call("analyze_expression", {"image": photo.name})
    one.app.get_by_role("button", name="Größer anzeigen").click()
    one.app.get_by_role("button", name="Kleiner anzeigen").wait_for()
    assert one.seen("modes") == ["fullscreen"]
    root = one.app.locator("html")
    assert root.get_attribute("lang") == "de"
    dark = root.evaluate(LUMINANCE)
    one.tell("sendHostContextChange", {"theme": "light", "locale": "en-US"})
    one.app.get_by_role("button", name="Show smaller").wait_for()
    assert root.get_attribute("lang") == "en"
    assert dark < 0.2
    assert root.evaluate(LUMINANCE) > 0.8


LUMINANCE = """() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
  return (red + green + blue) / 765;
}"""


def test_hostile_words_in_a_report_are_shown_and_nothing_else(
    assistant: Make, report: EmotionReport, tmp_path: Path
) -> None:
    attack = '<img src=x onerror="parent.postMessage(1, \'*\')"><script>document.title = "taken"</script>'
    data = hostile(report.model_dump(mode="json"), attack)
    one = assistant()
    one.open()
    answer = {"content": [{"type": "text", "text": attack}], "structuredContent": {"report": data}}
    one.tell("sendToolInput", {"arguments": {"image": f"data:image/svg+xml;base64,{attack}"}})
    one.tell("sendToolResult", answer)
    one.app.locator("[data-part=told]").wait_for()
    assert attack in one.main.evaluate("node => node.textContent")
    assert one.app.locator("img[src=x], main script").count() == 0
    assert one.app.locator("html").evaluate("() => document.title") == "ferce-agent"
    assert one.problems == []


def hostile(value: Any, attack: str) -> Any:
    """Return data with every sentence replaced; codes and ids, which are looked up, are kept."""
    if isinstance(value, dict):
        return {name: hostile(one, attack) for name, one in value.items()}
    if isinstance(value, list):
        return [hostile(one, attack) for one in value]
    return attack if isinstance(value, str) and " " in value else value


def test_messages_of_other_windows_and_malformed_ones_are_passed_over(assistant: Make) -> None:
    one = assistant()
    one.open()
    one.main.get_by_text("Waiting for something to read").wait_for()
    one.page.evaluate(OTHER_WINDOW)
    one.page.evaluate(MALFORMED)
    one.tell("sendToolCancelled", {"reason": "last"})  # after the others: had one been taken, it would be shown by now
    one.main.get_by_text("called off: last").wait_for()
    assert "intruder" not in one.app.locator("body").inner_text()
    assert one.problems == []


OTHER_WINDOW = """async () => {
  const other = document.createElement("iframe");
  const told = {
    jsonrpc: "2.0",
    method: "ui/notifications/tool-result",
    params: { content: [{ type: "text", text: "intruder" }], isError: true },
  };
  const script = `parent.frames[0].postMessage(${JSON.stringify(told)}, "*"); parent.postMessage("sent", "*");`;
  other.srcdoc = `<script>${script}</script>`;
  const sent = new Promise((resolve) => addEventListener("message", ({ data }) => data === "sent" && resolve()));
  document.body.append(other);
  await sent;
}"""
MALFORMED = """() => {
  const app = window.host.frame().contentWindow;
  const result = { content: [{ type: "text", text: "intruder" }], isError: true };
  const method = "ui/notifications/tool-result";
  const rpc = { jsonrpc: "2.0" };
  const changed = "ui/notifications/host-context-changed";
  const messages = [
    null, 7, "intruder", [], {}, { method, params: result }, { jsonrpc: "1.0", method, params: result }, rpc,
    { ...rpc, id: {}, method, params: result },
    { ...rpc, id: 999, result },
    { ...rpc, id: null, error: { code: 1, message: "intruder" } },
    { ...rpc, method: {}, params: result },
    { ...rpc, method: "ui/notifications/intruder", params: result },
    { ...rpc, method: changed, params: [1] },
    { ...rpc, method: changed, params: { locale: 7, theme: {}, safeAreaInsets: 3 } },
    { ...rpc, method: "ui/notifications/tool-input", params: { arguments: "intruder" } },
  ];
  for (const one of messages) {
    app.postMessage(one, "*");
  }
}"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"code": -32603, "message": "not today"}}, "refused to show this page (not today)"),
        ({"error": "nonsense"}, "refused to show this page"),
        ({"result": {"protocolVersion": "1999-01-01"}}, "speaks version “1999-01-01”"),
        ({"result": []}, "speaks version “undefined”"),
    ],
)
def test_a_host_that_does_not_say_hello(assistant: Make, answer: dict[str, Any], words: str) -> None:
    one = assistant()
    html, _ = one.server.page("ui://ferce/report")
    one.page.evaluate(BARE_HOST, [html, answer])
    one.main.get_by_text(words).wait_for()
    assert one.problems == []


def test_a_host_that_never_answers(assistant: Make) -> None:
    one = assistant()
    one.page.clock.install()
    html, _ = one.server.page("ui://ferce/report")
    one.page.evaluate(BARE_HOST, [html, None])
    one.main.get_by_text("Waiting for the assistant").wait_for()
    later(one.page, one.main.get_by_text("The assistant did not answer"), 21_000)
    assert one.problems == []


def later(page: Any, shown: Any, ms: int) -> None:
    """Let time go on until something is shown: a frame that is still being attached keeps its own time."""
    from playwright.sync_api import TimeoutError as NotShown

    for _ in range(12):
        page.clock.fast_forward(ms)
        with suppress(NotShown):
            shown.wait_for(timeout=3000)
            return
    shown.wait_for()


BARE_HOST = """([html, answer]) => {
  const frame = document.createElement("iframe");
  frame.title = "app";
  frame.setAttribute("sandbox", "allow-scripts");
  addEventListener("message", ({ data, source }) => {
    if (answer && data.method === "ui/initialize") source.postMessage({ jsonrpc: "2.0", id: data.id, ...answer }, "*");
  });
  frame.srcdoc = html;
  document.body.append(frame);
}"""


def test_opened_by_itself_the_document_says_so(assistant: Make) -> None:
    one = assistant()
    one.page.set_content(one.server.page("ui://ferce/report")[0])
    one.page.locator("main").get_by_text("made for an assistant that shows apps").wait_for()
    assert one.problems == []


def test_a_photo_of_the_camera_is_read_and_told(assistant: Make, tmp_path: Path) -> None:
    one = assistant(permissions=("camera",))
    one.open("ui://ferce/photo", sandbox=WITH_ORIGIN)
    one.call("ask_for_photo", {"why": "to see <b>your</b> smile"})
    one.main.get_by_text("The assistant says: to see <b>your</b> smile").wait_for()
    assert one.app.locator("video").count() == 0
    one.app.get_by_role("button", name="Open the camera").click()
    one.app.get_by_role("button", name="Take the photo").click()
    one.app.get_by_role("img", name="The photo").wait_for()
    assert one.seen("calls") == []
    one.app.get_by_role("button", name="Read this photo").click()
    one.main.get_by_text("knows this reading").wait_for()
    one.app.locator("[data-part=told]").wait_for()
    assert [call["name"] for call in one.seen("calls")] == ["analyze_expression"]
    told = one.seen("contexts")[0]["content"][0]["text"]
    assert "person-1" in told
    assert one.seen("messages") == []
    one.shoot(tmp_path, "panel")
    one.app.get_by_role("button", name="Send to the conversation").click()
    one.main.get_by_text("Sent to the conversation.").wait_for()
    assert [message["role"] for message in one.seen("messages")] == ["user"]
    assert one.problems == []


def test_a_refused_camera_leaves_the_file(assistant: Make, photo: Path) -> None:
    one = assistant()
    one.open("ui://ferce/photo", sandbox=WITH_ORIGIN, refuse=["contexts"])
    one.call("ask_for_photo", {})
    one.app.get_by_role("button", name="Open the camera").click()
    one.main.get_by_text("The camera was not allowed").wait_for()
    one.app.locator("input[type=file]").set_input_files(photo)
    one.app.get_by_role("button", name="Read this photo").click()
    one.main.get_by_text("does not know this reading yet").wait_for()
    one.app.get_by_role("button", name="Send to the conversation").click()
    one.main.get_by_text("Sent to the conversation.").wait_for()
    assert "person-1" in one.seen("messages")[0]["content"][0]["text"]
    assert one.problems == []


def test_a_host_without_a_camera_or_without_calls(assistant: Make, tmp_path: Path) -> None:
    one = assistant()
    one.open("ui://ferce/photo", permissions={})
    one.call("ask_for_photo", {})
    one.main.get_by_text("The camera cannot be used in this assistant").wait_for()
    assert one.app.get_by_role("button", name="Open the camera").count() == 0
    no_picture = tmp_path / "notes.txt"
    no_picture.write_text("no picture")
    one.app.locator("input[type=file]").set_input_files(no_picture)
    one.main.get_by_text("This file is no picture").wait_for()
    other = assistant()
    other.open("ui://ferce/photo", capabilities={})
    other.call("ask_for_photo", {})
    other.main.get_by_text("Attach the photo to your message instead").wait_for()
    assert one.problems + other.problems == []


def test_a_frame_without_an_origin_gets_no_camera_and_says_so(assistant: Make) -> None:
    one = assistant(permissions=("camera",))
    one.open("ui://ferce/photo")
    one.call("ask_for_photo", {})
    one.app.get_by_role("button", name="Open the camera").click()
    one.main.get_by_role("alert").get_by_text("cannot be used in this assistant").wait_for()
    assert one.problems == []


@pytest.mark.parametrize("method", ["teardownResource", "sendToolCancelled"])
def test_the_camera_closes_when_the_panel_is_taken_away(assistant: Make, method: str) -> None:
    one = assistant(permissions=("camera",))
    one.open("ui://ferce/photo", sandbox=WITH_ORIGIN)
    one.call("ask_for_photo", {})
    one.app.get_by_role("button", name="Open the camera").click()
    video = one.app.locator("video")
    video.wait_for()
    assert video.evaluate("node => node.srcObject.getTracks()[0].readyState") == "live"
    tracks = video.evaluate_handle("node => node.srcObject.getTracks()")
    one.tell(method, {})
    if method == "sendToolCancelled":
        one.main.get_by_text("called off").wait_for()
    assert tracks.evaluate("tracks => tracks.map((track) => track.readyState)") == ["ended"]


def test_no_text_is_missing(assistant: Make, photo: Path) -> None:
    one = assistant()
    one.open(context={"locale": "de"})
    one.call("analyze_expression", {"image": photo.name})
    one.app.locator("[data-part=told]").wait_for()
    words = one.app.locator("main").inner_text()
    assert re.findall(r"\b[a-z_]+\.[a-z_]+\b", re.sub(r"ferce://\S+", "", words)) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible_on_a_phone(assistant: Make, photo: Path, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python").__path__[0]
    one = assistant(width=336)  # 320 for the app, the rest is the assistant's own margin
    one.open("ui://ferce/photo", context={"theme": theme, "locale": "en"})
    one.call("ask_for_photo", {"why": "to see your smile"})
    one.app.locator("input[type=file]").set_input_files(photo)
    one.app.get_by_role("button", name="Read this photo").click()
    one.app.locator("[data-part=told]").wait_for()
    frame = one.page.frames[-1]
    frame.evaluate((Path(axe) / "axe.min.js").read_text("utf-8"))
    found = frame.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert frame.evaluate("() => document.documentElement.scrollWidth") <= 320


def test_the_panel_with_the_keyboard_alone(assistant: Make) -> None:
    one = assistant(permissions=("camera",))
    one.open("ui://ferce/photo", sandbox=WITH_ORIGIN)
    one.call("ask_for_photo", {})
    one.app.get_by_role("button", name="Open the camera").focus()
    for name in ("Take the photo", "Read this photo", "Send to the conversation"):
        one.page.keyboard.press("Enter")
        one.app.get_by_role("button", name=name).wait_for()
        assert one.page.frames[-1].evaluate("() => document.activeElement.textContent") == name
    one.page.keyboard.press("Enter")
    one.main.get_by_text("Sent to the conversation.").wait_for()
