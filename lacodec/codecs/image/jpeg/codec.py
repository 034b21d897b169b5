"""Codec `image.jpeg`: JPEG files, restored byte for byte.

    file --parsed (`stream`)--> quantised coefficients (`Frame`) --model--> bytes
                            --> all else --codec `bytes`--> bytes

A file is one chunk that covers its bytes. A payload is one byte and data. 1: the file as a payload of codec `bytes`. 0: pictures,

    varint blocks of all coefficients, varint size of the rest unpacked, varint size packed, a payload of codec `bytes`: the rest,
    i.e. headers and records of the picture and of those inside of it (`pictures.pack`);
    for each picture, those inside of others first: varint size, its coefficients (`encode_frame`)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lacodec.codecs.blocks import ByteRanges
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.image.jpeg.media import JPEGS, JpegFile
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, Header, content_hash
from lacodec.errors import CorruptFile

PICTURES, FILE = range(2)
_BASE_COST = 64 << 20  # bytes of memory for any file: the model's tables
_BLOCK = 128  # bytes of a block's coefficients
_BLOCKS_PER_BYTE = 0.25  # in photos; flat pictures have up to 8


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()

    def __post_init__(self) -> None:
        check_effort(self.effort)


class Jpeg(ByteRanges[JpegFile]):
    """JPEG files, with an effort from 1 to 9."""

    name = "image.jpeg"
    stream_version = 0
    media = JPEGS
    by_content = True
    nested: ClassVar[Mapping[str, int]] = {"bytes": 1}
    Options = _Options

    def format_of(self, value: JpegFile) -> str:
        """JPEG."""
        return "jpeg"

    @classmethod
    def samples(cls) -> list[Any]:
        """A baseline and a progressive file, which use all kernels."""
        from lacodec.codecs.image.jpeg.samples import small_files

        return [cls.media.from_object(data) for data in small_files()]

    def chunk_size(self) -> int:
        """A large photo: files are not cut."""
        return 16 << 20

    def content_size(self, value: JpegFile) -> int | None:
        """Bytes of the file."""
        return len(value.data)

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Mainly the coefficients, twice."""
        blocks = int(size * _BLOCKS_PER_BYTE)
        if payload is not None and payload[:1] == bytes([PICTURES]):
            blocks = _claimed_blocks(payload)
        return 3 * _BLOCK * blocks + 8 * size + _BASE_COST

    def encode(self, value: JpegFile, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk."""
        assert value.picture is not None
        payload = self._payload(value, session)
        yield Chunk(CRITICAL, ((0, len(value.data)),), payload, content_hash(value.data), len(value.data))

    def _payload(self, value: JpegFile, session: Session) -> bytes:
        from lacodec.codecs.image.jpeg.model.coder import encode_frame
        from lacodec.codecs.image.jpeg.pictures import pack
        from lacodec.codecs.image.jpeg.stream.record import varint

        picture = value.picture
        assert picture is not None
        rest = pack(picture)
        packed = embed("bytes", rest, effort=self.options.effort)
        frames = [one.parsed.frame for one in picture.walk()]
        blocks = sum(part.coefficients.size // 64 for frame in frames for part in frame.components)
        parts = [bytes([PICTURES]), *map(varint, (blocks, len(rest), len(packed))), packed]
        for frame in frames:
            coded = encode_frame(frame, self.options.effort, session.report)
            parts += [varint(len(coded)), coded]
        payload = b"".join(parts)
        if len(payload) < len(value.data):
            return payload
        return bytes([FILE]) + embed("bytes", value.data, effort=self.options.effort)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> bytes:
        """The bytes of the file."""
        if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size] or not chunk.payload:
            raise CorruptFile("its decoded size contradicts the range it covers")
        if chunk.payload[0] == FILE:
            data = unembed("bytes", chunk.payload[1:], chunk.decoded_size, header, session)
        elif chunk.payload[0] == PICTURES:
            data = _decoded(chunk.payload, chunk.decoded_size, header, session)
        else:
            raise CorruptFile(f"method {chunk.payload[0]} is unknown; if a newer lacodec wrote it, update")
        if len(data) != chunk.decoded_size or content_hash(data) != chunk.content_hash:
            raise CorruptFile("its bytes differ from those that were encoded")
        return data

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> JpegFile:
        """The file; lost ranges are zeros."""
        return JpegFile(b"".join(b"".join(part.filled()) if isinstance(part, Lost) else part for part in parts))


def _claimed_blocks(payload: bytes) -> int:
    from lacodec.codecs.image.jpeg.stream.record import Stream

    try:
        return Stream(payload[1:11]).varint()
    except CorruptFile:
        return 0


def _decoded(payload: bytes, size: int, header: Header, session: Session) -> bytes:
    """The file of `size` bytes in a payload with pictures."""
    from lacodec.codecs.image.jpeg.pictures import unpack_pictures
    from lacodec.codecs.image.jpeg.stream.record import Stream

    stream = Stream(payload[1:])
    blocks, length, packed = stream.varint(), stream.varint(), stream.varint()
    if length > 4 * size + 4096:
        raise CorruptFile("what is said besides its coefficients is longer than the file")
    rest = unembed("bytes", stream.take(packed), length, header, session)
    data, left = _written(unpack_pictures(rest, size), stream, blocks, session)
    stream.finish()
    if left:
        raise CorruptFile("it has other blocks than it claims")
    return data


def _written(picture: Any, stream: Any, blocks: int, session: Session) -> tuple[bytes, int]:
    """The file of a picture whose coefficients come next in `stream`, and how many of `blocks` are left for those behind."""
    from lacodec.codecs.image.jpeg.model.coder import decode_frame
    from lacodec.codecs.image.jpeg.pictures import full_header
    from lacodec.codecs.image.jpeg.stream.parse import Parsed, outline, rebuild
    from lacodec.codecs.image.jpeg.stream.record import unpack

    files = []
    for one in picture.inner:
        file, blocks = _written(one, stream, blocks, session)
        files.append(file)
    record = unpack(full_header(picture.header, picture.places, files), picture.packed)
    found = outline(record, picture.size)
    if found is None:
        raise CorruptFile("its header does not describe the recorded scans")
    blocks -= sum(rows * columns for rows, columns in found.sizes)
    if blocks < 0:
        raise CorruptFile("it has more blocks than it claims")
    sizes = [(*size, one.h, one.v) for size, one in zip(found.sizes, found.frame.components, strict=True)]
    geometry = found.frame.width, found.frame.height, sizes
    frame = decode_frame(stream.take(stream.varint()), geometry, found.quants, session.report)
    data = rebuild(Parsed(frame, record), picture.size)
    if len(data) != picture.size:
        raise CorruptFile("a picture in it has another size than it claims")
    return data, blocks
