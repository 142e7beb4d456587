"""`ferce chat`: talk with an assistant that follows what a photo shows and how a voice sounds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ferce_agent.cli.options import FILE, baseline_option, chosen_settings, engine_options, use_options
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
    help="Chat model: openai:URL#MODEL, or python:MODULE:FUNCTION giving a LangChain chat model. It is sent the "
    "messages and what the reading says in short, never a photo.  [default: answers by rule, offline]",
)
@click.option("--once", metavar="TEXT", help="Send one message (with --picture, if given), print the answer, and end.")
@baseline_option
@use_options
@engine_options
def chat(  # noqa: PLR0913  # one parameter per option
    picture: str | None,
    thread: str,
    file: Path | None,
    model: str | None,
    once: str | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Chat with an assistant whose answers follow what a photo shows, or how a voice message sounds.

    In the chat: /photo PATH sends a photo, /clip PATH reads a film, /voice PATH sends a voice message, /report shows
    the last report, /forget deletes the thread's memory, /help lists the commands, /quit ends. Lines may also come
    through a pipe.

    What is said about the use holds as for `ferce analyze`: a refused one ends the chat, a restricted one leaves
    visible movements and measures of the voice only, and a chat model elsewhere is told nothing about faces and voices
    unless the people agree (--consent).

    The memory holds messages, with the words of voice messages where they are known, reports as text and short
    readings, never photos, films, sounds or their paths; a new file is readable by you only.
    """
    from ferce_agent.chat.terminal import Terminal, lines_of, open_conversation, read_photo

    with open_conversation(chosen_settings(chosen), thread, file, model, use) as conversation:
        if conversation.allowed.note:
            click.echo(f"ferce: {conversation.allowed.note}", err=True)
        if once is not None:
            shown = read_photo(picture) if picture is not None else None
            click.echo(conversation.say(once, shown))
            return
        interactive = sys.stdin.isatty() and sys.stdout.isatty()
        if interactive:
            ways = "/photo PATH sends a photo, /clip PATH a film, /voice PATH a voice; /help lists all, /quit ends."
            click.echo(f"Thread '{thread}'. {ways}", err=True)
        Terminal(conversation, click.echo, complain).run(lines_of(interactive), first=picture)
        if interactive:
            click.echo("Goodbye.", err=True)
