"""The example of docs/web.md, run as it stands against a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ferce_agent.graphs.engines import Engines
from ferce_agent.web.site import CHAT_CHARACTERS, CLIP_BYTES, PHOTO_BYTES, VOICE_BYTES, Site
from tests.bad_clip_calls import small_film
from tests.web.live_client import served

PAGE = (Path(__file__).parents[2] / "docs" / "web.md").read_text("utf-8")


def test_the_example_of_a_client(engines: Engines, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)
    with served(Site(engines)) as site:
        given = {"address": f"http://127.0.0.1:{site.port}", "token": site.token}
        names = {**given, "photo": photo.read_bytes(), "clip": small_film()}
        exec(compile(code, "docs/web.md", "exec"), names)
        names["server"].close()  # type: ignore[attr-defined]
    said = capsys.readouterr().out
    assert "shows happiness" in said
    assert "No face" in said


def test_the_limits_are_the_real_ones() -> None:
    photo, clip, voice = (limit // 2**20 for limit in (PHOTO_BYTES, CLIP_BYTES, VOICE_BYTES))
    limits = f"{photo} MiB a photo, {clip} MiB a clip, {voice} MiB a voice message"
    assert f"Limits: {limits}, {CHAT_CHARACTERS:,} char" in PAGE
    assert f"- {limits} (" in PAGE
