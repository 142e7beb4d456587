"""The `ferce` command. Heavy modules are imported by the command that needs them, so that `--help` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferce_agent.cli_bench import bench
from ferce_agent.cli_options import FILE, FOLDER, chosen_settings, engine_options, use_options
from ferce_agent.cli_train import train
from ferce_agent.errors import FerceError, InputError, SettingsError

if TYPE_CHECKING:
    from ferce_agent.api import Event
    from ferce_agent.engine import Engines
    from ferce_agent.images import Picture
    from ferce_agent.report import EmotionReport


class FerceGroup(click.Group):
    """A command group that turns this package's errors into one line on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `FerceError` becomes a message, never a traceback."""
        try:
            return super().invoke(ctx)
        except FerceError as error:
            complain(error)
            ctx.exit(1)


def complain(error: FerceError, name: str = "") -> None:
    """Write an error to standard error."""
    click.echo(f"ferce: {name + ': ' if name else ''}{error} [{error.code}]", err=True)


@click.group(cls=FerceGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ferce-agent")
def main() -> None:
    """Reads facial expressions: a photo in, one validated emotion report out."""


main.add_command(train)
main.add_command(bench)


@main.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--context", help="What is known about the situation, in plain words; @FILE.json for a structured one.")
@click.option(
    "--labels", metavar="WORD,...", help="Words of your own to rank for each face, such as bored,amused,tired."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (several photos: one line each).")
@click.option("--html", type=FILE, help="Also write a HTML page to this file; {stem} stands for the photo's name.")
@click.option(
    "--emotionml", type=FILE, help="Also write EmotionML 1.0 to this file; {stem} stands for the photo's name."
)
@use_options
@engine_options
def analyze(  # noqa: PLR0913  # one parameter per option
    photos: tuple[str, ...],
    context: str | None,
    labels: str | None,
    as_json: bool,
    html: Path | None,
    emotionml: Path | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Analyse one or more photos and print what the faces show.

    PHOTO is a file, a data URL, or - for standard input.
    """
    from ferce_agent.engine import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.views.progress import Display

    if len(photos) > 1 and any("{stem}" not in str(target) for target in (html, emotionml) if target):
        raise click.UsageError("With several photos, --html and --emotionml need {stem} in the file name.")
    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    words = engines.prepare_labels(labels.split(",")) if labels else ()
    told = told_by(context)
    failed = 0
    with Display(len(photos), "Reading faces") as display:
        for number, photo in enumerate(photos):

            def follow(event: Event, done: int = number, name: str = stem_of(photo)) -> None:
                display.show(done, f"{name}: {event['stage']} done")

            try:
                picture, report = analyze_one(photo, (told, words), engines, follow)
                write_views(report, picture, stem_of(photo), html, emotionml)
                with display.hidden():
                    click.echo(render(report, as_json, len(photos) > 1, photo))
            except InputError as error:
                failed += 1
                with display.hidden():
                    complain(error, name=stem_of(photo))
    if failed:
        sys.exit(1)


def analyze_one(
    photo: str,
    asked: tuple[str | dict[str, Any] | None, Sequence[str]],
    engines: Engines,
    on_event: Callable[[Event], None],
) -> tuple[Picture, EmotionReport]:
    """Load and analyse one photo; `asked` are the context and the labels."""
    from ferce_agent.api import analyze_expression
    from ferce_agent.images import load_picture

    picture = load_picture(sys.stdin.buffer.read() if photo == "-" else photo)
    context, labels = asked
    return picture, analyze_expression(picture, context, labels=labels, engines=engines, on_event=on_event)


def told_by(option: str | None) -> str | dict[str, Any] | None:
    """Return the context of the command line: plain words, or what the JSON file after an @ holds.

    Raises:
        SettingsError: The file cannot be read, or is no JSON object.
    """
    if option is None or not option.startswith("@"):
        return option
    try:
        told = json.loads(Path(option[1:]).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The context file {option[1:]} cannot be read.", hint="Give a JSON file.") from error
    if not isinstance(told, dict):
        raise SettingsError("The context file is no JSON object.", hint="See the fields of Situation in the README.")
    return told


def stem_of(photo: str) -> str:
    """Return a short name for a photo argument."""
    return "photo" if photo == "-" or photo.startswith("data:") else Path(photo).stem[:100]


def render(report: EmotionReport, as_json: bool, several: bool, photo: str) -> str:
    """Return what is printed for one report."""
    from ferce_agent.views.text import to_text

    if as_json:
        return report.model_dump_json(indent=None if several else 2)
    heading = f"── {stem_of(photo)}\n" if several else ""
    return heading + to_text(report, width=min(terminal_width(), 100), colour=sys.stdout.isatty())


def terminal_width() -> int:
    """Return the columns of the terminal, at least 60."""
    import shutil

    return max(shutil.get_terminal_size((88, 24)).columns, 60)


def write_views(report: EmotionReport, picture: Picture, stem: str, html: Path | None, emotionml: Path | None) -> None:
    """Write the files that were asked for.

    Raises:
        SettingsError: A file cannot be written.
    """
    from ferce_agent.views.emotionml import to_emotionml
    from ferce_agent.views.html import to_html

    jobs: list[tuple[Path | None, Callable[[], str]]] = [
        (html, lambda: to_html(report, picture.pixels)),
        (emotionml, lambda: to_emotionml(report)),
    ]
    for target, make in jobs:
        if target is not None:
            write_text(Path(str(target).replace("{stem}", stem)), make())


def write_text(path: Path, text: str) -> None:
    """Write a text file and its folder.

    Raises:
        SettingsError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.", hint="Choose another place.") from error


@main.command()
@click.option("--root", "roots", type=FOLDER, multiple=True, help="Folder whose photos clients may name; repeatable.")
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, with --http.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port, with --http.")
@use_options
@engine_options
def mcp(  # noqa: PLR0913  # one parameter per option
    roots: tuple[Path, ...], http: bool, host: str, port: int, use: dict[str, Any], chosen: dict[str, Any]
) -> None:
    """Serve the tool to MCP clients.

    Photos come as data URLs, or as paths in a --root folder. Addresses on the web are never opened. What the options say about the
    use holds for every client: clients may add to it, but cannot loosen it.
    """
    from ferce_agent.engine import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.tools.mcp_server import MAX_BODY, create_server

    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    server = create_server(roots=roots, engines=engines)
    if http:
        click.echo(f"ferce: MCP server at http://{host}:{port}/mcp (stop with Ctrl-C)", err=True)
        server.run("streamable-http", host=host, port=port, max_request_body_size=MAX_BODY)
    else:
        server.run("stdio")


@main.command()
@use_options
@click.option("--remote", is_flag=True, help="Suppose that a vision-language model elsewhere is set up.")
def policy(use: dict[str, Any], remote: bool) -> None:
    """Print the rules on uses, or what they decide for one use."""
    from ferce_agent.policy.decide import decide
    from ferce_agent.policy.use import read_use
    from ferce_agent.views.rules import decision_lines, rules_table

    if use or remote:
        click.echo("\n".join(decision_lines(decide(read_use(use), remote=remote))))
    else:
        click.echo(rules_table(min(terminal_width(), 140)))


@main.command()
@click.option("--write", type=FILE, help="Write it to this file instead of printing it.")
def schema(write: Path | None) -> None:
    """Print the JSON Schema of the report."""
    from ferce_agent.report import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if write is None:
        click.echo(text, nl=False)
    else:
        write_text(write, text)


@main.group(name="ontology")
def ontology_group() -> None:
    """Look things up in the expression ontology."""


@ontology_group.command()
@click.argument("term", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(term: tuple[str, ...], as_json: bool) -> None:
    """Show one expression (happiness), action unit (AU12) or appraisal (loss)."""
    from ferce_agent.ontology.store import ontology
    from ferce_agent.views.entry import find_entry, to_lines

    entry = find_entry(ontology(), " ".join(term))
    click.echo(entry.model_dump_json(indent=2) if as_json else "\n".join(to_lines(entry)))


@ontology_group.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 200), help="Most entries to show.")
def search(query: tuple[str, ...], limit: int) -> None:
    """Find expressions by name, synonym or meaning."""
    from ferce_agent.ontology.store import ontology

    found = ontology().search(" ".join(query), limit)
    if not found:
        raise SettingsError(f"Nothing in the ontology matches '{' '.join(query)}'.", hint="Try a simpler word.")
    for term in found:
        click.echo(f"{term.id:26} {term.kind:10} {term.definition}")


@main.command()
def doctor() -> None:
    """Say what is installed, which weights are used, what is missing and how to get it."""
    from ferce_agent.doctor import examine

    checks = examine()
    for check in checks:
        mark = "ok     " if check.good else "MISSING" if check.needed else "not set"
        click.echo(f"{mark}  {check.name:28} {check.detail}")
    if any(check.needed and not check.good for check in checks):
        sys.exit(1)


@main.group()
def bank() -> None:
    """Examples of your own for the prompts of a vision-language model."""


@bank.command(name="build")
@click.argument("folder", type=FOLDER)
@click.option("--out", type=FILE, default=Path("bank.npz"), show_default=True, help="File to write.")
@click.option("--no-pictures", is_flag=True, help="Keep what was measured in the faces, but no picture of them.")
def bank_build(folder: Path, out: Path, no_pictures: bool) -> None:
    """Build a bank from FOLDER: one folder of photos per expression (happy/, sad/, …).

    A text file beside a photo (photo.txt beside photo.jpg) is a note that goes into the prompt with it.
    """
    from ferce_agent.bank_builder import build_bank

    built = build_bank(folder, pictures=not no_pictures)
    built.bank.save(out)
    for name, reason in built.left_out:
        click.echo(f"ferce: {name} left out: {reason}", err=True)
    click.echo(f"{len(built.bank.examples)} examples in {out}")


@main.group()
def vlm() -> None:
    """Measure a vision-language model before you rely on it."""


@vlm.command(name="calibrate")
@click.option("--dataset", required=True, metavar="NAME:DIR[#SPLIT]", help="Labelled faces, as for `ferce bench run`.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(40), help="Use only so many of them.")
@click.option("--out", type=FILE, default=Path("reliability.json"), show_default=True, help="File to write.")
@engine_options
def vlm_calibrate(dataset: str, limit: int, out: Path, chosen: dict[str, Any]) -> None:
    """Ask --vlm about labelled faces, and fit how far its label may move the probabilities.

    Use faces that neither model was trained on and that you do not report results on, such as ferplus:DIR#valid.
    """
    from ferce_agent.evaluation.reliability import measure_reliability

    found = measure_reliability(dataset, limit, chosen_settings(chosen))
    found.save(out)
    click.echo(
        f"{found.model} ({found.prompt}): right on {found.accuracy:.3f} of {found.items} faces; weight {found.weight:.2f}\n"
        f"Use it with: --vlm-reliability {out}"
    )


@vlm.command(name="export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--from", "made", type=FOLDER, help="Folder of `ferce train vlm`; default: the model in the package.")
def vlm_export(folder: Path, made: Path | None) -> None:
    """Write our own model to FOLDER (540 MB) in the format of transformers; use it with --vlm hf:FOLDER.

    FOLDER's name must begin with "ferce-vlm", so that the model is asked in its own way.
    """
    from ferce_agent.perception.own import LORA, MMPROJ, SHIPPED
    from ferce_agent.perception.own_export import export_folder

    if not folder.name.startswith("ferce-vlm"):
        raise click.UsageError("Let the folder's name begin with 'ferce-vlm'.")
    made = made or SHIPPED
    click.echo(f"Written: {export_folder(folder, made / MMPROJ, made / LORA)}")


@main.command()
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


if __name__ == "__main__":
    main()
