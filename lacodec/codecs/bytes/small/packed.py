"""Short items by zstd with a dictionary that zstd trained."""

import threading
from collections.abc import Sequence
from typing import Any

from lacodec.errors import CorruptFile

_LEVEL = 3
_LARGEST_WINDOW = 8 << 20


def trained(samples: Sequence[bytes], size: int) -> bytes | None:
    """A dictionary of at most `size` bytes; None for samples that are too few for one."""
    import zstandard

    try:
        return bytes(zstandard.train_dictionary(size, list(samples)).as_bytes())
    except zstandard.ZstdError:
        return None


class PackedItems:
    """Codes items with a dictionary, in several threads at once. Frames have no magic number, size or dictionary's name."""

    def __init__(self, dictionary: bytes) -> None:
        import zstandard

        self._dictionary = zstandard.ZstdCompressionDict(dictionary)
        self._own = threading.local()

    def encode(self, item: bytes) -> bytes | None:
        """Its coded bytes; None where they would be more than its own."""
        coded = bytes(self._coders()[0].compress(item))
        return coded if len(coded) <= len(item) else None

    def decode(self, coded: bytes, size: int) -> bytes:
        """The item of `size` bytes; CorruptFile for bytes that nobody coded."""
        import zstandard

        try:
            found = self._coders()[1].decompress(coded, max_output_size=max(1, size), allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise CorruptFile(f"its zstd frame is damaged ({' '.join(str(error).split())})") from error
        return bytes(found)

    def _coders(self) -> tuple[Any, Any]:
        """This thread's."""
        found: tuple[Any, Any] | None = getattr(self._own, "coders", None)
        if found is None:
            import zstandard as z

            kind = z.FORMAT_ZSTD1_MAGICLESS
            plan = z.ZstdCompressionParameters.from_level(
                _LEVEL, format=kind, write_content_size=False, write_checksum=False, write_dict_id=False
            )
            reader = z.ZstdDecompressor(self._dictionary, max_window_size=_LARGEST_WINDOW, format=kind)
            found = self._own.coders = z.ZstdCompressor(dict_data=self._dictionary, compression_params=plan), reader
        return found
