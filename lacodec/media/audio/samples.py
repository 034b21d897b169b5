"""Bytes of interleaved samples <-> integers by channel, for every layout."""

import numpy as np


def from_bytes(data: bytes, layout: str, channels: int) -> np.ndarray:
    """int64[channels, n]; u8 becomes signed, floats become the integers that have their bits."""
    size = int(layout[1:].rstrip("lbe")) // 8
    if layout == "u8":
        numbers = np.frombuffer(data, np.uint8).astype(np.int64) - 128
    elif size == 3:
        raw = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int64)
        low, high = (0, 2) if layout.endswith("le") else (2, 0)
        numbers = raw[:, low] | raw[:, 1] << 8 | raw[:, high] << 16
        numbers = (numbers ^ 0x800000) - 0x800000
    else:
        numbers = np.frombuffer(data, _dtype(layout, size)).astype(np.int64)
    return np.ascontiguousarray(numbers.reshape(-1, channels).T)


def to_bytes(numbers: np.ndarray, layout: str) -> bytes:
    """The inverse of `from_bytes`."""
    size = int(layout[1:].rstrip("lbe")) // 8
    flat = np.ascontiguousarray(numbers.T).reshape(-1)
    if layout == "u8":
        return (flat + 128).astype(np.uint8).tobytes()
    if size == 3:
        order = (0, 8, 16) if layout.endswith("le") else (16, 8, 0)
        return np.stack([(flat >> shift).astype(np.uint8) for shift in order], 1).tobytes()
    return flat.astype(_dtype(layout, size)).tobytes()


def to_float(numbers: np.ndarray) -> np.ndarray:
    """float32 with these bits."""
    return numbers.astype(np.int32).view(np.float32)


def _dtype(layout: str, size: int) -> str:
    return f"{'>' if layout.endswith('be') else '<'}i{size}"
