"""What the server is and allows: read by the page before anything is sent."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field

from ferce_agent.graphs.engines import package
from ferce_agent.vlm.adapters.chat_model import runs_elsewhere
from ferce_agent.web.asked import read_fields, read_request
from ferce_agent.web.security import client_of
from ferce_agent.web.site import CHAT_CHARACTERS, CLIP_BYTES, PHOTO_BYTES, VOICE_BYTES, Site


class PolicyAsked(BaseModel):
    """What is asked of `/api/policy`."""

    model_config = ConfigDict(extra="forbid")

    use: dict[str, Any] = Field(default_factory=dict, description="what the reports are used for")


def about_router(site: Site) -> APIRouter:
    """Return the routes for one site."""
    router = APIRouter()

    @router.get("/api/about")
    async def about(request: Request) -> JSONResponse:
        site.rates.take("about", client_of(request.scope))
        return JSONResponse(about_data(site))

    @router.post("/api/policy")
    async def policy(request: Request) -> JSONResponse:
        site.rates.take("about", client_of(request.scope))
        given, _ = await read_request(request, 0)
        return JSONResponse(policy_data(site, read_fields(given, PolicyAsked).use))

    return router


def about_data(site: Site) -> dict[str, Any]:
    """Return version, own use, limits and models of a site."""
    asker = site.engines.asker
    return {
        "version": package(),
        "use": site.engines.use.told(),
        "limits": {
            "photo_bytes": PHOTO_BYTES,
            "clip_bytes": CLIP_BYTES,
            "voice_bytes": VOICE_BYTES,
            "chat_characters": CHAT_CHARACTERS,
        },
        "chat": chat_data(site.chat_model),
        "vlm": None if asker is None else asker.vlm.name,
        "vlm_remote": asker is not None and asker.vlm.remote,
        "voice": True,
    }


def chat_data(model: BaseChatModel) -> dict[str, Any]:
    """Return what people should know of a chat model before they write to it."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None) or model._llm_type
    remote, by_rule = runs_elsewhere(model), model._llm_type == "ferce-guided"
    if by_rule:
        note = "Answers by rule on this machine."
    elif remote:
        note = "Runs elsewhere: it is sent what is written and, where the people shown agree, the readings in short."
    else:
        note = "Runs on this machine."
    return {"model": str(name)[:120], "remote": remote, "by_rule": by_rule, "note": note}


def policy_data(site: Site, use: dict[str, Any]) -> dict[str, Any]:
    """Return what the rules say about a use.

    Raises:
        SettingsError: The use cannot be read.
        PolicyError: It is refused.
    """
    decision = site.engines.permit(use)
    return {
        "decision": decision.decision,
        "rules": list(decision.rules),
        "infer": decision.may_infer,
        "note": decision.notice,
    }
