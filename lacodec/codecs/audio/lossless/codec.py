"""Codec `audio.lossless`: sampled sound. WAV and AIFF files come back byte for byte, FLAC files with the same samples.

A chunk covers a range of samples (on one axis, counted per channel; a tiny file that is stored as it is, its bytes). Its content
is those bytes of the file: the first chunk's begin with the file's head, the last one's end with its tail. `_payload` says how a
chunk is stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lacodec.codecs.audio.lossless._payload import STORED, Piece, decode_piece, encode_piece
from lacodec.codecs.base import Codec
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.regions import Layout, Lost, Range, total
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import BytesSource
from lacodec.io.streams import IteratorSource
from lacodec.io.threads import ordered_map
from lacodec.media.audio.files import AUDIO, is_aiff
from lacodec.media.audio.value import LAYOUTS, MAX_CHANNELS, Audio, sample_size

_MIB = 1 << 20
_CHUNK = {1: 2, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 16, 8: 16, 9: 16}  # MiB by effort: 12, 24, 95 s of a CD
_SMALL = 1 << 16  # below this, a file's description would be a noticeable part of the result: its chunk holds it in fewer bytes


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()

    def __post_init__(self) -> None:
        check_effort(self.effort)


class AudioLossless(Codec[Audio]):
    """Sound of 1 to 8 channels, integers of 8 to 32 bits or 32-bit floats, with an effort from 1 to 9."""

    name = "audio.lossless"
    stream_version = 1
    reads = frozenset({0})
    identical = "bytes"
    also_identical = ("samples",)
    media = AUDIO
    by_content = True
    Options = _Options

    def restores(self, value: Audio) -> str:
        """Bytes, except for FLAC files, many of which have the same samples, and for samples that never were a file."""
        return "bytes" if value.format in ("wav", "aiff") else "samples"

    def metadata(self, value: Audio, session: Session = DEFAULT) -> dict[str, Any]:
        """The description of the sound; empty for small files, whose only chunk holds it."""
        return {} if _is_small(value) else {"rate": value.rate, "channels": value.channels, "layout": value.layout}

    def format_of(self, value: Audio) -> str | None:
        """The format, except for small files, whose heads tell it."""
        return None if _is_small(value) else value.format

    @classmethod
    def samples(cls) -> list[Any]:
        """A tone in stereo, as integers, as floats and as a FLAC file."""
        import numpy as np

        places = np.arange(3000)
        tone = np.stack([places * places % 4001 - 2000, places * 7 % 3001 - 1500], 1)
        whole = Audio.from_samples(tone.astype(np.int16), 44100)
        return [whole, Audio.from_samples((tone / 3000).astype(np.float32), 44100), b"".join(AUDIO.to_blocks(whole, ".flac"))]

    def chunk_size(self) -> int:
        """2 MiB for efforts 1-3, 4 MiB for 4-6, 16 MiB for 7-9."""
        return _CHUNK[self.options.effort] * _MIB

    def content_size(self, value: Audio) -> int | None:
        """Samples as WAV files have them, and what is around them."""
        return None if value.pcm.size is None else len(value.head) + value.pcm.size + (value.tail.size or 0)

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Samples are 8 bytes each while they are coded, in a few copies."""
        return 40 * size + 24 * _MIB

    def encode(self, value: Audio, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per range of samples; sound without samples gives one chunk."""
        described = not _is_small(value)
        return ordered_map(
            lambda item: self._chunk(*item, described, session), _pieces(value, self.chunk_size()), session.threads
        )

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Piece:
        """The samples of the chunk."""
        if chunk.kind != CRITICAL or len(chunk.covers) != 1:
            raise CorruptFile("it does not cover a range of samples")
        start, stop = chunk.covers[0]
        piece = decode_piece(chunk.payload, chunk.decoded_size, stop - start, _description(header), session.report)
        if content_hash(piece.content) != chunk.content_hash:
            raise CorruptFile("its samples differ from those that were encoded")
        return piece

    def assemble(self, header: Header, parts: Iterator[Piece | Lost], session: Session = DEFAULT) -> Audio:
        """An Audio that decodes while it is read; silence stands for lost ranges that are known."""
        first = next(parts, None)
        described = _description(header)
        if isinstance(first, Piece):
            described = (first.rate, first.channels, first.layout)
        if described is None:
            raise CorruptFile("the only chunk that describes the samples is lost; nothing can be restored")
        rate, channels, layout = described
        tail: list[bytes] = []
        pcm = _pcm(chain([] if first is None else [first], parts), layout, channels, tail)
        head = first.head if isinstance(first, Piece) else b""
        format = header.format or ("aiff" if is_aiff(head) else "wav" if AUDIO.sniff(head) else None)
        return Audio(rate, channels, layout, IteratorSource(pcm), format, head, IteratorSource(iter_tail(tail)))

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """Samples[samples, channels], as `Audio.samples` has them."""
        import numpy as np

        described, length = _description(header), total(index)
        if described is None:
            covering = [i for i, head in enumerate(index) if head.covers]
            if not covering:
                raise CorruptFile("no chunk describes the samples")
            first: Piece = part(covering[0])
            described = first.rate, first.channels, first.layout
            if len(index) == 1:
                length = len(first.pcm) // (first.channels * sample_size(first.layout))
        return Layout((length, described[1]), np.dtype(np.float32 if described[2].startswith("f") else np.int32))

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks of a range of samples: `key` is a slice with step 1."""
        found = Range.of(key, total(index), "audio").chunks(index)
        return found or [i for i, head in enumerate(index) if head.covers][:1]  # one chunk describes even an empty range

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Piece], session: Session = DEFAULT
    ) -> Audio:
        """The sound of that range."""
        chosen = self.select(header, index, key)
        if not chosen:
            raise CorruptFile("no chunk states which samples it holds; decode the whole file with salvage")
        first = parts[0]
        frame = first.channels * sample_size(first.layout)
        wanted = Range.of(key, len(first.pcm) // frame if len(index) == 1 else total(index), "audio")
        skip = index[chosen[0]].covers[0][0]
        data = b"".join(part.pcm for part in parts)[(wanted.start - skip) * frame : (wanted.stop - skip) * frame]
        return Audio(first.rate, first.channels, first.layout, BytesSource(data))

    def embed(self, content: Audio, session: Session = DEFAULT) -> bytes:
        """The payload of samples without a file, for other codecs."""
        piece = Piece(content.rate, content.channels, content.layout, b"", content.pcm.read(0, content.pcm.size or 0), b"")
        return encode_piece(piece, len(piece.pcm) // content.frame_size, self.options.effort, True)

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> bytes:
        """The samples as `Audio.pcm` has them; `expected`: rate, channels, layout, number of samples per channel."""
        rate, channels, layout, frames = expected
        piece = decode_piece(payload, frames * channels * sample_size(layout), frames, (rate, channels, layout))
        if (piece.rate, piece.channels, piece.layout, piece.head, piece.tail) != (rate, channels, layout, b"", b""):
            raise CorruptFile("its sound is described in two ways")
        return piece.pcm

    def _chunk(self, start: int, stop: int, piece: Piece, described: bool, session: Session) -> Chunk:
        payload = encode_piece(piece, stop - start, self.options.effort, described, session.report)
        size = len(piece.content)
        if payload[0] == STORED and not described:
            start, stop = 0, size  # the container then stores both in one number, and such files are tiny
        return Chunk(CRITICAL, ((start, stop),), payload, content_hash(piece.content), size)


def _pieces(value: Audio, size: int) -> Iterator[tuple[int, int, Piece]]:
    """(start, stop, piece) in order; one block is read ahead, because the last one carries the tail."""
    frame = value.frame_size
    blocks = value.pcm.blocks(size // frame * frame)
    head, at = value.head, 0
    block = next(blocks, b"")
    while True:
        following = next(blocks, None)
        if len(block) % frame:
            raise BadInput(f"{value.pcm.name}: changed while it was read; encode it again")
        tail = value.tail.read(0, value.tail.size or 0) if following is None else b""
        stop = at + len(block) // frame
        yield at, stop, Piece(value.rate, value.channels, value.layout, head, block, tail)
        if following is None:
            break
        head, at, block = b"", stop, following
    if value.pcm.size is not None and stop * frame != value.pcm.size:
        raise BadInput(f"{value.pcm.name}: changed while it was read; encode it again")


def _pcm(parts: Iterator[Piece | Lost], layout: str, channels: int, tail: list[bytes]) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, Piece):
            yield part.pcm
            tail[:] = [part.tail]
        else:
            yield from part.filled((b"\x80" if layout == "u8" else b"\0") * (channels * sample_size(layout)))


def iter_tail(tail: list[bytes]) -> Iterator[bytes]:
    """The content of `tail` when it is read."""
    yield from tail


def _is_small(value: Audio) -> bool:
    return value.format in ("wav", "aiff") and value.pcm.size is not None and value.pcm.size < _SMALL


def _description(header: Header) -> tuple[int, int, str] | None:
    """(rate, channels, layout) out of the header, None if it has none; raises CorruptFile if they are invalid."""
    if not header.metadata:
        return None
    rate, channels, layout = (header.metadata.get(name) for name in ("rate", "channels", "layout"))
    if type(rate) is not int or type(channels) is not int or layout not in LAYOUTS:
        raise CorruptFile("the header does not describe the samples")
    if not (1 <= channels <= MAX_CHANNELS and 0 <= rate < 1 << 32):
        raise CorruptFile(f"the header claims {channels} channels at {rate} Hz")
    return rate, channels, str(layout)
