"""`lacodec.open`: names, shapes, keys as numpy takes them, reading like a file, pickling."""

import io
import pickle

import numpy as np
import pytest

import lacodec
from lacodec.container import Reader
from lacodec.errors import BadInput
from lacodec.io.source import BytesSource
from lacodec.testing import photo

KEYS = [
    slice(None), slice(3, 9), slice(None, None, 2), slice(-5, None), slice(9, 2, -3), slice(None, None, -1), slice(5, 5),
    slice(900, 5), 0, 7, -1, np.int64(3), ...,
]  # fmt: skip
PAIRS = [
    (3, 4), (slice(2, 8), -1), (slice(None, None, 3), slice(8, 2, -2)), (..., 0), (0, ...), (slice(1, 2), 3, 1),
    (2, 3, slice(0, 2)),
]  # fmt: skip


def test_bytes():
    data = bytes(range(256)) * 5000
    with lacodec.open(lacodec.encode(data, effort=1)) as opened:
        assert (len(opened), opened.shape, opened.dtype, bool(opened)) == (len(data), (len(data),), np.uint8, True)
        for key in KEYS[:-1]:
            assert opened[key] == data[key]
        assert opened[...] == data
        with pytest.raises(BadInput, match="no name|name"):
            opened.keys()
    with lacodec.open(lacodec.encode(b"", effort=1)) as empty:
        assert len(empty) == 0 and empty[:] == empty[5:] == empty[::-1] == b"" and empty.read() == b"" and list(empty) == []


def test_like_a_file():
    lines = [b"line %d\n" % i for i in range(200_000)]
    data = b"".join(lines)
    opened = lacodec.open(lacodec.encode(data, effort=1))
    assert opened.readable() and opened.seekable() and opened.tell() == 0
    assert opened.read(10) == data[:10] and opened.tell() == 10
    assert opened.seek(-5, io.SEEK_END) == len(data) - 5 and opened.read() == data[-5:] and opened.read(3) == b""
    assert opened.seek(-3, io.SEEK_CUR) == len(data) - 3 and opened.seek(0) == 0
    parts = []
    while part := opened.read(65_536):
        parts.append(part)
    assert b"".join(parts) == data
    for offset, whence in ((-1, 0), (0, 7)):
        with pytest.raises(BadInput):
            opened.seek(offset, whence)
    opened.seek(7)
    again = pickle.loads(pickle.dumps(opened))
    assert again.read(5) == data[7:12]
    opened.close()
    assert opened.closed
    for use in (lambda: opened[0:5], lambda: opened.read(1)):
        with pytest.raises(BadInput, match="closed"):
            use()
    opened.close()


def test_reading_in_turn_decodes_every_chunk_once(monkeypatch):
    data = np.random.default_rng(1).bytes(3 << 20)
    with lacodec.open(lacodec.encode(data, effort=1)) as opened:
        seen = []
        original = Reader.chunk
        monkeypatch.setattr(
            Reader, "chunk", lambda self, position, *more: seen.append(position) or original(self, position, *more)
        )
        while opened.read(100_000):
            pass
        assert seen == [0, 1, 2]


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures(channels):
    pixels = photo(70, 40, channels)
    with lacodec.open(lacodec.encode(pixels, "image.lossless", effort=1)) as opened:
        assert (len(opened), opened.shape, opened.dtype) == (70, pixels.shape, np.uint8)
        for key in [*KEYS, *(pair for pair in PAIRS if channels == 3 or len(pair) < 3)]:
            assert np.array_equal(opened[key], pixels[key]), key
        for key in (70, -71, (0, 40), (0, 0, 3), (0, 0, 0, 0), "a", 1.5, None, [1, 2], (..., ...), True):
            with pytest.raises(BadInput):
                opened[key]
        with pytest.raises(BadInput, match="like a file"):
            opened.read()
        assert np.array_equal(np.stack(list(opened)), pixels)


def test_arrays_by_name():
    arrays = {"b": np.arange(240.0).reshape(12, 10, 2), "a": np.array(5), "c": np.zeros((0, 3), np.uint8)}
    with lacodec.open(lacodec.encode(arrays, effort=1)) as opened:
        assert (
            sorted(opened.keys()) == sorted(opened) == ["a", "b", "c"]
            and "a" in opened
            and "d" not in opened
            and len(opened) == 3
        )
        for key in [*KEYS, *PAIRS]:
            found = opened["b", *key] if isinstance(key, tuple) else opened["b", key]
            assert np.array_equal(found, arrays["b"][key]), key
        assert opened["a"] == 5 and opened["a", ...] == 5 and opened["c"].shape == (0, 3) and opened["c", :, 1].shape == (0,)
        for key in ("d", ("d", 3), 3, slice(0, 3), ("a", 0), ("b", 12), ("b", "a"), (), ("c", 0)):
            with pytest.raises(BadInput):
                opened[key]
        for use in (lambda: opened.shape, lambda: opened.dtype):
            with pytest.raises(BadInput, match="several arrays"):
                use()


def test_one_array_of_a_file(tmp_path):
    """Arrays in Fortran order have no rows that lie in one piece; they are read whole."""
    for order in "CF":
        array = np.array(np.arange(600).reshape(30, 20), order=order)
        np.save(tmp_path / "x.npy", array)
        with lacodec.open(lacodec.encode(tmp_path / "x.npy", effort=1)) as opened:
            assert opened.shape == (30, 20) and opened.dtype == array.dtype and len(opened) == 30
            for key in KEYS:
                assert np.array_equal(opened[key], array[key]) and np.array_equal(opened["array", key], array[key])


def test_sound():
    samples = (np.random.default_rng(1).normal(0, 900, (300_000, 2))).astype(np.int16)
    for part in (samples, samples[:500, :1]):
        with lacodec.open(lacodec.encode(lacodec.Audio.from_samples(part, 44100), effort=1)) as opened:
            assert (opened.shape, opened.dtype, len(opened)) == (part.shape, np.int32, len(part))
            for key in (slice(3, 9), slice(None, None, 7), slice(-5, None), slice(9, 2, -3), 5, -1, (slice(0, 9), 0), (3, 0)):
                assert np.array_equal(np.asarray(opened[key]), part[key]), key
            assert isinstance(opened[3:9], lacodec.Audio) and opened[3:9].rate == 44100


def test_only_the_chunks_that_are_needed_are_read():
    data = np.random.default_rng(1).bytes(3 << 20)
    source, read = BytesSource(lacodec.encode(data, effort=1)), []
    original = source.view
    source.view = lambda offset, n: read.append(n) or original(offset, n)
    with lacodec.open(source) as opened:
        assert opened[-10:] == data[-10:] and len(read) == 1
        assert opened[-1000::5] == data[-1000::5] and len(read) == 1


def test_pickled_by_path(tmp_path):
    (tmp_path / "x.lac").write_bytes(lacodec.encode(photo(20, 20), "image.lossless", effort=1))
    with lacodec.open(tmp_path / "x.lac", max_size=5000) as opened:
        again = pickle.loads(pickle.dumps(opened))
        assert np.array_equal(again[5], opened[5])
        again.close()


def test_a_tuple_means_axes_not_names():
    with lacodec.open(lacodec.encode(np.arange(10), effort=1)) as opened:
        assert opened.keys() == ["array"] and "array" in opened and len(opened) == 10
        assert opened[()].tolist() == list(range(10)) and list(opened) == list(range(10))
