"""The `.lac` format (docs/format.md): chunks in, a file out, and back; damage is noticed, located and contained."""

from lacodec.container.reader import Reader
from lacodec.container.salvage import Damage, salvage
from lacodec.container.stream import stream
from lacodec.container.types import ANCILLARY, CRITICAL, Chunk, ChunkHead, Header, Limits, content_hash
from lacodec.container.writer import Written, append_chunks, shift_chunks, write_container

__all__ = [
    "ANCILLARY",
    "CRITICAL",
    "Chunk",
    "ChunkHead",
    "Damage",
    "Header",
    "Limits",
    "Reader",
    "Written",
    "append_chunks",
    "content_hash",
    "salvage",
    "shift_chunks",
    "stream",
    "write_container",
]
