"""The contract of a kind of media: files and objects <-> values.

file --from_source--> value --codec--> ... --> value --to_blocks--> file
object --from_object--> value                  value --to_object--> object
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from lacodec.io.compare import first_difference
from lacodec.io.source import Source

V = TypeVar("V")


class Media(ABC, Generic[V]):
    """Reads one kind of data into values and writes it back; a codec names its media as the class attribute `media`.

    Instances have no state. Whoever reads a file must understand all of it: what would not be written again the same raises
    UnsupportedFile, and the file goes to codec `bytes`.

    name: what messages call the kind. suffixes: formats that are written, what a file's name ends with -> what `Header.format`
    says. smallest: bytes of a file below which nothing is gained. streams: whether `from_source` takes a pipe as it comes; other
    media get a source of known size.
    """

    name: ClassVar[str]
    suffixes: ClassVar[Mapping[str, str]] = {}
    smallest: ClassVar[int] = 0
    streams: ClassVar[bool] = False

    def sniff(self, head: bytes) -> bool:
        """Whether a file whose first bytes are `head` (256, or all of a shorter file) is of this kind. Must be cheap."""
        return False

    def remark(self, head: bytes) -> str | None:
        """A line for the user about files of this kind that are left to codec `bytes`; mostly None."""
        return None

    def accepts(self, value: Any) -> bool:
        """Whether `lacodec.encode(value)` without a codec means this kind."""
        return False

    @abstractmethod
    def from_source(self, source: Source) -> V:
        """The value in a file; raises UnsupportedFile for what could not be given back exactly."""

    @abstractmethod
    def from_object(self, value: Any) -> V:
        """The value for what a caller of the Python interface passes; raises BadInput."""

    def to_object(self, value: V) -> Any:
        """What `lacodec.decode` returns."""
        return value

    @abstractmethod
    def to_blocks(self, value: V, suffix: str = "") -> Iterator[bytes]:
        """The bytes of a file with this value, piece by piece, in the format `written`; raises BadInput where it cannot be held.

        suffix: how the file's name will end, in lower case (".wav"); "" for the format that the value came from.
        """

    def written(self, value: V, suffix: str) -> str | None:
        """The format of the file that `to_blocks` gives: what `suffix` names, else the one that the value came from."""
        return self.suffixes.get(suffix) or getattr(value, "format", None)

    def difference(self, original: Source, restored: Source) -> str | None:
        """What `restored`, a file that `to_blocks` wrote, lacks of the file that it came from; None when nothing.

        Called before a file is kept whose bytes are not restored. It reads both files again, by another reader than `from_source`
        where one is installed, and compares everything that the codec claims to keep. Here: the bytes.
        """
        at = first_difference(original, restored)
        return None if at is None else f"the bytes differ from offset {at} on"
