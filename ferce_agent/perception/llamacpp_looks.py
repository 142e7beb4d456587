"""llama.cpp's library for pictures, mtmd, with one function changed: a picture is read as the mean of several looks at it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import VlmError
from ferce_agent.perception.looks import looks


class LookingMtmd:
    """What llama-cpp-python's chat handler calls as its mtmd module. It expects one picture per question."""

    def __init__(self, mtmd: Any) -> None:
        """Wrap `llama_cpp.mtmd_cpp`."""
        self._mtmd = mtmd
        self._picture: NDArray[np.uint8] | None = None

    def __getattr__(self, name: str) -> Any:
        """Return everything else as it is."""
        return getattr(self._mtmd, name)

    def mtmd_helper_bitmap_init_from_buf(self, context: Any, *data: Any) -> Any:
        """Decode a picture file, and remember its pixels, shape (H, W, 3)."""
        mtmd = self._mtmd
        bitmap = mtmd.mtmd_helper_bitmap_init_from_buf(context, *data)
        if bitmap is not None:
            shape = (mtmd.mtmd_bitmap_get_ny(bitmap), mtmd.mtmd_bitmap_get_nx(bitmap), 3)
            self._picture = np.ctypeslib.as_array(mtmd.mtmd_bitmap_get_data(bitmap), (int(np.prod(shape)),)).copy()
            self._picture = self._picture.reshape(shape)
        return bitmap

    def mtmd_helper_eval_chunk_single(self, context: Any, llama: Any, chunk: Any, *rest: Any) -> int:
        """Let the language model read a chunk; a picture as the mean of the looks. Returns 0 if all went well."""
        mtmd = self._mtmd
        if self._picture is None or mtmd.mtmd_input_chunk_get_type(chunk) != mtmd.MTMD_INPUT_CHUNK_TYPE_IMAGE:
            code: int = mtmd.mtmd_helper_eval_chunk_single(context, llama, chunk, *rest)
            return code
        past, sequence, batch, _, new_past = rest
        mean = self.read(context, llama, self._picture)
        pointer = mean.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        nothing = mtmd.mtmd_helper_post_decode_callback()
        decoded: int = mtmd.mtmd_helper_decode_image_chunk(
            context, llama, chunk, pointer, past, sequence, batch, new_past, nothing, None
        )
        return decoded

    def read(self, context: Any, llama: Any, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the mean of the picture tokens of all looks, flat.

        Raises:
            VlmError: llama.cpp could not read a look.
        """
        said = [self._say(context, llama, look) for look in looks(picture)]
        return np.ascontiguousarray(np.mean(said, axis=0), np.float32)

    def _say(self, context: Any, llama: Any, look: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the picture tokens of one look, flat."""
        mtmd = self._mtmd
        height, width, _ = look.shape
        pixels = np.ascontiguousarray(look)
        bitmap = mtmd.mtmd_bitmap_init(width, height, pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)))
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            chunk = self._cut(context, chunks, bitmap)
            if mtmd.mtmd_encode_chunk(context, chunk) != 0:
                raise VlmError("llama.cpp could not read a look at the face.")
            size = mtmd.mtmd_input_chunk_get_n_tokens(chunk) * _width(llama)
            return np.ctypeslib.as_array(mtmd.mtmd_get_output_embd(context), (size,)).copy()
        finally:
            mtmd.mtmd_input_chunks_free(chunks)
            mtmd.mtmd_bitmap_free(bitmap)

    def _cut(self, context: Any, chunks: Any, bitmap: Any) -> Any:
        """Fill `chunks` with a message that is nothing but the picture, and return the picture's chunk."""
        mtmd = self._mtmd
        marker = mtmd.mtmd_default_marker()
        message = mtmd.mtmd_input_text()
        message.text, message.text_len = marker, len(marker)
        message.add_special, message.parse_special = False, True
        bitmaps = (mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
        if mtmd.mtmd_tokenize(context, chunks, ctypes.byref(message), bitmaps, 1) != 0:
            raise VlmError("llama.cpp could not cut a look at the face into patches.")
        for index in range(mtmd.mtmd_input_chunks_size(chunks)):
            chunk = mtmd.mtmd_input_chunks_get(chunks, index)
            if mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_IMAGE:
                return chunk
        raise VlmError("llama.cpp found no picture in a look at the face.")


def _width(llama: Any) -> int:
    """Return the width of the language model's input embeddings."""
    import llama_cpp

    width: int = llama_cpp.llama_model_n_embd(llama_cpp.llama_get_model(llama))
    return width
