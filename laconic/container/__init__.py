"""The `.lac` format (docs/format.md): chunks in, a file out, and back; damage is noticed, located and contained."""

from laconic.container.types import ANCILLARY, CRITICAL, Chunk, ChunkHead, Header, Limits, content_hash

__all__ = ["ANCILLARY", "CRITICAL", "Chunk", "ChunkHead", "Header", "Limits", "content_hash"]
