"""Compares sources without holding them in memory."""

from lacodec.io.source import Source

_BLOCK = 1 << 20


def first_difference(one: Source, other: Source) -> int | None:
    """The offset of the first byte that differs or that only one of them has; None if they are the same."""
    at = 0
    while True:
        left, right = one.read(at, _BLOCK), other.read(at, _BLOCK)
        if left != right:
            shorter = min(len(left), len(right))
            return at + next((i for i in range(shorter) if left[i] != right[i]), shorter)
        if not left:
            return None
        at += len(left)
