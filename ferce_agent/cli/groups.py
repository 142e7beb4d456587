"""Command groups whose help is never cut, and the edge of the program: what a failure looks like, and its exit status.

Exit status 0: all was done. 1: something was not, and standard error says what. 2: the command line makes no sense.
130: stopped with Ctrl-C. 141: nobody reads standard output any more, as after ``| head``.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Final, NoReturn

import click

from ferce_agent.cli.output import complain, prepare_streams, terminal_width
from ferce_agent.errors import FerceError

STOPPED: Final = 130
"""Exit status after Ctrl-C: 128 and the number of the signal, as shells have it."""
PIPE_CLOSED: Final = 141
"""Exit status after a broken pipe."""
DEBUG: Final = "FERCE_DEBUG"
"""Environment variable that asks for the traceback of an unexpected error."""


class Group(click.Group):
    """A command group that lists its commands with their whole first sentences."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, wrapped where the terminal is narrow."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, command.get_short_help_str(1000)) for name, command in commands.items() if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Program(Group):
    """The outermost group: it turns errors into one line on standard error and an exit status."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the program; see the module for its exit status."""
        prepare_streams()
        extra.setdefault("terminal_width", terminal_width(100))
        return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line; that may print help."""
        try:
            return super().make_context(*args, **extra)
        except BrokenPipeError:
            leave_quietly()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and write out what it said."""
        try:
            result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
            return result
        except KeyboardInterrupt:
            click.echo("ferce: stopped.", err=True)
            ctx.exit(STOPPED)
        except FerceError as error:
            complain(error)
            ctx.exit(1)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            leave_quietly()
        except OSError as error:
            complain(FerceError(f"Reading or writing failed: {error.strerror or error}.", hint="Is the disk full?"))
            silence()
            ctx.exit(1)
        except Exception as error:  # the edge of the program: told in one line, and in full on request
            if os.environ.get(DEBUG):
                raise
            complain(unexpected(error))
            ctx.exit(1)


def leave_quietly() -> NoReturn:
    """End the program as the signal of a broken pipe would, but without cutting off what still runs."""
    silence()
    sys.exit(PIPE_CLOSED)


def silence() -> None:
    """Send what is still in the buffers nowhere, so that writing it out at the end cannot fail once more."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or no file of the system
            stream.flush()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unexpected(error: Exception) -> FerceError:
    """Return an error that was not foreseen as one that can be shown."""
    told = f"{type(error).__name__}: {error}"
    return FerceError(
        f"An unexpected error, which is a bug: {told}", hint=f"Please report it; {DEBUG}=1 shows where it came from."
    )
