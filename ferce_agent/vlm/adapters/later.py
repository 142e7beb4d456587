"""Questions that are put together first and answered all at once, as an engine for many pictures wants them.

The first time a question comes up it is written to a folder and fails; once the folder holds its answer, the same
question gets it. So whatever asks is run twice: to collect the questions, and to use the answers. Only questions that
come up are written, so that the rules of who is asked about what hold as with any model.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ferce_agent.errors import DataError, SettingsError, VlmError
from ferce_agent.vlm.protocol import Answer, Request

ANSWERS: Final = "answers.sqlite"
QUESTIONS: Final = "questions"
TABLE: Final = "create table if not exists answers (question text primary key, text text not null, tokens integer)"


@dataclass(frozen=True, slots=True)
class Question:
    """A question in a folder.

    Attributes:
        key: SHA-256 of what follows, in hexadecimal.
        prompt: The words.
        pictures: JPEG files in base64.
        schema: JSON Schema of the answer; empty for free text.
        max_tokens: Longest answer.
    """

    key: str
    prompt: str
    pictures: tuple[str, ...]
    schema: str
    max_tokens: int


def question_of(request: Request) -> Question:
    """Return a request as a question; time limits are no part of it."""
    pictures = tuple(base64.b64encode(picture).decode() for picture in request.pictures)
    schema = "" if request.grammar is None else json.dumps(request.grammar.schema, sort_keys=True)
    told = json.dumps([request.prompt, pictures, schema, request.max_tokens], ensure_ascii=False)
    key = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    return Question(key, request.prompt, pictures, schema, request.max_tokens)


class LaterVlm:
    """Answers from a folder, or writes the question there; see `VisionLanguageModel`.

    Several processes may write to one folder; each writes to a file of its own.
    """

    def __init__(self, folder: Path, model: str, *, remote: bool = True, name: str = "vllm") -> None:
        """Choose the folder.

        Args:
            folder: Holds questions and answers; made where it is missing.
            model: Model that will answer, for the report's provenance.
            remote: Whether the questions will be answered on another machine, which needs consent.
            name: What will run the model, for the report's provenance.
        """
        self.name, self.version, self.remote, self.most_pictures = name, model, remote, 8
        self._folder, self._guard = folder, threading.Lock()
        self._file = folder / QUESTIONS / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"

    def ask(self, request: Request) -> Answer:
        """Return the answer that the folder holds.

        Raises:
            VlmError: It holds none; it holds the question now.
            SettingsError: The folder cannot be written to.
            DataError: The answers cannot be read.
        """
        question = question_of(request)
        found = answer_in(self._folder, question.key)
        if found is not None:
            return Answer(found[0], constrained=bool(question.schema), tokens=found[1])
        self._write(question)
        raise VlmError("This question is still to be answered.", hint="Answer the folder's questions, then ask again.")

    def _write(self, question: Question) -> None:
        line = json.dumps(asdict(question), ensure_ascii=True) + "\n"
        try:
            with self._guard:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                with self._file.open("a", encoding="ascii") as file:
                    file.write(line)
        except OSError as error:
            raise SettingsError(f"{self._folder.name} cannot be written to.", hint="Choose another folder.") from error


def answer_in(folder: Path, key: str) -> tuple[str, int | None] | None:
    """Return text and length in tokens of a question's answer; None if there is none.

    Raises:
        DataError: The answers cannot be read.
    """
    path = folder / ANSWERS
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=60)) as base:
            row = base.execute("select text, tokens from answers where question = ?", (key,)).fetchone()
    except sqlite3.Error as error:
        raise DataError(f"{path.name} cannot be read ({error}).", hint="Remove it and answer again.") from error
    return None if row is None else (str(row[0]), row[1])


def open_questions(folder: Path) -> Iterator[Question]:
    """Yield each question that has no answer, once; a line that a killed process did not finish is left out."""
    seen: set[bytes] = set()
    for path in sorted((folder / QUESTIONS).glob("*.jsonl")):
        with path.open(encoding="ascii") as file:
            for line in file:
                if not line.endswith("\n"):
                    continue
                plain = json.loads(line)
                question = Question(**{**plain, "pictures": tuple(plain["pictures"])})
                digest = bytes.fromhex(question.key)
                if digest not in seen and answer_in(folder, question.key) is None:
                    seen.add(digest)
                    yield question


def keep_answers(folder: Path, answers: Iterable[tuple[str, str, int | None]]) -> int:
    """Keep answers, each safely on disk before the next is asked for; return how many.

    Args:
        folder: Holds the questions.
        answers: Key of the question, text, length in tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with contextlib.closing(sqlite3.connect(folder / ANSWERS, timeout=60)) as base:
        base.execute(TABLE)
        base.commit()
        for answer in answers:
            with base:
                base.execute("insert or replace into answers values (?, ?, ?)", answer)
            count += 1
    return count
