"""Any LangChain chat model that takes images, as a vision-language model."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ferce_agent.errors import VlmError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class ChatModelVlm:
    """Adapter of a LangChain `BaseChatModel`; the picture is sent as a standard image content block."""

    def __init__(self, model: BaseChatModel, *, name: str = "", remote: bool = True) -> None:
        """Wrap `model`; say ``remote=False`` only if it runs on this machine."""
        self.model = model
        self.name = name or type(model).__name__.lower()
        self.version = "langchain"
        self.remote = remote

    def ask(self, jpeg: bytes, prompt: str) -> str:
        """Return the model's answer; see `VisionLanguageModel.ask`."""
        from langchain_core.messages import HumanMessage

        picture = {"type": "image", "base64": base64.b64encode(jpeg).decode(), "mime_type": "image/jpeg"}
        answer = self.model.invoke([HumanMessage(content=[{"type": "text", "text": prompt}, picture])])
        text = str(answer.text)
        if not text.strip():
            raise VlmError(f"{self.name} gave an empty answer.", hint="Try another model.")
        return text
