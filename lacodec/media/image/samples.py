"""Samples of 1 to 16 bits <-> rows of bytes, as PNG, TIFF, BMP and PNM lay them out."""

from typing import Any

import numpy as np


def row_size(width: int, channels: int, bits: int) -> int:
    """Bytes of a row."""
    return (width * channels * bits + 7) // 8


def unpack(rows: np.ndarray, width: int, channels: int, bits: int, big: bool = True) -> np.ndarray:
    """uint8[n, row_size] -> uint8 or uint16[n, width, channels]; several samples in a byte begin at its high end.

    big: the first byte of 16 bits is the high one.
    """
    if bits == 16:
        wide: np.dtype[Any] = np.dtype(">u2" if big else "<u2")
        return np.ascontiguousarray(rows).view(wide).reshape(len(rows), width, channels).astype(np.uint16)
    if bits == 8:
        return rows.reshape(len(rows), width, channels)
    per = 8 // bits
    shifts = np.arange(per - 1, -1, -1, dtype=np.uint8) * np.uint8(bits)
    spread = (rows[:, :, None] >> shifts) & np.uint8((1 << bits) - 1)
    return spread.reshape(len(rows), -1)[:, : width * channels].reshape(len(rows), width, channels)


def pack(pixels: np.ndarray, bits: int, big: bool = True) -> np.ndarray:
    """The inverse of `unpack`; unused bits at the end of a row are 0."""
    rows = len(pixels)
    if bits == 16:
        return np.ascontiguousarray(pixels.astype(">u2" if big else "<u2")).view(np.uint8).reshape(rows, -1)
    flat = np.ascontiguousarray(pixels).reshape(rows, -1)
    if bits == 8:
        return flat
    per = 8 // bits
    flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % per)))
    shifts = np.arange(per - 1, -1, -1, dtype=np.uint8) * np.uint8(bits)
    return np.bitwise_or.reduce(flat.reshape(rows, -1, per) << shifts, axis=2).astype(np.uint8)


def ramp(depth: int) -> bytes:
    """The palette whose entries are the grays from black to white."""
    return b"".join(bytes([i * 255 // ((1 << depth) - 1)]) * 3 for i in range(1 << depth))
