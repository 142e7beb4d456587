"""What llama.cpp makes of a picture: the embeddings that its language model gets to see."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferce_agent.perception.llamacpp import import_llama_cpp


def picture_tokens(llama: Any, mmproj: Path, picture: bytes) -> NDArray[np.float32]:
    """Return the embeddings, shape (tokens, width), of a PNG or JPEG for a loaded `Llama`."""
    import_llama_cpp()
    from llama_cpp import mtmd_cpp

    options = mtmd_cpp.mtmd_context_params_default()
    options.use_gpu, options.print_timings, options.n_threads = False, False, 1
    context = mtmd_cpp.mtmd_init_from_file(str(mmproj).encode(), llama.model, options)
    held = (ctypes.c_uint8 * len(picture)).from_buffer(bytearray(picture))
    bitmap = mtmd_cpp.mtmd_helper_bitmap_init_from_buf(context, held, len(picture), False)
    text, marker = mtmd_cpp.mtmd_input_text(), mtmd_cpp.mtmd_default_marker()
    text.text, text.text_len, text.add_special, text.parse_special = marker, len(marker), False, True
    chunks = mtmd_cpp.mtmd_input_chunks_init()
    try:
        bitmaps = (mtmd_cpp.mtmd_bitmap_p_ctypes * 1)(bitmap)
        assert mtmd_cpp.mtmd_tokenize(context, chunks, ctypes.byref(text), bitmaps, 1) == 0
        (chunk,) = (
            mtmd_cpp.mtmd_input_chunks_get(chunks, index) for index in range(mtmd_cpp.mtmd_input_chunks_size(chunks))
        )
        assert mtmd_cpp.mtmd_encode_chunk(context, chunk) == 0
        count = mtmd_cpp.mtmd_input_chunk_get_n_tokens(chunk)
        width = llama.n_embd()
        numbers = np.ctypeslib.as_array(mtmd_cpp.mtmd_get_output_embd(context), (count * width,))
        return np.array(numbers).reshape(count, width)
    finally:
        mtmd_cpp.mtmd_input_chunks_free(chunks)
        mtmd_cpp.mtmd_bitmap_free(bitmap)
        mtmd_cpp.mtmd_free(context)
