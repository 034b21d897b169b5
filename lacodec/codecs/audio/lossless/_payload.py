"""The payload of a chunk of `audio.lossless`.

    0 | content                                          stored: smallest for a file of a few bytes, or of noise
    1 | fields | [side] | [float rest] | body            body: the samples as they are (profile 0) or as `_model` codes them

Fields and lengths are LEB128 numbers. Fields: rate, channels, layout, head (0: in the side data, 1: the plain WAV header),
length of the head in the side data, of the tail, profile. Side data: head, tail, lists of levels; zstd where that is shorter.
"""

from dataclasses import dataclass
from typing import Any

from lacodec.codecs.audio.lossless import _floats
from lacodec.codecs.audio.lossless._dense import Dense, expand, reduce
from lacodec.codecs.fields import Reader, Writer, pack, unpack
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.progress import Report, Share, ignore
from lacodec.io.source import BytesSource
from lacodec.media.audio import wav
from lacodec.media.audio.files import AUDIO
from lacodec.media.audio.samples import from_bytes, to_bytes
from lacodec.media.audio.value import LAYOUTS, MAX_AROUND, MAX_CHANNELS, sample_size

STORED, _CODED = 0, 1
_LIMIT = 1 << 33


@dataclass(frozen=True)
class Piece:
    """A range of samples, `pcm`, with the bytes before and after it in the file."""

    rate: int
    channels: int
    layout: str
    head: bytes
    pcm: bytes
    tail: bytes

    @property
    def content(self) -> bytes:
        """All its bytes of the file."""
        return b"".join((self.head, self.pcm, self.tail)) if self.head or self.tail else self.pcm


def encode_piece(piece: Piece, frames: int, effort: int, described: bool, report: Report = ignore) -> bytes:
    """The payload for `frames` samples, never longer than the content by more than a few bytes.

    described: whether the header describes the samples; if not, the piece is all of a small WAV or AIFF file.
    """
    share = Share(report, len(piece.content), frames)
    coded = _encode(piece, frames, effort, share) if frames else None
    share.finish()
    if coded is None or len(coded) > len(piece.pcm):
        coded = _fields(piece, frames, 0, [], b"") + piece.pcm
    can_be_stored = not described or not (piece.head or piece.tail)
    return bytes([STORED]) + piece.content if can_be_stored and len(coded) > len(piece.content) else coded


def decode_piece(
    payload: bytes, size: int, frames: int, described: tuple[int, int, str] | None, report: Report = ignore
) -> Piece:
    """The piece in `payload`: `size` bytes of content, `frames` samples (stored files: bytes). Raises CorruptFile."""
    share = Share(report, size, frames)
    piece = _decode(payload, size, frames, described, share)
    share.finish()
    return piece


def _decode(payload: bytes, size: int, frames: int, described: tuple[int, int, str] | None, report: Report) -> Piece:
    if payload[:1] == bytes([STORED]):
        return _stored(payload[1:], size, frames, described)
    if payload[:1] != bytes([_CODED]):
        raise CorruptFile("its method is unknown; if a newer lacodec wrote it, update")
    reader = Reader(payload, 1)
    rate, channels, layout_index, plain_head, head_size, tail_size, profile = (reader.number() for _ in range(7))
    if not 1 <= channels <= MAX_CHANNELS or layout_index >= len(LAYOUTS) or rate >= 1 << 32 or plain_head > 1:
        raise CorruptFile("invalid description of its samples")
    layout = LAYOUTS[layout_index]
    length = frames * channels * sample_size(layout)
    head = wav.header(frames, rate, channels, layout) if plain_head and length <= size else b""
    if head_size + len(head) + tail_size + length != size or head_size + tail_size > 2 * MAX_AROUND:
        raise CorruptFile("its decoded size contradicts the range it covers")
    channel_forms = [Dense.read(reader, c) for c in range(channels)] if profile else []
    if any(form.levels > frames for form in channel_forms):
        raise CorruptFile("it lists more levels than it has samples")
    side = unpack(reader, head_size + tail_size + sum(form.table_size for form in channel_forms))
    head, tail = head or side[:head_size], side[head_size : head_size + tail_size]
    if profile:
        pcm = _decode_body(reader, side[head_size + tail_size :], channel_forms, layout, frames, profile, report)
    else:
        pcm = reader.rest()
    if len(pcm) != length:
        raise CorruptFile("it does not end with its last sample")
    return Piece(rate, channels, layout, head, pcm, tail)


def _encode(piece: Piece, frames: int, effort: int, report: Report) -> bytes:
    from lacodec.codecs.audio.lossless._model import encode_samples

    numbers = from_bytes(piece.pcm, piece.layout, piece.channels)
    floats = b""
    if piece.layout.startswith("f"):
        numbers, floats = _floats.split(numbers)
    forms, rows = reduce(numbers)
    table = b"".join(form.table for form in forms)
    out = Writer()
    if floats:
        out.write(floats)
    lowest, highest = (int(rows.min()), int(rows.max())) if rows.size else (0, 0)
    out.signed(lowest)
    out.number(highest - lowest)
    if len(rows):
        out.write(encode_samples(rows, lowest, highest, effort, report))
    return _fields(piece, frames, effort, forms, table) + out.data


def _decode_body(
    reader: Reader, table: bytes, forms: list[Dense], layout: str, frames: int, profile: int, report: Report
) -> bytes:
    from lacodec.codecs.audio.lossless._model import decode_samples

    floats: Any = _floats.read(reader, frames * len(forms)) if layout.startswith("f") else None
    lowest = reader.signed()
    highest = lowest + reader.number()
    if max(abs(lowest), abs(highest)) > _LIMIT:
        raise CorruptFile("its samples exceed the size of any file")
    count = sum(form.copy_of is None for form in forms)
    rows = decode_samples(reader.rest(), count, frames, lowest, highest, profile, report)
    numbers = expand(forms, rows, table)
    if floats is not None:
        numbers = _floats.join(numbers, floats)
    return to_bytes(numbers, layout)


def _fields(piece: Piece, frames: int, profile: int, forms: list[Dense], table: bytes) -> bytes:
    plain = piece.head == wav.header(frames, piece.rate, piece.channels, piece.layout)
    head = b"" if plain else piece.head
    out = Writer(bytes([_CODED]))
    for value in (piece.rate, piece.channels, LAYOUTS.index(piece.layout), plain, len(head), len(piece.tail), profile):
        out.number(int(value))
    for form in forms:
        form.write(out)
    pack(out, head + piece.tail + table)
    return out.data


def _stored(content: bytes, size: int, frames: int, described: tuple[int, int, str] | None) -> Piece:
    if len(content) != size:
        raise CorruptFile("its decoded size contradicts its payload")
    if described is not None:
        rate, channels, layout = described
        if frames * channels * sample_size(layout) == size:
            return Piece(rate, channels, layout, b"", content, b"")
    try:
        audio = AUDIO.from_source(BytesSource(content))
    except (UnsupportedFile, BadInput):  # a later reader may be stricter: the bytes, which have their own hash, are returned
        return Piece(0, 1, "u8", content, b"", b"")
    pcm = audio.pcm.read(0, audio.pcm.size or 0)
    if frames != size or audio.format == "flac":
        raise CorruptFile("its decoded size contradicts the range it covers")
    return Piece(audio.rate, audio.channels, audio.layout, audio.head, pcm, audio.tail.read(0, size))
