"""GGUF files from safetensors files that keep the properties of one."""

import base64
import struct

import pytest

from lacodec.errors import BadInput, LacodecError
from lacodec.io.source import BytesSource
from lacodec.media.tensors import gguf, gguf_write
from lacodec.media.tensors.safetensors import build_header


def text(value):
    return struct.pack("<Q", len(value)) + value


ALIGNED = struct.pack("<Q", 1) + text(b"general.alignment") + struct.pack("<II", 4, 64)


def written(metadata, dtype="BF16", shape=(3, 5)):
    head = build_header([("a", dtype, shape, 30), ("b", "F32", (2,), 8)], metadata)
    return b"".join(gguf_write.blocks(BytesSource(head + bytes(range(38)))))


def test_properties_and_alignment_stay():
    source = BytesSource(written(gguf_write.metadata_of(ALIGNED)))
    assert gguf.packed_properties(source) == ALIGNED
    first, second = gguf.read(source).entries
    assert (first.name, first.dtype, first.shape, first.offset % 64) == ("a", "BF16", (3, 5), 0)
    assert (second.name, second.dtype, second.shape, second.offset) == ("b", "F32", (2,), first.offset + 64)
    assert source.read(first.offset, 30) + source.read(second.offset, 8) == bytes(range(38))
    assert source.size == second.offset + 64


def test_types_that_gguf_lacks():
    with pytest.raises(BadInput, match="'a' is U8, which GGUF does not have"):
        written(gguf_write.metadata_of(bytes(8)), "U8", (30,))


@pytest.mark.parametrize(
    "packed",
    [
        "not base 64!",
        *(base64.b64encode(data).decode() for data in (b"", bytes(7), b"\xff" * 8, ALIGNED[:-1], ALIGNED[:-4] + bytes(4))),
    ],
)
def test_damaged_properties(packed):
    with pytest.raises(LacodecError):
        written({"gguf": packed})


def test_without_properties():
    with pytest.raises(BadInput, match="was not made from a GGUF file"):
        written({})
