"""`ferce chat`: talk with an assistant that follows what a photo shows."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ferce_agent.cli.options import FILE, chosen_settings
from ferce_agent.cli.output import complain


@click.command()
@click.option("--picture", metavar="PHOTO", help="Photo to begin with; as /photo PHOTO.")
@click.option("--thread", default="default", show_default=True, metavar="NAME", help="Conversation to go on with.")
@click.option(
    "--memory",
    "file",
    type=FILE,
    help="SQLite file of the memory.  [default: ferce/chat.sqlite in your data directory]",
)
@click.option(
    "--model",
    metavar="SPEC",
    help="Chat model: openai:URL#MODEL, or python:MODULE:FUNCTION giving a LangChain chat model. It is sent the messages and "
    "what the reading says in short, never a photo.  [default: answers by rule, offline]",
)
@click.option("--once", metavar="TEXT", help="Send one message (with --picture, if given), print the answer, and end.")
def chat(picture: str | None, thread: str, file: Path | None, model: str | None, once: str | None) -> None:
    """Chat with an assistant whose answers follow what a photo shows.

    In the chat: /photo PATH sends a photo, /report shows the last report, /forget deletes the thread's memory, /quit ends. Lines
    may also come through a pipe.

    The memory holds messages, reports as text and short readings, never photos or their paths; a new file is readable by you only.
    """
    from ferce_agent.chat import Terminal, lines_of, open_conversation, read_photo

    with open_conversation(chosen_settings({}), thread, file, model) as conversation:
        if once is not None:
            shown = read_photo(picture) if picture is not None else None
            click.echo(conversation.say(once, shown))
            return
        interactive = sys.stdin.isatty() and sys.stdout.isatty()
        if interactive:
            click.echo(f"Thread '{thread}'. /photo PATH, /report, /forget, /quit.", err=True)
        Terminal(conversation, click.echo, complain).run(lines_of(interactive), first=picture)
        if interactive:
            click.echo("Goodbye.", err=True)
