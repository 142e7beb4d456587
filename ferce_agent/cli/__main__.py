"""`python -m ferce_agent.cli` is the `ferce` command."""

from ferce_agent.cli import main

if __name__ == "__main__":
    main(prog_name="ferce")
