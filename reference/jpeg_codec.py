"""Codec `image.jpeg`: the payload of a file -> the file.

payload = u8 1, a payload of codec `bytes`: the file
        | u8 0, number of blocks, size of the rest, a piece of codec `bytes`: the rest; for each picture, those inside of others
          first, a piece: its segments
segments = number of rows of MCUs of each (0: one has all), size of each but the last, the segments (`jpeg_coefficients`)
rest = for each picture, those inside of it behind it: sizes of its short header and of its record, number of files inside of it,
       for each of them where it stands in the header, behind the one before, and its size;
       all short headers (`jpeg_headers`); all records (`jpeg_stream`)
"""

from dataclasses import dataclass, field

from reference import bytes_codec, jpeg_coefficients
from reference.jpeg_headers import restore
from reference.jpeg_stream import Blocks, Header, read_record, up, write
from reference.stream import Stream, need


@dataclass
class Picture:
    """A file: sizes of its parts, where others were cut out of its header, its header and its record."""

    sizes: tuple[int, int]
    size: int
    places: list[int] = field(default_factory=list)
    inner: list["Picture"] = field(default_factory=list)
    header: bytes = b""
    record: bytes = b""


def decode(payload: bytes, size: int) -> bytes:
    """The file of `size` bytes."""
    stream = Stream(payload)
    method = stream.byte()
    if method == 1:
        return bytes_codec.decode(stream.rest(), size)
    need(method == 0, f"method {method} is unknown")
    stream.number()
    length = stream.number()
    rest = Stream(bytes_codec.decode(stream.piece(), length))
    order: list[Picture] = []
    top = _facts(rest, size, order)
    for one in order:
        one.header = restore(rest.take(one.sizes[0]))
    for one in order:
        one.record = rest.take(one.sizes[1])
    rest.finish()
    data = _file(top, stream)
    stream.finish()
    return data


def _facts(rest: Stream, size: int, order: list[Picture]) -> Picture:
    found = Picture((rest.number(), rest.number()), size)
    order.append(found)
    at, sizes = 0, []
    for _ in range(rest.number()):
        at += rest.number()
        found.places.append(at)
        sizes.append(rest.number())
    found.inner = [_facts(rest, one, order) for one in sizes]
    return found


def _file(picture: Picture, stream: Stream) -> bytes:
    parts, start = [], 0
    for place, one in zip(picture.places, picture.inner, strict=True):
        parts += [picture.header[start:place], _file(one, stream)]
        start = place
    header = b"".join([*parts, picture.header[start:]])
    record = Stream(picture.record)
    records = [read_record(record) for _ in range(record.number())]
    record.finish()
    described = Header(header, records)
    data = write(header, records, described, _segments(Stream(stream.piece()), described))
    need(len(data) == picture.size, "a picture of another size")
    return data


def _segments(stream: Stream, described: Header) -> list[Blocks]:
    """The coefficients: bands of whole rows of MCUs, each coded as if it were a picture."""
    height = stream.number() or described.reached
    count = up(described.reached, height)
    sizes = [stream.number() for _ in range(count - 1)]
    quants = [one.quant or [1] * 64 for one in described.components]
    found: list[Blocks] = [[] for _ in described.components]
    for i in range(count):
        places = []
        for one, (rows, columns) in zip(described.components, described.sizes(), strict=True):
            start, stop = (min(rows, j * height * one.v) for j in (i, i + 1))
            places.append((stop - start, columns, one.h, one.v))
        data = stream.take(sizes[i]) if i + 1 < count else stream.rest()
        for component, band in zip(found, jpeg_coefficients.decode(data, places, quants), strict=True):
            component += band.tolist()
    return found
