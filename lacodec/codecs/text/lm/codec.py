"""Codec `text.lm`: text, restored byte for byte, by the text model together with a language model.

A payload is a method byte and the method's data: 0 stored; 1 a model in exact integers: the first 8 bytes of its id, then what
`text` has (`block.py`), with effort 9; 2 a model of transformers: the same behind the first 8 bytes of its id and its 8 bytes of
seal, which says where it was coded: such a model computes in floating point, and on other machines otherwise; 3 a payload of
`text`, where a language model makes nothing shorter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import registry
from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.text import shipped
from lacodec.codecs.text.lm import causal
from lacodec.container.types import Header
from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.progress import ignore
from lacodec.media.raw import Raw

if TYPE_CHECKING:
    from lacodec.models.text.causal.language import CausalLanguage
    from lacodec.models.text.language import Language

STORED, MODEL, CAUSAL, TEXT = range(4)
_ID_BYTES = 8
_BEFORE = {MODEL: 1 + _ID_BYTES, CAUSAL: 1 + 2 * _ID_BYTES}
_MIB = 1 << 20
_CAUSAL_CHUNK = 64 << 10
_EFFORT = 9  # of `text`, where no language model helps


@dataclass(frozen=True)
class _Options:
    model: str | None = field(
        default=None,
        metadata={"help": "a model of your own: a file of lacodec train text, or folder or GGUF file of a transformers model"},
    )


class TextLM(BlockCodec):
    """Text, smaller than by `text`, at ten kilobytes a second both ways; best for English prose. `text` 9 leads here."""

    name = "text.lm"
    stream_version = 1
    nested: ClassVar[Mapping[str, int]] = {"text": 1, "bytes": 2}
    Options = _Options

    def options_dict(self) -> dict[str, Any]:
        """Nothing: the header has the model's id, and a path is nobody's business."""
        return {}

    def model_id(self) -> bytes | None:
        """Of the model that the options name."""
        return self._causal().id if self._is_causal() else self._own().id

    def machine_bound(self) -> str | None:
        """With a model of transformers."""
        return self._causal().environment if self._is_causal() else None

    def metadata(self, value: Raw, session: Session = DEFAULT) -> dict[str, Any]:
        """How many bytes the model has, which a decoder needs besides; of one of transformers, where the file can be decoded."""
        if self._is_causal():
            return {"model_bytes": causal.size_of(self.options.model), "machine_bound": self.machine_bound()}
        return {"model_bytes": self._own().size}

    def chunk_size(self) -> int:
        """That of `text`; with a model of transformers 64 KiB, which take longer."""
        return _CAUSAL_CHUNK if self._is_causal() else 64 * _MIB

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Stored: a few copies. Else tables that grow with the chunk, and those of the language model."""
        if payload is not None and payload[:1] not in map(bytes, ([MODEL], [CAUSAL], [TEXT])):
            return 4 * size + 16 * _MIB
        from lacodec.codecs.text.block import language_memory

        text = registry.get("text")
        if payload is not None and payload[0] == TEXT:
            return size + text().memory(size, payload[1:])
        need = language_memory(size)
        if payload is None:
            if self.options.model is not None:
                return need + (self._causal().memory() if self._is_causal() else 0)
            return max(need, size + text(text.Options(effort=_EFFORT)).memory(size))
        return need + (causal.by_id(payload[1 : 1 + _ID_BYTES]).memory() if payload[0] == CAUSAL else 0)

    def encode_block(self, block: bytes, session: Session = DEFAULT) -> bytes:
        """With the model that is asked for; else with ours or by `text`, whatever is shorter. Stored where nothing shrinks it."""
        found = [bytes([STORED]) + block]
        if block:
            if self.options.model is None:
                found.append(bytes([TEXT]) + embed("text", block, replace(session, report=ignore), effort=_EFFORT))
            found.append(self.encode_model(block, session))
        return min(found, key=len)

    def encode_model(self, block: bytes, session: Session) -> bytes:
        """The payload with the language model, for a block that is not empty."""
        import numpy as np

        from lacodec.codecs.text.block import encode_text
        from lacodec.codecs.text.lm.setup import WITH_LANGUAGE

        language: Language | CausalLanguage
        if self._is_causal():
            language = self._causal()
            before = bytes([CAUSAL]) + language.id[:_ID_BYTES] + language.seal
        else:
            own = self._own()
            language, before = own.language, bytes([MODEL]) + own.id[:_ID_BYTES]
        return before + encode_text(np.frombuffer(block, np.uint8), WITH_LANGUAGE.effort, session.report, language)

    def decode_payload(self, header: Header, payload: bytes, size: int, session: Session = DEFAULT) -> bytes:
        """The block; of a file that another machine wrote, the header says which."""
        if payload[:1] == bytes([TEXT]):
            return bytes(unembed("text", payload[1:], size, header, session))
        try:
            return self.decode_block(payload, size, header.stream_version, session)
        except UnsupportedFile as error:
            raise UnsupportedFile(f"{error}; it was encoded by: {header.metadata.get('machine_bound')}") from error

    def decode_block(self, payload: bytes, size: int, version: int, session: Session = DEFAULT) -> bytes:
        """By the payload's own method byte, with the model that it names.

        Raises MissingModel without that, UnsupportedFile where a model of transformers computes otherwise than for the encoder.
        """
        if not payload:
            raise CorruptFile("its payload is empty")
        if payload[0] == STORED:
            return payload[1:]
        if payload[0] not in _BEFORE:
            raise CorruptFile(f"method {payload[0]} is unknown; if a newer lacodec wrote it, update")
        if len(payload) < _BEFORE[payload[0]]:
            raise CorruptFile("its payload is truncated")
        from lacodec.codecs.text.block import decode_text

        id, data = payload[1 : 1 + _ID_BYTES], payload[_BEFORE[payload[0]] :]
        language = shipped.by_id(id).language if payload[0] == MODEL else _sealed(id, payload[1 + _ID_BYTES :], size)
        return bytes(decode_text(data, size, session.report, language).tobytes())

    @classmethod
    def samples(cls) -> list[Any]:
        """A little text: kernels are the same for all."""
        return [b"".join(b"%d green bottles, hanging on the wall.\n" % i for i in range(30, 0, -1))]

    def _is_causal(self) -> bool:
        return self.options.model is not None and causal.is_causal(self.options.model)

    def _causal(self) -> "CausalLanguage":
        return causal.by_path(self.options.model)

    def _own(self) -> "shipped.LoadedLanguage":
        return shipped.by_path(shipped.SHIPPED if self.options.model is None else self.options.model)


def _sealed(id: bytes, seal: bytes, size: int) -> "CausalLanguage":
    """The model of transformers with an id, if it computes here what it did where the payload was made."""
    if size > _CAUSAL_CHUNK:
        raise CorruptFile(f"a chunk of {size} bytes cannot have been coded with a model of transformers")
    language = causal.by_id(id)
    if not seal.startswith(language.seal):
        raise UnsupportedFile(
            "the file is bound to a kind of machine: its language model computes in floating point, and otherwise here "
            f"({language.environment}) than where it was encoded; decode it there, with the same versions"
        )
    return language
