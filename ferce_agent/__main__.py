"""`python -m ferce_agent` is the `ferce` command."""

from ferce_agent.cli import main

main(prog_name="ferce")
