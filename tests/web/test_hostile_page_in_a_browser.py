"""A hostile page in the same browser: it can neither read the local page nor drive it, even where it has the token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ferce_agent.graphs.engines import Engines
from ferce_agent.web.site import Site
from tests.web.browsing import NEEDS_BROWSER, driver, launched
from tests.web.live_client import served

pytestmark = NEEDS_BROWSER
EVIL, REBOUND = "evil.example", "rebound.example"
"""Names of a hostile site, and of one whose name server says that it is this machine."""

ATTACK = """
<!doctype html><title>hostile</title><body><script>
const target = TARGET, token = TOKEN, results = {};
const bearer = { Authorization: `Bearer ${token}` };
const settled = (promise) => promise.then((value) => `got: ${value}`, (error) => `no: ${error.name}`);
const told = async (answer) => {
  if (answer.type === "opaque") throw new Error("opaque");
  return `${answer.status} ${(await answer.text()).slice(0, 80)}`;
};
const fetched = (path, options) => settled(fetch(target + path, options).then(told));
const loaded = (tag, attributes) => new Promise((done) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.onload = () => done("got: loaded");
  node.onerror = () => done("no: error");
  document.body.append(node);
});
const socket = (protocols) => new Promise((done) => {
  const opened = new WebSocket(target.replace("http", "ws") + "/api/live", protocols);
  opened.onopen = () => done("got: opened");
  opened.onerror = () => done("no: error");
});
const framed = () => new Promise((done) => {
  const frame = Object.assign(document.createElement("iframe"), { src: `${target}/#token=${token}`, name: "framed" });
  frame.onload = () => {
    frame.contentWindow.postMessage({ token }, "*");
    done("no: told by the browser");
  };
  document.body.append(frame);
});
const posted = (encoding) => new Promise((done) => {
  const frame = Object.assign(document.createElement("iframe"), { name: `posted-${encoding}` });
  const form = Object.assign(document.createElement("form"), {
    action: `${target}/api/photo`, method: "post", enctype: encoding, target: frame.name,
  });
  form.append(Object.assign(document.createElement("textarea"), { name: "{}", value: "\\n" }));
  document.body.append(frame, form);
  frame.onload = () => done("no: told by the server");
  form.submit();
});
const opened = async () => {
  const other = window.open(`${target}/#token=${token}`);
  window.other = other;
  try {
    return `got: ${other.document.title}`.replace(/^got: $/, "no: empty");
  } catch (error) {
    return `no: ${error.name}`;
  }
};
(async () => {
  results.read = await fetched("/", {});
  results.words = await fetched("/texts/en.json", {});
  results.about = await fetched("/api/about", {});
  results.aboutWithToken = await fetched("/api/about", { headers: bearer });
  results.photo = await fetched("/api/photo", { method: "POST", headers: bearer, body: "{}\\nx" });
  results.photoUnseen = await fetched("/api/photo", { method: "POST", mode: "no-cors", body: "{}\\nx" });
  results.aboutUnseen = await fetched("/api/about", { mode: "no-cors", credentials: "include" });
  results.script = await loaded("script", { src: `${target}/static/app.js`, type: "text/javascript" });
  results.style = await loaded("link", { href: `${target}/static/page.css`, rel: "stylesheet" });
  results.module = await settled(import(`${target}/static/api.js`).then((found) => Object.keys(found)));
  results.image = await loaded("img", { src: `${target}/api/about` });
  results.socket = await socket([]);
  results.socketWithToken = await socket(["ferce.live.1", `token.${token}`]);
  results.imageOfNothing = await loaded("img", { src: `${target}/static/nothing.jpg` });
  results.sample = await loaded("img", { src: `${target}/static/sample.jpg` });
  results.frame = await framed();
  results.form = await posted("application/x-www-form-urlencoded");
  results.formWithText = await posted("text/plain");
  results.formWithFile = await posted("multipart/form-data");
  results.window = await opened();
  window.results = results;
})();
</script>
"""


@contextmanager
def elsewhere(page: str) -> Iterator[str]:
    """Serve a page on another port of this machine: another origin, and yet the same site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True  # a browser's idle connection must not keep a failed test from ending
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for which two foreign names lead to this machine, as an attacker's name server would have it."""
    names = ",".join(f"MAP {name} 127.0.0.1" for name in (EVIL, REBOUND))
    with driver() as driven, launched(driven, more=[f"--host-resolver-rules={names}"]) as started:
        yield started


@pytest.fixture
def site(engines: Engines) -> Iterator[Site]:
    with served(Site(engines)) as running:
        yield running


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", EVIL])
def test_a_page_of_another_origin_can_neither_read_nor_drive_it(browser: Any, site: Site, name: str) -> None:
    target = f"http://127.0.0.1:{site.port}"
    attack = ATTACK.replace("TARGET", json.dumps(target)).replace("TOKEN", json.dumps(site.token))
    with elsewhere(attack) as place, browser.new_context() as context:
        page = context.new_page()
        answers: dict[str, set[int]] = {}
        page.on("response", lambda answer: answers.setdefault(answer.request.method, set()).add(answer.status))
        page.goto(f"http://{name}:{place.rpartition(':')[2]}/")
        page.wait_for_function("window.results !== undefined", timeout=60_000)
        results = page.evaluate("window.results")
        assert len(results) == 20
        assert {key: value for key, value in results.items() if not value.startswith("no: ")} == {}
        assert [frame.url for frame in page.frames if frame.name == "framed" and frame.url.startswith(target)] == []
        assert answers["POST"] == {403}
        # A link may be followed: what it opens works for its user only, and knows nothing of who opened it.
        page.wait_for_function("other.closed")
        (other,) = [one for one in context.pages if one is not page]
        other.wait_for_selector("#chat textarea")
        assert other.evaluate("window.opener") is None
    assert asked(site) == {"about"}, "only the opened page itself asked for something"


def asked(site: Site) -> set[str]:
    """Return what clients asked of a server; what is refused for its origin is not counted."""
    return {kind for kind, _ in site.rates._buckets}


def test_a_name_that_leads_here_is_not_enough(browser: Any, site: Site) -> None:
    """DNS rebinding: the hostile page and the server have the same origin for the browser."""
    with browser.new_context() as context:
        page = context.new_page()
        answer = page.goto(f"http://{REBOUND}:{site.port}/#token={site.token}")
        assert answer.status == 421
        found = page.evaluate(
            """async (token) => {
                const bearer = { Authorization: `Bearer ${token}` };
                const asked = async (path, options) => (await fetch(path, options)).status;
                const socket = new Promise((done) => {
                  const one = new WebSocket(`ws://${location.host}/api/live`, ["ferce.live.1", `token.${token}`]);
                  one.onopen = () => done("opened");
                  one.onerror = () => done("refused");
                });
                return [
                  await asked("/"), await asked("/static/app.js"), await asked("/api/about", { headers: bearer }),
                  await asked("/api/photo", { method: "POST", headers: bearer, body: "{}\\nx" }), await socket,
                ];
            }""",
            site.token,
        )
    assert found == [421, 421, 421, 421, "refused"]
    assert asked(site) == set()


def test_the_same_requests_work_from_the_page_itself(browser: Any, site: Site) -> None:
    """So that the test above does not pass because nothing works."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{site.port}/#token={site.token}")
        status = page.evaluate(
            "(token) => fetch('/api/about', { headers: { Authorization: `Bearer ${token}` } }).then((a) => a.status)",
            site.token,
        )
        opened = page.evaluate(
            """(token) => new Promise((done) => {
                const socket = new WebSocket(location.origin.replace("http", "ws") + "/api/live",
                                             ["ferce.live.1", `token.${token}`]);
                socket.onopen = () => done(socket.protocol);
                socket.onerror = () => done("refused");
            })""",
            site.token,
        )
    assert (status, opened) == (200, "ferce.live.1")
    assert {"about", "live"} <= asked(site)
