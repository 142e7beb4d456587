"""The `ferce` command, and `python -m ferce_agent`: here it begins, so that Ctrl-C ends it well even while it loads."""


def run() -> None:
    """Run the command; see `ferce_agent.cli` for what it does and its exit status.

    Raises:
        SystemExit: Always, with the exit status.
    """
    try:
        try:
            from ferce_agent.cli import main
        except KeyboardInterrupt:
            import sys

            sys.stderr.write("ferce: stopped.\n")
            raise SystemExit(130) from None  # `cli.groups.STOPPED`, which is not loaded yet
        main(prog_name="ferce")
    finally:
        # An interrupt that came out of `exec`, as where a class is made, stays with an interpreter started by `-m`,
        # which then ends by the signal whatever the exit status; the next `exec` makes it forget.
        exec("")


if __name__ == "__main__":
    run()
