"""`python -m ferce_agent.cli` is the `ferce` command."""

from ferce_agent.__main__ import run

if __name__ == "__main__":
    run()
