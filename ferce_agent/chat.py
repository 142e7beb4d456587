"""A conversation in the terminal: lines in, answers out. Commands begin with a slash."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import HumanMessage, ToolMessage

from ferce_agent import memory
from ferce_agent.chat_models import load_chat_model
from ferce_agent.engine import Engines
from ferce_agent.errors import FerceError, InputError, SettingsError
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_state import ChatContext, reference_to
from ferce_agent.images import Picture, load_picture
from ferce_agent.wording import clean

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

    from ferce_agent.settings import Settings

MAX_NAME: Final = 80
"""Characters of a thread's name."""
MAX_WORDS: Final = 8000
"""Characters of one message."""
COMMANDS: Final = "/photo PATH, /report, /forget, /quit"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One thread of the chatbot, remembered between processes.

    Attributes:
        graph: The compiled chatbot, with `saver` as its checkpointer.
        saver: The memory.
        thread: Name of the thread.
    """

    graph: Any
    saver: SqliteSaver
    thread: str

    def say(self, words: str, picture: Picture | None = None) -> str:
        """Send a message, with a photo if there is one, and return the answer.

        Raises:
            InputError: The message is too long.
            EngineError: The chat model failed.
            SetupError: The memory cannot be written.
        """
        if len(words) > MAX_WORDS:
            raise InputError(f"The message has {len(words):,} characters; at most {MAX_WORDS:,} are taken.")
        context = ChatContext()
        shown = [reference_to(context.keep(picture))] if picture is not None else []
        message = HumanMessage("\n".join([part for part in (plain(words), *shown) if part]))
        with memory.guarded():
            # One checkpoint per turn; the ones before hold nothing more.
            state = self.graph.invoke({"messages": [message]}, self._config, context=context, durability="exit")
            memory.keep_latest(self.saver, self.thread)
        return str(state["messages"][-1].text)

    def report(self) -> str | None:
        """Return the latest report of this thread as text; None if no photo was read."""
        with memory.guarded():
            messages = self.graph.get_state(self._config).values.get("messages", ())
        found = [one for one in messages if isinstance(one, ToolMessage) and one.status == "success"]
        return str(found[-1].text) if found else None

    def forget(self) -> None:
        """Delete everything that is remembered of this thread."""
        with memory.guarded():
            memory.forget(self.saver, self.thread)

    @property
    def _config(self) -> dict[str, Any]:
        return {"configurable": {"thread_id": self.thread}}


@contextmanager
def open_conversation(
    settings: Settings, thread: str, file: Path | None = None, model: str | None = None
) -> Iterator[Conversation]:
    """Open a thread of the memory and connect it with the chatbot.

    Args:
        settings: Settings of the readings.
        thread: Name of the thread.
        file: The memory; the user's own if left out.
        model: Chat model by its string; the offline one if left out.

    Raises:
        SettingsError: The thread has no usable name, the file is no memory, or the string names no chat model.
        MissingExtraError: A package is not installed.
    """
    name = clean(thread)
    if not name or len(name) > MAX_NAME:
        raise SettingsError(f"A thread's name has 1 to {MAX_NAME} characters.")
    chosen = load_chat_model(model)
    with memory.open_memory(file or memory.default_memory_file()) as saver:
        yield Conversation(build_chat_graph(chosen, engines=Engines(settings), checkpointer=saver), saver, name)


def plain(text: str) -> str:
    """Return text without characters that steer a terminal; lines and indentation stay."""
    lines = text.expandtabs(4).splitlines()
    return "\n".join(" ".join(clean(part) for part in line.split(" ")) for line in lines).strip()


def read_photo(path: str) -> Picture:
    """Load the photo that a user names, in quotes or not.

    Raises:
        InputError: There is no such photo, or it cannot be used.
    """
    bare = path.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        bare = bare[1:-1]
    return load_picture(bare if bare.startswith("data:") else _expanded(bare))


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
        if command == "/quit":
            return False
        try:
            answer = self._command(command, rest) if command.startswith("/") else self._say(line)
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
            return self.conversation.say("", read_photo(rest))
        if command == "/report":
            return self.conversation.report() or "No photo was read in this thread yet. Send one with /photo PATH."
        if command == "/forget":
            self.conversation.forget()
            return f"Everything in the thread '{self.conversation.thread}' is forgotten."
        raise InputError(f"There is no command {command[:40]}.", hint=f"Use {COMMANDS}.")


def lines_of(interactive: bool) -> Iterator[str]:
    """Yield what the user writes; with a prompt only if somebody is there to read it."""
    if interactive:
        while True:
            yield input("you> ")
    for raw in sys.stdin.buffer:
        yield raw.decode("utf-8", "replace")
