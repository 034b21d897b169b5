"""Codec `image.jpeg`: JPEG files, restored byte for byte.

    file --parsed (`stream`)--> quantised coefficients (`Frame`) --model--> bytes
                            --> all else --codec `bytes`--> bytes

A file is one chunk that covers its bytes. A payload is one byte and data. 1: the file as a payload of codec `bytes`. 0: pictures,

    all but the coefficients, coefficients of each picture in segments (`payload`)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs.blocks import ByteRanges
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.image.jpeg.media import JPEGS, MAX_FILE, JpegFile
from lacodec.codecs.options import check_effort, check_tile, effort_field
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, Header, content_hash
from lacodec.errors import CorruptFile, LimitExceeded

if TYPE_CHECKING:
    from lacodec.codecs.image.jpeg.pictures import Picture
    from lacodec.codecs.image.jpeg.shown import JpegPicture

PICTURES, FILE = range(2)
_SEGMENT = 1 << 20  # bytes of a file for a segment; smaller files have one
_BASE_COST = 96 << 20  # bytes of memory for any file: the model's tables, a segment
_BLOCK = 128  # bytes of a block's coefficients
_RECORD = 32  # bytes for each of a record: its numbers may have one and become eight
_BLOCKS_PER_BYTE = 0.125  # in photos before it is known; flat pictures have up to 8


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()
    tile: int | None = field(
        default=None,
        metadata={
            "help": "rows of pixels that are coded together, 64 to 1024: crops decode only those they touch (default: by size)"
        },
    )

    def __post_init__(self) -> None:
        check_effort(self.effort)
        check_tile(self.tile)


class Jpeg(ByteRanges[JpegFile]):
    """JPEG files, with an effort from 1 to 9."""

    name = "image.jpeg"
    stream_version = 1
    media = JPEGS
    by_content = True
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2}
    Options = _Options

    def options_dict(self) -> dict[str, Any]:
        """The options; without the rows of a segment where they are not given."""
        return {key: value for key, value in super().options_dict().items() if value is not None}

    def format_of(self, value: JpegFile) -> str:
        """JPEG."""
        return "jpeg"

    @classmethod
    def samples(cls) -> list[Any]:
        """A baseline and a progressive file, which use all kernels."""
        from lacodec.codecs.image.jpeg.samples import small_files

        return [cls.media.from_object(data) for data in small_files()]

    def chunk_size(self) -> int:
        """The largest file: files are not cut."""
        return MAX_FILE

    def content_size(self, value: JpegFile) -> int | None:
        """Bytes of the file."""
        return len(value.data)

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """With one thread; mainly the coefficients."""
        blocks, rest = int(size * _BLOCKS_PER_BYTE), 0
        if payload is not None and payload[:1] == bytes([PICTURES]):
            from lacodec.codecs.image.jpeg.payload import claimed

            blocks, rest = claimed(payload[1:21])
        return _BLOCK * blocks + 8 * size + _RECORD * rest + _BASE_COST

    def encode(self, value: JpegFile, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk."""
        payload = self._payload(value, session)
        yield Chunk(CRITICAL, ((0, len(value.data)),), payload, content_hash(value.data), len(value.data))

    def _payload(self, value: JpegFile, session: Session) -> bytes:
        from lacodec.codecs.image.jpeg.payload import encode_pictures

        picture = value.taken()
        need = _BLOCK * picture.blocks + 8 * picture.size + _BASE_COST
        threads = _threads(need, session)
        coded = encode_pictures(picture, self._rows, self.options.effort, threads, session)
        if coded is not None and 1 + len(coded) < len(value.data):
            return bytes([PICTURES]) + coded
        return bytes([FILE]) + embed("bytes", value.data, effort=self.options.effort)

    def _rows(self, picture: "Picture") -> int:
        """How many rows of MCUs a segment of a picture has."""
        frame = picture.parsed.frame
        if self.options.tile is not None:
            return max(1, self.options.tile // (8 * max(one.v for one in frame.components)))
        count = max(2, picture.size // _SEGMENT) if picture.size > _SEGMENT else 1
        return -(-frame.down // count)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> bytes:
        """The bytes of the file."""
        if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size] or not chunk.payload:
            raise CorruptFile("its decoded size contradicts the range it covers")
        if chunk.payload[0] == FILE:
            data = unembed("bytes", chunk.payload[1:], chunk.decoded_size, header, session)
        elif chunk.payload[0] == PICTURES:
            from lacodec.codecs.image.jpeg.payload import decode_pictures

            threads = _threads(self.memory(chunk.decoded_size, chunk.payload), session)
            data = decode_pictures(chunk.payload[1:], chunk.decoded_size, header, threads, session)
        else:
            raise CorruptFile(f"method {chunk.payload[0]} is unknown; if a newer lacodec wrote it, update")
        if len(data) != chunk.decoded_size or content_hash(data) != chunk.content_hash:
            raise CorruptFile("its bytes differ from those that were encoded")
        return data

    def picture(self, header: Header, chunk: Chunk, session: Session = DEFAULT) -> "JpegPicture":
        """The file as a picture, of which windows can be taken; they are not compared with the content hash."""
        from lacodec.codecs.image.jpeg.payload import read_payload
        from lacodec.codecs.image.jpeg.shown import JpegPicture

        coded, blocks = None, 0
        if chunk.payload[:1] == bytes([PICTURES]):
            coded, blocks = read_payload(chunk.payload[1:], chunk.decoded_size, header, session)
        return JpegPicture(lambda: self.decode_chunk(header, chunk, session=session), coded, blocks, session)

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> JpegFile:
        """The file; lost ranges are zeros."""
        return JpegFile(b"".join(b"".join(part.filled()) if isinstance(part, Lost) else part for part in parts))


def _threads(need: int, session: Session) -> int:
    """As many of the session's as its memory allows; raises LimitExceeded when one, which needs so many bytes, is too many."""
    if session.max_memory is None:
        return session.threads
    if need > session.max_memory:
        most = session.max_memory >> 20
        raise LimitExceeded(f"this JPEG file needs about {need >> 20} MiB of memory, the limit is {most} MiB; raise it")
    return min(session.threads, 1 + (session.max_memory - need) // _BASE_COST)
