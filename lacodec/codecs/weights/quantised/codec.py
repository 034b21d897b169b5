"""Codec `weights.quantised`: the tensors of a file as numbers of steps, at any size; what `weights` does with --bits or --size.

tensors --Subjects--> parts of 4 MiB --scale (`_allocate`)--> numbers --contexts, rANS (`_payload`)--> chunks --> safetensors file

A chunk covers a range of the safetensors file that decoding gives, and the numbers in it are the same on every machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, ClassVar

import numpy as np

from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.shares import coded_sizes
from lacodec.codecs.weights._selection import TABLE, table_of
from lacodec.codecs.weights._tensor_table import pack_table
from lacodec.codecs.weights.codec import CALIBRATE_HELP, MODEL_HELP, Weights
from lacodec.codecs.weights.quantised._calibration import Calibration
from lacodec.codecs.weights.quantised._chunk import decode_chunk
from lacodec.codecs.weights.quantised._encoding import Encoding
from lacodec.codecs.weights.quantised._pieces import pieces_of
from lacodec.codecs.weights.quantised._subjects import Subjects, subjects_of
from lacodec.codecs.weights.quantised.layers.encoding import Layers
from lacodec.codecs.weights.quantised.layers.reading import (
    LAYERS,  # fmt: skip
    contents,
    cut_after,
    described,
    file_size,
    in_layers,
    read_part,
    refined,
)
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Covers, Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.tensors.files import QUANTISED
from lacodec.media.tensors.value import Tensors

_ERRORS, _TOTAL, _CALIBRATED = "errors", "total", "calibrated"


@dataclass(frozen=True)
class _Options:
    bits: float | None = field(default=None, metadata={"help": "bits of the file for each weight, such as 3.5"})
    size: int | None = field(default=None, metadata={"help": "bytes of the file"})
    calibrate: str | PathLike[str] | None = field(default=None, metadata={"help": CALIBRATE_HELP})
    model: str | PathLike[str] | None = field(default=None, metadata={"help": MODEL_HELP})
    layers: bool = field(default=False, metadata={"help": "any beginning of the file decodes, with more error"})

    def __post_init__(self) -> None:
        if self.bits is not None and self.size is not None:
            raise BadInput("give --bits or --size, not both")
        if self.bits is not None and not (isinstance(self.bits, int | float) and 0.1 <= self.bits <= 16):
            raise BadInput(f"bits must be from 0.1 to 16, not {self.bits!r}")
        if self.size is not None and (isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1):
            raise BadInput(f"size must be a whole number of bytes, not {self.size!r}")
        if (self.calibrate is None) != (self.model is None):
            raise BadInput("calibration needs a text and the model: give both --calibrate and --model")
        if self.layers and self.calibrate is not None:
            raise BadInput("layers are made without data; leave out --calibrate and --model, or --layers")


class Quantised(Weights):
    """The tensors of a model in as many bits as asked for."""

    name = "weights.quantised"
    stream_version = 1
    reads = frozenset({0})
    identical = "none"
    on_device = False
    media = QUANTISED
    by_content = False
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2, "weights": 1}
    reference_option = None
    sample_options: ClassVar[Mapping[str, Any]] = {"bits": 4.0}
    Options = _Options

    @classmethod
    def samples(cls) -> list[Any]:
        """Matrices of three types, one with a few large values."""
        spread = np.random.default_rng(1).normal(0, 0.02, (300, 256))
        wide = spread.astype(np.float32)
        wide[7, ::50] = 1.0
        return [{"a": wide, "b": spread.astype(np.float16), "c": np.ones(5, np.float32)}]

    @classmethod
    def suiting(cls, options: Any) -> "Quantised":
        """This codec."""
        return cls(options)

    def version_of(self, value: Tensors) -> int:
        """The one there is."""
        return self.stream_version

    def options_dict(self) -> dict[str, Any]:
        """What was asked for; not the paths, which are nobody's business."""
        asked = {"bits": self.options.bits, "size": self.options.size, "layers": self.options.layers or None}
        return {name: value for name, value in asked.items() if value is not None}

    def format_of(self, value: Tensors) -> str | None:
        """What decoding writes."""
        return "safetensors"

    def metadata(self, value: Tensors, session: Session = DEFAULT) -> dict[str, Any]:
        """The table of the tensors that decoding gives."""
        encoding, subjects = self._encoding(value, session)
        found: dict[str, Any] = {TABLE: pack_table(subjects.entries)}
        if isinstance(encoding, Layers):
            found[LAYERS] = encoding.qualities
        else:
            found |= {_ERRORS: encoding.errors, _TOTAL: encoding.total}
        if self.options.calibrate is not None:
            found[_CALIBRATED] = True
        return found if value.made_of is None else {**found, "object": dict(value.made_of)}

    def content_size(self, value: Tensors) -> int | None:
        """Bytes of the file that decoding gives."""
        return subjects_of(value).size

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Values, numbers, classes and tables, some of them twice."""
        return 24 * size + (64 << 20)

    def covers_file(self, header: Header) -> bool:
        """Not the layers."""
        return not in_layers(header)

    def cut_after(self, header: Header, covers: Sequence[Covers]) -> str | None:
        """Of a file in layers, how good it is without the others."""
        return cut_after(header, covers) if in_layers(header) else None

    def ranges(self, header: Header, parts: Iterator[Any]) -> Iterator[Any]:
        """The bytes of ranges of the file, in order, after all layers that there are."""
        return contents(parts, file_size(header)) if in_layers(header) else parts

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold a tensor or rows of it, and all layers."""
        first, size = super().select(header, index, key), file_size(header)
        if not in_layers(header):
            return first
        return first + [number for number, head in enumerate(index) if head.covers and head.covers[0][0] >= size]

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> Any:
        """As that of `weights`."""
        if in_layers(header):
            numbers = super().select(header, index, key)
            parts = refined(numbers, parts)
        return super().extract(header, index, key, parts, session)

    def quick(self, header: Header) -> bool:
        """Not quite."""
        return False

    def encode(self, value: Tensors, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk for at most 4 MiB of the file that decoding gives."""
        return self._encoding(value, session)[0].chunks()

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Any:
        """The bytes of the chunk; the numbers are checked against its hash."""
        if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size]:
            raise CorruptFile("its decoded size contradicts the range it covers")
        if in_layers(header):
            return read_part(header, chunk, self.surroundings(header, session))
        pieces = pieces_of(table_of(header), *chunk.covers[0])
        return decode_chunk(chunk.payload, pieces, self.surroundings(header, session), chunk.content_hash)

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The table for `lacodec info`: type, shape, bits per value of each tensor; squared error relative to the squares."""
        if in_layers(header):
            return described(header, index)
        tensors = {}
        table, errors = table_of(header), header.metadata.get(_ERRORS)
        if not isinstance(errors, bytes) or len(errors) != 4 * len(table):
            raise CorruptFile("the header does not tell the errors of its tensors")
        relative = dict(zip((entry.name for entry in table), np.frombuffer(errors, "<f4").tolist(), strict=True))
        for entry, coded in coded_sizes(table, index):
            values = max(1, int(np.prod(entry.shape, dtype=np.int64)))
            tensors[entry.name] = {
                "dtype": entry.dtype, "shape": list(entry.shape), "size": entry.size, "coded": round(coded),
                "bits": round(8 * coded / values, 3), "error": relative[entry.name],
            }  # fmt: skip
        profile = "calibrated" if header.metadata.get(_CALIBRATED) else "data-free"
        return {"profile": f"entropy-coded, {profile}", **_total(header), "tensors": tensors}

    def _encoding(self, value: Tensors, session: Session) -> tuple[Encoding | Layers, Subjects]:
        """The search for the size, made once in a session."""

        def made() -> tuple[Encoding | Layers, Subjects, Tensors]:
            subjects, options = subjects_of(value), self.options
            if options.bits is None and options.size is None:
                raise BadInput("codec 'weights.quantised' needs a size: give --bits or --size")
            wanted = options.size or int(options.bits * subjects.weights / 8)
            if options.layers:
                return Layers(subjects, session, wanted), subjects, value
            text, model = options.calibrate, options.model
            calibration = None if text is None or model is None else Calibration(subjects, text, model)
            return Encoding(subjects, session, wanted, calibration), subjects, value

        found: tuple[Encoding | Layers, Subjects, Tensors] = session.once((Encoding, id(value)), made)
        return found[0], found[1]


def _total(header: Header) -> dict[str, float]:
    """The error of all tensors, which older files do not tell."""
    data = header.metadata.get(_TOTAL)
    if data is None:
        return {}
    if not isinstance(data, bytes) or len(data) != 8:
        raise CorruptFile("the header does not tell the error of all tensors")
    return dict(zip(("error", "weighted error"), np.frombuffer(data, "<f4").tolist(), strict=True))
