"""A conversation in the terminal: lines in, answers out. Commands begin with a slash."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import HumanMessage, ToolMessage

from ferce_agent.api import Event, analyze_clip
from ferce_agent.chat import memory
from ferce_agent.chat.models import load_chat_model
from ferce_agent.errors import EngineError, FerceError, InputError, SettingsError
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_rules import Telling, telling
from ferce_agent.graphs.chat_sounds import VoiceMessage
from ferce_agent.graphs.chat_state import CLIP, ChatContext, reference_to
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import Picture, load_picture
from ferce_agent.inputs.sound import SoundStream, open_sound
from ferce_agent.policy.use import UseLike, read_use
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent
from ferce_agent.validation.fields import did_you_mean, shown
from ferce_agent.validation.printable import clean
from ferce_agent.views.progress import Display, Steps
from ferce_agent.vlm.adapters.chat_model import runs_elsewhere

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

    from ferce_agent.settings import Settings

MAX_NAME: Final = 80
"""Characters of a thread's name."""
MAX_WORDS: Final = 8000
"""Characters of one message."""
LONGEST_LINE: Final = 64_000_000
"""Bytes of one line; a photo may come as a data URL."""
HELP: Final = {
    "/photo": 'send a photo: /photo PATH; words may follow a path in quotes: /photo "a b.jpg" Hello',
    "/clip": "read a film: /clip PATH; words may follow a path in quotes, as for /photo",
    "/voice": "send a voice message: /voice PATH; words may follow a path in quotes, as for /photo",
    "/report": "show what was read in the latest photo, film or voice message",
    "/forget": "delete this thread from the memory",
    "/help": "show this list",
    "/quit": "end, as Ctrl-D and Ctrl-C do",
}
"""The commands, and what they do."""
QUOTED: Final = re.compile(r"""(["'])(.+?)\1(?:\s+(.*))?$""", re.DOTALL)
"""A path in quotes, and the words after it."""
OTHER_RULES: Final = "The latest report was made for another use; under the rules for this one it is not shown."


@dataclass(frozen=True, slots=True)
class Conversation:
    """One thread of the chatbot, remembered between processes.

    Attributes:
        graph: The compiled chatbot, with `saver` as its checkpointer.
        saver: The memory.
        thread: Name of the thread.
        allowed: What the chat model may be told.
        engines: What reads films, under the use of this conversation.
    """

    graph: Any
    saver: SqliteSaver
    thread: str
    allowed: Telling
    engines: Engines

    @property
    def with_vlm(self) -> bool:
        """Whether a vision-language model looks at photos too."""
        return self.engines.asker is not None

    def read_clip(self, place: str, on_event: Callable[[ClipEvent], None] | None = None) -> ClipReport:
        """Read a film for `say`; `on_event` is called with what happens in it.

        Raises:
            InputError: It cannot be read, or the use is refused.
        """
        return analyze_clip(place, engines=self.engines, on_event=on_event)

    def say(
        self,
        words: str,
        picture: Picture | None = None,
        on_event: Callable[[Event], None] | None = None,
        *,
        clip: ClipReport | None = None,
        voice: SoundStream | None = None,
    ) -> str:
        """Send a message, with a photo, the report on a clip or a voice if there is one, and return the answer.

        `on_event` is called after each step of reading the photo. What is said in the voice counts as written.

        Raises:
            InputError: The message is too long.
            EngineError: The chat model failed.
            SetupError: The memory cannot be written.
        """
        if len(words) > MAX_WORDS:
            raise InputError(f"The message has {len(words):,} characters; at most {MAX_WORDS:,} are taken.")
        context = ChatContext() if clip is None else ChatContext(readings=(clip,), new=1)
        shown = [reference_to(context.keep(picture))] if picture is not None else []
        shown += [CLIP] if clip is not None else []
        shown += [reference_to(context.keep_voice(VoiceMessage(voice)))] if voice is not None else []
        message = HumanMessage("\n".join([part for part in (plain(words), *shown) if part]))
        with memory.guarded(), explained(self.thread):
            # One checkpoint per turn; the ones before hold nothing more.
            state: Any = {}
            asked, modes = {"messages": [message]}, ["custom", "values"]
            events = self.graph.stream(asked, self._config, context=context, durability="exit", stream_mode=modes)
            for mode, payload in events:
                if mode == "values":
                    state = payload
                elif on_event is not None and "stage" in payload:
                    on_event(payload)
            memory.keep_latest(self.saver, self.thread)
            return str(state["messages"][-1].text)

    def report(self) -> str | None:
        """Return the latest report of this thread as text.

        None if no photo, film or voice was read, and why not if it may not be shown.

        Raises:
            EngineError: What is remembered of the thread cannot be read.
            SetupError: The memory cannot be read.
        """
        with memory.guarded(), explained(self.thread):
            values = self.graph.get_state(self._config).values
            read = [
                one for one in values.get("messages", ()) if isinstance(one, ToolMessage) and one.status == "success"
            ]
            latest = (list(values.get("reports", ())) or [{}])[-1]
            text = latest.get("text") or (str(read[-1].text) if read else None)
            if text and not self.allowed.inferred and latest.get("inferred", True):
                return OTHER_RULES
            return text

    def forget(self) -> bool:
        """Delete everything that is remembered of this thread; return whether its bytes are gone, see `memory.forget`.

        Raises:
            SetupError: The memory cannot be written.
        """
        with memory.guarded():
            return memory.forget(self.saver, self.thread)

    @property
    def _config(self) -> dict[str, Any]:
        return {"configurable": {"thread_id": self.thread}}


@contextmanager
def explained(thread: str) -> Iterator[None]:
    """Turn what goes wrong inside the chatbot's graph into a typed error: a damaged memory can hold anything.

    Raises:
        EngineError: The turn could not be finished.
    """
    try:
        yield
    except (FerceError, sqlite3.Error):
        raise
    except Exception as error:  # the edge of the terminal's conversation
        raise EngineError(
            f"The thread '{thread}' cannot be gone on with: {type(error).__name__}: {plain(str(error))[:200]}",
            hint="If it stays so, /forget deletes the thread, and --thread begins another.",
        ) from error


@contextmanager
def open_conversation(
    settings: Settings, thread: str, file: Path | None = None, model: str | None = None, use: UseLike | None = None
) -> Iterator[Conversation]:
    """Open a thread of the memory and connect it with the chatbot.

    Args:
        settings: Settings of the readings.
        thread: Name of the thread.
        file: The memory; the user's own if left out.
        model: Chat model by its string; the offline one if left out.
        use: What the answers are used for.

    Raises:
        PolicyError: The use is refused.
        SettingsError: The thread has no usable name, the file is no memory, or the string names no chat model.
        MissingExtraError: A package is not installed.
    """
    name = clean(thread)
    if not name or len(name) > MAX_NAME:
        raise SettingsError(f"A thread's name has 1 to {MAX_NAME} characters.")
    engines = Engines(settings, use=read_use(use))
    engines.permit(None)
    chosen = load_chat_model(model)
    allowed = telling(engines, None, remote=runs_elsewhere(chosen))
    engines.prepare_asking()
    with memory.open_memory(file or memory.default_memory_file()) as saver:
        graph = build_chat_graph(chosen, engines=engines, checkpointer=saver)
        yield Conversation(graph, saver, name, allowed, engines)


def plain(text: str) -> str:
    """Return text without characters that steer a terminal; lines and indentation stay."""
    lines = text.expandtabs(4).splitlines()
    return "\n".join(" ".join(clean(part) for part in line.split(" ")) for line in lines).strip()


def read_photo(path: str) -> Picture:
    """Load the photo that a user names, in quotes or not.

    Raises:
        InputError: There is no such photo, or it cannot be used.
    """
    return load_picture(split_photo(path)[0])


def split_photo(given: str) -> tuple[str, str]:
    """Return the place of a photo, a film or a sound and the words after it.

    A path may stand in quotes, and only then may words follow it. Terminals write backslashes before spaces where a
    file is dropped on them; they are taken out where that names a file.

    Raises:
        InputError: No place is given.
    """
    bare = given.strip()
    if not bare.strip("\"'"):
        raise InputError("No file is named.", hint="Write /photo PATH, /clip PATH or /voice PATH.")
    quoted = QUOTED.match(bare)
    place, words = (quoted[2], quoted[3] or "") if quoted else (bare, "")
    if place.startswith("data:"):
        return place, words
    place = _expanded(place)
    plainer = re.sub(r"\\(.)", r"\1", place)
    return (plainer if not _exists(place) and _exists(plainer) else place), words


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _expanded(path: str) -> str:
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError:  # no such user
        return path


@dataclass(frozen=True, slots=True)
class Terminal:
    """Carries lines to the conversation and answers back.

    Attributes:
        conversation: Where lines go.
        show: Prints an answer.
        complain: Prints an error.
    """

    conversation: Conversation
    show: Callable[[str], None]
    complain: Callable[[FerceError], None]

    def run(self, lines: Iterator[str], first: str | None = None) -> None:
        """Answer line by line until the lines end, /quit, or Ctrl-C; an error does not end the conversation.

        Args:
            lines: What the user writes.
            first: Path of a photo to begin with.
        """
        try:
            if first is not None:
                self.handle(f"/photo {first}")
            for line in lines:
                if not self.handle(line):
                    return
        except (KeyboardInterrupt, EOFError):
            pass

    def handle(self, line: str) -> bool:
        """Answer one line; return False to end."""
        command, _, rest = line.strip().partition(" ")
        try:
            if not command.startswith("/"):
                answer = self._say(line)
            elif (known := _known(command)) == "/quit":
                return False
            else:
                answer = self._command(known, rest)
        except FerceError as error:
            self.complain(error)
        else:
            if answer:
                self.show(plain(answer))
        return True

    def _say(self, line: str) -> str:
        return self.conversation.say(line) if line.strip() else ""

    def _command(self, command: str, rest: str) -> str:
        if command == "/photo":
            return self._photo(*split_photo(rest))
        if command == "/clip":
            return self._clip(*split_photo(rest))
        if command == "/voice":
            return self._voice(*split_photo(rest))
        if command == "/report":
            return self.conversation.report() or "No photo was read in this thread yet. Send one with /photo PATH."
        if command == "/forget":
            return self._forget()
        return "\n".join(f"{name:<8} {words}" for name, words in HELP.items())

    def _photo(self, place: str, words: str) -> str:
        steps = Steps(with_model=self.conversation.with_vlm)
        with Display(1.0, "Reading the photo") as display:
            return self.conversation.say(
                words, load_picture(place), lambda event: display.show(steps.after(event), steps.text)
            )

    def _clip(self, place: str, words: str) -> str:
        with Display(1.0, "Reading the film") as display:

            def move(event: ClipEvent) -> None:
                if isinstance(event, ProgressEvent):
                    display.show(event.frames / event.of if event.of else 0.0, f"{event.frames} frames read")

            report = self.conversation.read_clip(place, move)
        return self.conversation.say(words, clip=report)

    def _voice(self, place: str, words: str) -> str:
        with Display(1.0, "Listening"), open_sound(place) as sound:
            return self.conversation.say(words, voice=sound)

    def _forget(self) -> str:
        thread = self.conversation.thread
        if self.conversation.forget():
            return f"Everything in the thread '{thread}' is forgotten."
        return (
            f"The thread '{thread}' is deleted, and no chat can read it any more. Its bytes are still in the memory "
            "file or in the log beside it (-wal), because another program is reading the memory. They are removed "
            "once that has "
            "ended: by the next message, by /forget, or when a chat starts."
        )


def _known(command: str) -> str:
    """Return a command as it is called here.

    Raises:
        InputError: There is none of this name.
    """
    name = command.lower()
    if name not in HELP:
        hint = did_you_mean(command[1:41], [one[1:] for one in HELP], "/")
        raise InputError(f"There is no command {shown(plain(command))}.", hint=f"{hint} /help explains them.")
    return name


def lines_of(interactive: bool) -> Iterator[str]:
    """Yield what the user writes; with a prompt only if somebody is there to read it."""
    if interactive:
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        while True:
            yield input("you> ")
    while raw := sys.stdin.buffer.readline(LONGEST_LINE):
        more = raw
        while len(more) == LONGEST_LINE and not more.endswith(b"\n"):
            more = sys.stdin.buffer.readline(LONGEST_LINE)  # let go; what came first is refused as too long already
        yield raw.decode("utf-8", "replace")
