"""`ferce train voice`: from a set of acted speech to the voice network.

The weights that are used are an exponential moving average, as those of the other networks. Order and changes of the
frames are drawn from seed and epoch, so that a run that was stopped ends as if it had not been.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.specialist import learning_rate, update_average
from ferce_agent.training.voice_data import Pool, bent, draw_pool, padded
from ferce_agent.training.voice_network import VoiceNet, VoiceOutputs
from ferce_agent.voice.features import Samples

CHECKPOINT: Final = "voice.pt"
BATCH_TO_READ: Final = 64


@dataclass(frozen=True, slots=True)
class VoiceRecipe:
    """Everything that decides the result of a training run; stored with the weights.

    Attributes:
        epochs: Times each utterance is shown, each time as one of its copies.
        rate: Highest learning rate of AdamW's one-cycle schedule.
        batch: Utterances per step.
        copies: Copies of each utterance that are drawn before the training; 0: utterances as they are only.
        bend: Whether frames are changed each time they are shown.
        smoothing: Share of the target that is spread over all emotions.
        affect: Weight of the squared error of arousal and valence.
        weight_decay: Of AdamW.
        ema: Decay of the weight average per step.
        seed: Seed of weights, copies and order.
        limit: Use only so many utterances (0 = all); for trying things out.
    """

    epochs: int = 40
    rate: float = 0.003
    batch: int = 16
    copies: int = 6
    bend: bool = True
    smoothing: float = 0.1
    affect: float = 0.5
    weight_decay: float = 0.02
    ema: float = 0.98
    seed: int = 7
    limit: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: A value is out of range.
        """
        if self.epochs < 1 or self.rate <= 0 or self.batch < 2 or self.copies < 0 or not 0 < self.ema < 1:
            raise SettingsError("The recipe needs epochs >= 1, rate > 0, batch >= 2, copies >= 0 and 0 < ema < 1.")


@dataclass(slots=True)
class VoiceLog:
    """What one epoch gave: number (from 0), mean training loss, wall-clock seconds."""

    epoch: int
    loss: float
    seconds: float


@dataclass(slots=True)
class VoiceState:
    """The mutable parts of a run, as saved in the checkpoint."""

    model: VoiceNet
    average: VoiceNet
    optimiser: torch.optim.AdamW
    epoch: int = 0
    logs: list[VoiceLog] = field(default_factory=list)


Tick = Callable[[int, float, float], None]
"""Progress callback: epoch (from 0), share of the epoch done (0..1), mean loss so far."""


def new_state(recipe: VoiceRecipe, emotions: int) -> VoiceState:
    """Build network, weight average and optimiser from the seed."""
    torch.manual_seed(recipe.seed)
    model = VoiceNet(emotions)
    optimiser = torch.optim.AdamW(model.parameters(), recipe.rate, weight_decay=recipe.weight_decay)
    return VoiceState(model, copy.deepcopy(model).eval(), optimiser)


def save_state(state: VoiceState, recipe: VoiceRecipe, emotions: Sequence[str], path: Path) -> None:
    """Write the checkpoint so that a kill at any moment leaves the old or the new one, never half of one."""
    payload = {
        "recipe": _told(recipe, emotions),
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "epoch": state.epoch,
        "logs": [asdict(log) for log in state.logs],
    }
    write_checkpoint(payload, path)


def _told(recipe: VoiceRecipe, emotions: Sequence[str]) -> dict[str, object]:
    return {**asdict(recipe), "emotions": list(emotions)}


def load_state(path: Path, recipe: VoiceRecipe, emotions: Sequence[str]) -> VoiceState:
    """Read a checkpoint of the same recipe.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    payload = read_checkpoint(path, _told(recipe, emotions))
    state = new_state(recipe, len(emotions))
    state.model.load_state_dict(payload["model"])
    state.average.load_state_dict(payload["average"])
    state.optimiser.load_state_dict(payload["optimiser"])
    state.epoch = payload["epoch"]
    state.logs = [VoiceLog(**log) for log in payload["logs"]]
    return state


@dataclass(frozen=True, slots=True)
class Targets:
    """What the network is to say.

    Attributes:
        gold: Index of the emotion, shape (N,).
        affect: Arousal and valence, shape (N, 2).
        weight: Of the emotion in the loss, shape (N,).
    """

    gold: Tensor
    affect: Tensor
    weight: Tensor


def class_weights(gold: NDArray[np.int64], emotions: int) -> NDArray[np.float32]:
    """Return a weight for each emotion, the larger the rarer it is, 1 for one of mean frequency; 0 if it is absent."""
    counts = np.bincount(gold, minlength=emotions)
    mean = counts[counts > 0].mean()
    return np.where(counts > 0, (mean / np.maximum(counts, 1)) ** 0.7, 0.0).astype(np.float32)


def voice_loss(outputs: VoiceOutputs, targets: Targets, recipe: VoiceRecipe) -> Tensor:
    """Return the mean loss: cross-entropy of the emotion and squared error of arousal and valence."""
    named = F.cross_entropy(outputs.emotions, targets.gold, reduction="none", label_smoothing=recipe.smoothing)
    felt = F.mse_loss(outputs.affect, targets.affect)
    return (named * targets.weight).mean() + recipe.affect * felt


def train_epoch(state: VoiceState, spoken: Spoken, pool: Pool, recipe: VoiceRecipe, tick: Tick) -> float:
    """Run one epoch and return its mean loss."""
    rng = np.random.default_rng((recipe.seed, state.epoch))
    order = rng.permutation(len(spoken))
    batches = np.array_split(order, max(round(len(order) / recipe.batch), 1))
    weights, affect, total = class_weights(spoken.gold, len(spoken.emotions)), spoken.affect, 0.0
    state.model.train()
    for step, rows in enumerate(batches):
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate((state.epoch + step / len(batches)) / recipe.epochs, recipe.rate)
        shown = [pool[row][int(rng.integers(0, len(pool[row])))] for row in rows]
        gold = spoken.gold[rows]
        targets = Targets(*(torch.from_numpy(one) for one in (gold, affect[gold], weights[gold])))
        loss = voice_loss(
            state.model(*padded([bent(one, rng) for one in shown] if recipe.bend else shown)), targets, recipe
        )
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        update_average(state.average, state.model, recipe.ema)
        total += float(loss.detach())
        tick(state.epoch, (step + 1) / len(batches), total / (step + 1))
    return total / len(batches)


def train_voice(
    spoken: Spoken,
    out: Path,
    recipe: VoiceRecipe,
    tick: Tick | None = None,
    report: Callable[[VoiceLog], None] = lambda _: None,
) -> VoiceState:
    """Train or continue a run in `out` and return its state; `out`/voice.pt is rewritten after every epoch.

    Args:
        spoken: The utterances.
        out: Folder of the checkpoint.
        recipe: What to do.
        tick: Called after every step.
        report: Called after every epoch.

    Raises:
        DataError: An existing checkpoint cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, emotions = out / CHECKPOINT, spoken.emotions
    state = load_state(checkpoint, recipe, emotions) if checkpoint.exists() else new_state(recipe, len(emotions))
    pool = draw_pool(spoken, recipe.copies, recipe.seed) if state.epoch < recipe.epochs else ()
    while state.epoch < recipe.epochs:
        began = time.perf_counter()
        torch.manual_seed(recipe.seed * 104729 + state.epoch)  # dropout
        loss = train_epoch(state, spoken, pool, recipe, tick or (lambda *_: None))
        log = VoiceLog(state.epoch, loss, time.perf_counter() - began)
        state.logs.append(log)
        state.epoch += 1
        save_state(state, recipe, emotions, checkpoint)
        report(log)
    return state


@torch.no_grad()
def read_voices(network: VoiceNet, frames: Sequence[Samples]) -> VoiceOutputs:
    """Return what the network says about utterances; the emotions as probabilities."""
    network.eval()
    parts = [network(*padded(frames[k : k + BATCH_TO_READ])) for k in range(0, len(frames), BATCH_TO_READ)]
    emotions, affect, features = (torch.cat(column) for column in zip(*parts, strict=True))
    return VoiceOutputs(torch.softmax(emotions, 1), affect, features)
