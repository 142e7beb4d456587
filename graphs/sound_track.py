"""The sound track of a film is listened to in a thread of its own, while the pictures are read."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import EngineError

if TYPE_CHECKING:
    from ferce_agent.graphs.recognition import Written
    from ferce_agent.inputs.clip import Origin
    from ferce_agent.inputs.sound import SoundStream
    from ferce_agent.report.speech import SoundDegradation
    from ferce_agent.voice.listening import Heard
    from ferce_agent.voice.transcriber import Transcriber

LOOKS_S: Final = 0.1
"""Seconds after which whoever waits for the end looks again whether the run was called off."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What listens.

    Attributes:
        infer: Whether expressions may be read in the voice.
        transcriber: Writes down what is said; None where nothing does.
        notes: Why one that is set up may not.
    """

    infer: bool
    transcriber: Transcriber | None = None
    notes: tuple[SoundDegradation, ...] = ()


class SoundTrack:
    """The sound of one film while it is listened to; ends with the run that began it.

    Attributes:
        ears: What listens.
        written: What was written down; None before the end, or where nothing is.
    """

    def __init__(self, origin: Origin, window: tuple[float | None, float | None], ears: Ears) -> None:
        """Begin to listen at once.

        Args:
            origin: Where the film comes from.
            window: Beginning and end in seconds of the film; None for its own.
            ears: What listens.
        """
        self._origin, self._window, self.ears = origin, window, ears
        self.written: Written | None = None
        self._cancel = threading.Event()
        self._stream: SoundStream | None = None
        self._heard: Heard | None = None
        self._failure: BaseException | None = None
        self._guard = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="ferce-listen", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        from ferce_agent.inputs.sound import open_sound

        start_s, end_s = self._window
        try:
            stream = open_sound(self._origin.source, start_s=start_s, end_s=end_s, roots=self._origin.roots)
            with stream:
                with self._guard:
                    self._stream = stream
                    stopped = self._stopped
                if not stopped:
                    self._heard = self._listen(stream)
        except BaseException as error:  # it is told in the report
            self._failure = error

    def _listen(self, stream: SoundStream) -> Heard:
        from ferce_agent.voice.listening import listen

        transcriber, infer = self.ears.transcriber, self.ears.infer
        if transcriber is None:
            return listen(stream, infer=infer, cancel=self._cancel)
        from ferce_agent.graphs.recognition import write_down
        from ferce_agent.voice.transcriber import KeptSound

        kept = KeptSound()
        heard = listen(stream, infer=infer, cancel=self._cancel, on_block=kept.add)
        spans = [(turn.span.from_s, turn.span.to_s) for turn in heard.turns]
        self.written = write_down(transcriber, kept, spans, self._cancel)
        return heard

    def stop(self) -> None:
        """Listen no further; what was heard until then counts."""
        with self._guard:
            self._stopped = True
            stream = self._stream
        if stream is not None:
            stream.stop()

    def call_off(self) -> None:
        """Listen no further; nobody wants what was heard."""
        self._cancel.set()
        self.stop()

    def join(self, seconds: float) -> bool:
        """Wait until the sound is closed, so many seconds at most; return whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self, called_off: threading.Event) -> Heard:
        """Wait for the end and return what was heard.

        Args:
            called_off: Set when nobody wants it any more.

        Raises:
            FerceError: There is no sound that can be read, or the run was called off.
            Exception: Listening failed.
        """
        while not self.join(LOOKS_S) and not called_off.is_set():
            pass
        if self._failure is not None:
            raise self._failure
        if self._heard is None:
            raise EngineError("Listening was called off.")
        return self._heard
