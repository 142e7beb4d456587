"""The clients' side."""

from ferce_agent.training.federated.client_app import app

__all__ = ["app"]
