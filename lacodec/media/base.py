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

    Instances have no state. A reader must understand the whole file: if any part would not be written back identically, it raises
    UnsupportedFile, and the file goes to codec `bytes`.

    name: of the kind, in messages. suffixes: the formats that can be written, suffix of the file name -> `Header.format`.
    smallest: size of a file, in bytes, below which encoding gains nothing. streams: whether `from_source` can read a pipe
    directly; other media get a source of known size. quiet: files of the kind that `from_source` refuses go to codec `bytes`
    without a remark, unless the user wants to know more.
    """

    name: ClassVar[str]
    suffixes: ClassVar[Mapping[str, str]] = {}
    smallest: ClassVar[int] = 0
    streams: ClassVar[bool] = False
    quiet: ClassVar[bool] = False

    def sniff(self, head: bytes) -> bool:
        """Whether a file whose first bytes are `head` (256, or all of a shorter file) is of this kind. Must be cheap."""
        return False

    def remark(self, head: bytes) -> str | None:
        """A line for the user about files of this kind that are left to codec `bytes`; usually None."""
        return None

    def accepts(self, value: Any) -> bool:
        """Whether `lacodec.encode(value)` without a codec means this kind."""
        return False

    @abstractmethod
    def from_source(self, source: Source) -> V:
        """The value in a file; raises UnsupportedFile if it could not be restored exactly."""

    @abstractmethod
    def from_object(self, value: Any) -> V:
        """The value for an object that was passed to the Python interface; raises BadInput."""

    def to_object(self, value: V) -> Any:
        """The result of `lacodec.decode`."""
        return value

    @abstractmethod
    def to_blocks(self, value: V, suffix: str = "") -> Iterator[bytes]:
        """The bytes of a file with this value, piece by piece, in the format `written`; raises BadInput if that cannot hold it.

        suffix: of the file's name, in lower case (".wav"); "" for the original format.
        """

    def written(self, value: V, suffix: str) -> str | None:
        """The format of the file that `to_blocks` gives: the one of `suffix`, else the original format."""
        return self.suffixes.get(suffix) or getattr(value, "format", None)

    def difference(self, original: Source, restored: Source) -> str | None:
        """The first difference between `original` and `restored`, a file that `to_blocks` wrote; None if they agree.

        Called before keeping a file whose bytes are not restored. It reads both files again, if possible with another reader than
        `from_source`, and compares everything that the codec claims to keep. This default compares the bytes.
        """
        at = first_difference(original, restored)
        return None if at is None else f"the bytes differ from offset {at} on"
