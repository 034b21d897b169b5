"""Headers of JPEG files in which numbers stand for what many of them have.

short header = count, for each place: bytes before it, number; then the other bytes
number = 0..27 `FIXED`; 100 + 200 n + 100 k + q - 1: a DQT segment with table n, of kind k (0 luminance, 1 colour) at libjpeg's
quality q; 500 + q - 1: one with both tables
"""

from reference.stream import Stream, need

LUMA = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763"
)
COLOUR = bytes.fromhex("1112121815182f1a1a2f63423842" + "63" * 50)
CODES = [
    bytes.fromhex(text)
    for text in (
        "00010501010101010100000000000000000102030405060708090a0b",
        "0002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25"
        "262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999a"
        "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa",
        "00030101010101010101010000000000000102030405060708090a0b",
        "00020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718"
        "191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798"
        "999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa",
    )
]
"""The codes of the standard: luminance DC, AC, colour DC, AC; 16 counts, then symbols."""


def _dht(*tables: tuple[int, int]) -> bytes:
    """A DHT segment with (number, place in CODES)."""
    body = b"".join(bytes([number]) + CODES[place] for number, place in tables)
    return b"\xff\xc4" + (len(body) + 2).to_bytes(2, "big") + body


DC0, AC0, DC1, AC1 = (0, 0), (0x10, 1), (1, 2), (0x11, 3)
TEXTS = (
    "ffd8ffe000104a46494600010100000100010000 ffd8ffe000104a46494600010101004800480000 ffd8ffe000104a46494600010101006000600000 "
    "ffd8ffe000104a464946000101 ffc0001108 ffc2001108 ffc000 "
    "03012200021101031101 03012100021101031101 03011100021101031101 03011200021101031101 "
    "ffda000c03010002110311003f00 ffda0008010100003f00 ffda000c03010002100310000001 ffda0008010100010502 ffda0008010301013f01 "
    "ffda0008010201013f01 ffda0008010100063f02 ffda0008010100013f21 ffda000c03010002000300000010 ffda0008010301013f10 "
    "ffda0008010201013f10 ffda0008010100013f10 ffda0008010100000001 ffda0008010100000010"
)
FIXED = [
    _dht(DC0) + _dht(AC0) + _dht(DC1) + _dht(AC1),
    _dht(DC0, AC0, DC1, AC1),
    _dht(DC0, DC1, AC0, AC1),
    _dht(DC0) + _dht(AC0),
    *map(bytes.fromhex, TEXTS.split()),
]


def steps(kind: int, quality: int) -> bytes:
    """libjpeg's table."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(min(255, max(1, (step * scale + 50) // 100)) for step in (LUMA, COLOUR)[kind])


def known(number: int) -> bytes:
    """What a number stands for."""
    if 100 <= number < 500:
        table, kind, quality = (number - 100) // 200, (number - 100) // 100 % 2, number % 100 + 1
        return b"\xff\xdb\0\x43" + bytes([table]) + steps(kind, quality)
    if 500 <= number < 600:
        return b"\xff\xdb\0\x84\0" + steps(0, number - 499) + b"\1" + steps(1, number - 499)
    need(0 <= number < len(FIXED), "a number that stands for nothing")
    return FIXED[number]


def restore(short: bytes) -> bytes:
    """The header."""
    stream = Stream(short)
    places = [(stream.number(), stream.number()) for _ in range(stream.number())]
    parts = [part for before, number in places for part in (stream.take(before), known(number))]
    return b"".join([*parts, stream.rest()])
