"""The app as `flwr run` packs it: it only names what ferce-agent holds."""
