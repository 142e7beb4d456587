"""Weight files in memory: read once, with the digest and the card of the very bytes the network was made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ferce_agent.errors import WeightsError

METADATA_KEY: Final = "ferce"
"""Where an ONNX file's metadata hold its card."""


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """An ONNX file in memory.

    Attributes:
        sha256: SHA-256 digest of its bytes, in hexadecimal.
        session: The onnxruntime session of the same bytes.
        outputs: Names of the network's outputs.
        card: What the file says about itself, as JSON; empty if it says nothing.
    """

    sha256: str
    session: Any
    outputs: tuple[str, ...]
    card: str


def read_network(path: Path, threads: int, *, title: str, command: str) -> NetworkFile:
    """Read a weight file.

    Args:
        path: The ONNX file.
        threads: Threads of one run of the network.
        title: What it holds, for the error: "The specialist's weights".
        command: Command that makes such a file, for the error.

    Raises:
        WeightsError: The file cannot be read, or is no usable ONNX file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{title} {path.name} cannot be read.",
            hint=f"Check the path, reinstall ferce-agent, or make them with: {command}",
        ) from error
    try:
        session = open_session(data, threads)
    except Exception as error:  # onnxruntime has no public base class of its errors
        raise WeightsError(f"{path.name} is not a usable ONNX file.", hint="Export it again.") from error
    outputs = tuple(output.name for output in session.get_outputs())
    card = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "")
    return NetworkFile(hashlib.sha256(data).hexdigest(), session, outputs, card)


def open_session(data: bytes, threads: int) -> Any:
    """Return an `onnxruntime.InferenceSession` on the CPU.

    Args:
        data: The ONNX file's bytes.
        threads: Threads of one run of the network.

    Raises:
        Exception: The bytes are no usable ONNX model; onnxruntime has no public base class of its errors.
    """
    import onnxruntime as ort

    # Its newer builds for Linux hold a sender of usage events, too; nothing is to leave the machine.
    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # plans of memory, kept for each size of input: these networks get all sizes
    # Idle threads must not spin: the detector and the caller need the cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The fallback would try the same again, and print to standard output, where reports and MCP messages go.
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"], enable_fallback=0)
