"""Any LangChain chat model that takes images, as a vision-language model."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ferce_agent.errors import VlmError
from ferce_agent.perception.vlm import Answer, Patience, Request

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class ChatModelVlm:
    """Adapter of a LangChain `BaseChatModel`; pictures are sent as standard image content blocks."""

    def __init__(self, model: BaseChatModel, *, name: str = "", remote: bool = True, most_pictures: int = 8) -> None:
        """Wrap `model`; say ``remote=False`` only if it runs on this machine."""
        self.model = model
        self.name = name or type(model).__name__.lower()
        self.version = "langchain"
        self.remote = remote
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
