"""A tab with the page, watched: what the browser complains of, what the page asks for, what it does with the camera."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

WATCH: Final = """
window.watched = { cameras: 0, streams: [], policy: [], frames: [] };
const forbidden = ({ violatedDirective, blockedURI }) => watched.policy.push(`${violatedDirective} ${blockedURI}`);
addEventListener("securitypolicyviolation", forbidden);
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  watched.frames.push(typeof data === "string" ? data : data.size ?? data.byteLength);
  return send.call(this, data);
};
if (navigator.mediaDevices) {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    watched.cameras += 1;
    const stream = await real(wish);
    watched.streams.push(stream);
    return stream;
  };
}
"""
"""Counts how often the page asks for the camera, keeps the streams it got, what the security policy forbade, and what
is sent over WebSockets: text, or the size of a binary message."""
OFFERED: Final = "button, select, input:not([type=hidden]), textarea, summary, a[href]"
"""What can be pressed."""


class Tab:
    """A page that is open in a context of its own.

    Attributes:
        page: Playwright's page.
        sent: Method and path of each request to the server's interface.
        said: Errors and warnings on the browser's console.
    """

    def __init__(self, browser: Any, address: str, token: str = "", **options: Any) -> None:
        """Open the page, with its token if one is given, and wait until all its parts are there."""
        self.context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1000, "height": 900}, **options})
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.sent: list[str] = []
        self.said: list[str] = []
        self._listen()
        self.page.goto(f"{address}/#token={token}" if token else address)
        self.page.wait_for_selector("#chat textarea" if token else "#trouble [role=alert]")

    def _listen(self) -> None:
        self.page.on("console", self._told)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda asked: self._asked(asked.method, asked.url))
        self.page.on("websocket", lambda socket: self.sent.append(f"WS {urlsplit(socket.url).path}"))

    def _told(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(message.text)

    def _asked(self, method: str, url: str) -> None:
        path = urlsplit(url).path
        if path.startswith("/api/"):
            self.sent.append(f"{method} {path}")

    def refused(self, *statuses: int) -> None:
        """Forget what browsers write on the console of answers with these statuses, which the test expects."""
        self.said = [one for one in self.said if not any(f"status of {status} " in one for status in statuses)]

    def close(self) -> None:
        """Close the tab; the browser must not have complained of anything in it."""
        complaints = [*self.said, *self.page.evaluate("watched.policy")]
        self.context.close()
        assert complaints == [], complaints

    def frames(self) -> list[str | int]:
        """Return what was sent over WebSockets: text, or the size of a binary message."""
        return list(self.page.evaluate("watched.frames"))

    def reports(self) -> int:
        """Return how many answers the tab has."""
        return int(self.page.locator("#answers li").count())

    def wait_for_report(self, kind: str, count: int = 1) -> Any:
        """Wait until there are so many answers, and the newest is shown; return its element."""
        self.page.wait_for_function(
            "count => document.querySelectorAll('#answers li').length === count", arg=count, timeout=90_000
        )
        self.page.wait_for_selector(f"#report [data-kind={kind}]")
        return self.page.locator("#report")

    def choose_use(self, **fields: str) -> str:
        """Choose what the readings are for, wait for the rules, and return what they decide."""
        for name, value in fields.items():
            self.page.select_option(f"#use-{name}", value)
        self.page.wait_for_function("() => !document.querySelector('#policy').className.match(/^verdict$/)")
        return str(self.page.get_attribute("#policy", "data-decision"))

    def width(self) -> int:
        """Return how wide the page is."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def small_targets(self) -> list[str]:
        """Return what can be pressed and is too small for a finger, with the label that belongs to it counted in."""
        found: list[str] = self.page.evaluate(
            """offered => [...document.querySelectorAll(offered)].filter((one) => {
              if (!one.checkVisibility({ visibilityProperty: true }) || one.closest(".unseen, .skip")) return false;
              const area = (one.closest("label.check, .chat-readings label, .live-mirror, .chat-live") ?? one);
              const { width, height } = area.getBoundingClientRect();
              return Math.min(width, height) < 43.9;
            }).map((one) => `${one.tagName} ${one.id || one.className || one.textContent}`)""",
            OFFERED,
        )
        return found

    def violations(self, schemes: Sequence[str] = ("light", "dark")) -> list[str]:
        """Return the rules of axe-core that the page breaks now, in each colour scheme."""
        axe, found = pytest.importorskip("axe_playwright_python.sync_playwright").Axe(), []
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)
            for rule in axe.run(self.page).response["violations"]:
                nodes = [node["html"][:120] for node in rule["nodes"]]
                found.append(f"{scheme} {rule['id']}: {json.dumps(nodes)}")
        return found
