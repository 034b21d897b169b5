"""The file that a `.lac` file restores, and one that becomes a `.lac` file when it is closed, as file objects of Python."""

import io
import tempfile
from typing import IO, Any

from lacodec import api
from lacodec.io.as_file import SourceFile
from lacodec.io.places import stream_source
from lacodec.io.source import Source
from lacodec.io.streams import seekable

_IN_MEMORY = 16 << 20
"""Bytes of a file that wait in memory; more are kept in a temporary file."""


class DecodedFile(io.BufferedReader):
    """Reads at any place. Where the codec keeps bytes in order, only the chunks that are read are decoded; else all of them."""

    def __init__(self, stream: Any) -> None:
        """`stream`: an open `.lac` file, which is closed with this one. Raises LacodecError."""
        self._stream = stream
        source = seekable(stream_source(stream))
        opened = api.open(source)
        self.original_name = opened.header.name
        if opened.readable():
            super().__init__(SourceFile(_Opened(opened)), 1 << 16)
        else:
            opened.close()
            whole: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (closed by close())
            self._whole = whole
            api.decode_file(source, whole)
            super().__init__(SourceFile(_Kept(self._whole)), 1 << 16)

    def close(self) -> None:
        """Close the `.lac` file, too."""
        super().close()
        if hasattr(self, "_whole"):
            self._whole.close()
        self._stream.close()


class EncodedFile(tempfile.SpooledTemporaryFile[bytes]):
    """What is written here goes to `stream` as a `.lac` file when this one is closed, with the codec that suits it."""

    def __init__(self, stream: Any) -> None:
        super().__init__(_IN_MEMORY)
        self._stream = stream

    def close(self) -> None:
        """Encode, and close `stream`, too."""
        if self.closed:
            return
        try:
            self.seek(0)
            out: Any = _OnlyWritten(self._stream)
            api.encode_file(_Kept(self), out)
        finally:
            super().close()
            self._stream.close()


class _OnlyWritten(io.RawIOBase):
    """A stream that takes bytes and nothing else: not all of fsspec's tell rightly what they can do."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._stream.write(data)
        return len(data)


class _Opened(Source):
    def __init__(self, opened: api.OpenFile) -> None:
        self._opened, self.size, self.name = opened, len(opened), "a .lac file"

    def read(self, offset: int, n: int) -> bytes:
        stop = min(offset + n, self.size or 0)
        return bytes(self._opened[offset:stop]) if stop > offset else b""


class _Kept(Source):
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.size, self.name = file, file.seek(0, io.SEEK_END), "a file"

    def read(self, offset: int, n: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(n)
