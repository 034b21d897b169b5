"""LEB128 numbers and blocks of bytes in a payload: written, and read from what may be hostile."""

from typing import Any

from lacodec.errors import CorruptFile

_PACKABLE = 100  # bytes below which zstd cannot gain anything
_LEVEL = 15
_SHORT = tuple(bytes([value]) for value in range(128))  # most numbers are


class Writer:
    """Collects numbers and bytes in `data`."""

    def __init__(self, data: bytes = b"") -> None:
        self._parts: list[Any] = [data]

    @property
    def data(self) -> bytes:
        """Everything so far."""
        return b"".join(self._parts)

    def number(self, value: int) -> None:
        """A number from 0."""
        if value < 128:
            self.write(_SHORT[value])
            return
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
        self.write(bytes(out))

    def numbers(self, values: list[int]) -> None:
        """Numbers from 0, one after the other."""
        out = bytearray()
        for value in values:
            while value > 127:
                out.append(value & 127 | 128)
                value >>= 7
            out.append(value)
        self.write(bytes(out))

    def signed(self, value: int) -> None:
        """Any number: the sign is the lowest bit."""
        self.number(folded(value))

    def write(self, data: bytes) -> None:
        """Bytes as they are."""
        self._parts.append(data)


def folded(value: int) -> int:
    """A number from 0 for any number: the sign is the lowest bit."""
    return value * 2 if value >= 0 else -value * 2 - 1


class Reader:
    """Takes numbers and bytes out of a payload; raises CorruptFile where it ends."""

    def __init__(self, data: Any, at: int) -> None:
        self._data, self._at = data, at  # slices of a memoryview are no copies

    def number(self) -> int:
        """A number from 0, below 2**63."""
        value = 0
        for shift in range(0, 63, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise CorruptFile("one of its numbers is too long")

    def signed(self) -> int:
        """The inverse of `Writer.signed`."""
        value = self.number()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def take(self, n: int) -> Any:
        """Exactly `n` bytes."""
        if n > len(self._data) - self._at:
            raise CorruptFile("it is cut short")
        self._at += n
        return self._data[self._at - n : self._at]

    def rest(self) -> Any:
        """All that is left."""
        return self.take(len(self._data) - self._at)


def pack(out: Writer, data: bytes) -> None:
    """Bytes whose length the reader knows: as a zstd frame where that is shorter."""
    frame = b""
    if len(data) >= _PACKABLE:
        import zstandard

        frame = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=False).compress(data)
    if 0 < len(frame) < len(data):
        out.number(len(frame))
        out.write(frame)
    else:
        out.number(0)
        out.write(data)


def unpack(reader: Reader, size: int) -> bytes:
    """The inverse of `pack`: exactly `size` bytes."""
    length = reader.number()
    if not length:
        return reader.take(size)
    import zstandard

    frame = reader.take(length)
    try:
        if zstandard.frame_content_size(frame) not in (-1, size):
            raise CorruptFile("its zstd frame has the wrong size")
        decompressor = zstandard.ZstdDecompressor(max_window_size=8 << 20)
        data = decompressor.decompress(frame, max_output_size=max(1, size), allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CorruptFile(f"its zstd frame is damaged ({' '.join(str(error).split())})") from error
    if len(data) != size:
        raise CorruptFile("its zstd frame has the wrong size")
    return data
