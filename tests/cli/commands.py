"""The real `ferce` command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping


def ferce(
    *arguments: object, env: Mapping[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[bytes]:
    """Run the command with pipes as standard streams; what it wrote stays bytes."""
    command = [os.fsencode(sys.executable), b"-m", b"ferce_agent"]
    command += [argument if isinstance(argument, bytes) else os.fsencode(str(argument)) for argument in arguments]
    clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    keep: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 200}
    return subprocess.run(command, env={**clean, **(env or {})}, check=False, **(keep | options))  # type: ignore[call-overload,no-any-return]
