"""Codec `log`: lines of text that programs write, restored byte for byte.

A payload is one method byte and the method's data: 0 stored, 1 columns (`columns/`), 2 context mixing (`mixed/`), 3 a payload
of codec `bytes`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import registry
from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.log.lines import Lines, whole_lines
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Chunk, Header
from lacodec.errors import CorruptFile
from lacodec.io.source import Source
from lacodec.media.log import LOGS
from lacodec.media.raw import Raw

if TYPE_CHECKING:
    from lacodec.codecs.log.search.pattern import Pattern

STORED, COLUMNS, MIXED, BYTES = range(4)
"""Methods of a payload, by its first byte."""

_COLUMNS_TO = 6
"""The last effort that makes columns."""
_BY_TRIAL_FROM = 4
"""The first effort whose columns are as fast as what else is chosen for a log: tried on a sample."""
_MIB = 1 << 20


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field(text="1 (fastest) to 9 (smallest): 1-6 templates and columns, 7-9 context mixing of the lines")

    def __post_init__(self) -> None:
        check_effort(self.effort)


class Log(BlockCodec):
    """Any bytes, at its best with lines of logs."""

    name = "log"
    stream_version = 1
    reads = frozenset({0})
    nested: ClassVar[Mapping[str, int]] = {"arrays": 1, "bytes": 2}
    media = LOGS
    by_content = True
    Options = _Options

    @classmethod
    def suits(cls, source: Source, options: Mapping[str, Any]) -> bool:
        """Context mixing of lines is always smaller than `bytes`, columns often are; at efforts 1 to 3 others are faster."""
        effort = options.get("effort", _Options().effort)
        if not isinstance(effort, int) or effort < _BY_TRIAL_FROM or not LOGS.confirms(source):
            return False
        if effort > _COLUMNS_TO:
            return True
        from lacodec.codecs.log.trial import columns_win

        return columns_win(source, effort)

    def nested_in(self, value: Raw) -> Mapping[str, int]:
        """Only columns hold payloads of `arrays`."""
        return self.nested if self.options.effort <= _COLUMNS_TO else {"bytes": self.nested["bytes"]}

    def chunk_size(self) -> int:
        """8 MiB for efforts 1-6, 64 MiB for 7-9."""
        return (8 if self.options.effort <= _COLUMNS_TO else 64) * _MIB

    def cut(self, source: Source) -> Iterator[bytes]:
        """Blocks that end with a line, unless it is longer than a block."""
        return whole_lines(source.blocks(self.chunk_size()), self.chunk_size())

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Columns: tokens and their hashes while lines are taken apart; values, and the models of texts and numbers.

        Context mixing: tables that grow with the chunk.
        """
        method = payload[0] if payload else COLUMNS if self.options.effort <= _COLUMNS_TO else MIXED
        if method == COLUMNS:
            return (100 if payload is None else 48) * size + 128 * _MIB
        if method == MIXED:
            from lacodec.codecs.log.mixed.block import lines_memory

            return lines_memory(size, payload[1:] if payload else None, self.options.effort)
        return registry.get("bytes")(registry.get("bytes").Options(self.options.effort)).memory(size, payload and payload[1:])

    def encode_block(self, block: bytes, session: Session = DEFAULT) -> bytes:
        """By the effort's method; as codec `bytes` does it where that is smaller, or stored."""
        if self.options.effort <= _COLUMNS_TO and block:
            from lacodec.codecs.log.columns.payload import encode_columns

            columns = encode_columns(block, self.options.effort, session)
            if columns is not None and len(columns) < len(block):
                return bytes([COLUMNS]) + columns
        if self.options.effort > _COLUMNS_TO and block:
            from lacodec.codecs.log.mixed.block import encode_lines, suits

            if suits(block, self.options.effort):
                return min(
                    bytes([MIXED]) + encode_lines(block, self.options.effort, session.report), bytes([STORED]) + block, key=len
                )
        data = embed("bytes", block, session, effort=self.options.effort)
        return min(bytes([BYTES]) + data, bytes([STORED]) + block, key=len)

    def decode_block(self, payload: bytes, size: int, version: int, session: Session = DEFAULT) -> bytes:
        """By the payload's own method byte, whatever the options."""
        if not payload:
            raise CorruptFile("its payload is empty")
        if payload[0] == STORED:
            return payload[1:]
        if payload[0] == MIXED:
            from lacodec.codecs.log.mixed.block import decode_lines

            return decode_lines(payload[1:], size, session.report)
        raise CorruptFile(f"method {payload[0]} is unknown; if a newer lacodec wrote it, update")

    def decode_payload(self, header: Header, payload: bytes, size: int, session: Session = DEFAULT) -> bytes:
        """The same; the header has the version of a payload of codec `bytes`."""
        if payload[:1] == bytes([BYTES]):
            return bytes(unembed("bytes", payload[1:], size, header, session))
        if payload[:1] == bytes([COLUMNS]):
            from lacodec.codecs.log.columns.payload import decode_columns

            return decode_columns(payload[1:], size, header, session)
        return super().decode_payload(header, payload, size, session)

    def find_lines(self, header: Header, chunk: Chunk, pattern: "Pattern | None", session: Session = DEFAULT) -> Lines | None:
        """Of columns, those of the templates that may match."""
        if chunk.payload[:1] != bytes([COLUMNS]):
            return None
        from lacodec.codecs.log.columns.payload import open_block
        from lacodec.codecs.log.search.block import search

        return search(open_block(chunk.payload[1:], chunk.decoded_size, header, session), pattern)
