"""The one protocol of vision-language models: a picture and a prompt in, text out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Protocol, runtime_checkable

from ferce_agent.errors import FerceError, VlmError


@runtime_checkable
class VisionLanguageModel(Protocol):
    """Anything that looks at a picture and answers in words.

    Attributes:
        name: Name for the report's provenance.
        version: Version for the report's provenance.
        remote: True if the picture leaves the machine.
    """

    name: str
    version: str
    remote: bool

    def ask(self, jpeg: bytes, prompt: str) -> str:
        """Return the model's answer about one JPEG picture.

        Raises:
            VlmError: The model could not answer.
        """
        ...


def ask_in_time(vlm: VisionLanguageModel, jpeg: bytes, prompt: str, seconds: float) -> str:
    """Ask, but wait no longer than `seconds`; the abandoned call ends by itself in a background thread.

    Raises:
        VlmError: No answer in time, or the model failed in any way.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="ferce-vlm")
    try:
        return executor.submit(vlm.ask, jpeg, prompt).result(seconds)
    except FutureTimeoutError as error:
        raise VlmError(
            f"{vlm.name} gave no answer within {seconds:g} s.", hint="Allow more time or use a faster model."
        ) from error
    except FerceError:
        raise
    except Exception as error:  # an adapter may wrap any library; its errors are all the same to the report
        raise VlmError(f"{vlm.name} failed: {type(error).__name__}.", hint="See the log of the model.") from error
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
