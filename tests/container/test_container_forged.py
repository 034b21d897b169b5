"""Files whose every checksum and hash is right and whose content is a lie."""

import io
import struct
import time
import tracemalloc
from dataclasses import replace

import msgspec
import pytest

import lacodec
from lacodec.container import CRITICAL, ChunkHead, Header, Limits, Reader, content_hash, layout, salvage, stream
from lacodec.container.types import INDEX
from lacodec.errors import CorruptFile, LacodecError, LimitExceeded, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.io.streams import PipeSource

GOOD = Header("bytes", 0, {"effort": 1}).pack()


def head_of(payload, covers, sequence=0):
    size = covers[0][1] - covers[0][0]
    return ChunkHead(sequence, CRITICAL, covers, len(payload), size, content_hash(payload), content_hash(payload[1:]))


def forge(items, header=GOOD, with_index=True, entries=None):
    """A chunked file with correct sums from (ChunkHead, payload) pairs; `entries` replaces the index's (offset, head) list."""
    data = bytearray(layout.pack_head(header, 7))
    index = bytearray(layout.index_start(header))
    for head, payload in items:
        packed = layout.pack_chunk_head(head, 7)
        index += layout.index_entry(len(data), packed)
        data += packed + payload
    if entries is not None:
        index = layout.index_start(header) + b"".join(layout.index_entry(a, layout.pack_chunk_head(b, 7)) for a, b in entries)
    if with_index:
        digest, at = content_hash(bytes(index)), len(data)
        data += layout.pack_chunk_head(ChunkHead(len(items), INDEX, (), len(index), 0, digest, digest), 7) + index
        data += layout.pack_footer(7, at, len(data) - at)
    return bytes(data)


def block(start, content, sequence=0, **changes):
    payload = b"\0" + content
    head = head_of(payload, ((start, start + len(content)),), sequence)
    return replace(head, **changes), payload


def readings(data):
    """All ways to read a file."""
    yield lambda: lacodec.decode(data)
    yield lambda: lacodec.open(data)[:]
    yield lambda: list(stream(PipeSource(io.BytesIO(data)), Limits(1 << 30))[1])
    yield lambda: list(salvage(BytesSource(data), Limits(1 << 30))[1])
    yield lambda: Reader(BytesSource(data), partial=True)


def refused(data, *errors, ways=(0, 1, 2)):
    """Reading must raise LacodecErrors, quickly and in little memory."""
    for number, read in enumerate(readings(data)):
        tracemalloc.start()
        start = time.process_time()
        error = None
        try:
            read()
        except LacodecError as caught:
            error = caught
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert time.process_time() - start < 20 and peak < 20 << 20
        assert error is not None or number not in ways, f"way {number} read it"
        assert error is None or (isinstance(error, errors or LacodecError) and "\n" not in str(error)), error


def test_the_forger_can_make_good_files():
    data = forge([block(0, b"abc"), block(3, b"def", 1)])
    assert lacodec.decode(data) == lacodec.open(data)[:] == b"abcdef"


@pytest.mark.parametrize(
    "items",
    [
        [block(0, b"abc"), block(2, b"def", 1)],
        [block(0, b"abc"), block(4, b"def", 1)],
        [block(3, b"abc"), block(0, b"def", 1)],
        [block(1, b"abc")],
        [block(0, b"abc"), block(3, b"def", 0)],
        [block(0, b"abc"), block(3, b"def", 2)],
        [block(0, b"abc", depends=(0,))],
        [block(0, b"abc", depends=(5,))],
        [block(0, b"abc"), block(3, b"def", 1, covers=((3, 6), (0, 1)))],
        [block(0, b"abc", covers=((3, 0),))],
        [block(0, b"abc", covers=((0, 1 << 63),))],
    ],
)
def test_covers_sequences_dependencies(items):
    refused(forge(items), CorruptFile)
    refused(forge(items, with_index=False), CorruptFile)


@pytest.mark.parametrize(
    "item",
    [
        block(0, b"abc", decoded_size=4),
        block(0, b"abc", decoded_size=0),
        block(0, b"abc", covers=((0, 1 << 40),)),
        block(0, b"abc", content_hash=0),
        (head_of(b"", ((0, 3),)), b""),
        (head_of(b"\x09abc", ((0, 3),)), b"\x09abc"),
        (head_of(b"\x01abc", ((0, 3),)), b"\x01abc"),
    ],
)
def test_chunks_that_lie_about_their_content(item):
    refused(forge([item]), CorruptFile, ways=(0, 1))


def test_absurd_sizes():
    refused(forge([block(0, b"abc", decoded_size=(64 << 20) + 1)]), LimitExceeded)
    refused(forge([block(0, b"abc", payload_size=(1 << 32) - 1)]), LimitExceeded)
    refused(forge([block(0, b"abc", payload_size=64 << 20)]), CorruptFile)
    many = [(head_of(b"", ((i << 26, (i + 1) << 26),), i), b"") for i in range(17)]
    refused(forge(many), LimitExceeded, CorruptFile)
    for head in (struct.pack("<4sBBI", b"\x8bLAC", 0, form, (1 << 32) - 1) for form in (0, 1)):
        refused(head + bytes(100), LimitExceeded)
    compact = layout.pack_compact_head(GOOD, head_of(b"\0abc", ((0, (1 << 26) + 1),)))
    refused(compact + b"\0abc\0", LimitExceeded)
    refused(layout.pack_compact_head(GOOD, head_of(b"\0abc", ((0, 1 << 26),))) + b"\0abc\0", CorruptFile, ways=(0, 1))


def test_a_zstd_frame_that_claims_gigabytes():
    import zstandard

    frame = bytearray(zstandard.ZstdCompressor().compress(bytes(1 << 22)))
    frame = frame[:4] + bytes([0xE0]) + (1 << 40).to_bytes(8, "little") + frame[9:]
    bomb = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 28))
    for data in (bytes(frame), bomb):
        payload = b"\1" + data
        refused(forge([(head_of(payload, ((0, 1 << 20),)), payload)]), CorruptFile, ways=(0, 1))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xc0",
        b"\x93",
        b"\x93\xa5bytes\x00\x80\x00",
        b"\x93\xa5bytes\xff\x80",
        b"\x93\x05\x00\x80",
        b"\x93\xa2\xff\xfe\x00\x80",
        b"\x93\xa5bytes\x00\x81\xa1x\x90",
        b"\x93\xa5bytes\x00\xdf\xff\xff\xff\xff",
        b"\x93\xdb\xff\xff\xff\xff",
        b"\x93\xa5bytes\xcf" + b"\xff" * 8 + b"\x80",
        b"\x98\xa5bytes\x00\x80\xc0\xa5bytes\xc0\xc0\x81\xa1a" + b"\x91" * 900_000,
        b"\x98\xa5bytes\x00\x80\xc0\xa5bytes\xc0\xc0\x81\xa1a" + b"\x81" * 900_000,
        b"\x98\xa5bytes\x00\x80\xc0\xa5bytes\xc0\xc0\x81\xa1a\x81\x91\x01\x02",
        b"\x98\xa5bytes\x00\x80\xc0\xa5bytes\xc0\xc0\x81\xa1a\xd7\xff" + b"\xff" * 8,
        b"\x9a\xa5bytes\x00\x80" + b"\xc0" * 7,
        b"\x95\xa5bytes\x00\x80\xc0\xa3all",
        b"\x94\xa5bytes\x00\x80\xa5\x1b[31m",
    ],
)
def test_bad_headers(header):
    refused(forge([block(0, b"abc")], header=header), ways=(0, 1))
    refused(forge([block(0, b"abc")], header=header, with_index=False), ways=(0, 1))
    refused(layout.pack_compact_head(header, head_of(b"\0abc", ((0, 3),))) + b"\0abc\0", ways=(0, 1))


def test_unknown_kinds_and_forms():
    refused(forge([block(0, b"abc", kind=3)]), UnsupportedFile)
    refused(b"\x8bLAC\x02" + bytes(50), UnsupportedFile)
    refused(b"\x8bLAC\x00\x02" + bytes(50), UnsupportedFile)


def test_an_index_that_differs_from_the_chunks():
    one, two = block(0, b"abc"), block(3, b"def", 1)
    good = forge([one, two])
    start = len(layout.pack_head(GOOD, 7))
    second = start + len(layout.pack_chunk_head(one[0], 7)) + 4
    assert forge([one, two], entries=[(start, one[0]), (second, two[0])]) == good
    for entries in (
        [(start, one[0])],
        [(start, one[0]), (start, two[0])],
        [(second, one[0]), (start, two[0])],
        [(0, one[0]), (second, two[0])],
        [(start, one[0]), (1 << 60, two[0])],
        [(start, one[0]), (second, block(3, b"xyz", 1)[0])],
    ):
        refused(forge([one, two], entries=entries), LacodecError, ways=(0, 2))


def test_an_appended_index_with_another_header():
    other = msgspec.structs.replace(Header("bytes", 0, {"effort": 1}), name="other").pack()
    data = bytearray(forge([block(0, b"abc")]))
    at = len(data)
    index = layout.index_start(other)
    digest = content_hash(index)
    data += layout.pack_chunk_head(ChunkHead(1, INDEX, (), len(index), 0, digest, digest), 7) + index
    data += layout.pack_footer(7, at, len(data) - at)
    refused(bytes(data), CorruptFile, ways=(0, 2))


def test_salvage_of_a_file_full_of_headers_is_not_quadratic():
    """Each header claims the rest of the file and fails its hash: scanning must not read the rest for each."""
    count = 20_000
    heads = b"".join(
        layout.pack_chunk_head(ChunkHead(i, CRITICAL, ((i, i + 1),), 60 * (count - i - 1), 1, 1, 1), 7) for i in range(count)
    )
    data = layout.pack_head(GOOD, 7) + heads
    start = time.process_time()
    items = list(salvage(BytesSource(data))[1])
    assert items and time.process_time() - start < 60


def test_kinds_of_later_versions():
    """Optional ones are skipped, critical ones are refused by their number; both by every reader."""
    good = forge([block(0, b"abc"), block(0, b"later", 1, kind=200), block(3, b"def", 2)])
    assert lacodec.decode(good) == b"abcdef"
    assert Reader(BytesSource(good)).decoded_size == 6
    with pytest.raises(UnsupportedFile, match="unknown critical kind 77"):
        lacodec.decode(forge([block(0, b"abc"), block(0, b"later", 1, kind=77)]))
