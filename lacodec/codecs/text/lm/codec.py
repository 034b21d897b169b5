"""Codec `text.lm`: text, restored byte for byte, by the text model together with a language model in exact integers.

A payload is a method byte and the method's data: 0 stored, 1 the first 8 bytes of the model's id, then what `text` has
(`block.py`), with effort 9.
"""

from dataclasses import dataclass, field
from typing import Any

from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.text import shipped
from lacodec.errors import CorruptFile

STORED, MODEL = range(2)
_ID_BYTES = 8
_MIB = 1 << 20


@dataclass(frozen=True)
class _Options:
    model: str | None = field(default=None, metadata={"help": "a model file of your own (lacodec train text writes them)"})


class TextLM(BlockCodec):
    """Text, smaller than by `text`, at some kilobytes a second both ways; best for English prose."""

    name = "text.lm"
    stream_version = 0
    Options = _Options

    def options_dict(self) -> dict[str, Any]:
        """Nothing: the header has the model's id, and a path is nobody's business."""
        return {}

    def model_id(self) -> bytes | None:
        """Of the model that the options name."""
        return self._model().id

    def chunk_size(self) -> int:
        """4 MiB, some minutes of work."""
        return 4 * _MIB

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Stored: a few copies. Else tables that grow with the chunk, and those of the language model."""
        if payload is not None and payload[:1] != bytes([MODEL]):
            return 4 * size + 16 * _MIB
        from lacodec.codecs.text.block import language_memory

        return language_memory(size)

    def encode_block(self, block: bytes, session: Session = DEFAULT) -> bytes:
        """By the models, or stored where that does not shrink."""
        if block:
            import numpy as np

            from lacodec.codecs.text.block import encode_text
            from lacodec.codecs.text.lm.setup import WITH_LANGUAGE

            loaded = self._model()
            data = encode_text(np.frombuffer(block, np.uint8), WITH_LANGUAGE.effort, session.report, loaded.language)
            if len(data) + _ID_BYTES < len(block):
                return bytes([MODEL]) + loaded.id[:_ID_BYTES] + data
        return bytes([STORED]) + block

    def decode_block(self, payload: bytes, size: int, version: int, session: Session = DEFAULT) -> bytes:
        """By the payload's own method byte, with the model that it names; raises MissingModel without that."""
        if not payload:
            raise CorruptFile("its payload is empty")
        if payload[0] == STORED:
            return payload[1:]
        if payload[0] != MODEL:
            raise CorruptFile(f"method {payload[0]} is unknown; if a newer lacodec wrote it, update")
        from lacodec.codecs.text.block import decode_text

        language = shipped.by_id(payload[1 : 1 + _ID_BYTES]).language
        return bytes(decode_text(payload[1 + _ID_BYTES :], size, session.report, language).tobytes())

    @classmethod
    def samples(cls) -> list[Any]:
        """A little text: kernels are the same for all."""
        return [b"".join(b"%d green bottles, hanging on the wall.\n" % i for i in range(30, 0, -1))]

    def _model(self) -> "shipped.LoadedLanguage":
        return shipped.by_path(shipped.SHIPPED if self.options.model is None else self.options.model)
