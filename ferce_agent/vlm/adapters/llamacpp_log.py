"""Keeping llama.cpp quiet while this package uses it, and only then.

Its libraries have one log callback for the whole process. An application that uses llama_cpp beside this package has
its own one, or the one that llama_cpp sets on import. During a call from here the callback is ours: it drops what
threads of this package cause and hands on everything else; after the last such call the callback from before is back.
Nothing in llama_cpp's modules changes, and standard output and error are never redirected: other threads write there
(an MCP server's answers).
"""

from __future__ import annotations

import ctypes
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

ERROR: Final = 4
"""llama.cpp's level of errors (GGML_LOG_LEVEL_ERROR)."""
WORDS: Final = 4
"""Machine words of a logger's state that are looked through for its callback."""


class _Logger:
    """One of llama.cpp's loggers."""

    def __init__(self, libraries: Any, callback_type: Any, setter: str, state: str) -> None:
        self._set, self._type = getattr(libraries, setter), callback_type
        self._words = _state_of(libraries, state)
        self._before: tuple[Any, int | None] = (None, None)
        # C code may hold it at any time, so that it lives as long as the process.
        self._ours = callback_type(self._hear)
        self._mark = ctypes.create_string_buffer(1)

    def take(self) -> None:
        """Put our callback in, and remember the one from before."""
        before = list(self._words) if self._words is not None else []
        self.put()
        after = list(self._words) if self._words is not None else []
        changed = {now: was for was, now in zip(before, after, strict=True)}
        previous, data = changed.get(_address(self._ours)), changed.get(ctypes.addressof(self._mark))
        self._before = (self._type(previous) if previous else None, data)

    def put(self) -> None:
        """Put our callback in."""
        self._set(self._ours, ctypes.addressof(self._mark))

    def holds(self) -> bool:
        """Return whether our callback is in; False if somebody else has set another one meanwhile."""
        return self._words is None or _address(self._ours) in list(self._words)

    def give_back(self) -> None:
        """Put the callback from before in again."""
        callback, data = self._before
        self._set(callback or self._type(), data)

    def _hear(self, level: int, text: bytes, data: object) -> None:  # noqa: ARG002  # the signature is C's
        if _SILENT.heard(level, text):
            return
        callback, before = self._before
        if callback is not None:
            callback(level, text, before)


class _LlamaLogger(_Logger):
    """The logger of the language part, which can be asked for its callback."""

    def __init__(self, llama_cpp: Any) -> None:
        self._get = llama_cpp.llama_log_get
        super().__init__(llama_cpp, llama_cpp.llama_log_callback, "llama_log_set", "")

    def take(self) -> None:
        """Put our callback in, and remember the one from before."""
        self._before = self._current()
        self.put()

    def holds(self) -> bool:
        """Return whether our callback is in."""
        now, _ = self._current()
        return bool(now) and _address(now) == _address(self._ours)

    def _current(self) -> tuple[Any, int | None]:
        callback, data = self._type(), ctypes.c_void_p()
        self._get(ctypes.byref(callback), ctypes.byref(data))
        return callback, data.value


def _address(callback: Any) -> int | None:
    return ctypes.cast(callback, ctypes.c_void_p).value


def _state_of(libraries: Any, symbol: str) -> Any:
    """Return the words in which a logger keeps its callback; None where the library does not show them.

    mtmd cannot be asked which callback it has. Where its state is visible (as in the builds for Linux), the words that
    change when ours is set held the one from before; elsewhere llama.cpp's default takes its place afterwards.
    """
    for name in ("_libmtmd", "_lib"):
        library = vars(libraries).get(name)
        if isinstance(library, ctypes.CDLL):
            try:
                return (ctypes.c_void_p * WORDS).in_dll(library, symbol)
            except ValueError:
                continue
    return None


class _Silence:
    """Which threads are ours, and since when the callbacks are."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._threads: Counter[int] = Counter()
        self._loggers: list[_Logger] = []
        self._kept = threading.local()

    def heard(self, level: int, text: bytes) -> bool:
        """Return whether a line comes from a thread of ours; errors are kept for the message."""
        if threading.get_ident() not in self._threads:
            return False
        lines = getattr(self._kept, "lines", None)
        if lines is not None and level == ERROR:
            lines.append(text.decode("utf-8", "replace").strip())
        return True

    @contextmanager
    def begin(self, llama_cpp: Any) -> Iterator[deque[str]]:
        """See `quiet`."""
        me, lines = threading.get_ident(), deque[str](maxlen=3)
        outer, self._kept.lines = getattr(self._kept, "lines", None), lines
        with self._guard:
            if not self._threads:
                self._take(llama_cpp)
            self._threads[me] += 1
        try:
            yield lines
        finally:
            self._kept.lines = outer
            with self._guard:
                self._threads -= Counter([me])
                if not self._threads:
                    # What is set for the helper is set for mtmd too: mtmd's own comes after it.
                    for logger in [one for one in reversed(self._loggers) if one.holds()]:
                        logger.give_back()

    def _take(self, llama_cpp: Any) -> None:
        if not self._loggers:
            mtmd, callback = import_module("llama_cpp.mtmd_cpp"), llama_cpp.llama_log_callback
            self._loggers = [
                _LlamaLogger(llama_cpp),
                _Logger(mtmd, callback, "mtmd_log_set", "g_logger_state"),
                _Logger(mtmd, callback, "mtmd_helper_log_set", "g_logger"),
            ]
        for logger in self._loggers:
            logger.take()
        self._loggers[1].put()


_SILENT: Final = _Silence()


@contextmanager
def quiet(llama_cpp: Any) -> Iterator[deque[str]]:
    """Drop what llama.cpp logs for this thread as long as the block lasts.

    Args:
        llama_cpp: The module.

    Yields:
        The latest errors that were logged, for messages of our own.
    """
    with _SILENT.begin(llama_cpp) as lines:
        yield lines
