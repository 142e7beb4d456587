"""What of the words could not be understood or was not read, named for the report's `degraded`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ferce_agent.context.causes import COMPARED
from ferce_agent.context.language import ENGLISH, language_name, language_of
from ferce_agent.context.statements import PROMPT_WORDS, Statement, all_words
from ferce_agent.inputs.situation import Situation
from ferce_agent.report import Degradation, DegradedCode


def notes_on_words(
    said: Sequence[Statement], situation: Situation | None = None, *, prompted: bool = False, compared: bool = False
) -> Iterator[Degradation]:
    """Yield an entry of `degraded` for each way in which words were not understood or not read.

    A language that is not understood, sentences that were not compared with examples, words that a vision-language
    model did not get.

    Args:
        said: All statements.
        situation: What they are taken from.
        prompted: Whether a vision-language model is told the situation, too.
        compared: Whether a sentence encoder compares sentences.
    """
    sentences = [sentence for one in said for sentence in one.sentences]
    languages = [sentence.language for sentence in sentences]
    if situation is not None and situation.posture:
        languages.append(language_of(situation.posture))
    foreign = [language for language in languages if language not in {ENGLISH, ""}]
    if foreign:
        yield _note("language_not_understood", _foreign(Counter(foreign), len(foreign), len(languages)))
    real = len({sentence.text for sentence in sentences if sentence.real})
    if compared and real > COMPARED:
        message = (
            f"{real} different sentences were told: the first {COMPARED} were compared with examples, the others "
            "only searched for cue words and words of distress."
        )
        yield _note("sentences_not_compared", message)
    if prompted and situation is not None and (length := len(all_words(situation))) > PROMPT_WORDS:
        message = (
            f"The vision-language model was told only the first {PROMPT_WORDS} of {length} characters; causes and "
            "distress were looked for in all of them."
        )
        yield _note("words_not_read", message)


def _foreign(languages: Counter[str], count: int, total: int) -> str:
    names = [language_name(code) for code, _ in languages.most_common()]
    known = [name for name in dict.fromkeys(names) if name][:4]
    what = f" (probably {', '.join(known)})" if known else ""
    part = "What is told is" if count == total else f"{count} of {total} sentences are"
    return (
        f"{part} not in English{what} and was not understood: no causes, conflicts or emotions are taken from it, "
        "only words of distress were looked for. Read it yourself, or give it in English."
    )


def _note(code: DegradedCode, message: str) -> Degradation:
    return Degradation(stage="context", code=code, message=message, person=None)
