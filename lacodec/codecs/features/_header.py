"""What the header of a file says of its features."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from lacodec.codecs.features._options import LARGEST, LAYOUTS, LEAST
from lacodec.container.types import Header
from lacodec.errors import CorruptFile, LimitExceeded
from lacodec.media.features.value import DTYPES, MOST_CHANNELS, MOST_VALUES

if TYPE_CHECKING:
    import numpy as np

_MOST_ITEMS = 1 << 40
_MOST_ZEROS = 1 << 32  # bytes that stand for lost chunks


@dataclass(frozen=True)
class Form:
    """shape: of the array, three or four axes. dtype: one of `DTYPES`. layout: one of `LAYOUTS`. steps: f32 of each channel, as
    little-endian bytes, or of all of them."""

    shape: tuple[int, ...]
    dtype: str
    layout: str
    packed_steps: bytes

    def plain(self) -> dict[str, Any]:
        """For the header."""
        return {"features": [list(self.shape), self.dtype, self.layout, self.packed_steps]}

    @property
    def items(self) -> int:
        """How many there are; 1 without an axis for them."""
        return self.shape[0] if len(self.shape) == 4 else 1

    @property
    def item(self) -> tuple[int, int, int]:
        """The shape of one."""
        a, b, c = self.shape[-3:]
        return a, b, c

    @property
    def channels(self) -> int:
        """How many there are."""
        return self.shape[-3] if self.layout == "CHW" else self.shape[-1]

    @property
    def size(self) -> int:
        """Bytes of an item."""
        return prod(self.item) * int(self.dtype[2])

    @property
    def steps(self) -> "np.ndarray":
        """f32[channels], or f32[1] for all."""
        import numpy as np

        return np.frombuffer(self.packed_steps, "<f4")

    def require(self, size: int) -> None:
        """Raise LimitExceeded if so many bytes are not to be filled with zeros."""
        if size > _MOST_ZEROS:
            raise LimitExceeded(f"a lost range of {size} bytes is too large to be filled; the file is forged")


def form_of(header: Header) -> Form:
    """Of the features in a file; raises CorruptFile."""
    found = header.metadata.get("features")
    if not isinstance(found, list) or len(found) != 4:
        raise CorruptFile("the header does not describe the features")
    shape, dtype, layout, steps = found
    if not isinstance(shape, list) or len(shape) not in (3, 4) or not all(type(n) is int and n >= 0 for n in shape):
        raise CorruptFile("the header does not give the axes of the features")
    if not 1 <= prod(shape[-3:]) <= MOST_VALUES or max(shape) > _MOST_ITEMS:
        raise CorruptFile("the header gives impossible axes for the features")
    if dtype not in DTYPES or layout not in LAYOUTS:
        raise CorruptFile("the header does not give the type of the features")
    form = Form(tuple(shape), dtype, layout, steps if isinstance(steps, bytes) else b"")
    if form.channels > MOST_CHANNELS or len(form.packed_steps) not in (4, 4 * form.channels):
        raise CorruptFile("the header does not give a step for each channel")
    if not ((form.steps >= LEAST) & (form.steps <= LARGEST)).all():
        raise CorruptFile("the header gives an impossible step")
    return form
