"""`ferce bench`: measure accuracy and speed. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferce_agent.cli.groups import Group
from ferce_agent.cli.options import FILE, FOLDER, chosen_settings, consent_option, engine_options

if TYPE_CHECKING:
    from ferce_agent.context.events import EventMatcher


@click.group(cls=Group)
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
    help="specialist[:FILE], product, vlm:SPEC, fused:SPEC, fer, opencv, python:MODULE:FUNCTION, or a plugin's NAME; "
    "repeatable.",
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
@consent_option
@click.option("--fresh", is_flag=True, help="Forget what an earlier run left in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON instead of the tables.")
def bench_run(out: Path, *, workers: int, resamples: int, fresh: bool, as_json: bool, **choices: Any) -> None:
    """Measure perceivers on labelled sets; a stopped run goes on when started again.

    NAME is ferplus, ferplus-csv, wildfaces, rafdb, rafdb-compound, rafce, affectnet, sfew, or folder (one folder per
    label). Writes results.json, results.md and results.html to --out.
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
@consent_option
@engine_options
def bench_vlm(answers: int, as_json: bool, consent: bool, chosen: dict[str, Any]) -> None:
    """Time the model of --vlm, and count how many answers have the asked form.

    Load, first answer, tokens per second, what the adapter adds over the bare library.
    """
    from ferce_agent.evaluation.vlm_speed import measure_vlm, to_table

    measured = measure_vlm(chosen_settings(chosen), answers, {"consent": True} if consent else None)
    click.echo(json.dumps(measured.as_dict(), indent=2) if as_json else to_table(measured))


@bench.command(name="situations")
@click.option("--file", type=FILE, help="Cases of your own instead of the package's three sets.")
@click.option("--wrong", is_flag=True, help="Also list the cases with anything wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_situations(file: Path | None, wrong: bool, as_json: bool) -> None:
    """Measure context reasoning on written situations: type, basis and place of causes, conflicts, distress."""
    from ferce_agent.evaluation.cases import SETS, load_cases, measure_situations, to_table
    from ferce_agent.graphs.engines import default_engines

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
@click.option("--other", type=FILE, required=True, help="Weight file, such as the one in full precision.")
def bench_drift(data: Path, other: Path) -> None:
    """Compare the shipped weights with another file on the FER+ test faces.

    Fails if the shipped ones lose more than half a point. `ferce train specialist` writes a file in full precision.
    """
    from ferce_agent.evaluation.drift import measure_drift

    drift = measure_drift(data, other)
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
    """Test whether two runs (results.json) differ on the same items, with McNemar's test.

    One file twice compares within it.
    """
    from ferce_agent.evaluation.compare import compare, to_table

    pairs = compare(first, second)
    click.echo(json.dumps([pair.as_dict() for pair in pairs], indent=2) if as_json else to_table(pairs))


@bench.command(name="words")
@click.option("--wrong", is_flag=True, help="Also list the texts that are not as they should be.")
@click.option("--totals", is_flag=True, help="One row for each question only.")
@click.option("--cues", is_flag=True, help="Count with cue words alone, without the sentence encoder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_words(wrong: bool, totals: bool, cues: bool, as_json: bool) -> None:
    """Count how words are met on written lists: distress in many languages, English without a cause, language seen."""
    from ferce_agent.evaluation.words import measure_words, to_table
    from ferce_agent.graphs.engines import default_engines

    scores = measure_words(None if cues else default_engines().events)
    click.echo(
        json.dumps([one.as_dict() for one in scores], indent=2)
        if as_json
        else to_table(scores, listed=wrong, totals=totals)
    )


@bench.command(name="gates")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    type=click.Choice(["upright", "human", "covered", "duplicates"]),
    help="Only this one; repeatable.",
)
@click.option("--data", type=FOLDER, help="Folder with valid.parquet (FER+).")
@click.option("--wildfaces", type=FOLDER, help="Folder with validation.parquet (wildfaces).")
@click.option("--negatives", type=FOLDER, help="Folder with pictures of your own that show no face.")
@click.option(
    "--limit", default=0, type=click.IntRange(0), help="Only so many faces of each source and pictures of each kind."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_gates(as_json: bool, **choices: Any) -> None:
    """Count claims about faces that are turned, covered, doubled, or no faces at all.

    Pictures are made from the faces of the given folders, and read by the whole product. What needs a folder that is
    not given is left out and named.
    """
    from ferce_agent.evaluation.gates.measure import Choices, measure_gates, to_markdown
    from ferce_agent.settings import Settings

    tables, notes = measure_gates(Choices(**choices), Settings.from_environment())
    if as_json:
        click.echo(json.dumps({"tables": [table.as_dict() for table in tables], "notes": notes}, indent=2))
    else:
        click.echo(to_markdown(tables, notes))


@bench.command(name="clips")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    type=click.Choice(["speed", "damage", "tracking", "episodes", "eyes", "micro"]),
    help="Only this one; repeatable.",
)
@click.option("--data", type=FOLDER, help="Folder with valid.parquet (FER+): faces for the suite episodes.")
@click.option(
    "--megc",
    nargs=2,
    type=(click.Choice(["cas-me2", "samm-lv"]), FOLDER),
    metavar="KIND DIR",
    help="Spot micro-expressions in your copy of CAS(ME)2 or SAMM Long Videos, by the MEGC protocol.",
)
@click.option(
    "--minutes",
    default=0.0,
    type=click.FloatRange(0, 600),
    help="Also compare the memory for so many minutes with one.",
)
@click.option("--count", default=300, show_default=True, type=click.IntRange(1), help="Damaged clips.")
@click.option(
    "--each", default=2, show_default=True, type=click.IntRange(1), help="Clips of each kind for tracking and episodes."
)
def bench_clips(**choices: Any) -> None:
    """Measure what is read from clips: speed, damage, tracks, episodes, eyes, micro-movements.

    The films are made here, with known times. A suite takes from one to some twenty minutes; progress is shown.
    """
    from ferce_agent.evaluation.clips.suites import ClipChoices, measure_clips

    for part in measure_clips(ClipChoices(**choices)):
        click.echo(part)


@bench.command(name="scenarios")
@click.option(
    "--only", default="", metavar="NAME,...", help="Only these suites, such as driver,sessions; default: all."
)
@click.option("--data", type=FOLDER, help="Folder with ferplus/ (FER+) and wildfaces/; suites that need one of them.")
@click.option("--quick", is_flag=True, help="A few of each, to try things out; too few to tell numbers.")
@click.option("--seed", default=1000, show_default=True, type=click.IntRange(0), help="Of all that is drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_scenarios(only: str, data: Path | None, *, quick: bool, seed: int, as_json: bool) -> None:
    """Measure the scenarios on made sources with known truth: warnings, signals, baselines, changes over weeks.

    What is looked for is planted: closures and glances in drives, calm faces that look angry, shifts in simulated
    weeks. What needs a folder that is not given is left out and named. Some minutes.
    """
    from ferce_agent.evaluation.scenarios.suites import ScenarioChoices, left_out, measure_scenarios

    names = tuple(name.strip() for name in only.split(",") if name.strip())
    choices = ScenarioChoices(names, data, quick=quick, seed=seed)
    parts = measure_scenarios(choices)
    missing = left_out(choices)
    if as_json:
        found = {"suites": [part.as_dict() for part in parts], "left_out": missing, "quick": quick, "seed": seed}
        click.echo(json.dumps(found, indent=2))
        return
    for part in parts:
        click.echo(part.to_markdown() + "\n")
    if missing:
        click.echo(f"*{missing}*")


@bench.command(name="voice")
@click.option(
    "--data",
    required=True,
    metavar="[NAME:]DIR",
    help="Set of speech; NAME is emodb (default), ravdess, cremad, iemocap or meld.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out/bench-voice"), show_default=True
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    type=click.Choice(["functionals-svm", "machine", "network", "joined", "network-unaugmented", "shipped"]),
    help="Only this one; repeatable.",
)
@click.option("--other", type=FOLDER, help="Folder of other recordings, as for `ferce train voice`.")
@click.option("--seed", default=7, show_default=True, help="Seed of weights, copies and order.")
@click.option("--limit", default=0, type=click.IntRange(0), help="Use only so many utterances, to try things out.")
@click.option("--short", is_flag=True, help="Two epochs for each network, to try things out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_voice(data: str, out: Path, *, methods: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Measure how well emotions are told from voices: train without one speaker, ask about this one, in turn.

    Functionals with a support vector machine; the machine of `ferce train voice`, the network, both joined, and the
    network without its augmentation; `shipped` is the installed model as it is, for sets that it was not trained on.
    Sound as recorded, over a telephone, with noise, voices, reverberation and codec. A run that was stopped goes on
    when started again. Some ten minutes on one core, an hour with networks. Needs the extras `train` and `bench`.
    """
    from ferce_agent.evaluation.voice.tables import as_dicts, to_markdown
    from ferce_agent.training.run import run_voice_bench

    chosen = methods or ("functionals-svm", "machine")
    found, calibrated = run_voice_bench(data, out, methods=chosen, **options)
    if as_json:
        click.echo(json.dumps(as_dicts(found), indent=2))
    else:
        click.echo("\n\n".join([to_markdown(found), *calibrated]))


@bench.command(name="fairness")
@click.option("--data", type=FOLDER, required=True, help="Pictures with a csv file: file, label, columns of your own.")
@click.option(
    "--by", required=True, multiple=True, metavar="COLUMN", help="Compare the values of this column; repeatable."
)
@click.option("--labels", type=FILE, help="What labels stand for, as for `ferce adapt`.")
@click.option(
    "--together", default="", metavar="COLUMN", help="Pictures with equal values, such as those of one person, are one."
)
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0), help="Of resampling.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@engine_options
def bench_fairness(
    data: Path, by: tuple[str, ...], labels: Path | None, *, as_json: bool, chosen: dict[str, Any], **choices: Any
) -> None:
    """Compare how right answers are between the values of columns of your own labelled pictures.

    Accuracy, calibration, how often nothing is named, how often something wrong is: for each value, and the gaps, with
    intervals. Nothing is inferred about anybody. A value with fewer than 20 faces is named and not told. With
    --adapter FILE the adapted answers are compared.
    """
    from ferce_agent.adaptation.fairness import Asked, measure_fairness

    found = measure_fairness(data, chosen_settings(chosen), Asked(by, **choices), labels)
    click.echo(json.dumps(found.as_dict(), indent=2) if as_json else found.to_markdown())


@bench.command(name="web")
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(3, 3600), help="How long it is fed.")
@click.option("--faces", default="1", show_default=True, type=click.Choice(["1", "3"]), help="Faces in the film.")
@click.option(
    "--browser",
    type=FILE,
    help="Chromium to measure the page in; default: the one that is found, if Playwright is there.",
)
@click.option("--no-browser", is_flag=True, help="Measure the server only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_web(seconds: float, faces: str, browser: Path | None, no_browser: bool, as_json: bool) -> None:
    """Measure the local page: pictures a second, delay, CPU time, the time to a report.

    Starts the server, and sends it an acted film of 640x480 at 30 frames a second as a browser would; then the same in
    Chromium, with a camera that shows a film of one face.
    """
    from ferce_agent.evaluation.clips.speed import speed_table
    from ferce_agent.evaluation.web_browser import find_browser, measure_page
    from ferce_agent.evaluation.web_speed import measure_web_server

    rows = measure_web_server(seconds=seconds, faces=int(faces))
    found = None if no_browser else browser or find_browser()
    if found is not None:
        rows += measure_page(found, seconds=seconds)
    elif not no_browser:
        click.echo("ferce: without Chromium and Playwright the page in a browser is not measured.", err=True)
    click.echo(json.dumps([row.as_dict() for row in rows], indent=2) if as_json else speed_table(rows))


@bench.command(name="batch")
@click.option("--photos", default=3000, show_default=True, type=click.IntRange(64, 1_000_000), help="Photos of a run.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100), help="Runs of each kind, in turn.")
@click.option(
    "--workers",
    multiple=True,
    default=(1, 2),
    show_default=True,
    type=click.IntRange(1, 256),
    help="Processes; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_batch(photos: int, rounds: int, workers: tuple[int, ...], *, as_json: bool) -> None:
    """Measure how many photos a second `ferce batch` reads, beside what decoding and the networks alone allow.

    Makes photos of 640x480 with one face, runs the whole command with one process and with two, in turn with the limit
    and with a peer where it is installed. About four minutes. Needs the extra `tables`. What Ray costs beside
    processes: python -m ferce_agent.evaluation.batch.ray_overhead, where Ray is installed.
    """
    from ferce_agent.evaluation.batch.rate import measure_batch_rate

    found = measure_batch_rate(photos, rounds, workers, tell=lambda line: click.echo(f"ferce: {line}", err=True))
    click.echo(json.dumps(found.as_dict(), indent=2) if as_json else found.to_markdown())


@bench.command(name="service")
@click.option(
    "--seconds", default=15.0, show_default=True, type=click.FloatRange(1, 3600), help="How long a rate lasts."
)
@click.option(
    "--requests",
    default=10_000,
    show_default=True,
    type=click.IntRange(100, 10_000_000),
    help="Requests of the part with bad ones.",
)
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1, 256), help="Reader processes; 1: threads."
)
@click.option(
    "--kill-every",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Kill a reader process so often meanwhile, in seconds; 0: never.",
)
@click.option("--locust", type=FILE, help="The program locust; default: the installed one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_service(  # noqa: PLR0913  # one parameter per option
    seconds: float, requests: int, workers: int, kill_every: float, locust: Path | None, *, as_json: bool
) -> None:
    """Measure what `ferce serve` holds on this machine: rates, delays, overload, bad requests, killed readers.

    Starts the server and sends photos at fixed rates with locust: rising ones up to its peak, 70 a second, twice the
    peak, then many of which one in a hundred is bad. About five minutes. Needs the extras `serve` and `load`.
    """
    from ferce_agent.evaluation.service.load import to_table
    from ferce_agent.evaluation.service.own_server import measure_service

    held = measure_service(seconds=seconds, requests=requests, workers=workers, kill_every_s=kill_every, locust=locust)
    click.echo(json.dumps(held.as_dict(), indent=2) if as_json else to_table(held))


@bench.command(name="scale")
@click.option("--inputs", type=FILE, help="Prices, limits and failures of your own, in the form of the package's.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 256), help="Processes that measure.")
@click.option(
    "--photos", default=2000, show_default=True, type=click.IntRange(0), help="Real batch to predict; 0: none."
)
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(1, 1000), help="Simulations of each plan.")
@click.option(
    "--rounds", default=4, show_default=True, type=click.IntRange(1, 100), help="Times that each is measured."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_scale(  # noqa: PLR0913  # one parameter per option
    inputs: Path | None, workers: int, photos: int, seeds: int, rounds: int, *, as_json: bool
) -> None:
    """Plan large batches: machines, hours and money, and what holds them up.

    Measures the times of reading on this machine, predicts a real batch and reads it, then simulates queues, failures
    and slow machines for 1 M, 100 M and 10 B photos and 1 M hours of film. About two minutes. Prices are inputs.
    """
    from ferce_agent.evaluation.scale.measure import measure_scale

    found = measure_scale(inputs, workers=workers, photos=photos, seeds=seeds, rounds=rounds)
    click.echo(json.dumps(found.as_dict(), indent=2) if as_json else found.to_markdown())


@bench.command(name="write")
@click.argument("page", type=FILE)
@click.option("--only", default="", metavar="TEXT", help="Only parts whose command contains this.")
@click.option(
    "--set", "given", multiple=True, metavar="NAME=VALUE", help="What a word in capitals stands for: DIR=data."
)
def bench_write(page: Path, only: str, given: tuple[str, ...]) -> None:
    """Run the commands that write the parts of PAGE, such as docs/measured.md, and put in what they print.

    A part stands between <!-- written by: ferce bench … --> and <!-- end -->. Commands with a word in capitals that is
    not given are left out and named.
    """
    from ferce_agent.evaluation.pages import rewrite_file

    pairs = [one.partition("=") for one in given]
    if any(not (name and mark) for name, mark, _ in pairs):
        raise click.BadParameter("write NAME=VALUE, such as DIR=data/ferplus", param_hint="--set")
    for command in rewrite_file(page, {name: value for name, _, value in pairs}, only):
        click.echo(f"ferce: left out: {command}", err=True)
