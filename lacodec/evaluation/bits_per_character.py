"""Bits per character and byte of text, by a codec or by a language model, checked by decoding what was really coded.

Figures of different models compare only beside the bytes of the models, and if the text was not in their training: `overlap`.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import LacodecError

CHECKED = 1 << 16
"""Bytes of a text that a language model really codes."""
GRAM = 32
"""Bytes of a passage, for `overlap`."""
_STEP = np.uint64(0x9E3779B97F4A7C15)
_PART = 1 << 22


@dataclass(frozen=True)
class TextMeasurement:
    """One method on one text. characters: None if it is not UTF-8. checked: bytes of text really coded, and their coded bytes.

    known: whether it can be known what the model was trained with.
    """

    method: str
    file: str
    size: int
    characters: int | None
    bits: float
    model_bytes: int
    checked: tuple[int, int]
    seconds: float
    known: bool = True

    @property
    def per_byte(self) -> float:
        """Bits per byte."""
        return self.bits / self.size if self.size else 0.0

    @property
    def per_character(self) -> float | None:
        """Bits per character (Unicode code point)."""
        return self.bits / self.characters if self.characters else None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "method": self.method,
            "file": self.file,
            "bytes": self.size,
            "characters": self.characters,
            "bits": round(self.bits, 1),
            "bits_per_byte": round(self.per_byte, 5),
            "bits_per_character": None if self.per_character is None else round(self.per_character, 5),
            "model_bytes": self.model_bytes,
            "checked_bytes": self.checked[0],
            "checked_coded_bytes": self.checked[1],
            "seconds": round(self.seconds, 3),
            "training": "known" if self.known else "unknown",
        }


def by_codec(name: str, options: dict[str, object], file: str, text: bytes) -> TextMeasurement:
    """All of a `.lac` file counts, headers included. Raises LacodecError when it does not decode to the text."""
    import lacodec

    begin = time.perf_counter()
    coder = lacodec.codec(name, **options)
    coded = bytes(coder.encode(text))
    if bytes(lacodec.decode(coded)) != text:
        raise LacodecError(f"{file}: {name} decodes to other bytes")
    seconds = time.perf_counter() - begin
    label = " ".join([name, *(f"--{key.replace('_', '-')} {value}" for key, value in options.items())])
    return TextMeasurement(label, file, len(text), characters(text), 8 * len(coded), 0, (len(text), len(coded)), seconds)


def by_model(path: str | os.PathLike[str], file: str, text: bytes) -> TextMeasurement:
    """A model file of `lacodec train text`, or a causal model of transformers, alone.

    The first CHECKED bytes are really coded, decoded and compared.
    """
    from lacodec.codecs.model_files import read_arrays
    from lacodec.codecs.text.lm import causal
    from lacodec.models.text import alone
    from lacodec.models.text.language import language

    if causal.is_causal(path):
        return _by_causal(path, file, text)
    begin = time.perf_counter()
    words = language(read_arrays(path))
    bits = alone.information(words, text)
    first = text[:CHECKED]
    coded = alone.encode(words, first)
    if alone.decode(words, coded, len(first)) != first:
        raise LacodecError(f"{file}: {os.fspath(path)} decodes to other bytes")
    seconds = time.perf_counter() - begin
    size = Path(path).stat().st_size
    return TextMeasurement(Path(path).name, file, len(text), characters(text), bits, size, (len(first), len(coded)), seconds)


def _by_causal(path: str | os.PathLike[str], file: str, text: bytes) -> TextMeasurement:
    """A step of such a model takes so long that the first pass measures and encodes at once."""
    from lacodec.codecs.text.lm import causal
    from lacodec.models.text import alone
    from lacodec.models.text.causal.language import computing
    from lacodec.models.text.causal.predictor import Predictor

    loaded = causal.by_path(path)
    first = text[:CHECKED]
    begin, bits = time.perf_counter(), 0.0
    with computing():
        registers, stream = alone.encoder(len(first))
        predictor = Predictor(loaded)
        for at, byte in enumerate(text):
            bits -= float(np.log2(predictor.tree[256 + byte] / predictor.tree[1]))
            if at < CHECKED:
                alone.code_byte(predictor.tree, registers, stream, byte, 0)
            predictor.take(byte)
        coded = alone.finished(registers, stream)
        registers, stream = alone.decoder(coded)
        predictor = Predictor(loaded)
        for byte in first:
            if alone.code_byte(predictor.tree, registers, stream, 0, 1) != byte:
                raise LacodecError(f"{file}: {os.fspath(path)} decodes to other bytes")
            predictor.take(byte)
    seconds = time.perf_counter() - begin
    checked = len(first), len(coded)
    return TextMeasurement(
        Path(path).name, file, len(text), characters(text), bits, causal.size_of(path), checked, seconds, False
    )


def characters(text: bytes) -> int | None:
    """Code points of UTF-8, None for other bytes."""
    try:
        return len(text.decode())
    except UnicodeDecodeError:
        return None


def overlap(text: bytes, others: Iterable[bytes]) -> float:
    """The share of a text's bytes that begin a passage of GRAM bytes which stands in one of the others as well."""
    wanted = np.sort(_hashes(text))
    if not wanted.size:
        return 0.0
    found = np.zeros(wanted.size, np.bool_)
    for other in others:
        for begin in range(0, len(other), _PART):
            hashes = np.unique(_hashes(other[begin : begin + _PART + GRAM - 1]))
            at = np.searchsorted(hashes, wanted)
            at[at == hashes.size] = 0
            if hashes.size:
                found |= hashes[at] == wanted
    return float(found.mean())


def _hashes(text: bytes) -> NDArray[np.uint64]:
    """A 64-bit hash of every passage of GRAM bytes."""
    if len(text) < GRAM:
        return np.zeros(0, np.uint64)
    hashes, length, factor = np.frombuffer(text, np.uint8).astype(np.uint64) + np.uint64(1), 1, _STEP
    with np.errstate(over="ignore"):
        while length < GRAM:
            hashes = hashes[:-length] * factor + hashes[length:]
            factor = factor * factor
            length *= 2
    return hashes
