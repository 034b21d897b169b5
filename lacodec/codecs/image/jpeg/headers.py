"""Headers without what many JPEG files have: the tables of the standard (ITU T.81, annex K), libjpeg's steps and scans.

header <--shorten, restore--> varint places, for each: varint bytes before it, varint number of what stands there; the other bytes

Numbers: from 0 `_FIXED`; from 100 a DQT segment with a table of libjpeg: 100 + 200 * (number of the table) + 100 * (kind of the
table: 0 for luminance, 1 for colour) + quality - 1; from 500 one with both tables: 500 + quality - 1.
"""

import re
from functools import cache
from itertools import islice

from lacodec.codecs.image.jpeg.stream.record import Stream, varint
from lacodec.errors import CorruptFile

_LUMA = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763"
)
_COLOUR = bytes.fromhex("1112121815182f1a1a2f63423842" + "63" * 50)
"""Steps at quality 50, in zigzag order."""

_DC = [
    bytes.fromhex(counts) + bytes(range(12))
    for counts in ("00010501010101010100000000000000", "00030101010101010101010000000000")
]
_AC = [
    bytes.fromhex(
        "0002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25"
        "262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999a"
        "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
    bytes.fromhex(
        "00020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718"
        "191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798"
        "999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
]
STANDARD = tuple(zip(_DC, _AC, strict=True))
"""The standard's Huffman tables as DHT has them, of DC and AC: those for luminance, those for colour."""

_GRAY_CODES = b"\xff\xc4\0\x1f\0" + _DC[0] + b"\xff\xc4\0\xb5\x10" + _AC[0]
_TEXTS = (
    "ffd8ffe000104a46494600010100000100010000 ffd8ffe000104a46494600010101004800480000 ffd8ffe000104a46494600010101006000600000 "
    "ffd8ffe000104a464946000101 ffc0001108 ffc2001108 ffc000 "
    "03012200021101031101 03012100021101031101 03011100021101031101 03011200021101031101 "
    "ffda000c03010002110311003f00 ffda0008010100003f00 ffda000c03010002100310000001 ffda0008010100010502 ffda0008010301013f01 "
    "ffda0008010201013f01 ffda0008010100063f02 ffda0008010100013f21 ffda000c03010002000300000010 ffda0008010301013f10 "
    "ffda0008010201013f10 ffda0008010100013f10 ffda0008010100000001 ffda0008010100000010"
)
STANDARD_SEGMENTS = _GRAY_CODES + b"\xff\xc4\0\x1f\1" + _DC[1] + b"\xff\xc4\0\xb5\x11" + _AC[1]
"""The DHT segments that hold them, with the numbers 0 and 1."""

_FIXED = [
    STANDARD_SEGMENTS,
    b"\xff\xc4\1\xa2\0" + _DC[0] + b"\x10" + _AC[0] + b"\1" + _DC[1] + b"\x11" + _AC[1],
    b"\xff\xc4\1\xa2\0" + _DC[0] + b"\1" + _DC[1] + b"\x10" + _AC[0] + b"\x11" + _AC[1],
    _GRAY_CODES,
    *map(bytes.fromhex, _TEXTS.split()),
]
_DQT, _BOTH = 100, 500
_SOF, _MARKER = re.compile(rb"\xff[\xc0-\xc2]\0"), re.compile(rb"\xff[\xc0-\xfe]")
_MOST_MARKS = 1 << 14  # that are looked at; behind the picture anything may stand
_SOF_HEAD = 9  # bytes of SOF up to its components


@cache
def _strings() -> dict[int, bytes]:
    """Number -> bytes."""
    found = dict(enumerate(_FIXED))
    for quality in range(1, 101):
        tables = [_scaled(table, quality) for table in (_LUMA, _COLOUR)]
        for number in (0, 1):
            for kind, table in enumerate(tables):
                found[_DQT + 200 * number + 100 * kind + quality - 1] = b"\xff\xdb\0\x43" + bytes([number]) + table
        found[_BOTH + quality - 1] = b"\xff\xdb\0\x84\0" + tables[0] + b"\1" + tables[1]
    return found


def _scaled(table: bytes, quality: int) -> bytes:
    """Steps at another quality, as libjpeg has them."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(min(255, max(1, (step * scale + 50) // 100)) for step in table)


@cache
def _by_start() -> dict[bytes, list[tuple[bytes, int]]]:
    """First two bytes -> (bytes, number), longest first."""
    found: dict[bytes, list[tuple[bytes, int]]] = {}
    for number, text in _strings().items():
        if text[1] != 0xDB:
            found.setdefault(text[:2], []).append((text, number))
    return {start: sorted(several, key=lambda one: -len(one[0])) for start, several in found.items()}


@cache
def _steps() -> dict[bytes, int]:
    """A DQT segment -> its number."""
    return {text: number for number, text in _strings().items() if text[1] == 0xDB}


def shorten(header: bytes) -> bytes:
    """The header with numbers for what is known."""
    places, rest, start = [], [], 0
    frames = {found.start() + _SOF_HEAD for found in islice(_SOF.finditer(header), _MOST_MARKS)}
    for at in sorted(frames | {found.start() for found in islice(_MARKER.finditer(header), _MOST_MARKS)}):
        text, number = _known(header, at) if at >= start else (b"", -1)
        if number >= 0:
            places.append(varint(at - start) + varint(number))
            rest.append(header[start:at])
            start = at + len(text)
    return b"".join([varint(len(places)), *places, *rest, header[start:]])


def _known(header: bytes, at: int) -> tuple[bytes, int]:
    if header[at : at + 2] == b"\xff\xdb":
        for size in (69, 134):
            text = header[at : at + size]
            if text in _steps():
                return text, _steps()[text]
    for text, number in _by_start().get(header[at : at + 2], ()):
        if header.startswith(text, at):
            return text, number
    return b"", -1


def restore(short: bytes, most: int) -> bytes:
    """The header, of at most `most` bytes; raises CorruptFile."""
    stream, strings = Stream(short), _strings()
    places = [(stream.varint(), stream.varint()) for _ in range(min(stream.varint(), len(short)))]
    parts, size = [], 0
    for before, number in places:
        if number not in strings:
            raise CorruptFile("a header refers to a table that is not known")
        parts += [stream.take(before), strings[number]]
        size += before + len(strings[number])
        if size > most:
            break
    parts.append(short[stream.at :])
    if size + len(parts[-1]) > most:
        raise CorruptFile("a header is longer than its file")
    return b"".join(parts)
