"""`python -m ferce_agent.training.speech`: the speech detector's weights, out of the package silero-vad.

Nothing is trained. The package needs torch, its network does not: the file is taken from the installed package or from
a downloaded wheel, checked against its digest, and written with a card in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ferce_agent.errors import DataError, MissingExtraError, SetupError
from ferce_agent.voice.activity_network import shipped
from ferce_agent.weights.network_file import METADATA_KEY

PACKAGE: Final = "silero-vad==6.2.3"
INSIDE: Final = "silero_vad/data/silero_vad_16k_sequence.onnx"
SHA256: Final = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
"""Digest of the file in that version."""
CARD: Final = {"name": "silero-vad 6.2.3, 16 kHz, sequence", "licence": "MIT", "source": PACKAGE, "sha256": SHA256}


def source_bytes(wheel: Path | None) -> bytes:
    """Return the network of the package.

    Args:
        wheel: A downloaded wheel; None for the installed package.

    Raises:
        SetupError: The package is not installed.
        DataError: The wheel cannot be read, or holds another network.
    """
    if wheel is None:
        spec = find_spec("silero_vad")
        if spec is None or spec.origin is None:
            hint = f"Run: pip install --no-deps {PACKAGE} (or give a downloaded wheel)"
            raise SetupError("The package silero-vad is not installed.", hint=hint)
        path = Path(spec.origin).parents[1] / INSIDE
        data = path.read_bytes() if path.is_file() else b""
    else:
        try:
            with zipfile.ZipFile(wheel) as archive:
                data = archive.read(INSIDE)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{wheel.name} is no wheel of {PACKAGE}.", hint="Download it again.") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError("This is another version of silero-vad.", hint=f"Use {PACKAGE}.")
    return data


def with_card(data: bytes) -> bytes:
    """Return the network with its card in the metadata, unchanged otherwise.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    model = onnx.load_from_string(data)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(CARD)
    return bytes(model.SerializeToString())


def main() -> None:
    """Write the weights."""
    parser = argparse.ArgumentParser(description="Take the speech detector out of silero-vad.")
    parser.add_argument("--wheel", type=Path, help=f"a downloaded wheel of {PACKAGE}; without, the installed package")
    parser.add_argument("--out", type=Path, default=shipped(), help="where to write it")
    asked = parser.parse_args()
    asked.out.write_bytes(with_card(source_bytes(asked.wheel)))


if __name__ == "__main__":
    main()
