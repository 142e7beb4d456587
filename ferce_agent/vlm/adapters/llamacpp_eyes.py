"""llama.cpp's library for pictures, mtmd: from a prompt with pictures to chunks, and from a picture to embeddings.

A picture is read once, or as the mean of several looks at it (`ferce_agent.vlm.own.test_time_augmentation`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import VlmError, WeightsError
from ferce_agent.vlm.own.test_time_augmentation import looks

Check = Callable[[], None]
"""Called between steps of the work; raises when the work is not wanted any more."""

KNOWN: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How files of JPEG and PNG begin. On anything else llama.cpp would start ffprobe, to see whether it is a film."""


class Eyes:
    """The part of a loaded model that reads pictures: a vision tower with its projector.

    The tower turns a picture into vectors, the projector maps these to embeddings that the language model takes in
    place of tokens.
    """

    def __init__(  # noqa: PLR0913  # what llama.cpp wants to know
        self, llama_cpp: Any, model: Any, mmproj: Path, *, threads: int, use_gpu: bool, several: bool
    ) -> None:
        """Load the tower.

        Args:
            llama_cpp: The module.
            model: llama.cpp's pointer to the language model.
            mmproj: GGUF of tower and projector.
            threads: Threads of the tower.
            use_gpu: Whether the tower runs on a GPU.
            several: Whether it takes several looks at a picture; then a question holds one picture.

        Raises:
            WeightsError: The file is no tower for pictures, or does not fit the language model.
        """
        self._mtmd, self._width, self._several = llama_cpp.mtmd_cpp, llama_cpp.llama_model_n_embd(model), several
        options = self._mtmd.mtmd_context_params_default()
        options.use_gpu, options.print_timings, options.n_threads = use_gpu, False, threads
        options.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = self._mtmd.mtmd_init_from_file(str(mmproj).encode(), model, options)
        if self.context is None:
            raise WeightsError(f"llama.cpp cannot load {mmproj.name}.", hint="Is it the mmproj of this model?")
        if not self._mtmd.mtmd_support_vision(self.context):
            self.close()
            raise WeightsError(f"{mmproj.name} is not for pictures.", hint="Give the mmproj of a vision model.")

    def close(self) -> None:
        """Let go of the tower."""
        if self.context is not None:
            self._mtmd.mtmd_free(self.context)
            self.context = None

    @property
    def marker(self) -> str:
        """What stands in a prompt for a picture."""
        marker: bytes = self._mtmd.mtmd_default_marker()
        return marker.decode()

    @contextmanager
    def bitmaps(self, pictures: Sequence[bytes]) -> Iterator[list[Any]]:
        """Decode picture files; they are freed after the block.

        Raises:
            VlmError: One of them is no picture that llama.cpp can read.
        """
        made: list[Any] = []
        try:
            for picture in pictures:
                if not picture.startswith(KNOWN):
                    raise VlmError("The picture is neither a JPEG nor a PNG.")
                held = (ctypes.c_uint8 * len(picture)).from_buffer_copy(picture)
                made.append(self._mtmd.mtmd_helper_bitmap_init_from_buf(self.context, held, len(picture), False))
                if made[-1] is None:
                    raise VlmError("llama.cpp cannot read the picture.")
            yield made
        finally:
            for bitmap in made:
                if bitmap is not None:
                    self._mtmd.mtmd_bitmap_free(bitmap)

    @contextmanager
    def chunks(self, text: str, bitmaps: Sequence[Any], *, special: bool = True) -> Iterator[list[Any]]:
        """Cut a text with markers and its pictures into chunks that are tokens or a picture.

        They are freed after the block.

        Raises:
            VlmError: Markers and pictures do not match.
        """
        mtmd, words = self._mtmd, text.encode()
        message = mtmd.mtmd_input_text()
        message.text, message.text_len, message.add_special, message.parse_special = words, len(words), special, True
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            array = (mtmd.mtmd_bitmap_p_ctypes * len(bitmaps))(*bitmaps)
            if mtmd.mtmd_tokenize(self.context, chunks, ctypes.byref(message), array, len(bitmaps)) != 0:
                raise VlmError("llama.cpp could not put prompt and picture together.")
            yield [mtmd.mtmd_input_chunks_get(chunks, at) for at in range(mtmd.mtmd_input_chunks_size(chunks))]
        finally:
            mtmd.mtmd_input_chunks_free(chunks)

    def tokens(self, chunk: Any) -> list[int] | None:
        """Return the tokens of a chunk of text; None for a picture."""
        if self._mtmd.mtmd_input_chunk_get_type(chunk) != self._mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
            return None
        count = ctypes.c_size_t()
        tokens = self._mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
        return [tokens[at] for at in range(count.value)]

    def length(self, chunk: Any) -> int:
        """Return how many tokens a chunk takes."""
        length: int = self._mtmd.mtmd_input_chunk_get_n_tokens(chunk)
        return length

    def show(self, llama: Any, chunk: Any, bitmap: Any, past: int, batch: int, check: Check) -> int:  # noqa: PLR0913
        """Let the language model read a picture.

        Args:
            llama: llama.cpp's pointer to the language model's context.
            chunk: The picture's chunk.
            bitmap: The picture.
            past: Position at which it begins.
            batch: Tokens read at once.
            check: Called between the looks.

        Returns:
            The position after it.

        Raises:
            VlmError: llama.cpp failed.
        """
        mtmd, after = self._mtmd, ctypes.c_int32()
        embedded = self.mean_look(self._pixels(bitmap), check) if self._several else self._say(chunk)
        check()
        pointer = embedded.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        nothing = mtmd.mtmd_helper_post_decode_callback()
        code = mtmd.mtmd_helper_decode_image_chunk(
            self.context, llama, chunk, pointer, past, 0, batch, ctypes.byref(after), nothing, None
        )
        check()
        if code != 0:
            raise VlmError(f"llama.cpp could not read the picture ({code}).")
        return after.value

    def mean_look(self, picture: NDArray[np.uint8], check: Check) -> NDArray[np.float32]:
        """Return the mean of the picture tokens of all looks at a picture (H, W, 3), flat.

        Raises:
            VlmError: llama.cpp could not read a look.
        """
        said = []
        for look in looks(picture):
            check()
            said.append(self._look(np.ascontiguousarray(look)))
        return np.ascontiguousarray(np.mean(said, axis=0), np.float32)

    def _look(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width, _ = pixels.shape
        data = pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        bitmap = self._mtmd.mtmd_bitmap_init(width, height, data)
        try:
            with self.chunks(self.marker, [bitmap], special=False) as chunks:
                return self._say(next(chunk for chunk in chunks if self.tokens(chunk) is None))
        finally:
            self._mtmd.mtmd_bitmap_free(bitmap)

    def _say(self, chunk: Any) -> NDArray[np.float32]:
        """Return the embeddings of a picture's chunk, flat."""
        if self._mtmd.mtmd_encode_chunk(self.context, chunk) != 0:
            raise VlmError("llama.cpp could not look at the picture.")
        size = self.length(chunk) * self._width
        return np.ctypeslib.as_array(self._mtmd.mtmd_get_output_embd(self.context), (size,)).copy()

    def _pixels(self, bitmap: Any) -> NDArray[np.uint8]:
        mtmd = self._mtmd
        shape = (mtmd.mtmd_bitmap_get_ny(bitmap), mtmd.mtmd_bitmap_get_nx(bitmap), 3)
        data = np.ctypeslib.as_array(mtmd.mtmd_bitmap_get_data(bitmap), (int(np.prod(shape)),))
        return np.asarray(data, np.uint8).reshape(shape).copy()
