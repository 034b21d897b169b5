"""A payload of codec `log`: a method byte and its data."""

from reference import bytes_codec, log_columns, log_lines
from reference.stream import need

STORED, COLUMNS, MIXED, BYTES = range(4)


def decode(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes."""
    need(payload, "an empty payload")
    method, data = payload[0], payload[1:]
    need(method <= BYTES, f"method {method} is unknown")
    if method == COLUMNS:
        return log_columns.decode(data, size)
    if method == MIXED:
        return log_lines.decode(data, size)
    content = data if method == STORED else bytes_codec.decode(data, size)
    need(len(content) == size, "a block of another size than it should have")
    return content
