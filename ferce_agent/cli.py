"""The `ferce` command. Heavy modules are imported by the command that needs them, so that `--help` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferce_agent.errors import FerceError, InputError, SettingsError

if TYPE_CHECKING:
    from ferce_agent.api import Event
    from ferce_agent.engine import Engines
    from ferce_agent.images import Picture
    from ferce_agent.report import EmotionReport

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)


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


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose engines; they reach the command as one dictionary named `chosen`."""
    from dataclasses import fields
    from functools import wraps

    options = (
        click.option("--settings", type=FILE, help="Settings file (TOML); default: the one FERCE_SETTINGS names."),
        click.option("--max-faces", type=click.IntRange(1, 256), help="Read only so many faces, the largest first."),
        click.option("--small-faces", is_flag=True, help="Also look for small faces in large photos. Slower."),
        click.option("--weights", type=FILE, help="Weight file of the expression model instead of the shipped one."),
        click.option(
            "--vlm",
            metavar="SPEC",
            help="Vision-language model: own (in the package), own:FOLDER, llamacpp:MODEL.gguf+MMPROJ.gguf, hf:ORG/NAME, "
            "openai:URL#MODEL, python:MODULE:FUNCTION.",
        ),
        click.option(
            "--vlm-when", type=click.Choice(["always", "unsure"]), help="Ask it about every face, or where unsure only."
        ),
        click.option(
            "--vlm-reliability", type=FILE, help="File of `ferce vlm calibrate`: lets the model's label count."
        ),
        click.option("--vlm-seconds", type=float, help="Longest wait for one answer of it.  [default: 60]"),
        click.option("--prompt", "vlm_prompt", help="Prompt by name (perceive, label, regions, …) or file (mine.md)."),
        click.option("--scene", is_flag=True, help="Also show it the whole picture, downscaled."),
        click.option("--choose-cause", is_flag=True, help="Let it choose among the causes found; it cannot add one."),
        click.option("--bank", type=FILE, help="Bank of examples for the prompt, made by `ferce bank build`."),
        click.option(
            "--budget-ms", type=float, help="Time for one picture; the vision-language model is left out beyond."
        ),
    )

    @wraps(command)
    def run(**values: Any) -> Any:
        from ferce_agent.settings import Settings

        names = {"settings", *(field.name for field in fields(Settings))} & set(values)
        chosen = {name: value for name in names if (value := values.pop(name)) not in (None, False)}
        return command(chosen=chosen, **values)

    for option in reversed(options):
        run = option(run)
    return run


def use_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a report is used for; they reach the command as one dictionary named `use`."""
    from functools import wraps
    from typing import get_args

    from ferce_agent.policy.labels import Domain, Grounds, Jurisdiction

    options = (
        click.option("--domain", type=click.Choice(get_args(Domain)), help="Area in which the report is used."),
        click.option("--jurisdiction", type=click.Choice(get_args(Jurisdiction)), help="Whose law holds."),
        click.option("--purpose", metavar="WORDS", help="What the report is for, in plain words."),
        click.option("--basis", type=click.Choice(get_args(Grounds)), help="Medical or safety reason, if any."),
        click.option("--consent/--no-consent", default=None, help="Whether the people shown agreed."),
        click.option("--minors/--no-minors", default=None, help="Whether minors may be shown."),
    )
    names = ("domain", "jurisdiction", "purpose", "basis", "consent", "minors")

    @wraps(command)
    def run(**values: Any) -> Any:
        use = {name: value for name in names if (value := values.pop(name)) is not None}
        return command(use=use, **values)

    for option in reversed(options):
        run = option(run)
    return run


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


def chosen_settings(chosen: dict[str, Any]) -> Any:
    """Return the settings of file and environment with the options on top.

    Raises:
        SettingsError: A value is out of range, or the file cannot be read.
    """
    import os
    from dataclasses import replace

    from ferce_agent.settings import Settings

    given = dict(chosen)
    file = given.pop("settings", None)
    environment = {**os.environ, "FERCE_SETTINGS": str(file)} if file else os.environ
    return replace(Settings.from_environment(environment), **given)


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


@main.group()
def train() -> None:
    """Make the shipped weights again from data."""


@train.command(name="specialist")
@click.option("--data", type=FOLDER, required=True, help="Folder with train.parquet and valid.parquet (FER+).")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/specialist"), show_default=True
)
@click.option("--seed", default=7, show_default=True, help="Seed of weights, order and augmentation.")
@click.option("--limit", default=0, type=click.IntRange(0), help="Use only so many pictures, to try things out.")
@click.option("--teachers", type=FOLDER, help="Folder with the teacher networks; without it only the votes are learnt.")
@click.option("--short", is_flag=True, help="Two epochs, to try things out.")
@click.option(
    "--taught", is_flag=True, help="One more cycle, taught by the ensemble of the network's own answers. Not shipped."
)
@click.option("--threads", default=0, type=click.IntRange(0, 256), help="Threads; 0 for all cores.")
def train_specialist(data: Path, out: Path, **options: Any) -> None:
    """Train the expression model on FER+ votes, calibrate it and write ONNX file and model card.

    A run that was stopped continues where it was: start it again with the same options. About 90 minutes on two cores. Needs
    `make teachers`.
    """
    from ferce_agent.training.run import run_specialist

    path = run_specialist(data, out, **options)
    click.echo(path.with_suffix(".md").read_text("utf-8"))
    click.echo(f"Weights: {path}")


@train.command(name="vlm")
@click.option("--data", type=FOLDER, required=True, help="Folder with train.parquet and valid.parquet (FER+).")
@click.option("--teacher", type=FILE, required=True, help="checkpoint.pt of `ferce train specialist`.")
@click.option(
    "--labels", type=FOLDER, help="Folder with valid.npz of `ferce train label`: how well action units are seen."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/vlm"), show_default=True)
@click.option("--seed", default=7, show_default=True, help="Seed of weights, order, augmentation and wording.")
@click.option("--limit", default=0, type=click.IntRange(0), help="Use only so many pictures, to try things out.")
@click.option("--short", is_flag=True, help="A tiny model, a few steps of each stage, to try things out.")
@click.option("--threads", default=0, type=click.IntRange(0, 256), help="Threads; 0 for all cores.")
def train_own_vlm(data: Path, teacher: Path, out: Path, **options: Any) -> None:
    """Train our own small vision-language model: tower, projector, adapters of SmolLM2; write two GGUF files and a model card.

    A run that was stopped continues where it was. Hours on two cores. Needs the extras `train` and `local`. Use the result with
    --vlm own:FOLDER.
    """
    from ferce_agent.training.run import run_vlm

    card = run_vlm(data, teacher, out, **options)
    click.echo(card.read_text("utf-8"))
    click.echo(f"Use it: --vlm own:{out}")


@train.command(name="questions")
@click.option("--data", type=FOLDER, required=True, help="Folder with train.parquet (FER+).")
@click.option("--teacher", type=FILE, required=True, help="checkpoint.pt of `ferce train specialist`.")
@click.option("--out", type=FILE, default=Path("runs/questions.jsonl"), show_default=True, help="File to write.")
@click.option("--count", default=1000, show_default=True, type=click.IntRange(1), help="Faces, one question each.")
@click.option("--seed", default=7, show_default=True, help="Seed of faces, prompts and wording.")
def train_questions(data: Path, teacher: Path, out: Path, count: int, seed: int) -> None:
    """Write questions and answers like those `train vlm` learns from, made from votes and measured action units; show three."""
    from ferce_agent.training.run import run_questions

    turns = run_questions(data, teacher, out, count, seed)
    for turn in turns[:3]:
        click.echo(f"{turn.prompt}\n→ {turn.answer}\n")
    click.echo(f"{len(turns)} questions: {out}")


@train.command(name="vocabulary")
@click.option("--data", type=FOLDER, required=True, help="Folder with train.parquet and valid.parquet (FER+).")
@click.option("--weights", type=FILE, help="Weight file of the expression model; default: the shipped one.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/vocabulary"), show_default=True
)
@click.option("--seed", default=7, show_default=True)
def train_vocabulary(data: Path, weights: Path | None, out: Path, seed: int) -> None:
    """Train the map from faces to words, and print how well it ranks seen and unseen words. Needs `make vocabulary`."""
    from ferce_agent.training.vocabulary import train_vocabulary as fit_and_measure

    click.echo(json.dumps(fit_and_measure(data, weights, out, seed), indent=2))


@train.command(name="events")
@click.option("--out", type=FILE, default=Path("runs/events.npz"), show_default=True, help="File to write.")
def train_events(out: Path) -> None:
    """Fit the classifier of sentences to the examples in reasoning/events.toml. Needs `make vocabulary` and the extra `train`."""
    from ferce_agent.reasoning.events import fit_classifier
    from ferce_agent.reasoning.words import WordEncoder

    fitted = fit_classifier(WordEncoder())
    out.parent.mkdir(parents=True, exist_ok=True)
    fitted.save(out)
    click.echo(f"{len(fitted.names)} kinds, right in cross-validation {fitted.accuracy:.3f}: {out}")


@train.command(name="label")
@click.option("--data", type=FOLDER, required=True, help="Folder with train.parquet and valid.parquet (FER+).")
@click.option("--teachers", type=FOLDER, required=True, help="Folder with the teacher networks.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/specialist"), show_default=True
)
def train_label(data: Path, teachers: Path, out: Path) -> None:
    """Let the teachers label action units and head pose; `train specialist --teachers` does it by itself."""
    from ferce_agent.training.run import run_labels

    for path in run_labels(data, teachers, out):
        click.echo(path)


@main.group()
def bench() -> None:
    """Measure accuracy and speed."""


@bench.command()
@click.option("--runs", default=60, show_default=True, type=click.IntRange(5, 10_000), help="Timed runs after warm-up.")
@click.option("--photo", type=FILE, help="Photo to use; default: a 640x480 cut of scikit-image's astronaut.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def speed(runs: int, photo: Path | None, as_json: bool) -> None:
    """Time each stage, the graph's own overhead, imports and peak memory."""
    from ferce_agent.evaluation.speed import measure_speed, to_table

    rows = measure_speed(runs, photo)
    click.echo(json.dumps([row.as_dict() for row in rows], indent=2) if as_json else to_table(rows))


@bench.command(name="run")
@click.option(
    "--dataset",
    "datasets",
    required=True,
    multiple=True,
    metavar="NAME:DIR[#SPLIT]",
    help="May be given several times.",
)
@click.option(
    "--perceiver", "perceivers", multiple=True, default=("specialist",), show_default=True, metavar="NAME",
    help="specialist[:FILE], product, vlm:SPEC, fused:SPEC, fer, opencv, or python:MODULE:FUNCTION; repeatable.",
)  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="out/bench", show_default=True)
@click.option("--limit", default=0, type=click.IntRange(0), help="Use only the first so many items of each set.")
@click.option(
    "--robustness", default=0, type=click.IntRange(0), metavar="N", help="Also ask about N items under 50 corruptions."
)
@click.option("--no-flips", is_flag=True, help="Leave out mirrored, re-encoded and label-shuffled views.")
@click.option("--labels", metavar="WORD,...", help="Candidate words instead of the set's own (open vocabulary).")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes; use 1 to time faces."
)
@click.option("--resamples", default=1000, show_default=True, type=click.IntRange(10), help="Bootstrap resamples.")
@click.option("--seed", default=7, show_default=True, type=int)
@click.option("--fresh", is_flag=True, help="Forget what an earlier run left in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON instead of the tables.")
def bench_run(out: Path, *, workers: int, resamples: int, fresh: bool, as_json: bool, **choices: Any) -> None:
    """Measure perceivers on labelled sets; a stopped run goes on when started again.

    NAME is ferplus, ferplus-csv, wildfaces, rafdb, rafdb-compound, rafce, affectnet, sfew, or folder (one folder per label). Writes
    results.json, results.md and results.html to --out.
    """
    from ferce_agent.evaluation.bench import bench_to_folder
    from ferce_agent.evaluation.runner import Plan
    from ferce_agent.evaluation.tables import to_markdown

    words = choices.pop("labels")
    choices["labels"] = tuple(word.strip() for word in words.split(",")) if words else ()
    choices["flips"] = not choices.pop("no_flips")
    try:
        result = bench_to_folder(Plan(**choices), out, workers=workers, resamples=resamples, fresh=fresh)
    except KeyboardInterrupt:
        click.echo("Stopped. The same command goes on where it was.", err=True)
        sys.exit(130)
    click.echo(json.dumps(result, indent=2) if as_json else to_markdown(result))
    if not as_json:
        click.echo(f"\nPage: {out / 'results.html'}", err=True)


@bench.command(name="vlm")
@click.option(
    "--answers", default=20, show_default=True, type=click.IntRange(1, 1000), help="Answers under the grammar."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@engine_options
def bench_vlm(answers: int, as_json: bool, chosen: dict[str, Any]) -> None:
    """Time --vlm: load, first answer, tokens per second, what the adapter adds, how many answers have the asked form."""
    from ferce_agent.evaluation.vlm_speed import measure_vlm, to_table

    measured = measure_vlm(chosen_settings(chosen), answers)
    click.echo(json.dumps(measured.as_dict(), indent=2) if as_json else to_table(measured))


@bench.command(name="situations")
@click.option("--file", type=FILE, help="Cases of your own instead of the package's three sets.")
@click.option("--wrong", is_flag=True, help="Also list the cases with anything wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_situations(file: Path | None, wrong: bool, as_json: bool) -> None:
    """Measure context reasoning on written situations: type, basis and place of causes, conflicts, distress."""
    from ferce_agent.engine import default_engines
    from ferce_agent.evaluation.cases import SETS, load_cases, measure_situations, to_table
    from ferce_agent.reasoning.events import EventMatcher

    sources: list[tuple[str | Path, str]] = [(file, file.stem)] if file else [(name, name) for name in SETS]
    matchers: list[tuple[EventMatcher | None, str]] = [(None, "cue words")]
    if (events := default_engines().events) is not None:
        matchers.append((events, "and sentences"))
    scores = [
        measure_situations(load_cases(source), f"{name} ({how})", matcher)
        for source, name in sources
        for matcher, how in matchers
    ]
    if as_json:
        click.echo(json.dumps([one.as_dict() for one in scores], indent=2))
        return
    click.echo(to_table(scores))
    for one in scores if wrong else []:
        for name, questions in one.wrong.items():
            click.echo(f"{one.name}: {name}: {', '.join(questions)}")


@bench.command(name="drift")
@click.option("--data", type=FOLDER, required=True, help="Folder with test.parquet (FER+).")
def bench_drift(data: Path) -> None:
    """Compare the 8-bit weights with the full ones on the FER+ test faces; fails if they lose more than half a point."""
    from ferce_agent.evaluation.drift import measure_drift

    drift = measure_drift(data)
    click.echo(json.dumps(drift.as_dict(), indent=2))
    if not drift.fine:
        sys.exit(1)


@bench.command(name="units")
@click.option("--data", type=FOLDER, required=True, help="Folder with valid.parquet (FER+).")
@click.option("--labels", type=FOLDER, required=True, help="Folder with valid.npz, made by: ferce train label")
def bench_units(data: Path, labels: Path) -> None:
    """Correlate the measured action units and head pose with the teachers' on the FER+ validation faces."""
    from ferce_agent.training.run import unit_agreement

    click.echo(unit_agreement(data, labels))


@bench.command(name="compare")
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_compare(first: Path, second: Path, as_json: bool) -> None:
    """Test whether two runs (results.json) differ on the same items, with McNemar's test; one file twice compares within it."""
    from ferce_agent.evaluation.compare import compare, to_table

    pairs = compare(first, second)
    click.echo(json.dumps([pair.as_dict() for pair in pairs], indent=2) if as_json else to_table(pairs))


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
