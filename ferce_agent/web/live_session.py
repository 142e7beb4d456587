"""One live reading over a WebSocket: pictures of a camera come in, what they show goes out; nothing of it is kept.

Three tasks work on it: one takes what the client sends, one reads the newest picture each time, one sends. None waits
for another, so that neither a slow client nor a slow reading lets anything pile up. However one of them ends, all end.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Set
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.websockets import WebSocketDisconnect

from ferce_agent.api import stream_clip
from ferce_agent.clips.live import LiveView
from ferce_agent.errors import RequestError, RequestTimeoutError
from ferce_agent.inputs.clip_feed import Feed, open_feed
from ferce_agent.inputs.limits import ImageLimits
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent, ReadingEvent, ReportEvent
from ferce_agent.web.answers import clip_answer, line
from ferce_agent.web.asked import json_object, read_fields
from ferce_agent.web.outbox import Outbox

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from ferce_agent.inputs.clip import Clip
    from ferce_agent.web.site import Site

FRAME_LIMITS: Final = ImageLimits(max_bytes=2 * 2**20, max_pixels=1920 * 1080)
"""How large a picture may be."""
TEXT_BYTES: Final = 64 * 1024
"""Most bytes of a message in words."""
START_S: Final = 20.0
"""Seconds within which a client must say what the reading is for."""
IDLE_S: Final = 60.0
"""Seconds without a picture after which a reading ends with its report."""
TIME: Final = struct.Struct("<d")
"""What stands before a picture: milliseconds since the start."""
FORM: Final = 'Send {"kind": "start"}, then pictures: 8 bytes with the time and a JPEG; at the end {"kind": "stop"}.'


class Start(BaseModel):
    """The first message of a client."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["start"] = Field(description="start")
    use: dict[str, Any] | None = Field(default=None, description="what the reading is used for")


class Stop(BaseModel):
    """The last message of a client."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["stop"] = Field(description="stop")


class LiveSession:
    """The reading of one client."""

    def __init__(self, site: Site, socket: WebSocket, *, idle_s: float = IDLE_S) -> None:
        """Begin with an opened WebSocket.

        Args:
            site: Models and rules.
            socket: The client.
            idle_s: Seconds without a picture after which the reading ends.
        """
        self._site, self._socket, self._idle_s = site, socket, idle_s
        self._feed, self._outbox = Feed(FRAME_LIMITS), Outbox()
        self._first = asyncio.Event()

    async def run(self) -> None:
        """Serve the client until everything is sent.

        Raises:
            RequestError: The client does not keep to the agreed form.
            PolicyError: The rules refuse the use; no picture was taken.
            FerceError: A picture cannot be used, or reading failed.
            WebSocketDisconnect: The client is gone.
        """
        use = (await self._started()).use
        infer = self._site.engines.permit(use).may_infer
        await self._socket.send_text('{"event":"ready"}')
        sending = asyncio.create_task(self._send())
        tasks = {sending, asyncio.create_task(self._receive()), asyncio.create_task(self._read(use, infer=infer))}
        try:
            await _until(sending, tasks)
        finally:
            self._feed.drop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _started(self) -> Start:
        """Return the first message."""
        try:
            async with asyncio.timeout(START_S):
                message = await self._message()
        except TimeoutError:
            raise RequestTimeoutError("The reading was not started in time.", hint=FORM) from None
        if isinstance(message, bytes):
            raise RequestError("A picture came before the start; it was not looked at.", hint=FORM)
        return read_fields(_object(message), Start)

    async def _message(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        data, text = message.get("bytes"), message.get("text")
        return data if data is not None else text or ""

    async def _receive(self) -> None:
        """Take pictures until the client says stop, or sends none for long; then only notice that it is gone."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._idle_s
        while not self._feed.closed:
            try:
                async with asyncio.timeout_at(due):
                    message = await self._message()
            except TimeoutError:
                break
            if isinstance(message, str):
                read_fields(_object(message), Stop)
                break
            self._take(message)
            due = loop.time() + self._idle_s
        self._feed.close()
        self._first.set()
        while True:
            await self._message()

    def _take(self, message: bytes) -> None:
        if len(message) < TIME.size:
            raise RequestError("A message is too short to hold a picture and its time.", hint=FORM)
        (milliseconds,) = TIME.unpack_from(message)
        self._feed.put(memoryview(message)[TIME.size :], milliseconds / 1000)
        self._first.set()

    async def _read(self, use: dict[str, Any] | None, *, infer: bool) -> None:
        """Read pictures until none follow; leave what they show, and the report, to be sent."""
        await self._first.wait()
        clip, view = await asyncio.to_thread(self._opened, infer=infer)
        pictures: dict[str, bytes] = {}
        events = stream_clip(clip, use_context=use, engines=self._site.engines, pictures=pictures)
        async with aclosing(events):
            async for event in events:
                for frame in view.push(event):
                    self._outbox.put(frame.model_dump_json(), passes=True)
                if (text := told(event, pictures)) is not None:
                    self._outbox.put(text)
        self._outbox.close()

    def _opened(self, *, infer: bool) -> tuple[Clip, LiveView]:
        clip, engines = open_feed(self._feed), self._site.engines
        size, feed = (clip.info.width, clip.info.height), self._feed
        card, flatten = engines.pipeline.specialist.card, engines.settings.flatten
        return clip, LiveView(card, flatten, size=size, infer=infer, skipped=lambda: feed.skipped)

    async def _send(self) -> None:
        while (text := await self._outbox.take()) is not None:
            await self._socket.send_text(text)


def told(event: ClipEvent, pictures: dict[str, bytes]) -> str | None:
    """Return what a client is told of an event besides its pictures' `LiveFrame`; None for nothing."""
    if isinstance(event, ReadingEvent | ProgressEvent):
        return None
    if isinstance(event, ReportEvent):
        return line({"event": "answer", **clip_answer(event.report, pictures)})
    return event.model_dump_json()


def _object(text: str) -> dict[str, Any]:
    if len(text) > TEXT_BYTES:
        raise RequestError(f"A message in words has more than {TEXT_BYTES:,} characters.", hint=FORM)
    return json_object(text.encode("utf-8", "surrogatepass"))


async def _until(last: asyncio.Task[None], tasks: Set[asyncio.Task[None]]) -> None:
    """Wait until the last task has ended; raise what any of them raises before."""
    pending = set(tasks)
    while last in pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
