"""Differences between a written FLAC file and its original; each is read by a decoder that had no part in the coding."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lacodec.errors import LacodecError
from lacodec.io.as_file import SourceFile
from lacodec.io.source import Source
from lacodec.media.audio._flac_frames import FlacSamples
from lacodec.media.audio.flac_metadata import Metadata, metadata, name_of
from lacodec.media.audio.samples import to_bytes

_FRAMES = 1 << 16
_TOTAL = 21  # offset in a file of the byte in whose lower half the number of samples begins


def flac_difference(original: Source, restored: Source) -> str | None:
    """A sentence about the first difference, None if there is none.

    Both are read by our decoder, which checks all of their bytes and the MD5 in their headers; the samples of the original once
    more by the library `soundfile`: the restored file was written by that library, from the samples of our decoder.
    """
    try:
        old = metadata(original)
        digest = FlacSamples(original, old).digest
    except LacodecError as error:
        return f"the original cannot be read ({error})"
    try:
        new = metadata(restored)
        samples = FlacSamples(restored, new)
    except LacodecError as error:
        return f"the restored file cannot be read ({error})"
    for what, one, other in (
        ("rate", old.rate, new.rate),
        ("number of channels", old.channels, new.channels),
        ("number of bits", old.bits, new.bits),
        ("number of samples", old.total or new.total, new.total),
    ):
        if one != other:
            return f"the {what} is {other}, not {one}"
    found = _blocks_differ(old, new) or _samples_differ(original, old, samples)
    if found is None and not digest == samples.digest == new.digest:
        return "the MD5 of the samples differs"
    return found


def _blocks_differ(old: Metadata, new: Metadata) -> str | None:
    for kind in sorted({kind for kind, _ in old.blocks + new.blocks}):
        if [body for k, body in old.blocks if k == kind] != [body for k, body in new.blocks if k == kind]:
            return f"{name_of(kind)} in the metadata differ"
    return None if old.blocks == new.blocks else "the order of the metadata differs"


def _samples_differ(original: Source, old: Metadata, samples: Source) -> str | None:
    total, frame, at = samples.size or 0, old.frame_size, 0
    try:
        for block in _by_library(original, old, total // frame):
            other = samples.read(at, len(block))
            if other != block:
                return f"the samples differ from {(at + _first(block, other)) // frame} on"
            at += len(block)
    except LacodecError as error:
        return f"the restored file cannot be read ({error})"
    except Exception as error:  # the library's own errors, and others that it lets through for odd files
        return f"the library soundfile cannot read the original ({getattr(error, 'error_string', error)})"
    return None if at == total else f"it has {total // frame} samples, the original {at // frame}"


def _first(one: bytes, other: bytes) -> int:
    """The first place at which they differ, or the shorter one ends."""
    size = min(len(one), len(other))
    differs = np.frombuffer(one, np.uint8, size) != np.frombuffer(other, np.uint8, size)
    return int(differs.argmax()) if differs.any() else size


def _by_library(source: Source, found: Metadata, total: int) -> Iterator[bytes]:
    """The samples as the library decodes them; if the file does not give their number, `total` is used."""
    import soundfile

    stream: Any = _Stream(source, total if found.total == 0 else None)
    with soundfile.SoundFile(stream) as file:
        while len(block := file.read(_FRAMES, dtype="int32", always_2d=True)):
            yield to_bytes((block >> (32 - found.bits)).T, found.layout)


class _Stream(SourceFile):
    """A FLAC file as a file object, with `total` as the number of samples in its header, if given."""

    def __init__(self, source: Source, total: int | None) -> None:
        super().__init__(source)
        self._total = total

    def _seen(self, at: int, data: bytes) -> bytes:
        if self._total is None or at >= _TOTAL + 5:
            return data
        head = bytearray(self._source.read(0, _TOTAL + 5))
        head[_TOTAL] |= self._total >> 32
        head[_TOTAL + 1 :] = (self._total & 0xFFFFFFFF).to_bytes(4, "big")
        changed = bytearray(data)
        changed[: _TOTAL + 5 - at] = head[at : at + len(data)]
        return bytes(changed)
