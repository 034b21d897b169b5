"""A codec that is not ours, with everything the contract allows: two axes, a shared section, metadata, an option."""

from dataclasses import dataclass, field

import pytest

import lacodec
from lacodec import api
from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import DEFAULT
from lacodec.container import ANCILLARY, CRITICAL, Chunk, content_hash
from lacodec.errors import BadInput, CorruptFile, LimitExceeded
from lacodec.io.source import BytesSource
from lacodec.media.raw import Raw


class Tiles(Codec[Raw]):
    """Rows of 4 bytes in tiles of 2 x 2 bytes, xored with a key that lies in a shared section."""

    name = "test.tiles"
    stream_version = 3
    identical = "samples"

    @dataclass(frozen=True)
    class Options:
        key: int = field(default=7, metadata={"help": "what to xor with"})

        def __post_init__(self):
            if not 0 <= self.key < 256:
                raise BadInput("key")

    def metadata(self, value, session=DEFAULT):
        return {"rows": value.source.size // 4}

    def encode(self, value, session=DEFAULT):
        data = value.source.read(0, value.source.size)
        yield Chunk(CRITICAL, (), bytes([self.options.key]), content_hash(bytes([self.options.key])), 1)
        yield Chunk(ANCILLARY, ((0, 1),), b"preview", content_hash(b"preview"), 7)
        for row in range(0, len(data) // 4, 2):
            for column in (0, 2):
                tile = b"".join(data[4 * y + column : 4 * y + column + 2] for y in (row, row + 1))
                covers = ((row, row + 2), (column, column + 2))
                yield Chunk(CRITICAL, covers, bytes(b ^ self.options.key for b in tile), content_hash(tile), 4, (0,))

    def decode_chunk(self, header, chunk, shared=(), session=DEFAULT):
        tile = bytes(b ^ shared[0].payload[0] for b in chunk.payload)
        if content_hash(tile) != chunk.content_hash:
            raise CorruptFile("it decodes to something else")
        return chunk.covers, tile

    def assemble(self, header, parts, session=DEFAULT):
        data = bytearray(4 * header.metadata["rows"])
        for part in parts:
            covers, tile = (part.covers, b"????") if isinstance(part, Lost) else part
            (row, _), (column, _) = covers
            for y in (0, 1):
                data[4 * (row + y) + column : 4 * (row + y) + column + 2] = tile[2 * y : 2 * y + 2]
        return Raw(BytesSource(bytes(data)))

    def select(self, header, index, key):
        return [i for i, head in enumerate(index) if len(head.covers) == 2 and head.covers[0][0] <= key < head.covers[0][1]]

    def extract(self, header, index, key, parts, session=DEFAULT):
        return b"".join(tile[2 * (key % 2) : 2 * (key % 2) + 2] for _, tile in parts)


DATA = bytes(range(32))


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(Tiles)


def test_round_trip(tmp_path):
    assert {"bytes", "test.tiles"} <= set(registry.names())
    encoded = lacodec.encode(DATA, "test.tiles", key=9, verify=True)
    assert lacodec.decode(encoded) == lacodec.decode(encoded, threads=2) == DATA
    (tmp_path / "in").write_bytes(DATA)
    api.encode_file(tmp_path / "in", tmp_path / "x.lac", "test.tiles", key=9)
    api.decode_file(tmp_path / "x.lac", tmp_path / "out", threads=2)
    assert (tmp_path / "out").read_bytes() == DATA
    found = api.info(tmp_path / "x.lac")
    assert (found.codec, found.stream_version, found.identical) == ("test.tiles", 3, "samples")
    assert (found.original_size, found.metadata, found.options) == (32, {"rows": 8}, {"key": 9})
    assert found.sections["shared"] == 1 and found.sections["ancillary"] == 7 and found.sections["content"] == 32


def test_the_middle():
    with lacodec.open(lacodec.encode(DATA, "test.tiles")) as opened:
        assert opened[5] == DATA[20:24] and opened[0] == DATA[:4]


def test_salvage_without_a_tile_and_without_the_shared_section(tmp_path):
    encoded = bytearray(lacodec.encode(DATA, "test.tiles"))
    heads = api.Reader(BytesSource(bytes(encoded))).index
    for lost, kept in ((heads[3], 7), (heads[0], 0), (heads[1], 8)):
        damaged = bytearray(encoded)
        damaged[lost.payload_offset] ^= 1
        (tmp_path / "x.lac").write_bytes(damaged)
        with pytest.raises(CorruptFile, match=f"chunk {lost.sequence} at offset {lost.offset}"):
            lacodec.decode(bytes(damaged))
        result = api.decode_file(tmp_path / "x.lac", tmp_path / "out", salvage=True, force=True)
        assert (tmp_path / "out").read_bytes().count(b"?") == 4 * (8 - kept) and result.damage
        tested = api.check(tmp_path / "x.lac")
        assert tested.chunks == kept and not tested.ok


def test_a_file_that_cannot_be_put_together_is_named(tmp_path, monkeypatch):
    def assemble(self, header, parts, session=DEFAULT):
        raise CorruptFile(f"{len(list(parts))} tiles do not cover it")

    monkeypatch.setattr(Tiles, "assemble", assemble)
    (tmp_path / "x.lac").write_bytes(lacodec.encode(DATA, "test.tiles"))
    with pytest.raises(CorruptFile, match="x.lac: 8 tiles"):
        api.decode_file(tmp_path / "x.lac", tmp_path / "x")
    with pytest.raises(CorruptFile, match="^<bytes>: 8 tiles"):
        lacodec.decode((tmp_path / "x.lac").read_bytes())


def test_what_only_bytes_can_do(tmp_path):
    (tmp_path / "x.lac").write_bytes(lacodec.encode(DATA, "test.tiles"))
    with pytest.raises(BadInput, match="cannot append"):
        api.append_file(tmp_path / "x.lac", tmp_path / "x.lac")
    with pytest.raises(BadInput):
        lacodec.codec("test.tiles", key=256)


def test_memory_limits_count_what_the_codec_says(tmp_path, monkeypatch):
    (tmp_path / "in").write_bytes(DATA)
    monkeypatch.setattr(Tiles, "memory", lambda self, size, payload=None: 1000)
    api.encode_file(tmp_path / "in", tmp_path / "x.lac", "test.tiles", threads=2, max_memory=1999)
    api.decode_file(tmp_path / "x.lac", tmp_path / "x", threads=2, max_memory=1999)  # one at a time
    with pytest.raises(LimitExceeded):
        api.encode_file(tmp_path / "in", tmp_path / "y.lac", "test.tiles", max_memory=999)
    with pytest.raises(LimitExceeded):
        api.decode_file(tmp_path / "x.lac", tmp_path / "y", max_memory=999)


@pytest.mark.parametrize("name", [name for name in registry.names() if registry.get(name).__module__.startswith("lacodec.")])
def test_media_named_by_packages_are_those_of_the_codecs(name):
    codec, named = registry.get(name), dict(registry._kinds())
    assert (name in named) == codec.by_content
    assert named.get(name, codec.media) is codec.media
