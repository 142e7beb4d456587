"""`ferce batch`: many photos, clips and voices in, tables out. Heavy modules are imported when the command runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.options import chosen_settings, engine_options, use_options

if TYPE_CHECKING:
    from ferce_agent.batch.executor import Executor
    from ferce_agent.batch.items import Kind
    from ferce_agent.batch.running import BatchPlan, BatchProgress

OUT = click.Path(file_okay=False, path_type=Path)
ONE_OR_MORE = click.IntRange(1)
KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    "photos": ("photo",),
    "clips": ("clip",),
    "voices": ("voice",),
    "all": ("photo", "clip", "voice"),
}
"""What can be asked for, and the kinds of items that it stands for."""
LONGEST_NAME: Final = 40
"""Characters of a file's name beside the bar."""


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", type=OUT, required=True, help="Folder for the tables; the same command goes on in it.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that read.  [default: one a core]")
@click.option("--reports", is_flag=True, help="Also write the whole reports, a line of JSON for each file.")
@click.option("--frames", is_flag=True, help="Also write what each face of a clip shows in each frame.")
@click.option(
    "--kind", type=click.Choice(list(KINDS)),
    help="What is read of what the sources hold; the rest is left out, and told.  [default: all]",
)  # fmt: skip
@click.option(
    "--column",
    metavar="NAME",
    help="Column of pictures, sounds or films in Parquet files and data sets.  [default: the one that can be it]",
)
@click.option("--split", metavar="NAME", help="Split of data sets.  [default: all]")
@click.option("--limit", type=ONE_OR_MORE, metavar="N", help="Read the first N only.")
@click.option(
    "--shard-size", type=ONE_OR_MORE, default=1024, show_default=True, metavar="N",
    help="Photos in a file of a table (a clip counts for 64, a voice for 16); after a kill, work goes on with the "
    "first file that is missing.",
)  # fmt: skip
@click.option(
    "--chunk",
    type=ONE_OR_MORE,
    default=64,
    show_default=True,
    metavar="N",
    help="Photos a worker gets at a time, counted so, too.",
)
@click.option(
    "--on", "where", type=click.Choice(["processes", "ray"]), default="processes", show_default=True,
    help="What reads: processes of this machine, or Ray (extra `ray`), here or on a cluster.",
)  # fmt: skip
@click.option(
    "--ray-address",
    metavar="ADDRESS",
    help="With --on ray: the cluster, as auto or HOST:PORT; files must be there too.",
)
@click.option(
    "--vlm-concurrency", "together", type=ONE_OR_MORE, default=1, show_default=True, metavar="N",
    help="With --vlm: so many photos of a worker wait for answers at once, as far as ?concurrency= of openai: goes.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be read; nothing is written.")
@click.option("--strict", is_flag=True, help="Exit with 1 where anything could not be read.")
@use_options
@engine_options
def batch(  # noqa: PLR0913  # one parameter per option
    sources: tuple[str, ...],
    out: Path,
    workers: int | None,
    reports: bool,
    frames: bool,
    kind: str | None,
    column: str | None,
    split: str | None,
    limit: int | None,
    shard_size: int,
    chunk: int,
    where: str,
    ray_address: str | None,
    together: int,
    dry_run: bool,
    strict: bool,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Read many photos, clips and voices into Parquet tables with several processes.

    After a stop or a kill the same command goes on. SOURCE is a file, a folder (all below it), a pattern such as
    'photos/**/*.jpg', a tar archive or several ('shard-{0000..0009}.tar'), a Parquet file with pictures or sounds, a
    data set of Hugging Face saved in a folder or streamed (hf:OWNER/NAME:SPLIT, which uses the network), or @LIST, a
    text with a path a line (@-: standard input). The table faces has a row for each face of the photos, clips one for
    each clip, tracks and episodes have its faces and what they show when, voices has a row for each turn of speech.
    What could not be read has a row that says why, and the others are read.

    Exit status: 0 all was read into the tables, rows of what could not be read included (1 with --strict), 1 it
    could not go on, 2 the command line makes no sense, 130 stopped with Ctrl-C.
    """
    from ferce_agent.batch.running import BatchPlan

    if ray_address and where != "ray":
        raise click.UsageError("--ray-address goes with --on ray.")
    plan = BatchPlan(
        sources,
        KINDS[kind or ("photos" if asks_vllm(chosen) else "all")],
        reports=reports,
        frames=frames,
        shard_size=shard_size,
        chunk_size=chunk,
        limit=limit,
        settings=chosen_settings(chosen),
        use=use or None,
        together=together,
        column=column,
        split=split,
    )
    questions: Path | None = None
    if plan.settings.vlm and plan.settings.vlm.startswith("vllm:"):
        from ferce_agent.batch.beforehand import plan_for_later

        if where != "ray":
            raise click.UsageError("--vlm vllm:MODEL goes with --on ray; a server is openai:URL#MODEL.")
        if plan.kinds != KINDS["photos"]:
            raise click.UsageError("--vlm vllm:MODEL goes with --kind photos.")
        plan, questions = plan_for_later(plan, out, ray_address)
    if dry_run:
        click.echo(would_read(plan, out))
        return
    try:
        ended = run_on(plan, out, executor_of(where, workers or cores(), ray_address), questions, ray_address)
    except KeyboardInterrupt:
        click.echo(f"ferce: what is done stays in {out}; the same command goes on.", err=True)
        raise
    click.echo(told(ended, out))
    if strict and ended.failed:
        sys.exit(1)


def asks_vllm(chosen: dict[str, Any]) -> bool:
    """Return whether the options name a model of vLLM, which reads photos only."""
    return (chosen_settings(chosen).vlm or "").startswith("vllm:")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_on(
    plan: BatchPlan, out: Path, executor: Executor, questions: Path | None, address: str | None
) -> BatchProgress:
    """Run a batch, after its questions to a model of vLLM were collected and answered where it has one.

    Raises:
        FerceError: It cannot go on.
    """
    if questions is None:
        return run_shown(plan, out, executor)
    from ferce_agent.batch.beforehand import STAGES, answers_of, ask_for_plan, check_vllm, vllm_processor
    from ferce_agent.batch.on_ray import running_ray
    from ferce_agent.vlm.backends import load_vlm

    check_vllm()
    with running_ray(executor.workers + STAGES, address):
        click.echo("Collecting the questions, then answering them.", err=True)
        processor = vllm_processor(load_vlm(plan.settings.vlm).version)
        ask_for_plan(plan, executor, questions, answers_of(processor), out)
        return run_shown(plan, out, executor)


def executor_of(where: str, workers: int, address: str | None) -> Executor:
    """Return what reads.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    if where == "ray":
        from ferce_agent.batch.on_ray import RayExecutor, import_ray

        import_ray()
        return RayExecutor(workers, address)
    from ferce_agent.batch.processes import ProcessExecutor

    return ProcessExecutor(workers)


def run_shown(plan: BatchPlan, out: Path, executor: Executor) -> BatchProgress:
    """Run a batch and show how far it is.

    Raises:
        FerceError: It cannot go on.
    """
    from ferce_agent.batch.left_out import LeftOut
    from ferce_agent.batch.running import count_of, run_batch
    from ferce_agent.views.progress import Display

    left = LeftOut()
    count = count_of(plan, out, left)
    if left.counts:
        click.echo(f"Left out: {left.told()}.", err=True)
    with Display(count, "Loading models") as display:

        def follow(now: BatchProgress) -> None:
            display.show(now.items, doing(now, executor.workers))

        return run_batch(plan, out, executor, follow)


def doing(now: BatchProgress, workers: int) -> str:
    """Return what stands beside the bar; clips and voices that are being read are named, for they take long."""
    told = f"{now.items:,} read, {pace(now.rate)}, {now.failed:,} failed"
    names = [name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}" for name in now.reading[:workers]]
    return f"{told}; reading {', '.join(names)}" if names else told


def pace(rate: float) -> str:
    """Return a rate in words; that of long clips as how long each takes."""
    if rate >= 10:
        return f"{rate:.0f} a second"
    return f"{rate:.1f} a second" if rate >= 0.1 or not rate else f"{1 / rate:.0f} s each"


def would_read(plan: BatchPlan, out: Path) -> str:
    """Return what a batch would read, in words.

    Raises:
        FerceError: It could not begin.
    """
    from ferce_agent.batch.running import seen_ahead

    seen = seen_ahead(plan, out)
    if not seen.whole:
        return "Can be opened; how many there are is known when all was streamed."
    counts = ", ".join(f"{seen.kinds[kind]:,} {kind}s" for kind in KINDS["all"] if kind in seen.kinds)
    mixed = f" ({counts})" if len(seen.kinds) > 1 else ""
    shards = "1 shard" if seen.shards == 1 else f"{seen.shards:,} shards"
    done = f"; {seen.done:,} of these are in {out} already" if seen.done else ""
    lines = [f"{seen.items:,} to read{mixed} in {shards}{done}."]
    lines += [f"{seen.trouble:,} cannot be read, and would be rows that say so."] if seen.trouble else []
    lines += [f"Left out: {seen.left_out}."] if seen.left_out else []
    return "\n".join(lines)


def told(ended: BatchProgress, out: Path) -> str:
    """Return how a batch ended, in words."""
    done = ended.items - ended.before
    lines = [f"{ended.items:,} in {out}, all read."]
    if ended.failed:
        lines = [f"{ended.items:,} in {out}; {ended.failed:,} of them could not be read, and their rows say why."]
    if ended.before:
        lines.append(f"{ended.before:,} of them were there already.")
    if ended.left_out:
        lines.append(f"Left out: {ended.left_out}.")
    if done:
        lines.append(f"{done:,} in {ended.seconds:.1f} s: {pace(ended.rate)}.")
    return "\n".join(lines)
