from __future__ import annotations

from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferce_agent.context.sentence_vectors import WordEncoder
from ferce_agent.errors import SetupError
from ferce_agent.specialist.sentence_encoder import TextEncoder
from ferce_agent.training import encoder as training
from ferce_agent.training.quantise import MIDDLE, rounded, rounded_for

needs_original = pytest.mark.skipif(
    any(find_spec(name) is None for name in (training.PACKAGE, "torch", "transformers", "onnx")),
    reason="make test installs the original",
)


def test_rounded_matrices_are_near_and_their_scales_fit_half_precision() -> None:
    matrix = np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)
    matrix[3] = 0
    blocks = rounded(matrix, 32)
    assert blocks.codes.max() < 2 * MIDDLE
    np.testing.assert_array_equal(blocks.scales.astype(np.float16), blocks.scales)
    assert np.linalg.norm(blocks.matrix() - matrix) < 0.12 * np.linalg.norm(matrix)
    packed = blocks.packed()
    np.testing.assert_array_equal(packed & 15, blocks.codes[..., 0::2])
    np.testing.assert_array_equal(packed >> 4, blocks.codes[..., 1::2])


def test_rounding_with_the_inputs_in_view_changes_outputs_less() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(2000, 64)) @ rng.normal(size=(64, 64))
    matrix = rng.normal(size=(30, 64))
    plain = rounded(matrix.astype(np.float32), 32).matrix()
    better = rounded_for(matrix, inputs.T @ inputs / len(inputs), 32).matrix()
    before, after = (np.linalg.norm(inputs @ (one - matrix).T) for one in (plain, better))
    assert after < 0.8 * before


def test_without_the_original_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PACKAGE", "no_such_package")
    with pytest.raises(SetupError, match="pip install"):
        training.read_source()


def original_states(texts: list[str]) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Return both uses' vectors of texts from the original in torch, one text at a time."""
    import torch
    import transformers  # type: ignore[import-untyped, unused-ignore]

    spec = find_spec(training.PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model: Any = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
    found = []
    for text in texts:
        with torch.inference_mode():
            states = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[-4:]
        means = [state[0].mean(0).numpy() for state in states]
        summed = np.sum([mean / np.linalg.norm(mean) for mean in means], 0)
        found.append((means[-1] / np.linalg.norm(means[-1]), summed / np.linalg.norm(summed)))
    return found


@pytest.mark.slow
@needs_original
def test_the_shipped_encoder_is_near_the_original_in_torch() -> None:
    texts = [*training.situation_sentences()[::4], "a face that looks about to cry", "smug", "worried sick"]
    original = original_states(texts)
    labels = TextEncoder().encode(texts)
    causes = WordEncoder().encode_words(texts)
    near = np.array(
        [[row @ last, one.vector @ words] for row, one, (last, words) in zip(labels, causes, original, strict=True)]
    )
    assert near.mean(0)[0] > 0.99
    assert near.mean(0)[1] > 0.995
    assert near.min() > 0.94


@pytest.mark.slow
@needs_original
def test_the_account_of_the_original_without_torch_is_right() -> None:
    texts = ["The dog died.", "She was promoted, and nobody had told her."]
    source = training.read_source()
    tokens = training.Tokens(source.tokenizer, texts)
    last = list(training.hidden_states(source, tokens))[-1]
    for (first, end), (vector, _) in zip(tokens.spans, original_states(texts), strict=True):
        mean = last[first:end].mean(0)
        np.testing.assert_allclose(mean / np.linalg.norm(mean), vector, atol=1e-4)


@pytest.mark.slow
@needs_original
def test_a_made_encoder_works_and_says_how_near_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = training.situation_sentences()[:60]
    monkeypatch.setattr(training, "calibration_texts", lambda: some)
    numbers = training.train_encoder(tmp_path)
    labels, causes = numbers["labels"], numbers["causes"]
    assert isinstance(labels, dict)
    assert isinstance(causes, dict)
    assert labels["mean"] > 0.95 < causes["mean"]
    shipped = Path(str(resources.files("ferce_agent.weights")))
    assert TextEncoder(tmp_path).encode(["sad"])[0] @ TextEncoder(shipped).encode(["sad"])[0] > 0.9
