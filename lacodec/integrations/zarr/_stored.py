"""The bytes of one chunk in a store of Zarr, whose reads are coroutines, as a `Source`."""

import asyncio
from typing import Any

from zarr.abc.store import RangeByteRequest, SuffixByteRequest

from lacodec.container import layout
from lacodec.errors import CorruptFile
from lacodec.io.remote import TAIL
from lacodec.io.source import BytesSource, Source


async def stored_source(byte_getter: Any, prototype: Any) -> Source | None:
    """A source for other threads, while this event loop runs; None if there is no such chunk.

    A store does not tell sizes: the last bytes of a `.lac` file do, if they are not all of it.
    """
    last = await byte_getter.get(prototype, SuffixByteRequest(TAIL))
    if last is None:
        return None
    tail = last.to_bytes()
    if len(tail) >= TAIL and tail[-4:] == layout.FOOTER_END:
        return _Stored(byte_getter, prototype, tail, asyncio.get_running_loop())
    whole = last if len(tail) < TAIL else await byte_getter.get(prototype)
    return None if whole is None else BytesSource(whole.to_bytes(), "a chunk")


class _Stored(Source):
    """Reads by range; the end of the file is there already."""

    name = "a chunk"

    def __init__(self, byte_getter: Any, prototype: Any, tail: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self._getter, self._prototype, self._tail, self._loop = byte_getter, prototype, tail, loop
        self.size: int = layout.file_size(tail[-layout.FOOTER_SIZE :])

    def read(self, offset: int, n: int) -> bytes:
        stop = min(offset + n, self.size)
        begin = self.size - len(self._tail)
        if offset >= begin:
            return self._tail[offset - begin : max(offset, stop) - begin]
        reading = self._getter.get(self._prototype, RangeByteRequest(offset, stop))
        data = asyncio.run_coroutine_threadsafe(reading, self._loop).result()
        if data is None:
            raise CorruptFile("a chunk was removed while it was read")
        return bytes(data.to_bytes())
