"""From a training checkpoint to the shipped ONNX file and its model card.

Temperature, conformal threshold and abstention threshold are fitted on the validation split through the very function the product
calls (mirror-averaged onnxruntime), then stored in the file. The test split is only reported.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ferce_agent.errors import MissingExtraError
from ferce_agent.evaluation.accuracy import Accuracy, batched_logits, evaluate_crops
from ferce_agent.evaluation.ferplus import FerPlus, load_split
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.perception.specialist import METADATA_KEY, Specialist, SpecialistCard
from ferce_agent.training.network import ExpressionNet
from ferce_agent.training.specialist import Recipe, TrainState
from ferce_agent.uncertainty.calibration import fit_temperature, softmax
from ferce_agent.uncertainty.conformal import abstention_threshold, conformal_threshold

COVERAGE: Final = 0.9
"""Coverage of the prediction sets."""
ANSWERED_ACCURACY: Final = 0.88
"""The abstention threshold is the lowest at which validation answers reach this accuracy."""
VERSION: Final = "1"


def write_onnx(model: nn.Module, path: Path) -> None:
    """Write the network as ONNX: input `pixels` (N, 1, 44, 44) float 0..255, outputs `logits` (N, 8), `embedding` (N, 256).

    Raises:
        MissingExtraError: The `onnx` package is not installed.
    """
    try:
        import onnx  # noqa: F401  # torch's exporter needs it
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The TorchScript exporter is deprecated in favour of one that needs a further package; it is all this network needs.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (torch.zeros(2, 1, CROP_SIZE, CROP_SIZE),),
            str(path),
            input_names=["pixels"],
            output_names=["logits", "embedding"],
            dynamic_axes={name: {0: "n"} for name in ("pixels", "logits", "embedding")},
            opset_version=17,
            dynamo=False,
        )


def write_card(path: Path, card: SpecialistCard) -> None:
    """Store the card in the metadata of the ONNX file at `path`."""
    import onnx

    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(asdict(card))})
    onnx.save(model, path)


def calibrate(path: Path, valid: FerPlus) -> SpecialistCard:
    """Fit temperature and thresholds on the validation split and store them in the file."""
    blank = SpecialistCard(VERSION, CANONICAL, CROP_SIZE, 1.0, COVERAGE, 0.0, 0.0)
    write_card(path, blank)
    logits, gold = batched_logits(Specialist(path), valid.crops), valid.labels
    temperature = fit_temperature(logits, np.eye(len(CANONICAL))[gold])
    probabilities = softmax(logits, temperature)
    card = SpecialistCard(
        VERSION,
        CANONICAL,
        CROP_SIZE,
        round(temperature, 4),
        COVERAGE,
        round(conformal_threshold(probabilities, gold, COVERAGE), 5),
        round(abstention_threshold(probabilities, gold, ANSWERED_ACCURACY)[0], 4),
    )
    write_card(path, card)
    return card


def export(state: TrainState, recipe: Recipe, data_folder: Path, out: Path) -> dict[str, Accuracy]:
    """Write `out`/specialist.onnx and `out`/specialist.md; return the evaluation per split.

    Raises:
        DataError: The data folder cannot be used.
        MissingExtraError: An export package is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / "specialist.onnx"
    average: ExpressionNet = state.average.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    write_onnx(average, path)
    valid = load_split(data_folder, "valid")
    card = calibrate(path, valid)
    specialist = Specialist(path)
    results = {"valid": evaluate_crops("valid", specialist, valid.crops, valid.labels)}
    if (data_folder / "test.parquet").is_file():
        test = load_split(data_folder, "test")
        results["test"] = evaluate_crops("test", specialist, test.crops, test.labels)
    (out / "specialist.md").write_text(model_card(state, recipe, card, specialist.sha256, results), "utf-8")
    return results


def parameters(model: nn.Module) -> int:
    """Return the number of weights."""
    counts: list[Tensor] = list(model.parameters())
    return sum(weights.numel() for weights in counts)


def model_card(
    state: TrainState, recipe: Recipe, card: SpecialistCard, sha256: str, results: dict[str, Accuracy]
) -> str:
    """Return the model card as Markdown."""
    rows = [
        f"| {name} | {r.scores.count} | {r.scores.accuracy:.4f} | {r.scores.recall:.4f} | {r.scores.f1:.4f} "
        f"| {r.scores.ece:.4f} | {r.coverage:.4f} | {r.set_size:.2f} | {r.answered:.4f} | {r.answered_accuracy:.4f} |"
        for name, r in results.items()
    ]
    recalls = []
    for name, result in results.items():
        matrix = result.scores.confusion
        shares = np.diag(matrix) / np.maximum(matrix.sum(1), 1)
        cells = " | ".join(f"{share:.3f} ({count})" for share, count in zip(shares, matrix.sum(1), strict=True))
        recalls.append(f"| {name} | {cells} |")
    minutes = sum(log.seconds for log in state.logs) / 60
    history = [
        f"| {log.epoch + 1} | {log.size} | {log.loss:.4f} | {log.valid_loss:.4f} | {log.valid_accuracy:.4f} "
        f"| {log.seconds:.0f} |"
        for log in state.logs
    ]
    return CARD.format(
        version=card.version,
        sha256=sha256,
        parameters=parameters(state.average),
        recipe=json.dumps(asdict(recipe)),
        minutes=minutes,
        card=json.dumps(asdict(card)),
        rows="\n".join(rows),
        labels=" | ".join(CANONICAL),
        rules="|".join(["---"] * (len(CANONICAL) + 1)),
        recalls="\n".join(recalls),
        history="\n".join(history),
        answered=ANSWERED_ACCURACY,
    )


CARD: Final = """# Specialist, version {version}

A squeeze-and-excitation residual CNN ({parameters:,} weights) that reads one aligned 44x44 grey face crop and gives
probabilities of eight expressions. SHA-256 `{sha256}`. Apache-2.0.

**Made by** `ferce train specialist --data DIR` with the recipe `{recipe}` in {minutes:.0f} minutes on two cores.

**Data.** FER+ (Barsoum et al. 2016; votes MIT): pictures of FER2013 (web images, no clear licence; training and evaluation only,
none is shipped). Single-vote outliers dropped; pictures voted mostly "unknown" or "not a face" left out of training. Loss:
cross-entropy to the vote distribution. The exported weights are the exponential moving average.

**Stored with the weights** (fitted on `valid`): `{card}`. The abstention threshold is the lowest at which the answered validation
pictures reach an accuracy of {answered}.

**Results** (every picture counts, mirror-averaged, onnxruntime). Gold: the FERBench label on `test`, the most frequent of the
eight expressions on `valid`. `test` was never trained or tuned on.

| split | pictures | accuracy | UAR | macro-F1 | ECE | set coverage | set size | answered | accuracy of answered |
|---|---|---|---|---|---|---|---|---|---|
{rows}

Recall per class (number of pictures):

| split | {labels} |
|{rules}|
{recalls}

**Training history** (validation: averaged weights, not mirror-averaged, usable pictures only)

| epoch | side | train loss | valid loss | valid accuracy | seconds |
|---|---|---|---|---|---|
{history}

**Limits.** Trained on 48-pixel grey web pictures of mostly frontal faces, labelled by crowd workers from still images. Many of them
are neutral or nearly so: on other photos sadness, disgust, fear and contempt are often read as neutral. Disgust and contempt have
few examples. An expression is not an emotion (Barrett et al. 2019), and its reading varies with culture, situation and person.
"""
