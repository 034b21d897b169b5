"""Blocks of quantised values in codec `weights`: byte for byte, smaller than their bytes alone, readable without the package."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs.weights._blocks import decode_blocks, encode_blocks
from lacodec.errors import CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.tensors.gguf_blocks import BLOCK_TYPES, BY_SIZE, Fields
from reference.stream import Damaged, Stream
from reference.weights_blocks import read_blocks
from tools.golden import gguf

SIZES = pytest.mark.parametrize("size", BY_SIZE)


def bell(size, n, seed=1):
    """Blocks with quants around the middle, and scales that vary by a factor of two."""
    kind, rng = BY_SIZE[size][1], np.random.default_rng(seed)
    empty = kind.split(np.zeros((n, size), np.uint8))
    middle, spread = (0, 40) if kind.signed else ((kind.levels - 1) / 2, kind.levels / 6)
    quants = np.clip(np.rint(rng.normal(middle, spread, empty.quants.shape)), middle - kind.levels / 2, middle + kind.levels / 2)
    halves = np.stack([rng.uniform(0.01, 0.02, n), *[rng.uniform(-0.15, -0.1, n)] * (len(kind.halves) - 1)], axis=1)
    subs = [rng.integers(6, 14, sub.shape).astype(np.uint8) for sub in (empty.scales, empty.mins)]
    quants = (quants.astype(np.int16) & (kind.levels - 1)).astype(np.uint8)
    return kind.join(Fields(halves.astype("<f2").view("<u2"), subs[0], subs[1], quants)).ravel()


def restored(coded, like):
    out = np.empty_like(like)
    decode_blocks(coded, out)
    return out


@SIZES
@pytest.mark.parametrize("n", [1, 2, 33, 300])
def test_bell_shaped(size, n):
    data = bell(size, n)
    coded = encode_blocks(data, size).data
    assert np.array_equal(restored(coded, data), data)
    if n < 50:
        assert read_blocks(Stream(coded), len(data)) == data.tobytes()
    else:
        assert len(coded) < 0.985 * len(data)


@SIZES
def test_any_bytes(size):
    rng = np.random.default_rng(size)
    for data in (rng.integers(0, 256, 40 * size, np.uint8), np.zeros(70 * size, np.uint8), np.full(size, 255, np.uint8)):
        coded = encode_blocks(data, size).data
        assert np.array_equal(restored(coded, data), data)
        assert read_blocks(Stream(coded), len(data)) == data.tobytes()


def test_classes_pay():
    """Blocks whose least value varies: the place of zero says which quants are likely."""
    rng = np.random.default_rng(1)
    weights = rng.normal(0, 1, (4000, 32))
    low, high = weights.min(1), weights.max(1)
    scale = ((high - low) / 15).astype("<f2")
    quants = np.clip(np.rint((weights - low[:, None]) / scale[:, None].astype(float)), 0, 15).astype(np.uint8)
    fields = Fields(np.stack([scale, low.astype("<f2")], 1).view("<u2"), quants[:, :0], quants[:, :0], quants)
    data = BLOCK_TYPES[3].join(fields).ravel()
    counts = np.bincount(quants.ravel(), minlength=16)
    alone = -(counts * np.log2(counts / counts.sum())).sum() / 8
    halves = 4 * len(weights)
    assert len(encode_blocks(data, 20)) < halves + alone - 0.01 * alone


def test_what_is_not_blocks():
    assert encode_blocks(np.zeros(60, np.uint8), 21) is None
    assert encode_blocks(np.zeros(61, np.uint8), 20) is None


def test_damage_is_noticed_or_harmless():
    rng, refused = np.random.default_rng(3), 0
    for size in (20, 34, 110, 176):
        data = bell(size, 40)
        coded = encode_blocks(data, size).data
        for number in range(60):
            broken = bytearray(coded)
            broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
            if number % 2:
                del broken[rng.integers(1, len(broken)) :]
            try:
                decode_blocks(bytes(broken), np.empty_like(data))
            except CorruptFile:
                refused += 1
                with pytest.raises((Damaged, ValueError, IndexError)):
                    read_blocks(Stream(bytes(broken)), len(data))
    assert refused > 120


def test_files(tmp_path):
    for name in ("blocks", "kquants", "odd"):
        data = gguf.content(name)
        encoded = lacodec.encode(data, "weights", verify=True)
        found = lacodec.info(encoded)
        assert (found.codec, found.stream_version) == ("weights", 2)
        out = tmp_path / "again.gguf"
        (tmp_path / "file.lac").write_bytes(encoded)
        lacodec.decode_file(tmp_path / "file.lac", out, force=True)
        assert out.read_bytes() == data
        with lacodec.open(encoded) as file:
            assert file["blk.12.w" if name == "kquants" else "blk.3.w"].shape[1] == (144 if name == "kquants" else 20)


def test_a_base_with_equal_blocks_leaves_little():
    data = gguf.content("blocks")
    other = bytearray(data)
    other[len(data) // 2] ^= 1
    encoded = lacodec.codec("weights", base=BytesSource(data)).encode(bytes(other))
    assert len(encoded) < len(data) // 20
