"""A payload of codec `bytes`: a method byte and its data."""

import zstandard

from reference import bytes_lz, bytes_mixed, bytes_sorted
from reference.stream import Damaged, need

STORED, ZSTD, LZ, MIXED, SORTED, BEHIND_LZ = range(6)


def decode(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes."""
    need(payload, "an empty payload")
    method, data = payload[0], payload[1:]
    need(method <= BEHIND_LZ, f"method {method} is unknown")
    if method == STORED:
        content = data
    elif method == ZSTD:
        content = unzstd(data, size)
    elif method == LZ:
        content = bytes_lz.decode(data, size)
    elif method == MIXED:
        content = bytes_mixed.decode(data, size)
    elif method == SORTED:
        content = bytes_sorted.decode(data, size)
    else:
        content = bytes_lz.decode_filtered(data, size)
    need(len(content) == size, "a block of another size than it should have")
    return content


def unzstd(frame: bytes, size: int) -> bytes:
    """One zstd frame with a window of at most 8 MiB, and nothing behind it."""
    try:
        decompressor = zstandard.ZstdDecompressor(max_window_size=8 << 20)
        return decompressor.decompress(frame, max_output_size=max(1, size), allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Damaged(f"a zstd frame is damaged ({error})") from error
