"""Bytes that belong to no array: headers of npy files, zip directories, compressed members.

others = u8 kind, data           kind 0 the bytes   1 raw deflate, after the dictionary below   2 a payload of codec `bytes`
"""

import zlib
from collections.abc import Callable

from lacodec.errors import CorruptFile

_STORED, _DEFLATED, _BYTES = range(3)
_RAW = -15  # zlib's name for deflate without a head and a sum
_LARGE = 1 << 16  # bytes from which on codec `bytes` is worth its start

_SPACES = b" " * 64
_DICTIONARY = (
    b"PK\x05\x06\0\0\0\0\x01\0\x01\0PK\x01\x02-\x03-\0\0\0\0\0\0\0!\0.npyPK\x03\x04-\0\0\0\0\0\0\0!\0"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x09\0arr_0.npy\x01\0\x14\0"
    b"\x93NUMPY\x01\0v\0{'descr': [('x', '<U1'), ('y', '|S1')], 'fortran_order': True, 'shape': (10, 16), }"
    b"'<M8[ns]''<c16''<i2''<u4''<f2''<u2''|b1''|i1''|u1''<i4''<i8''<f4'"
    + _SPACES
    + b"\n\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (1000,), }"
    + _SPACES
    + b"\n"
)
"""What such bytes often have: headers as numpy writes them. A part of the format."""


def encode_others(data: bytes, effort: int, embed: Callable[[bytes, int], bytes], large: int = _LARGE) -> bytes:
    """The shortest form. embed: the payload of codec `bytes` for these bytes at an effort, from `large` bytes on."""
    if len(data) >= large:
        more = 1 if effort == 1 else 3 if effort < 7 else 5
        return bytes([_BYTES]) + embed(data, more)
    packer = zlib.compressobj(9, wbits=_RAW, zdict=_DICTIONARY)
    packed = packer.compress(data) + packer.flush()
    return bytes([_DEFLATED]) + packed if len(packed) < len(data) else bytes([_STORED]) + data


def decode_others(data: bytes, size: int, unembed: Callable[[bytes, int], bytes]) -> bytes:
    """These `size` bytes; raises CorruptFile."""
    kind, rest = data[:1], data[1:]
    if kind == bytes([_STORED]):
        found = rest
    elif kind == bytes([_DEFLATED]):
        unpacker = zlib.decompressobj(_RAW, zdict=_DICTIONARY)
        try:
            found = unpacker.decompress(rest, size + 1)
        except zlib.error as error:
            raise CorruptFile(f"the bytes between its arrays are damaged ({error})") from error
        if not unpacker.eof or unpacker.unused_data:
            raise CorruptFile("the bytes between its arrays do not end with their stream")
    elif kind == bytes([_BYTES]):
        found = unembed(rest, size)
    else:
        raise CorruptFile("the bytes between its arrays have an unknown form; if a newer lacodec wrote it, update")
    if len(found) != size:
        raise CorruptFile("the bytes between its arrays have another size")
    return found
