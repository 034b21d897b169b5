"""`Image`: pixels and all that is needed to write the same kind of file again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile

MAX_SIDE = 1 << 20


class Unread:
    """In place of pixels that cannot be read out of a file whose bytes are at hand: their shape and type, and why."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, reason: str) -> None:
        self.shape, self.dtype, self.ndim, self._reason = shape, np.dtype(dtype), len(shape), reason

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise UnsupportedFile(f"the pixels cannot be read, only the file that holds them ({self._reason})")

    def __getitem__(self, key: Any) -> np.ndarray:
        return self.__array__()[key]


@dataclass(frozen=True)
class Image:
    """One picture.

    pixels: uint8 or uint16[height, width, channels]; 1 channel: gray or palette index, 2: gray and alpha, 3: RGB, 4: RGBA.
    Those of a large PNG stay in the file until slices of rows are taken; `np.asarray` gives them all.
    depth: bits per sample that are in use (1, 2, 4, 8, 16). palette: RGB bytes, then channels = 1.
    extras: named bytes of the format ("icc", "exif", PNG chunks) as `format` keeps them. format: of the file it came from.
    original: the file's own bytes, when they are at hand; file_size: how many they are. note: what the user should know about how
    it was read.
    made_of: which Python object it was (`objects`), None for files and arrays.
    """

    pixels: np.ndarray
    depth: int = 8
    palette: bytes | None = None
    extras: tuple[tuple[str, bytes], ...] = ()
    format: str | None = None
    original: bytes | None = field(default=None, repr=False, compare=False)
    note: str | None = field(default=None, repr=False, compare=False)
    file_size: int | None = field(default=None, repr=False, compare=False)
    made_of: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.dtype not in (np.uint8, np.uint16) or not 1 <= self.pixels.shape[2] <= 4:
            raise BadInput(
                f"an image of shape {self.pixels.shape} and type {self.pixels.dtype} is not supported; "
                "give uint8 or uint16 of shape (height, width, 1 to 4 channels)"
            )
        if 0 in self.pixels.shape:
            raise BadInput(f"an image of shape {self.pixels.shape} has no pixels")
        if self.depth not in (1, 2, 4, 8, 16) or (self.depth > 8) != (self.pixels.dtype == np.uint16):
            raise BadInput(f"{self.depth} bits per sample do not fit {self.pixels.dtype}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The pixels, uint8 or uint16[height, width, channels]."""
        pixels = np.asarray(self.pixels, dtype)
        return pixels.copy() if copy else pixels

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Image):
            return NotImplemented
        return self._facts() == other._facts() and bool(np.array_equal(self.pixels, other.pixels))

    def _facts(self) -> tuple[Any, ...]:
        return self.depth, self.palette, self.extras, self.pixels.dtype

    __hash__ = None  # type: ignore[assignment]
