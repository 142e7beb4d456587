"""A server that reads photos one at a time, as slowly as it is told; run as ``python -m`` with a file for its port."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

from ferce_agent.errors import FerceError
from ferce_agent.inputs.photo import load_picture
from ferce_agent.web.answers import status_of

MOST_WAITING = 4


def app_of(seconds: float) -> FastAPI:
    """Return an app that decodes a photo and then takes so long; it refuses what more than a few wait for."""
    app, turn, waiting = FastAPI(), asyncio.Lock(), [0]

    @app.post("/photos")
    async def read(request: Request) -> Response:
        body = await request.body()
        if waiting[0] >= MOST_WAITING:
            return Response(status_code=429)
        waiting[0] += 1
        try:
            async with turn:
                await asyncio.sleep(seconds)
                load_picture(body)
        except FerceError as error:
            return Response(status_code=status_of(error))
        finally:
            waiting[0] -= 1
        return Response(b"{}")

    return app


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    Path(sys.argv[1]).write_text(str(listening.getsockname()[1]), "ascii")
    uvicorn.Server(uvicorn.Config(app_of(0.01), log_level="critical")).run(sockets=[listening])
