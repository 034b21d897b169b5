"""Frames of a sequence, each told from the one before where a known sensor measured both.

frames = how many; of each: number of points, u8 method and data as for a frame alone

Numbers are LEB128.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from lacodec.codecs.pieces import Reader, Writer
from lacodec.errors import CorruptFile

MOST = 8
"""Frames that are coded together: the first of them is told from none, and is as far as one has to go back."""

Before = Callable[[], np.ndarray]
"""The records of the frame before."""


def write_frames(
    records: np.ndarray, counts: tuple[int, ...], before: np.ndarray | None, encode: Callable[..., tuple[int, bytes]]
) -> bytes:
    """The payload of structured records. encode: (records, the frame before) -> (method, data)."""
    out = Writer()
    out.number(len(counts))
    for frame in np.split(records, np.cumsum(counts)[:-1]):
        out.number(len(frame))
        if len(frame):
            method, data = encode(frame, before)
            out.write(bytes([method]) + data)
            before = frame
    return bytes(out.data)


def read_frames(reader: Reader, out: np.ndarray, before: Before) -> Iterator[tuple[np.ndarray, Before]]:
    """Structured records to be filled, frame by frame, and the frame before each; raises CorruptFile."""
    several, at = reader.number(), 0
    if several > MOST:
        raise CorruptFile(f"it claims {several} frames in one; at most {MOST} are possible")
    for _ in range(several):
        count = reader.number()
        if count > len(out) - at:
            raise CorruptFile("its frames have more points than there are")
        frame = out[at : at + count]
        at += count
        if count:
            yield frame, before
            before = partial(np.asarray, frame)
    if at != len(out):
        raise CorruptFile("its frames do not have all points")
