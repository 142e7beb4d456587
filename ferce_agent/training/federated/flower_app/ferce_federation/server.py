"""The server's side."""

from ferce_agent.training.federated.server_app import app

__all__ = ["app"]
