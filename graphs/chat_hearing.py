"""Listens to the voice messages of a turn: what was said becomes the user's words, how it sounds a reading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage

from ferce_agent.concurrency.opening import opened_aside
from ferce_agent.errors import FerceError, ImageNotFoundError, SoundAccessError, SoundNotFoundError
from ferce_agent.graphs.chat_sounds import VoiceMessage
from ferce_agent.graphs.chat_state import (
    VOICE,
    VOICE_REFERENCE,
    ChatContext,
    ChatState,
    asked_in,
    chat_context,
)
from ferce_agent.graphs.chat_voices import reading_heard, words_said
from ferce_agent.graphs.engines import Engines
from ferce_agent.graphs.voice_runs import aanalyze_voice, analyze_voice
from ferce_agent.inputs.sound import SoundStream, open_sound
from ferce_agent.report.speech import VoiceReport

Heard = VoiceReport | FerceError
"""What became of a voice message."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Listens for one turn.

    Attributes:
        engines: Models and settings, under the use of the chatbot.
        roots: Folders from which a message may name a sound.
    """

    engines: Engines
    roots: tuple[Path, ...]

    def hear(self, state: ChatState, context: ChatContext) -> dict[str, Any]:
        """Return what changes in the state; a voice that cannot be used is told in `unheard`."""
        return changes(state, context, {name: self._one(name, state, context) for name in state.get("voices", ())})

    async def ahear(self, state: ChatState, context: ChatContext) -> dict[str, Any]:
        """Do the same without blocking; a cancelled turn stops listening."""
        return changes(
            state,
            context,
            {name: await self._aone(name, state, context) for name in state.get("voices", ())},
        )

    def _one(self, name: str, state: ChatState, context: ChatContext) -> Heard:
        try:
            voice = voice_in(context, name)
            with self._opened(voice) as sound:
                return analyze_voice(sound, **self._told(voice, state, context))
        except FerceError as error:
            return error

    async def _aone(self, name: str, state: ChatState, context: ChatContext) -> Heard:
        try:
            voice = voice_in(context, name)
            async with opened_aside(lambda: self._opened(voice)) as sound:
                return await aanalyze_voice(sound, **self._told(voice, state, context))
        except FerceError as error:
            return error

    def _opened(self, voice: VoiceMessage) -> SoundStream:
        return voice.sound if isinstance(voice.sound, SoundStream) else open_sound(voice.sound, roots=self.roots)

    def _told(self, voice: VoiceMessage, state: ChatState, context: ChatContext) -> dict[str, Any]:
        told = {"context": chat_context(state), "use": context.use, "engines": self.engines}
        return {**told, "transcript": voice.transcript, "keep_words": True}


def voice_in(context: ChatContext, name: str) -> VoiceMessage:
    """Return a voice message of this run.

    Raises:
        SoundAccessError: It is not there: the run was interrupted and goes on without it.
    """
    if name not in context.voices:
        raise SoundAccessError("The voice message is not there any more.", hint="Send it again.")
    return context.voices[name]


def changes(state: ChatState, context: ChatContext, found: dict[str, Heard]) -> dict[str, Any]:
    """Return the turn's readings, its message with the words in place of references, and what could not be heard."""
    heard = {name: one for name, one in found.items() if isinstance(one, VoiceReport)}
    context.heard.extend(heard.values())
    readings = [{**reading_heard(one), "came_with": asked_in(state)} for one in heard.values()]
    failed = [
        f"The voice message was not heard: {explained(one)}" for one in found.values() if isinstance(one, FerceError)
    ]
    words = {name: words_said(one) for name, one in heard.items()}
    return {"messages": with_words(state, words), "reports": readings, "unheard": failed}


def with_words(state: ChatState, words: dict[str, str]) -> list[HumanMessage]:
    """Return the user's messages of this turn that refer to voices, with what was said in place of each reference."""
    spoken = [
        one for one in state["messages"] if isinstance(one, HumanMessage) and VOICE_REFERENCE.search(str(one.text))
    ]
    return [_spoken(one, words) for one in spoken]


def _spoken(message: HumanMessage, words: dict[str, str]) -> HumanMessage:
    def said(name: str) -> str:
        return f"{words[name]}\n{VOICE}" if words.get(name) else VOICE

    text = VOICE_REFERENCE.sub(lambda found: said(found[1]), str(message.text))
    return HumanMessage(text, id=message.id, additional_kwargs=message.additional_kwargs)


def explained(error: FerceError) -> str:
    """Say what was wrong; where the message would name a file, only what to do about it."""
    unnamed = isinstance(error, ImageNotFoundError | SoundNotFoundError)
    return f"{error.hint if unnamed else error} ({error.code})"
