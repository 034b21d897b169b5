"""How the payloads of a file are shared out among the arrays in it, for `lacodec info`."""

from collections.abc import Iterator, Sequence
from typing import Any

from lacodec.container.types import ChunkHead


def coded_sizes(entries: Sequence[Any], index: Sequence[ChunkHead]) -> Iterator[tuple[Any, float]]:
    """Each entry (`offset` and `stop` are bytes of the file) and its share of the payloads; both are in the order of the file.

    Entries in one chunk share it by size; of a shared section, the first one that needs it has the share.
    """
    by_sequence = {head.sequence: head for head in index}
    covering = [head for head in index if head.covers]
    counted: set[int] = set()
    first = 0
    for entry in entries:
        coded = 0.0
        while first < len(covering) and covering[first].covers[0][1] <= entry.offset:
            first += 1
        at = first
        while at < len(covering) and covering[at].covers[0][0] < entry.stop:
            head = covering[at]
            start, stop = head.covers[0]
            payload = head.payload_size
            for sequence in head.depends:
                if sequence in by_sequence and sequence not in counted:
                    counted.add(sequence)
                    payload += by_sequence[sequence].payload_size
            coded += payload * (min(stop, entry.stop) - max(start, entry.offset)) / max(1, stop - start)
            at += 1
        yield entry, coded
