"""What must hold from one chunk to the next; the writer, the readers and the index obey the same rules."""

from lacodec.container.types import ANCILLARY, CRITICAL, FIRST_OPTIONAL, ChunkHead, Limits
from lacodec.errors import CorruptFile, LimitExceeded, UnsupportedFile


class Order:
    """Takes the chunk headers of a file one by one; raises when one does not follow from those before.

    Sequence numbers count from 0; the ranges of one-axis chunks follow one another without hole or overlap, from 0;
    dependencies are earlier shared sections; the decoded total stays within `limits.max_size`.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._axes: int | None = None
        self._shared: set[int] = set()
        self.count = 0
        self.decoded_size = 0  # of all critical chunks that cover something, in bytes
        self._total = 0
        self.stop = 0  # where the covers end (one axis)

    def add(self, head: ChunkHead) -> None:
        """Check the next chunk header."""
        if head.sequence != self.count:
            raise CorruptFile(f"{head.describe()} found instead of chunk {self.count}; chunks are missing or repeated")
        if head.kind not in (CRITICAL, ANCILLARY) and head.kind < FIRST_OPTIONAL:
            raise UnsupportedFile(f"{head.describe()} is of the unknown critical kind {head.kind}; update lacodec")
        if not self._shared.issuperset(head.depends):
            raise CorruptFile(
                f"{head.describe()} depends on chunks {list(head.depends)}, which are not shared sections before it"
            )
        if head.kind == CRITICAL and head.covers:
            self._cover(head)
            self.decoded_size += head.decoded_size
        elif head.kind == CRITICAL:
            self._shared.add(head.sequence)
        self.count += 1
        self._total += head.decoded_size
        if self._limits.max_size is not None and self._total > self._limits.max_size:
            raise LimitExceeded(
                f"{head.describe()} raises the decoded size to {self._total} bytes, the limit is {self._limits.max_size}; "
                "raise max_size if you trust the file"
            )

    def _cover(self, head: ChunkHead) -> None:
        if self._axes is None:
            self._axes = len(head.covers)
        if len(head.covers) != self._axes:
            raise CorruptFile(f"{head.describe()} has {len(head.covers)} axes, but the chunks before it have {self._axes}")
        if self._axes == 1:
            if head.covers[0][0] != self.stop:
                raise CorruptFile(f"{head.describe()} should start at {self.stop}: ranges overlap or leave a hole")
            self.stop = head.covers[0][1]
