"""A browser with an assistant in it that shows apps: the protocol's own AppBridge, and the real MCP server behind it.

The bridge is a package of the npm registry; ``make app-host`` installs it, and what bundles it, into ``out/app-host``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.shared.exceptions import MCPError

PACKAGES = Path(__file__).parents[2] / "out/app-host/node_modules"
ADDRESS = "http://localhost/host"
"""Where the assistant is; answered by the test itself, nothing is fetched."""
ALL: dict[str, dict[str, Any]] = {
    "serverTools": {},
    "serverResources": {},
    "updateModelContext": {"text": {}},
    "message": {"text": {}},
    "openLinks": {},
}
"""Everything that an assistant may offer to the app and that the app uses."""


def bundled(folder: Path) -> Path:
    """Return the assistant's script with the packages it imports."""
    made = folder / "host.js"
    subprocess.run(
        [str(PACKAGES / ".bin/esbuild"), str(Path(__file__).with_name("app_host.js")), "--bundle", f"--outfile={made}"],
        env={**os.environ, "NODE_PATH": str(PACKAGES)},
        capture_output=True,
        check=True,
    )
    return made


class ServerBehind:
    """The real MCP server, asked as an assistant asks it."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        """Take a connected client and the thread in which it lives."""
        self._portal, self._client = portal, client

    def call(self, params: dict[str, Any]) -> dict[str, Any]:
        """Call a tool; the answer as it goes over the wire."""
        result = self._portal.call(self._client.call_tool, params["name"], params.get("arguments") or {})
        sent: dict[str, Any] = result.model_dump(mode="json", by_alias=True, exclude_none=True)
        return sent

    def read(self, params: dict[str, Any]) -> dict[str, Any]:
        """Read a resource; ``{"error": words}`` where the server refuses."""
        try:
            result = self._portal.call(self._client.read_resource, params["uri"])
        except MCPError as error:
            return {"error": str(error)}
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    def page(self, uri: str) -> tuple[str, dict[str, Any]]:
        """Return an app's document and the permissions that it asks for."""
        content = self.read({"uri": uri})["contents"][0]
        return content["text"], content["_meta"]["ui"].get("permissions", {})


@contextmanager
def behind(server: Any) -> Iterator[ServerBehind]:
    """Connect to a server as an assistant that shows apps."""
    extensions = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, extensions=extensions)) as client,
    ):
        yield ServerBehind(portal, client)


class Assistant:
    """One page of the browser that holds the app."""

    def __init__(self, page: Any, server: ServerBehind, script: Path) -> None:
        """Load the assistant into a page; the app comes with `open`."""
        self.page, self.server, self.problems = page, server, list[str]()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        page.expose_function("callServer", server.call)
        page.expose_function("readServer", server.read)
        html = (
            "<!doctype html><title>host</title><style>body{margin:8px}iframe{width:100%;border:0;height:200px}</style>"
        )
        page.route("**/*", lambda route: route.abort())
        page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(ADDRESS)
        page.add_script_tag(path=str(script))

    def open(self, uri: str = "ui://ferce/report", **changes: Any) -> None:
        """Hold the app until it has said hello; changes are of what `app_host.js` takes."""
        html, permissions = self.server.page(uri)
        asked = {
            "html": html,
            "sandbox": "allow-scripts",
            "permissions": permissions,
            "capabilities": ALL,
            "context": {"theme": "light", "locale": "en-GB"},
            "refuse": [],
        }
        self.page.evaluate("asked => window.host.open(asked)", {**asked, **changes})

    @property
    def app(self) -> Any:
        """What the app shows."""
        return self.page.frame_locator("iframe[title=app]")

    @property
    def main(self) -> Any:
        """What it shows, without what only a screen reader is told."""
        return self.app.locator("main")

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Have the bridge send something, by the name of its method."""
        self.page.evaluate("([method, params]) => window.host.bridge()[method](params)", [method, params])

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool as the model would, and tell the app about it as the protocol says."""
        self.tell("sendToolInput", {"arguments": arguments})
        result = self.server.call({"name": name, "arguments": arguments})
        self.tell("sendToolResult", result)
        return result

    def shoot(self, folder: Path, name: str) -> None:
        """Take a screenshot of all of it, into the folder that the variable ``SCREENSHOTS`` names, or into another."""
        height = self.page.evaluate("() => document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": self.page.viewport_size["width"], "height": height})
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.page.screenshot(path=Path(os.environ.get("SCREENSHOTS", folder)) / f"app-{name}.png")

    def seen(self, what: str) -> Any:
        """Return what the app has sent so far, of one kind."""
        return self.page.evaluate("what => window.host.seen[what]", what)
