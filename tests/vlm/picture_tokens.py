"""What llama.cpp makes of a picture: the embeddings that its language model gets to see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ferce_agent.vlm.adapters.llamacpp_runtime import Runtime


def picture_tokens(runtime: Runtime, picture: bytes) -> NDArray[np.float32]:
    """Return the embeddings, shape (tokens, width), of one look at a PNG or JPEG."""
    eyes = runtime.eyes
    with eyes.bitmaps([picture]) as bitmaps, eyes.chunks(eyes.marker, bitmaps, special=False) as chunks:
        (chunk,) = (chunk for chunk in chunks if eyes.tokens(chunk) is None)
        return eyes._say(chunk).reshape(eyes.length(chunk), -1)
