"""Indices of a picture: at the price that the model has for a bit, or at the lowest that keeps the file small enough."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.image.vq._payload import Books, Indices, choose_indices, encode_indices
from lacodec.errors import BadInput
from lacodec.models.vq.options import BOOKS

if TYPE_CHECKING:
    from lacodec.models.vq.model import VectorModel

Part = tuple[Indices, bytes]
"""Indices and payload of a chunk."""
_LOWEST, _HIGHEST = 2.0**-4, 2.0**12  # prices that are tried, of the model's
_TRIES = 8  # halvings between those, of their logarithm


class Search:
    """chunks: float32[rows, columns, D] of each."""

    def __init__(self, chunks: list[NDArray[np.float32]], model: "VectorModel", book: int, layers: int) -> None:
        self.chunks, self.predictors = chunks, model.layers(book, layers)
        network = model.network
        self.words = [network.book(book).numpy(), network.residual.numpy()][:layers]
        self.bits, self.price = network.residual_bits.numpy(), float(network.prices[BOOKS.index(book) + layers - 1])

    def parts(self, factor: float) -> list[Part]:
        """Each chunk at so many times the model's price."""
        books, apart = Books(self.words, self.bits, factor * self.price), len(self.chunks) > 1
        found = (choose_indices(vectors, books, self.predictors, apart) for vectors in self.chunks)
        return [(indices, encode_indices(indices, self.predictors, apart)) for indices in found]

    def within(self, size: int) -> list[Part]:
        """The best that is found with so many bytes of payloads; raises BadInput if there is none."""
        best, low, high = self.parts(_HIGHEST), _LOWEST, _HIGHEST
        if _size(best) > size:
            raise BadInput(
                f"indices of this picture take at least {_size(best)} bytes, more than target_bpp allows; take a smaller book"
            )
        for _ in range(_TRIES):
            middle = (low * high) ** 0.5
            parts = self.parts(middle)
            if _size(parts) <= size:
                best, high = parts, middle
            else:
                low = middle
        return best


def _size(parts: list[Part]) -> int:
    return sum(len(payload) for _, payload in parts)
