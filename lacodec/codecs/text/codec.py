"""Codec `text`: text in any language, restored byte for byte.

A payload is a method byte and the method's data: 0 stored, 1 the text model (`block.py`), 2 a payload of `bytes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs.base import Codec
from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.options import effort_field
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.text.media import TEXTS, looks_like_text
from lacodec.container.types import Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.progress import ignore
from lacodec.io.source import Source
from lacodec.media.raw import Raw

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STORED, MODEL, OTHER = range(3)
LEAST_EFFORT, MOST_EFFORT = 5, 9
_LAST_MODEL = 8  # effort 9 has its model
_MIB = 1 << 20
_LITTLE = 1 << 17  # bytes up to which, besides tables of figures, `bytes` may be shorter (source code) and takes little time


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
    """Text, with an effort from 5 to 9; any other bytes too, but `bytes` suits them better.

    Effort 9 is effort 8 or `bytes` 9, whatever is shorter; a file that a language model makes smaller gets codec `text.lm`.
    """

    name = "text"
    stream_version = 1
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2}
    media = TEXTS
    by_content = True
    Options = _Options

    @classmethod
    def suits(cls, source: Source, options: Mapping[str, Any]) -> bool:
        """Efforts that it has, and files that are text in other places than their start, too."""
        effort = options.get("effort", _Options().effort)
        if isinstance(effort, int) and effort < LEAST_EFFORT:
            return False
        return looks_like_text(source)

    @classmethod
    def samples_at(cls, effort: int) -> list[Any]:
        """At the least effort, whose kernels are those of all; others take seconds for their primers."""
        return cls.samples() if effort == LEAST_EFFORT else []

    def suited(self, value: Raw) -> Codec[Raw]:
        """At effort 9, for what a language model makes smaller, the codec that has one."""
        if self.options.effort == MOST_EFFORT:
            from lacodec.codecs.text.lm.choice import language_helps
            from lacodec.codecs.text.lm.codec import TextLM

            if language_helps(value.source):
                return TextLM()
        return self

    def chunk_size(self) -> int:
        """8 MiB for efforts 5 and 6, 64 MiB from 7 on."""
        return 8 * _MIB if self.options.effort <= 6 else 64 * _MIB

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Stored: a few copies. The model: tables that grow with the chunk. Effort 9 encodes by `bytes`, too."""
        if payload is not None and payload[:1] not in (bytes([MODEL]), bytes([OTHER])):
            return 4 * size + 16 * _MIB
        from lacodec.codecs.bytes.codec import Bytes
        from lacodec.codecs.text.block import text_memory

        if payload is not None and payload[0] == OTHER:
            return size + Bytes().memory(size, payload[1:])
        need = text_memory(size, payload[1:] if payload else None, self._model())
        return need if payload else max(need, 2 * size + Bytes(Bytes.Options(effort=self.options.effort)).memory(size))

    def encode_block(self, block: bytes, session: Session = DEFAULT) -> bytes:
        """By the model that the effort names, or by `bytes` where that may be shorter and is; stored where nothing shrinks it."""
        found = [bytes([STORED]) + block]
        if block:
            import numpy as np

            from lacodec.codecs.text.block import encode_text

            data = np.frombuffer(block, np.uint8)
            found.append(bytes([MODEL]) + encode_text(data, self._model(), session.report))
            if self.options.effort == MOST_EFFORT or len(block) <= _LITTLE or _has_figures(data):
                found.append(bytes([OTHER]) + embed("bytes", block, replace(session, report=ignore), effort=self.options.effort))
        return min(found, key=len)

    def decode_payload(self, header: Header, payload: bytes, size: int, session: Session = DEFAULT) -> bytes:
        """The block; payloads of `bytes` by the version that the header names."""
        if payload[:1] == bytes([OTHER]):
            return bytes(unembed("bytes", payload[1:], size, header, session))
        return self.decode_block(payload, size, header.stream_version, session)

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> bytes:
        """The `expected` bytes; raises CorruptFile."""
        if payload[:1] == bytes([OTHER]):
            return bytes(unembed("bytes", payload[1:], expected, header, session))
        return super().unembed(payload, expected, header, session)

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


def _has_figures(data: "NDArray[np.uint8]") -> bool:
    """Whether most bytes are decimal digits."""
    return 2 * int(((data - 48) < 10).sum()) > data.size  # below 48, the difference wraps
