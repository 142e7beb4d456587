"""From a trained voice model to its ONNX file, with card and reliability table."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from ferce_agent.errors import MissingExtraError
from ferce_agent.evaluation.datasets.speech import SpeechSet
from ferce_agent.evaluation.voice.folds import CLEAN, Answers
from ferce_agent.evaluation.voice.measured import LEAST, Calibration, calibration_table, fit_calibration, reliability
from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.evaluation.voice.tables import to_markdown
from ferce_agent.training.onnx_files import write_card
from ferce_agent.training.voice_joined import JoinedVoice
from ferce_agent.training.voice_machine import FALSE_ALARMS
from ferce_agent.voice.card import VoiceCard
from ferce_agent.voice.features import COLUMNS, RATE

VERSION: Final = "2"
VOICE_NAME: Final = "voice.onnx"
CARD_NAME: Final = "voice.md"
TABLE_NAME: Final = "voice.json"
INPUTS: Final = ("functionals", "frames")
OUTPUTS: Final = ("emotions", "strangeness", "otherness")
AFFECT: Final = "expected value of the ontology's arousal of the emotions; not learnt from ratings of utterances"
NOT_MEASURED: Final = "nothing: no answers about speakers left out were given"


class ShippedVoice(nn.Module):
    """The model as it is shipped: one utterance or several of the same length, no padding."""

    def __init__(self, joined: JoinedVoice) -> None:
        """Wrap a trained model."""
        super().__init__()
        self.joined = joined

    def forward(self, functionals: Tensor, frames: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return probabilities (N, K), strangeness, otherness (N,) of functionals (N, F) and frames (N, T, COLUMNS)."""
        told = self.joined(functionals, frames)
        return told.emotions, told.strangeness, told.otherness


def write_voice(joined: JoinedVoice, path: Path) -> None:
    """Write the model as ONNX: inputs `functionals` (n, F) and, with a network, `frames` (n, t, COLUMNS); `OUTPUTS`.

    Raises:
        MissingExtraError: The `onnx` package is not installed.
    """
    try:
        import onnx  # noqa: F401  # torch's exporter needs it
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    given = (torch.zeros(2, functionals_of(joined)), torch.zeros(2, 150, COLUMNS))
    count = 1 if joined.network is None else 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter is deprecated; see onnx_files.write_network
        torch.onnx.export(
            ShippedVoice(joined).eval(),
            given[:count],
            str(path),
            input_names=list(INPUTS[:count]),
            output_names=list(OUTPUTS),
            dynamic_axes={"frames": {0: "n", 1: "t"}, **{name: {0: "n"} for name in (INPUTS[0], *OUTPUTS)}},
            opset_version=17,
            dynamo=False,
            # The support vectors stay in 8 bits in the file.
            do_constant_folding=False,
        )


def functionals_of(joined: JoinedVoice) -> int:
    """Return how many functionals the model reads."""
    return len(joined.machine.get_buffer("middle"))


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run gave.

    Attributes:
        joined: The model.
        method: Its name in `ferce bench voice`.
        recipe: Seed and, of the network, all else; in words.
        answers: Of that method about speakers left out, by condition; empty if there are none.
        synthesised: Pieces of a synthesiser's speech in the training of the strangeness.
        others: Pieces of speech of other recordings.
        other: What these are, in words.
    """

    joined: JoinedVoice
    method: str
    recipe: str
    answers: dict[str, Answers]
    synthesised: int = 0
    others: int = 0
    other: str = ""


def export_voice(trained: Trained, spoken: Spoken, speech: SpeechSet, out: Path) -> Path:
    """Write `out`/voice.onnx, voice.md and, where there are answers, voice.json; return the first.

    Without answers about speakers left out, the probabilities are as the model gives them, and there is no reliability
    table: reports then show the voice, and do not fuse it.

    Raises:
        MissingExtraError: The `onnx` package is not installed.
        DataError: There are too few answers.
    """
    data = f"{speech.title}: {len(spoken)} utterances of {len(set(spoken.speakers.tolist()))} speakers. {speech.note}"
    fitted, measured = Calibration(1.0, LEAST), NOT_MEASURED
    if trained.answers:
        clean = trained.answers[CLEAN]
        fitted, measured = fit_calibration(clean.probabilities, clean.gold), data
        reliability(clean, spoken.speakers, VERSION, data).save(out / TABLE_NAME)
    card = VoiceCard(
        VERSION,
        COLUMNS,
        functionals_of(trained.joined),
        spoken.emotions,
        fitted.temperature,
        fitted.least,
        measured,
        data,
        AFFECT,
    )
    path = out / VOICE_NAME
    write_voice(trained.joined, path)
    write_card(path, card)
    (out / CARD_NAME).write_text(card_text(card, trained, path.stat().st_size, spoken), "utf-8")
    return path


def card_text(card: VoiceCard, trained: Trained, size: int, spoken: Spoken) -> str:
    """Return the model card in Markdown."""
    support = len(trained.joined.machine.get_buffer("support"))
    other = " --other OTHER" if trained.others else ""
    command = f"ferce train voice --data DIR{other}" + (
        " --measured OUT` (OUT of `ferce bench voice" if trained.answers else ""
    )
    return f"""# Voice model, version {card.version}

`voice.onnx`, {size / 1e6:.2f} MB: a kernel machine ({support:,} support vectors in 8 bits) and a linear discriminant
over {card.functionals} functionals of mel spectrum, pitch and periodicity{_network(trained)}. Apache-2.0.
Reads speech at {RATE} Hz in pieces of two seconds; gives probabilities of {", ".join(card.emotions)};
arousal (-1..1); and how unlike its training the speech is. It does not tell valence.

**Made by** `{command}`{")" if trained.answers else ""}; {trained.recipe}.

- Data: {card.data}
- Copies: other speed and level, noise, babble, rooms, a telephone line, Opus; all made by code.
- Arousal: {card.affect}.
- Unlike the training: told from a synthesiser's speech (espeak-ng, {trained.synthesised} pieces), other synthetic
  speech (pulses of a steady pitch, or noise, through the utterances' own spectral envelopes), melodies, noise, speech
  backwards, far too slow or fast. {FALSE_ALARMS:.0%} of the training utterances are called so.
- Other recordings: {_others(trained)}
- Temperature {card.temperature}; an expression is named from a probability of {card.least} on. Fitted on:
  {card.measured}

**Limits.** Acted speech overstates: what was acted, not what anybody felt, is told apart, and only within sets like the
one above. In recordings that are found to be others, no expression is named, and only arousal is told. Where voices
are fused with faces and words, the weight of the voice is halved for that reason (`voice.json`).
{_measured(trained, spoken)}"""


def _others(trained: Trained) -> str:
    if not trained.others:
        return "never heard, and so never recognised."
    return f"told from {trained.others:,} pieces of other people's speech{trained.other}, half of them harmed."


def _network(trained: Trained) -> str:
    if trained.joined.network is None:
        return ""
    weights = sum(one.numel() for one in trained.joined.network.parameters())
    return f"; beside them a convolutional network of {weights:,} weights"


def _measured(trained: Trained, spoken: Spoken) -> str:
    if not trained.answers:
        return ""
    table = to_markdown(list(trained.answers.values()))
    return f"""
**Measured** on speakers left out, by `ferce bench voice --data DIR --method {trained.method}`.

{table}

Calibration and threshold, each fitted to the other speakers:

{calibration_table(trained.answers, spoken.speakers)}
"""
