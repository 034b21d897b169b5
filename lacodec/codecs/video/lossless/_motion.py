"""Motion of blocks between frames: found, packed, applied. Vectors are whole pixels of the first plane.

A frame of a group has a field of vectors to the frame before it, and, from the third one on, a field to the one before that.
"""

import numpy as np

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.video.lossless._motion_kernel import search
from lacodec.container.types import Header

BLOCK = 16
_REACH = 32  # of the search, in pixels


def field_shape(height: int, width: int) -> tuple[int, int, int]:
    """Of the vectors of a frame."""
    return -(-height // BLOCK), -(-width // BLOCK), 2


def field_count(frames: int) -> int:
    """Fields of a group."""
    return max(0, 2 * frames - 3)


def first_field(frame: int) -> int:
    """The number of a frame's first field: the one to the frame before it."""
    return max(0, 2 * frame - 3)


def find_fields(planes: np.ndarray, depth: int) -> np.ndarray:
    """int8[fields, blocks down, blocks across, 2] for the first planes [frames, height, width] of a group."""
    frames, height, width = planes.shape
    fields = np.zeros((field_count(frames), *field_shape(height, width)), np.int8)
    padded: list[np.ndarray] = []  # the frames before, the last one first
    for t in range(frames):
        for back, before in enumerate(padded, 1):
            found = fields[first_field(t) + back - 1]
            known = fields[first_field(max(t - 1, 1))] if back == 1 else fields[first_field(t)]
            search(planes[t].astype(np.int32), before, BLOCK, _REACH, depth - 8, known, found)
        padded = [np.pad(planes[t].astype(np.int32), _REACH, mode="edge"), *padded[:1]]
    return fields


def pack_fields(fields: np.ndarray) -> bytes:
    """Differences to the vector on the left, as a payload of codec `bytes`."""
    left = np.concatenate([np.zeros_like(fields[:, :, :1]), fields[:, :, :-1]], 2)
    differences = (fields.astype(np.int16) - left).astype(np.uint8)
    return embed("bytes", np.moveaxis(differences, 3, 0).tobytes(), effort=4)


def unpack_fields(data: bytes, shape: tuple[int, int, int, int], header: Header) -> np.ndarray:
    """The inverse, of `shape`; any vector is valid. Raises CorruptFile."""
    count, down, across, _ = shape
    differences = np.frombuffer(unembed("bytes", data, 2 * count * down * across, header), np.uint8)
    sums = np.cumsum(differences.reshape(2, count, down, across), 3, dtype=np.uint8)
    return np.moveaxis(sums, 0, 3).view(np.int8) if count else np.zeros(shape, np.int8)


class Moves:
    """Takes planes of another frame to where a field of vectors says that their blocks are now."""

    def __init__(self, field: np.ndarray, shape: tuple[int, int], halvings: tuple[int, int]) -> None:
        """shape: of the planes; halvings: how often their height and width are halved."""
        places = []
        for axis in (0, 1):
            size, halved = shape[axis], halvings[axis]
            vectors = field[:, :, axis].astype(np.int64)
            vectors = (vectors + (1 << halved >> 1)) >> halved
            for along in (0, 1):
                block = BLOCK >> halvings[along]
                vectors = np.repeat(vectors, block, along).take(range(shape[along]), along)
            at = np.arange(size).reshape((-1, 1) if axis == 0 else (1, -1))
            places.append(np.clip(vectors + at, 0, size - 1))
        self._rows, self._columns = places

    def __call__(self, plane: np.ndarray) -> np.ndarray:
        """The moved plane; beyond the border lies its edge."""
        return plane[self._rows, self._columns]
