"""Batches with a vision-language model that wants all questions at once: they are collected, answered, then used.

Photos are read once to collect the questions and once more to use the answers, which costs little beside the answers.
What was answered stays in a folder, so that a batch that was killed asks nothing again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ferce_agent.batch.executor import Executor, ReadChunk
from ferce_agent.batch.journal import known_manifest
from ferce_agent.batch.on_ray import import_ray
from ferce_agent.batch.running import BatchPlan, manifest_of, pinned, shards_of
from ferce_agent.batch.work import BatchWork
from ferce_agent.errors import EngineError, MissingExtraError, SettingsError
from ferce_agent.policy.use import read_use
from ferce_agent.vlm.adapters.later import Question, keep_answers, open_questions

Told = tuple[str, str, int | None]
"""A question's key, its answer and the answer's length in tokens."""
AnswerAll = Callable[[Iterator[Question]], Iterable[Told]]
"""Answers questions, in any order; those without an answer are left out."""
VLLM: Final = "vllm:"
STAGES: Final = 8
"""Cores that the stages around vLLM want, beside the workers'."""
ROWS: Final = 4096
"""So many questions go to Ray as one block (about 100 MB of pictures)."""
AT_ONCE: Final = 2**15
"""So many questions are held at once (about 1 GB); the model is loaded anew for the next ones, after hours."""


def ask_beforehand(
    read_all: Callable[[], Iterable[ReadChunk]], folder: Path, answer_all: AnswerAll, rounds: int = 3
) -> int:
    """Collect the questions of a batch and have them answered; return how many answers were kept.

    An answer that cannot be used leads to another question, which is why there are rounds.

    Args:
        read_all: Reads the whole batch, with work whose settings name the folder as vision-language model.
        folder: Holds questions and answers.
        answer_all: Answers questions.
        rounds: Most rounds.
    """
    kept = 0
    for _ in range(rounds):
        for _ in read_all():
            pass
        told = keep_answers(folder, answer_all(open_questions(folder)))
        kept += told
        if not told:
            break
    return kept


def plan_for_later(plan: BatchPlan, out: Path, address: str | None) -> tuple[BatchPlan, Path]:
    """Return a plan with ``vllm:MODEL`` as one whose questions are put together, and the folder that they go to.

    Args:
        plan: The plan.
        out: The batch's folder; that of the questions stands beside it, named like it with ``-vlm``.
        address: Address of the cluster; with one, questions count as leaving this machine.

    Raises:
        SettingsError: The plan names no model of vLLM.
    """
    model = plan.settings.vlm.removeprefix(VLLM)
    if not plan.settings.vlm.startswith(VLLM) or not model:
        raise SettingsError("Ray runs vLLM's models only.", hint="--vlm vllm:MODEL")
    folder = out.resolve().with_name(f"{out.resolve().name}-vlm")
    spec = f"later:{folder}#{model}?where={'away' if address else 'here'}"
    return replace(plan, settings=replace(plan.settings, vlm=spec)), folder


def ask_for_plan(
    plan: BatchPlan, executor: Executor, folder: Path, answer_all: AnswerAll, out: Path | None = None
) -> int:
    """Collect and answer the questions of a plan that `plan_for_later` made; return how many answers were kept.

    Args:
        plan: The plan.
        executor: What reads the photos.
        folder: Holds questions and answers.
        answer_all: Answers questions.
        out: The batch's folder, which is not read.

    Raises:
        FerceError: As for `batch.running.run_batch`.
    """
    plan = pinned(plan, known_manifest(out) if out else None)
    manifest_of(plan)
    make = BatchWork(plan.settings, read_use(plan.use), together=plan.together)

    def read_all() -> Iterable[ReadChunk]:
        shards = shards_of(plan.items(out), plan.shard_size, plan.chunk_size)
        return executor.run(make, (chunk for chunks in shards for chunk in chunks))

    return ask_beforehand(read_all, folder, answer_all, rounds=1 + plan.settings.vlm_repairs)


def check_vllm() -> None:
    """Look whether vLLM is there.

    Raises:
        MissingExtraError: It is not installed.
    """
    if find_spec("vllm") is None:
        raise MissingExtraError("vllm", None)


def vllm_processor(model: str, engines: int = 1, together: int = 64, **options: Any) -> Any:
    """Return Ray's processor that answers with vLLM: `ray.data.llm.build_processor`.

    vLLM needs a GPU; this was never run on one by us. What is tested is that Ray accepts the configuration and the
    questions, and that answers find their way back.

    Args:
        model: Name on the Hugging Face hub, or a folder that every machine can open.
        engines: How many copies of the model run, each on its own GPUs.
        together: Questions in a batch of vLLM.
        options: Arguments of vLLM's engine, such as ``tensor_parallel_size`` or ``max_model_len``.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    import_ray()
    from ray.data.llm import build_processor

    return build_processor(vllm_config(model, engines, together, **options), preprocess=asked, postprocess=answered)


def vllm_config(model: str, engines: int = 1, together: int = 64, **options: Any) -> Any:
    """Return the configuration of `vllm_processor`."""
    from ray.data.llm import vLLMEngineProcessorConfig

    return vLLMEngineProcessorConfig(
        model_source=model,
        engine_kwargs={"limit_mm_per_prompt": {"image": 8}, **options},
        concurrency=engines,
        batch_size=together,
        should_continue_on_error=True,
        log_engine_metrics=False,
        prepare_multimodal_stage={"enabled": True, "chat_template_content_format": "openai"},
    )


def answers_of(processor: Any) -> AnswerAll:
    """Return a function that answers questions by one of Ray's processors, made with `answered` or of its form."""

    def answer_all(questions: Iterator[Question]) -> Iterator[Told]:
        while plain := [asdict(question) for question in islice(questions, AT_ONCE)]:
            yield from answer(plain)

    def answer(plain: list[dict[str, Any]]) -> Iterator[Told]:
        ray = import_ray()
        blocks = max(len(plain) // ROWS, 1)
        rows = processor(ray.data.from_items(plain, override_num_blocks=blocks)).iter_rows()
        try:
            for row in rows:
                if row.get("key") and row.get("text"):
                    yield str(row["key"]), str(row["text"]), int(row["tokens"]) or None
        except ray.exceptions.RayError as error:
            raise EngineError(
                f"The vision-language model failed on Ray ({type(error).__name__}).", hint="See Ray's logs."
            ) from error

    return answer_all


def asked(row: dict[str, Any]) -> dict[str, Any]:
    """Return a question as vLLM's stages want it: messages and sampling parameters; always the same answer is asked."""
    sampling: dict[str, Any] = {"temperature": 0.0, "seed": 0, "max_tokens": int(row["max_tokens"])}
    if row["schema"]:
        sampling["structured_outputs"] = {"json": row["schema"]}
    return {"key": row["key"], "messages": messages_of(row), "sampling_params": sampling}


def messages_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a question as messages of OpenAI's form; pictures are data URLs."""
    pictures = [
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}"}} for picture in row["pictures"]
    ]
    return [{"role": "user", "content": [*pictures, {"type": "text", "text": row["prompt"]}]}]


def answered(row: dict[str, Any]) -> dict[str, Any]:
    """Return what vLLM said to a question."""
    return {"key": row["key"], "text": row["generated_text"], "tokens": row["num_generated_tokens"]}
