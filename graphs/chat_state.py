"""Typed state and run context of the chatbot, and what can be read off the state.

The state holds words, references to photos and compact readings; the photos themselves are in `ChatContext`, for one
run only.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict  # the standard one has no schema before Python 3.12

from ferce_agent.context.distress import speaks_of_distress
from ferce_agent.graphs.chat_sounds import VoiceMessage
from ferce_agent.graphs.instances import OnlyInstances
from ferce_agent.inputs.photo import ImageSource, Picture
from ferce_agent.inputs.situation import MAX_SPOKEN, MAX_TEXT, EarlierReading, Situation, Turn, readable
from ferce_agent.policy.use import UseLike
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.report.speech import VoiceReport

MAX_REPORTS: Final = 5
"""Readings that a thread remembers."""
MAX_MESSAGES: Final = 100
"""Messages that a thread remembers."""
MAX_TURNS: Final = 8
"""Latest turns that are told to the tool."""
FRESH: Final = timedelta(minutes=30)
"""An older reading says nothing about now."""
RECENT: Final = timedelta(hours=12)
"""Words written longer ago do not belong to a new photo."""
WRITTEN: Final = "written"
"""Where a user's message says when it was written."""
REFERENCE: Final = re.compile(r"\[photo (photo-[0-9a-f]{8})\]")
"""How a message refers to a photo that came with it."""
VOICE_REFERENCE: Final = re.compile(r"\[voice (voice-[0-9a-f]{8})\]")
"""How a message refers to a voice message that was not listened to yet."""
CLIP: Final = "[clip]"
"""How a message says that a clip came with it; what it shows is among the readings."""
VOICE: Final = "[voice]"
"""How a message says that it was spoken; how it sounds is among the readings."""

Remembered = dict[str, Any]
"""One report in short, as plain JSON-able data.

Time, whether expressions were read, summary, people (id, primary, valence,
confidence, abstained), guidance; of a clip more, see `ferce_agent.graphs.chat_readings.reading_of_clip`, of a voice
`ferce_agent.graphs.chat_voices.reading_of_voice`."""
ReadingLike: TypeAlias = EmotionReport | ClipReport | VoiceReport | Mapping[str, Any]
"""A report of a photo, a clip or a voice, or its fields as plain data."""


def recent_messages(left: list[AnyMessage], right: Any) -> list[AnyMessage]:
    """Add messages and keep the latest; the reducer of `messages`."""
    merged: list[AnyMessage] = list(add_messages(left, right))  # type: ignore[arg-type]
    return merged[-MAX_MESSAGES:]


def recent_reports(left: list[Remembered], right: list[Remembered]) -> list[Remembered]:
    """Add readings and keep the latest; the reducer of `reports`."""
    return [*left, *right][-MAX_REPORTS:]


class ChatState(TypedDict, total=False):
    """Everything a thread remembers; a turn starts with one user message.

    Attributes:
        messages: What was said, the tool's calls and answers, latest last. Photos come as image content blocks of the
            input.
        reports: The latest readings, oldest first.
        pictures: References of the photos that came with the latest user message; set by the graph.
        voices: References of the voice messages that came with it; likewise.
        unheard: Why voice messages of this turn could not be listened to, in words; likewise.
        use_context: What this turn's answer is used for, as the fields of a `UseContext`; given with the input, and not
            remembered.
    """

    messages: Annotated[list[AnyMessage], recent_messages]
    reports: Annotated[list[Remembered], recent_reports]
    pictures: list[str]
    voices: list[str]
    unheard: list[str]
    use_context: dict[str, Any] | None


@dataclass(slots=True)
class ChatContext(OnlyInstances):
    """What one run works with: photos, voices, readings made elsewhere, and what is said about their use; never stored.

    Attributes:
        pictures: Photos by reference.
        voices: Voice messages by reference.
        use: What this run's answer is used for; it can add to what whoever built the graph says, but cannot loosen it.
        readings: Reports of photos and clips that were made elsewhere, oldest first; the thread remembers the latest
            in short, without those that say more than the rules of this run allow.
        new: How many of these, the last ones, were made for this message; the others came earlier.
        made: Reports that the tool makes in this run; filled by it.
        heard: Reports on the voice messages of this run; filled by the graph.
    """

    pictures: dict[str, ImageSource | Picture] = field(default_factory=dict)
    voices: dict[str, VoiceMessage] = field(default_factory=dict)
    use: UseLike | None = None
    readings: Sequence[ReadingLike] = ()
    new: int = 0
    made: list[EmotionReport] = field(default_factory=list)
    heard: list[VoiceReport] = field(default_factory=list)

    def keep(self, picture: ImageSource | Picture) -> str:
        """Keep a photo for this run and return its reference."""
        name = f"photo-{uuid.uuid4().hex[:8]}"
        self.pictures[name] = picture
        return name

    def keep_voice(self, voice: VoiceMessage) -> str:
        """Keep a voice message for this run and return its reference."""
        name = f"voice-{uuid.uuid4().hex[:8]}"
        self.voices[name] = voice
        return name


def reference_to(name: str) -> str:
    """Return how a message refers to a photo or a voice message."""
    return f"[{name.partition('-')[0]} {name}]"


def words_of(message: BaseMessage) -> str:
    """Return what a message says, without references to photos, clips and voices."""
    bare = VOICE_REFERENCE.sub("", REFERENCE.sub("", str(message.text)))
    return bare.replace(CLIP, "").replace(VOICE, "").strip()


def latest_turn(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the latest user message and everything after it."""
    starts = [index for index, message in enumerate(messages) if isinstance(message, HumanMessage)]
    return list(messages[starts[-1] :]) if starts else []


def spoken(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return what user and assistant said to each other: no tool calls, no tool results."""
    said = [one for one in messages if isinstance(one, HumanMessage | AIMessage)]
    return [one for one in said if str(one.text).strip() and not getattr(one, "tool_calls", None)]


def looked_at(state: ChatState) -> list[ToolMessage]:
    """Return the tool's answers about the photos of this turn."""
    return [one for one in latest_turn(state["messages"]) if isinstance(one, ToolMessage)]


def unread(state: ChatState) -> list[str]:
    """Return the photos of this turn that the tool was not called with yet."""
    calls = [call for one in latest_turn(state["messages"]) for call in getattr(one, "tool_calls", None) or ()]
    asked = {call["args"].get("photo") for call in calls}
    return [name for name in state.get("pictures", ()) if name not in asked]


def asked_in(state: ChatState) -> str | None:
    """Return the id of the latest user message."""
    turn = latest_turn(state["messages"])
    return turn[0].id if turn else None


def made_at(report: EmotionReport | ClipReport | VoiceReport) -> str:
    """Return when a report was made, with the time zone: UTC where it does not say."""
    made = report.provenance.created_at
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).isoformat()


def reading_of(report: EmotionReport) -> Remembered:
    """Return a report in short, as the thread remembers it."""
    return {
        "time": made_at(report),
        "inferred": any(one.expression is not None for one in report.people),
        "summary": report.summary,
        "people": [_person(report, number) for number, one in enumerate(report.people) if one.expression is not None],
        "guidance": report.guidance.model_dump(mode="json"),
    }


def _turns(message: HumanMessage) -> list[Turn]:
    """Return a user's message as turns.

    None if it has no words, or was written too long ago, several if it is very long.
    """
    text, written = str(readable(words_of(message))), message.additional_kwargs.get(WRITTEN)
    time = datetime.fromisoformat(written) if written else None
    if not text.strip() or (time is not None and datetime.now(UTC) - time > RECENT):
        return []
    pieces = [text[start : start + MAX_TEXT] for start in range(0, len(text), MAX_TEXT)]
    return [Turn(speaker="user", text=piece, time=time) for piece in pieces]


def _latest(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the latest turns that a `Situation` takes."""
    kept: list[Turn] = []
    for turn in reversed(turns[-MAX_TURNS:]):
        if sum(len(one.text) for one in kept) + len(turn.text) > MAX_SPOKEN:
            break
        kept.insert(0, turn)
    return tuple(kept)


def speaks_of_danger(state: ChatState) -> bool:
    """Return whether the latest user message speaks of distress, however long it is."""
    return any(
        speaks_of_distress(words_of(one)) for one in latest_turn(state["messages"]) if isinstance(one, HumanMessage)
    )


def _person(report: EmotionReport, number: int) -> dict[str, Any]:
    person = report.people[number]
    assert person.expression is not None
    return {
        "id": person.id,
        "primary": person.expression.primary,
        "valence": person.expression.valence.value,
        "confidence": person.expression.confidence,
        "abstained": person.expression.abstained,
    }


def fresh_reading(state: ChatState, now: datetime | None = None) -> Remembered | None:
    """Return the latest reading, unless it is too old to say anything about now."""
    reports = state.get("reports", ())
    return reports[-1] if reports and is_fresh(reports[-1], now) else None


def is_fresh(reading: Remembered, now: datetime | None = None) -> bool:
    """Return whether a reading is new enough to say something about now."""
    return (now or datetime.now(UTC)) - datetime.fromisoformat(reading["time"]) <= FRESH


def chat_context(state: ChatState) -> dict[str, Any]:
    """Return what the conversation tells about the situation, as the fields of a `Situation`.

    Only the user's own recent words are told: the assistant's are no news, and would count as evidence. Earlier
    readings are those of the largest face: in a chat that is taken to be the user. How a voice sounded is no earlier
    expression of a face.
    """
    turns = [turn for one in state["messages"] if isinstance(one, HumanMessage) for turn in _turns(one)]
    earlier = [
        EarlierReading(person="person-1", primary=one["primary"], valence=one["valence"], time=report["time"])
        for report in state.get("reports", ())
        for one in report["people"]
        if one["id"] == "person-1" and report.get("kind") != "voice"
    ]
    situation = Situation(turns=_latest(turns), earlier=tuple(earlier))
    return situation.model_dump(mode="json", exclude_defaults=True)
