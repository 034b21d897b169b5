"""`lacodec.testing.check_codec`: our own codecs pass, and codecs with faults do not."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs import registry
from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.session import DEFAULT
from lacodec.container.types import content_hash
from lacodec.errors import CorruptFile
from lacodec.testing import check_codec, photo, pictures, texts, tone, wav_file

SOUNDS = {
    "no samples": wav_file(tone(0, 2, 9000)),
    "one sample": wav_file(tone(1, 1, 9000)),
    "stereo": wav_file(tone(4000, 2, 9000)),
    "floats": wav_file(tone(1500, 1, 0.4), layout="f32le"),
}
PICTURES = {name: pictures()[name] for name in ("one pixel", "colour and alpha", "16 bits", "drawn")} | {
    "two tiles": photo(1, 1100)
}
TEXTS = {name: texts(3000)[name] for name in ("empty", "one byte", "random", "table")}
ARRAYS = {
    "nothing": {},
    "empty": {"a": np.zeros((0, 3), np.float32)},
    "one number": np.array(2.5),
    "several": {"a": np.sin(np.arange(3000, dtype=np.float32)).reshape(30, 100), "b": np.arange(50), "c": np.arange(7) > 3},
}
OURS = {"bytes": TEXTS, "log": TEXTS, "image.lossless": PICTURES, "audio.lossless": SOUNDS, "weights": ARRAYS}


@pytest.mark.parametrize("effort", [1, 5])
@pytest.mark.parametrize("codec", OURS)
def test_our_codecs(codec, effort):
    check_codec(codec, OURS[codec], effort=effort)


def test_several_chunks(monkeypatch):
    monkeypatch.setattr(registry.get("bytes"), "chunk_size", lambda self: 1000)
    check_codec(lacodec.codec("bytes", effort=1), {"a table": texts(3000)["table"]})


OTHER = bytes(byte ^ 1 for byte in range(256))


class Plain(BlockCodec):
    """Right: every byte xored with 1."""

    name, stream_version = "test.plain", 0

    def chunk_size(self):
        return 1 << 17

    def encode_block(self, block, session=DEFAULT):
        return block.translate(OTHER)

    def decode_block(self, payload, size, version, session=DEFAULT):
        return payload.translate(OTHER)


class Believes(Plain):
    def decode_chunk(self, header, chunk, shared=(), session=DEFAULT):
        return self.decode_block(chunk.payload, chunk.decoded_size, 0)


class Grows(Plain):
    def encode_block(self, block, session=DEFAULT):
        return super().encode_block(block) * 2

    def decode_block(self, payload, size, version, session=DEFAULT):
        return super().decode_block(payload[:size], size, version)


class Crashes(Plain):
    def decode_block(self, payload, size, version, session=DEFAULT):
        if size:
            payload[size - 1]
        return super().decode_block(payload, size, version)


class Greedy(Plain):
    def decode_block(self, payload, size, version, session=DEFAULT):
        if len(payload) != size:
            raise CorruptFile(f"another size than {len(bytearray(60_000_000))}")
        return super().decode_block(payload, size, version)


class Moody(Plain):
    count = 0

    def encode_block(self, block, session=DEFAULT):
        Moody.count += 1
        return super().encode_block(block) + bytes([Moody.count % 256])

    def decode_block(self, payload, size, version, session=DEFAULT):
        return super().decode_block(payload[:-1], size, version)


class Lossy(Plain):
    def encode(self, value, session=DEFAULT):
        import dataclasses

        for chunk in super().encode(value, session):
            payload = b"?" * len(chunk.payload)
            yield dataclasses.replace(chunk, payload=payload, content_hash=content_hash(self.decode_block(payload, 0, 0)))


class NotSalvaged(Plain):
    def assemble(self, header, parts, session=DEFAULT):
        parts = list(parts)
        b"".join(parts)
        return super().assemble(header, iter(parts), session)


class WrongMiddle(Plain):
    def extract(self, header, index, key, parts, session=DEFAULT):
        return super().extract(header, index, key, parts, session)[::-1]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


VALUES = {"a table": texts(300_000)["table"], "nothing": b""}


def test_a_right_codec():
    check_codec(Plain, VALUES)


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        (Believes, "unnoticed"),
        (Grows, "are allowed"),
        (Crashes, "IndexError"),
        (Greedy, "MiB, but `memory` promises"),
        (Moody, "again gives other bytes"),
        (Lossy, "decodes to b'"),
        (NotSalvaged, "TypeError"),
        (WrongMiddle, "not that part of the whole"),
    ],
)
def test_faults_are_found(codec, message):
    with pytest.raises(AssertionError, match=message) as caught:
        check_codec(codec, VALUES)
    assert "test.plain" in str(caught.value) and "a table" in str(caught.value)


class Unknown(Plain):
    identical = "almost"


class Mutable(Plain):
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)


def test_classes_that_break_the_contract():
    for codec, message in ((Unknown, "identical"), (Mutable, "frozen")):
        with pytest.raises(AssertionError, match=message):
            check_codec(codec, VALUES)
