"""The `.lac` format (docs/format.md): chunks in, a file out, and back; damage is noticed, located and contained."""

from laconic.container.reader import Reader
from laconic.container.salvage import Damage, salvage
from laconic.container.stream import stream
from laconic.container.types import ANCILLARY, CRITICAL, Chunk, ChunkHead, Header, Limits, content_hash
from laconic.container.writer import Written, append_chunks, shift_chunks, write_container

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
