"""Codec `audio.lossless`: the chunks of a sound -> head, samples and tail of its file.

payload = u8 0, the content                                    stored
        | u8 1, fields, forms, packed side, [floats], body
fields  = numbers: rate, channels, layout, plain head (1: the WAV header that the rest implies), bytes of the head, of the tail,
          profile
side    = head, tail, tables of levels
body    = the samples as they are (profile 0), or signed lowest, number span, range coder's bytes
"""

import struct
from dataclasses import dataclass
from typing import Any

from reference import audio_model
from reference.audio_channels import expand, read_form
from reference.audio_floats import join, read_rest, unpack
from reference.container import CRITICAL, Chunk
from reference.stream import Stream, need

LAYOUTS = ("u8", "i8", "i16le", "i24le", "i32le", "f32le", "i16be", "i24be", "i32be", "f32be")
STORED, CODED = range(2)


@dataclass(frozen=True)
class Sound:
    """A file of sound: what stands before the samples, the samples as the file has them, what stands behind them.

    layout is None for a small file that is stored as it is; it is all in `head` then.
    """

    rate: int
    channels: int
    layout: str | None
    head: bytes
    pcm: bytes
    tail: bytes

    def wav(self) -> bytes:
        """A WAV file with the samples."""
        if self.layout is None:
            return self.head
        layout = "u8" if self.layout in ("u8", "i8") else self.layout.replace("be", "le")
        pcm = to_bytes(from_bytes(self.pcm, self.layout), layout)
        frames = len(pcm) // (self.channels * sample_size(layout))
        return wav_header(frames, self.rate, self.channels, layout) + pcm + bytes(len(pcm) & 1)


def decode(header: dict[str, Any], chunks: list[Chunk]) -> Sound:
    """The sound; head and tail are those of the first and the last chunk."""
    meta = header["metadata"]
    described = (meta["rate"], meta["channels"], meta["layout"]) if meta else None
    pieces = []
    for chunk in chunks:
        if chunk.kind == CRITICAL and chunk.covers:
            need(len(chunk.covers) == 1, "a chunk that covers no range of samples")
            start, stop = chunk.covers[0]
            pieces.append(decode_piece(chunk.payload, stop - start, described))
            chunk.check(pieces[-1].head + pieces[-1].pcm + pieces[-1].tail)
    need(pieces, "no chunk says what the samples are")
    first = pieces[0]
    pcm = b"".join(piece.pcm for piece in pieces)
    return Sound(first.rate, first.channels, first.layout, first.head, pcm, pieces[-1].tail)


def decode_piece(payload: bytes, frames: int, described: tuple[int, int, str] | None) -> Sound:
    """The content of a chunk of `frames` samples; described: rate, channels, layout, where the header has them."""
    stream = Stream(payload)
    method = stream.byte()
    need(method in (STORED, CODED), f"method {method} is unknown")
    if method == STORED:
        content = stream.rest()
        if described and frames * described[1] * sample_size(described[2]) == len(content):
            return Sound(*described, b"", content, b"")
        need(frames == len(content), "a stored file that does not cover its bytes")
        return Sound(0, 0, None, content, b"", b"")
    rate, channels, number, plain, head_size, tail_size, effort = (stream.number() for _ in range(7))
    need(1 <= channels <= 8 and number < len(LAYOUTS) and plain <= 1, "an impossible description of the samples")
    layout = LAYOUTS[number]
    forms = [read_form(stream, c) for c in range(channels)] if effort else []
    side = Stream(unpack(stream, head_size + tail_size + sum(form.table_size for form in forms)))
    head, tail = side.take(head_size), side.take(tail_size)
    if plain:
        head = wav_header(frames, rate, channels, layout)
    if not effort:
        return Sound(rate, channels, layout, head, stream.rest(), tail)
    floats = read_rest(stream, frames * channels) if layout.startswith("f") else None
    lowest = stream.signed()
    highest = lowest + stream.number()
    coded = sum(form.copy_of is None for form in forms)
    rows = expand(forms, audio_model.decode(stream.rest(), coded, frames, lowest, highest, effort), side)
    if floats:
        rows = join(rows, *floats)
    pcm = to_bytes([value for frame in zip(*rows, strict=True) for value in frame], layout)
    return Sound(rate, channels, layout, head, pcm, tail)


def sample_size(layout: str) -> int:
    """Bytes of a sample."""
    return int(layout[1:].rstrip("lbe")) // 8


def to_bytes(values: list[int], layout: str) -> bytes:
    """Samples as a file has them, channels in turn. Floats are the integers with their bits; 8 bits may be unsigned."""
    size, order = sample_size(layout), "big" if layout.endswith("be") else "little"
    offset = 128 if layout == "u8" else 0
    mask = (1 << 8 * size) - 1
    return b"".join((value + offset & mask).to_bytes(size, order) for value in values)


def from_bytes(pcm: bytes, layout: str) -> list[int]:
    """The inverse of `to_bytes`."""
    size, order = sample_size(layout), "big" if layout.endswith("be") else "little"
    samples = (pcm[at : at + size] for at in range(0, len(pcm), size))
    if layout == "u8":
        return [sample[0] - 128 for sample in samples]
    return [int.from_bytes(sample, order, signed=True) for sample in samples]


def wav_header(frames: int, rate: int, channels: int, layout: str) -> bytes:
    """The plainest WAV header for so many samples: 44 bytes, or 80 (RF64) where sizes need more than 32 bits."""
    size = sample_size(layout)
    kind = 3 if layout.startswith("f") else 1
    fmt = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * size & 0xFFFFFFFF, channels * size, 8 * size)
    length = frames * channels * size
    total = length + 36 + (length & 1)
    if total > 0xFFFFFFFF:
        long = b"ds64" + struct.pack("<IQQQI", 28, total + 36, length, frames, 0)
        return b"RF64\xff\xff\xff\xffWAVE" + long + b"fmt " + struct.pack("<I", 16) + fmt + b"data\xff\xff\xff\xff"
    return b"RIFF" + struct.pack("<I", total) + b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", length)
