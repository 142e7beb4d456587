"""Photos of a chunk: from encoded bytes to rows and reports, in groups of bounded size."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from ferce_agent.batch.columns import face_rows
from ferce_agent.batch.items import Item, Place
from ferce_agent.batch.outcomes import ReadItem, failed, report_line
from ferce_agent.batch.reading import AskedPhoto, Outcome, asked, read_photos, unforeseen
from ferce_agent.errors import FerceError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.policy.use import UseLike
from ferce_agent.report import EmotionReport

MOST_PIXELS: Final = 32 * 2**20
"""So many pixels of decoded photos are held at once (100 MB), or one photo if it has more."""
FetchBytes = Callable[[Place], bytes]
"""Returns the encoded bytes at a place; raises `FerceError` where it cannot."""


@dataclass(frozen=True, slots=True)
class PhotoWork:
    """Reads photos.

    Attributes:
        engines: Models and settings.
        use: What the reports are used for.
        fetch: Gives the bytes of a place.
        stamp: The time that whole reports say they were made at (ISO 8601); empty if none are wanted. It is that of
            the batch, so that a resumed one writes the same bytes.
        together: With a vision-language model: so many photos wait for its answers at the same time.
    """

    engines: Engines
    use: UseLike | None
    fetch: FetchBytes
    stamp: str = ""
    together: int = 1

    def __call__(self, items: Sequence[Item]) -> Iterator[ReadItem]:
        """Yield what became of each item, in order; nothing is raised for one of them."""
        group: list[tuple[Item, AskedPhoto | FerceError]] = []
        pixels = 0
        for item in items:
            opened = self._open(item)
            size = opened.picture.width * opened.picture.height if isinstance(opened, AskedPhoto) else 0
            if group and pixels + size > MOST_PIXELS:
                yield from self._read(group)
                group, pixels = [], 0
            group.append((item, opened))
            pixels += size
        yield from self._read(group)

    def _open(self, item: Item) -> AskedPhoto | FerceError:
        began = time.perf_counter()
        try:
            picture = load_picture(self.fetch(item.place))
            return asked(picture, self.engines, self.use, (time.perf_counter() - began) * 1000)
        except FerceError as error:
            return error
        except Exception as error:
            return unforeseen(error)

    def _read(self, group: Sequence[tuple[Item, AskedPhoto | FerceError]]) -> Iterator[ReadItem]:
        outcomes = iter(self._outcomes([one for _, one in group if isinstance(one, AskedPhoto)]))
        for item, opened in group:
            yield self._told(item, next(outcomes) if isinstance(opened, AskedPhoto) else opened)

    def _outcomes(self, photos: Sequence[AskedPhoto]) -> list[Outcome]:
        if self.engines.asker is None:
            return read_photos(photos, self.engines)
        with ThreadPoolExecutor(self.together) as pool:
            return list(pool.map(self._through_workflow, photos))

    def _through_workflow(self, photo: AskedPhoto) -> Outcome:
        """Read a photo with a vision-language model, which is asked, chosen and checked as in the workflow."""
        from ferce_agent.api import (
            analyze_expression,  # its import takes half a second, and most batches need none of it
        )

        try:
            return analyze_expression(photo.picture, use_context=self.use, engines=self.engines)
        except FerceError as error:
            return error
        except Exception as error:  # one photo costs no other
            return unforeseen(error)

    def _told(self, item: Item, outcome: Outcome) -> ReadItem:
        if not isinstance(outcome, EmotionReport):
            return failed(item, outcome)
        return ReadItem(tuple(face_rows(outcome, item.source)), report_line(item.source, outcome, self.stamp))
