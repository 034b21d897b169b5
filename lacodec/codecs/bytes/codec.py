"""Codec `bytes`: any file, restored byte for byte.

A payload is one method byte and the method's data: 0 stored, 1 a zstd frame, 2 LZ (`lz`), 3 context mixing (`mixed`), and since
stream version 2: 4 block sorting (`sorted`), 5 LZ with smaller offsets (`lz`, too).
"""

from dataclasses import dataclass
from typing import Any

from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.session import DEFAULT, Report, Session
from lacodec.errors import CorruptFile

STORED, ZSTD, LZ, MODEL, SORTED, BEHIND_LZ = range(6)

_MIB = 1 << 20
_ZSTD_LEVEL = 3
_ZSTD_WINDOW = 8 * _MIB  # no frame of ours needs more; a forged one may ask for it


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field(text="1 (fastest) to 9 (smallest): 1 zstd, 2-3 LZ, 4 block sorting, 5-9 context mixing")

    def __post_init__(self) -> None:
        check_effort(self.effort)


class Bytes(BlockCodec):
    """Any bytes, with an effort from 1 to 9."""

    name = "bytes"
    stream_version = 2
    reads = frozenset({0, 1})
    Options = _Options

    def chunk_size(self) -> int:
        """By effort: 1 MiB (1), 8 (2), 16 (3 and 4), 8 (5 and 6), 64 (7 to 9)."""
        return (1, 8, 16, 16, 8, 8, 64, 64, 64)[self.options.effort - 1] * _MIB

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """zstd and stored: a few copies. LZ, block sorting: see there. Context mixing: tables that grow with the chunk."""
        method = payload[0] if payload else self._method()
        if method == MODEL:
            from lacodec.codecs.bytes.mixed.block import cm_memory

            return cm_memory(size, payload[1:] if payload else None, self.options.effort)
        if method == SORTED:
            from lacodec.codecs.bytes.sorted.block import bwt_memory

            return bwt_memory(size, decoding=payload is not None)
        if method == BEHIND_LZ:
            from lacodec.codecs.bytes.lz.block import lz_memory

            return lz_memory(size, payload[1:] if payload else None)
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
        return ZSTD if effort == 1 else BEHIND_LZ if effort <= 3 else SORTED if effort == 4 else MODEL


def _encode(method: int, block: bytes, effort: int, report: Report) -> bytes:
    if method == ZSTD:
        import zstandard

        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_content_size=False).compress(block)
    import numpy as np

    data: Any = np.frombuffer(block, np.uint8)
    if method == BEHIND_LZ:
        from lacodec.codecs.bytes.lz.block import lz_encode

        return bytes(lz_encode(data, effort, report))
    if method == SORTED:
        from lacodec.codecs.bytes.sorted.block import bwt_encode

        return bytes(bwt_encode(data, report))
    from lacodec.codecs.bytes.mixed.block import cm_encode

    return bytes(cm_encode(data, effort, report))


def _decode(method: int, data: bytes, size: int, report: Report) -> bytes:
    if method == STORED:
        return data
    if method == ZSTD:
        return _decode_zstd(data, size)
    if method == LZ:
        from lacodec.codecs.bytes.lz.block import decode_sequences

        return bytes(decode_sequences(data, size).tobytes())
    if method == BEHIND_LZ:
        from lacodec.codecs.bytes.lz.block import lz_decode

        return bytes(lz_decode(data, size).tobytes())
    if method == MODEL:
        from lacodec.codecs.bytes.mixed.block import cm_decode

        return bytes(cm_decode(data, size, report).tobytes())
    if method == SORTED:
        from lacodec.codecs.bytes.sorted.block import bwt_decode

        return bytes(bwt_decode(data, size, report).tobytes())
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
