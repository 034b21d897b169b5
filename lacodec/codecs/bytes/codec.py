"""Codec `bytes`: any file, restored byte for byte.

A payload is one method byte and the method's data: 0 stored, 1 a zstd frame, 2 LZ (`_lz`), 3 context mixing (`_model`).
"""

from dataclasses import dataclass
from typing import Any

from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.session import DEFAULT, Report, Session
from lacodec.errors import CorruptFile

STORED, ZSTD, LZ, MODEL = range(4)

_MIB = 1 << 20
_ZSTD_LEVEL = 3
_ZSTD_WINDOW = 8 * _MIB  # no frame of ours needs more; a forged one may ask for it


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field(text="1 (fastest) to 9 (smallest): 1 zstd, 2-3 LZ, 4-9 context mixing")

    def __post_init__(self) -> None:
        check_effort(self.effort)


class Bytes(BlockCodec):
    """Any bytes, with an effort from 1 to 9."""

    name = "bytes"
    stream_version = 1
    reads = frozenset({0})
    Options = _Options

    def chunk_size(self) -> int:
        """1 MiB for efforts 1-3, 8 MiB for 4-6, 64 MiB for 7-9."""
        effort = self.options.effort
        return _MIB if effort <= 3 else 8 * _MIB if effort <= 6 else 64 * _MIB

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """zstd and stored: a few copies. LZ: the match tables of the parsers. Context mixing: tables that grow with the chunk."""
        method = payload[0] if payload else self._method()
        if payload is not None and (method != MODEL or not payload):
            return 4 * size + 16 * _MIB
        if method == LZ and self.options.effort == 3:
            return 80 * size + 16 * _MIB
        if method == MODEL:
            from lacodec.codecs.bytes.mixed.block import cm_memory

            return cm_memory(size, payload[1:] if payload else None, self.options.effort)
        return 4 * size + 16 * _MIB

    def encode_block(self, block: bytes, session: Session = DEFAULT) -> bytes:
        """The method that the effort names, or stored where that does not shrink."""
        method = self._method()
        data = _encode(method, block, self.options.effort, session.report) if block else b""
        if not block or len(data) >= len(block):
            return bytes([STORED]) + block
        return bytes([method]) + data

    def decode_block(self, payload: bytes, size: int, version: int, session: Session = DEFAULT) -> bytes:
        """By the payload's own method byte, whatever the options."""
        if not payload:
            raise CorruptFile("its payload is empty")
        return _decode(payload[0], payload[1:], size, session.report)

    def _method(self) -> int:
        effort = self.options.effort
        return ZSTD if effort == 1 else LZ if effort <= 3 else MODEL


def _encode(method: int, block: bytes, effort: int, report: Report) -> bytes:
    if method == ZSTD:
        import zstandard

        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_content_size=False).compress(block)
    import numpy as np

    data: Any = np.frombuffer(block, np.uint8)
    if method == LZ:
        from lacodec.codecs.bytes.lz.block import lz_encode

        return bytes(lz_encode(data, effort))
    from lacodec.codecs.bytes.mixed.block import cm_encode

    return bytes(cm_encode(data, effort, report))


def _decode(method: int, data: bytes, size: int, report: Report) -> bytes:
    if method == STORED:
        return data
    if method == ZSTD:
        return _decode_zstd(data, size)
    if method == LZ:
        from lacodec.codecs.bytes.lz.block import lz_decode

        return bytes(lz_decode(data, size).tobytes())
    if method == MODEL:
        from lacodec.codecs.bytes.mixed.block import cm_decode

        return bytes(cm_decode(data, size, report).tobytes())
    raise CorruptFile(f"method {method} is unknown; if a newer lacodec wrote it, update")


def _decode_zstd(data: bytes, size: int) -> bytes:
    import zstandard

    try:
        # A frame that names its size would be given that much memory, whatever the limit: ours do not, others are refused.
        if zstandard.frame_content_size(data) not in (-1, size):
            raise CorruptFile("its zstd frame and its chunk differ in size")
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        return decompressor.decompress(data, max_output_size=max(1, size), allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CorruptFile(f"its zstd frame is damaged ({' '.join(str(error).split())})") from error
