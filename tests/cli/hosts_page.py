"""The part of docs/hosts.md that the command prints: `python -m tests.cli.hosts_page` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.cli.hosting.hosts import Host, hosts

PAGE: Final = Path(__file__).parents[2] / "docs" / "hosts.md"
BEGIN: Final = "<!-- printed by python -m tests.cli.hosts_page -->\n"
END: Final = "<!-- end of what is printed -->\n"
ADDRESS: Final = "http://127.0.0.1:8000/mcp"


def block(host: Host, *options: str) -> Iterator[str]:
    """Yield the lines of a block with what the command prints for a host."""
    done = CliRunner().invoke(main, ["connect", host.name, *options])
    assert done.exit_code == 0, done.output
    yield from (f"```{host.format}", *done.stdout.splitlines(), "```", "")


def section(host: Host) -> Iterator[str]:
    """Yield the lines about a host."""
    yield from (f"### {host.title}: `{host.name}`", "")
    places = [f"{whose}: `{file}`" for whose, file in host.places()]
    said = [f"{'; '.join(places)}."] if places else []
    said += [host.note] if host.note else []
    yield from (" ".join([*said, f"[Its documentation]({host.source})"]) + f", read {host.checked}.", "")
    yield from block(host, "--example")
    if host.http is not None:
        yield from ("A server that runs already:", "")
        token = ("--token-variable", "FERCE_TOKEN") if host.token is not None else ()
        yield from block(host, "--http", ADDRESS, *token)


def printed() -> str:
    """Return the part between the two marks."""
    return "\n" + "".join(f"{line}\n" for host in hosts().values() for line in section(host))


def parts(page: str) -> tuple[str, str, str]:
    """Return what stands before, between and behind the marks."""
    before, _, rest = page.partition(BEGIN)
    between, _, behind = rest.partition(END)
    return before, between, behind


if __name__ == "__main__":
    before, _, behind = parts(PAGE.read_text("utf-8"))
    PAGE.write_text(f"{before}{BEGIN}{printed()}{END}{behind}", "utf-8")
