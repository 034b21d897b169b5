"""A payload with pictures <-> the file: what is said in front of the frames, and their order.

varint blocks of all coefficients, varint size of the rest unpacked, varint size packed, a payload of codec `bytes`: the rest,
i.e. headers and records of the picture and of those inside of it (`pictures.pack`);
for each picture, those inside of others first: varint size, its coefficients (`segments`)
"""

from collections.abc import Callable
from dataclasses import dataclass

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.image.jpeg.pictures import Packed, Picture, full_header, pack, unpack_pictures
from lacodec.codecs.image.jpeg.segments import Segments, decode_segments, encode_segments
from lacodec.codecs.image.jpeg.stream.parse import Outline, Parsed, frame_of, outline, rebuild
from lacodec.codecs.image.jpeg.stream.record import Record, Stream, unpack, varint
from lacodec.codecs.session import Session
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, Share

BLOCK = 64  # coefficients
_REST_EFFORT = {2: 1, 3: 4}  # of codec `bytes`: 2 and 3 take longer than their neighbours for a few kB, and make more of them


def encode_pictures(
    picture: Picture, rows_of: Callable[[Picture], int], effort: int, threads: int, session: Session
) -> bytes | None:
    """The payload without its first byte; None if no decoder would take it, as too much is said besides the coefficients.

    rows_of: how many rows of MCUs the segments of a picture shall have.
    """
    rest = pack(picture)
    if len(rest) > _most_rest(picture.size):
        return None
    packed = embed("bytes", rest, effort=_REST_EFFORT.get(effort, effort))
    share = Share(session.report, picture.size, picture.blocks * BLOCK)
    parts = [*map(varint, (picture.blocks, len(rest), len(packed))), packed]
    for one in picture.walk():
        coded = encode_segments(one.parsed.frame, one.size, rows_of(one), effort, threads, share)
        parts += [varint(len(coded)), coded]
    return b"".join(parts)


def _most_rest(size: int) -> int:
    """Bytes of headers and records of a file of `size` bytes: a scan may have more exceptions than bytes."""
    return 4 * size + 4096


@dataclass(frozen=True)
class Coded:
    """A picture whose frame is still coded, with those inside of it."""

    packed: Packed
    segments: bytes
    inner: tuple["Coded", ...]

    def described(self, files: list[bytes]) -> tuple[Record, Outline]:
        """All but the coefficients, with the files inside, or as many bytes in their places; raises CorruptFile."""
        record = unpack(full_header(self.packed.header, self.packed.places, files), self.packed.packed)
        found = outline(record, self.packed.size)
        if found is None:
            raise CorruptFile("its header does not describe the recorded scans")
        return record, found


def read_payload(data: bytes, size: int, header: Header, session: Session) -> tuple[Coded, int]:
    """The picture of a file of `size` bytes in a payload without its first byte, and the blocks that it claims."""
    stream = Stream(data)
    blocks, length, packed = stream.varint(), stream.varint(), stream.varint()
    if length > _most_rest(size):
        raise CorruptFile("what is said besides its coefficients is longer than the file")
    rest = unembed("bytes", stream.take(packed), length, header, session)
    coded = _coded(unpack_pictures(rest, size), stream)
    stream.finish()
    return coded, blocks


def _coded(packed: Packed, stream: Stream) -> Coded:
    inner = tuple(_coded(one, stream) for one in packed.inner)
    return Coded(packed, stream.take(stream.varint()), inner)


def decode_pictures(data: bytes, size: int, header: Header, threads: int, session: Session) -> bytes:
    """The file of `size` bytes in a payload without its first byte; raises CorruptFile."""
    coded, blocks = read_payload(data, size, header, session)
    data, left = written(coded, blocks, threads, Share(session.report, size, blocks * BLOCK))
    if left:
        raise CorruptFile("it has other blocks than it claims")
    return data


def written(coded: Coded, blocks: int, threads: int, report: Report) -> tuple[bytes, int]:
    """The file of a picture, and how many of `blocks` are left for others; raises CorruptFile."""
    files = []
    for one in coded.inner:
        file, blocks = written(one, blocks, threads, report)
        files.append(file)
    record, found = coded.described(files)
    blocks -= sum(rows * columns for rows, columns in found.sizes)
    if blocks < 0:
        raise CorruptFile("it has more blocks than it claims")
    segments = Segments.unpack(coded.segments, found.down, coded.packed.size)
    coefficients = decode_segments(found, segments, range(len(segments.coded)), threads, report)
    data = rebuild(Parsed(frame_of(found, coefficients, 0, found.down), record), coded.packed.size)
    if len(data) != coded.packed.size:
        raise CorruptFile("a picture in it has another size than it claims")
    return data, blocks


def claimed(data: bytes) -> tuple[int, int]:
    """(blocks, bytes besides them) that a payload without its first byte claims to have; 0 where it is damaged."""
    stream = Stream(data[:20])
    try:
        return stream.varint(), stream.varint()
    except CorruptFile:
        return 0, 0
