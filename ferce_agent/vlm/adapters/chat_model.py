"""Any LangChain chat model that takes images, as a vision-language model."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.errors import VlmError
from ferce_agent.vlm.adapters.endpoint import is_local
from ferce_agent.vlm.protocol import Answer, Patience, Request

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

ADDRESSES: Final = ("openai_api_base", "base_url", "endpoint_url", "server_url")
"""Where chat models of other packages keep the address of their server."""


def runs_elsewhere(model: BaseChatModel) -> bool:
    """Return whether what a chat model is told leaves this machine.

    One that does not show where it runs counts as elsewhere.

    A model runs here if it says so (its attribute ``remote``, or ``metadata={"remote": False}``), or if its server has
    a loopback address.
    """
    said = getattr(model, "remote", (model.metadata or {}).get("remote"))
    if isinstance(said, bool):
        return said
    found = [url for name in ADDRESSES if isinstance(url := getattr(model, name, None), str) and url]
    return not found or not all(is_local(url) for url in found)


class ChatModelVlm:
    """Adapter of a LangChain `BaseChatModel`; pictures are sent as standard image content blocks."""

    def __init__(
        self, model: BaseChatModel, *, name: str = "", remote: bool | None = None, most_pictures: int = 8
    ) -> None:
        """Wrap `model`; say ``remote=False`` only if it runs on this machine. Left out, `runs_elsewhere` says it."""
        self.model = model
        self.name = name or type(model).__name__.lower()
        self.version = "langchain"
        self.remote = runs_elsewhere(model) if remote is None else remote
        self.most_pictures = most_pictures

    def ask(self, request: Request) -> Answer:
        """Return the model's answer; see `VisionLanguageModel.ask`.

        The answer is streamed, so that a cancelled request ends at the next chunk.
        """
        from langchain_core.messages import HumanMessage

        patience = Patience(request)
        content: list[str | dict[str, Any]] = [
            *(
                {"type": "image", "base64": base64.b64encode(picture).decode(), "mime_type": "image/jpeg"}
                for picture in request.pictures
            ),
            {"type": "text", "text": request.prompt},
        ]
        words: list[str] = []
        try:
            for chunk in self.model.stream([HumanMessage(content=content)]):
                words.append(str(chunk.text))
                if patience.over:
                    raise patience.error(self.name)
        except VlmError:
            raise
        except Exception as error:  # every provider's package has its own errors
            raise VlmError(
                f"{self.name} could not answer: {type(error).__name__}: {str(error)[:200]}",
                hint="Check the model's key, address and whether it takes images.",
                transient=True,
            ) from error
        return Answer("".join(words))
