import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec import api
from lacodec.container import ANCILLARY, CRITICAL, Chunk, Header, Reader, content_hash, stream, write_container
from lacodec.errors import BadInput, LacodecError, LimitExceeded
from lacodec.io.source import BytesSource
from lacodec.io.streams import PipeSource
from reference import bytes_codec
from reference import container as reference
from tests.strength import examples

HEADER = Header("test", 0, {"a": 1}, metadata={"list": [1, 2.5, "x", None, b"y"], "map": {"k": True}})


def make_chunk(start, stop, payload=b"payload", kind=CRITICAL, depends=()):
    return Chunk(kind, ((start, stop),), payload, content_hash(payload), len(payload), depends)


def pack(chunks, header=HEADER):
    out = io.BytesIO()
    written = write_container(header, chunks, out)
    assert written.size == len(out.getvalue())
    return out.getvalue()


def strip(chunk):
    return (chunk.kind, chunk.covers, chunk.payload, chunk.content_hash, chunk.decoded_size, chunk.depends)


def test_hash_of_parts_is_that_of_all_bytes():
    assert content_hash(b"ab", bytearray(b""), memoryview(b"cde")) == content_hash(b"abcde")


class RangeCounter(BytesSource):
    def __init__(self, data):
        super().__init__(data)
        self.reads = []

    def read(self, offset, n):
        self.reads.append((offset, n))
        return super().read(offset, n)

    def view(self, offset, n):
        self.reads.append((offset, n))
        return super().view(offset, n)


covers = st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**20)), min_size=2, max_size=8).map(
    lambda pairs: tuple((a, a + b) for a, b in pairs)
)


@given(
    st.lists(st.tuples(st.binary(max_size=200), st.sampled_from([CRITICAL, ANCILLARY]), st.integers(0, 2**64 - 1)), max_size=6)
)
@examples(200)
def test_what_goes_in_comes_out(items):
    chunks = [Chunk(kind, ((i * 7, i * 7 + 7), (3, 4)), data, hashed, len(data)) for i, (data, kind, hashed) in enumerate(items)]
    data = pack(chunks)
    for source in (BytesSource(data), PipeSource(io.BytesIO(data))):
        header, found = stream(source)
        assert header == HEADER
        assert [strip(chunk) for chunk in found] == [strip(chunk) for chunk in chunks]
    reader = Reader(BytesSource(data))
    assert reader.header == HEADER and reader.problem is None
    assert [strip(reader.chunk(i)) for i in range(len(reader.index))] == [strip(chunk) for chunk in chunks]


@given(covers)
def test_many_axes_also_in_the_compact_form(covered):
    compact = tuple((0, stop) for _, stop in covered)
    for chosen in (covered, compact):
        chunk = Chunk(CRITICAL, chosen, b"x", 1, 1)
        data = pack([chunk])
        assert (data[5] == 1) == all(start == 0 for start, _ in chosen)
        assert [strip(found) for found in stream(BytesSource(data))[1]] == [strip(chunk)]


def test_shared_sections():
    shared = Chunk(CRITICAL, (), b"dictionary", content_hash(b"dictionary"), 10)
    chunks = [shared, make_chunk(0, 7, depends=(0,)), make_chunk(7, 14, depends=(0,))]
    assert [strip(chunk) for chunk in stream(BytesSource(pack(chunks)))[1]] == [strip(chunk) for chunk in chunks]


def test_two_range_reads_open_the_middle():
    chunks = [make_chunk(i * 1000, i * 1000 + 1000, random.Random(i).randbytes(1000)) for i in range(500)]
    source = RangeCounter(pack(chunks))
    reader = Reader(source)
    assert reader.chunk(250).payload == chunks[250].payload
    assert len(source.reads) == 2


@pytest.mark.parametrize("count", [0, 1, 3, 2000])
def test_the_tail_need_not_hold_the_whole_index(count):
    chunks = [make_chunk(i, i + 1, b"p%d" % i) for i in range(count)]
    reader = Reader(BytesSource(pack(chunks)))
    assert [reader.chunk(i).payload for i in range(count)] == [chunk.payload for chunk in chunks]


def test_the_writer_refuses_what_a_reader_would():
    for chunks in (
        [make_chunk(0, 7), make_chunk(8, 9)],
        [make_chunk(0, 7), make_chunk(6, 9)],
        [make_chunk(5, 7), make_chunk(7, 9)],
        [make_chunk(0, 7, depends=(0,))],
        [Chunk(CRITICAL, ((0, 7),), b"", 0, (64 << 20) + 1)],
    ):
        with pytest.raises(LacodecError):
            pack(chunks)
    with pytest.raises(BadInput):
        pack([], Header("x", 0, {}, metadata={"object": object()}))
    with pytest.raises(BadInput):
        pack([], Header("x", 0, {}, metadata={"big": bytes(2 << 20)}))
    with pytest.raises(LimitExceeded):
        pack([Chunk(CRITICAL, ((0, 7),), bytes((64 << 20) + (1 << 16) + 1), 0, 7)])


def read_plainly(data):
    """(header, content) of a file of codec bytes, by the readers in `reference/`."""
    header, chunks = reference.read(data)
    content = []
    for chunk in chunks:
        content.append(bytes_codec.decode(chunk.payload, chunk.decoded_size))
        chunk.check(content[-1])
    return header, b"".join(content)


def test_the_reader_in_the_docs_reads_what_we_write(tmp_path):
    rng = random.Random(1)
    for data in (b"", b"x", bytes(5000), rng.randbytes(3_000_000), bytes(2_500_000)):
        encoded = lacodec.encode(data, effort=1)
        header, content = read_plainly(encoded)
        assert content == data
        assert (header["codec"], header["options"], header["identical"]) == ("bytes", {"effort": 1}, "bytes")
    (tmp_path / "a").write_bytes(rng.randbytes(2_000_000))
    api.encode_file(tmp_path / "a", tmp_path / "a.lac", effort=1)
    api.append_file(tmp_path / "a.lac", io.BytesIO(b"more" * 1000))
    header, content = read_plainly((tmp_path / "a.lac").read_bytes())
    assert content == (tmp_path / "a").read_bytes() + b"more" * 1000 and header["name"] == "a"
    header, _ = read_plainly(pack([Chunk(CRITICAL, ((0, 1),), b"\0x", content_hash(b"x"), 1)]))
    assert header["metadata"] == {"list": [1, 2.5, "x", None, b"y"], "map": {"k": True}}
