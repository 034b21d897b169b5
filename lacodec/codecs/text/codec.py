"""Codec `text`: text in any language, restored byte for byte.

A payload is a method byte and the method's data: 0 stored, 1 the text model (`block.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.options import effort_field
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.text.media import looks_like_text
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source

STORED, MODEL = range(2)
LEAST_EFFORT, MOST_EFFORT = 5, 9
_LAST_MODEL = 8  # effort 9 is its model under another name, until it has one of its own
_MIB = 1 << 20


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field(text="5 (fastest) to 9 (smallest)")

    def __post_init__(self) -> None:
        value = self.effort
        if isinstance(value, bool) or not isinstance(value, int) or not LEAST_EFFORT <= value <= MOST_EFFORT:
            raise BadInput(
                f"effort must be a whole number from {LEAST_EFFORT} to {MOST_EFFORT}, not {value!r}; codec bytes has lower ones"
            )


class Text(BlockCodec):
    """Text, with an effort from 5 to 9; any other bytes too, but `bytes` suits them better."""

    name = "text"
    stream_version = 1
    by_content = True
    Options = _Options

    @classmethod
    def suits(cls, source: Source, options: Mapping[str, Any]) -> bool:
        """Efforts that it has, and files that are text in other places than their start, too."""
        effort = options.get("effort", _Options().effort)
        if isinstance(effort, int) and effort < LEAST_EFFORT:
            return False
        return looks_like_text(source)

    def chunk_size(self) -> int:
        """8 MiB for efforts 5 and 6, 64 MiB from 7 on."""
        return 8 * _MIB if self.options.effort <= 6 else 64 * _MIB

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Stored: a few copies. The model: tables that grow with the chunk."""
        if payload is not None and payload[:1] != bytes([MODEL]):
            return 4 * size + 16 * _MIB
        from lacodec.codecs.text.block import text_memory

        return text_memory(size, payload[1:] if payload else None, self._model())

    def encode_block(self, block: bytes, session: Session = DEFAULT) -> bytes:
        """By the model that the effort names, or stored where that does not shrink."""
        if block:
            import numpy as np

            from lacodec.codecs.text.block import encode_text

            data = encode_text(np.frombuffer(block, np.uint8), self._model(), session.report)
            if len(data) < len(block):
                return bytes([MODEL]) + data
        return bytes([STORED]) + block

    def decode_block(self, payload: bytes, size: int, version: int, session: Session = DEFAULT) -> bytes:
        """By the payload's own method byte, whatever the options."""
        if not payload:
            raise CorruptFile("its payload is empty")
        if payload[0] == STORED:
            return payload[1:]
        if payload[0] == MODEL:
            from lacodec.codecs.text.block import decode_text

            return bytes(decode_text(payload[1:], size, session.report).tobytes())
        raise CorruptFile(f"method {payload[0]} is unknown; if a newer lacodec wrote it, update")

    def _model(self) -> int:
        return min(self.options.effort, _LAST_MODEL)
