"""Codecs of Zarr, format 3, in real stores: arrays, pictures, bytes; parts of chunks; xarray."""

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import lacodec
from lacodec.errors import BadInput, CorruptFile, LacodecError

zarr = pytest.importorskip("zarr")
from zarr.registry import register_codec  # noqa: E402

from lacodec.integrations.zarr import ArraysCodec, BytesCodec, ElementsCodec, JpegCodec, PicturesCodec  # noqa: E402

CODECS = (ArraysCodec, BytesCodec, ElementsCodec, JpegCodec, PicturesCodec)
for found in CODECS:
    register_codec(found.name, found)


def written(store: Any, array: np.ndarray, chunks: tuple[int, ...], **arguments: Any) -> Any:
    made = zarr.create_array(store, shape=array.shape, dtype=array.dtype, chunks=chunks, **{"compressors": None, **arguments})
    made[...] = array
    return zarr.open_array(store, mode="r")


@pytest.fixture(scope="module")
def layer(repository: Path) -> np.ndarray:
    return np.load(repository / "examples/layer.npy")


@pytest.fixture(scope="module")
def hills(repository: Path) -> np.ndarray:
    return np.asarray(lacodec.decode(lacodec.encode(repository / "examples/hills.ppm")))


def test_arrays(layer: np.ndarray, tmp_path: Path) -> None:
    cases = ((ArraysCodec(effort=1), None), ("auto", ElementsCodec(effort=1)), ("auto", BytesCodec(effort=2)))
    for serializer, compressors in cases:
        store = tmp_path / repr(compressors)
        again = written(store, layer, (50, *layer.shape[1:]), serializer=serializer, compressors=compressors)
        assert again.dtype == layer.dtype
        assert np.array_equal(again[...], layer)
        assert np.array_equal(again[13:70, ::3], layer[13:70, ::3])
        assert np.array_equal(again.oindex[[3, 60], [1, 2]], layer[np.ix_([3, 60], [1, 2])])
        assert np.array_equal(again.vindex[[3, 60], [1, 2]], layer[[3, 60], [1, 2]])


def test_a_chunk_is_a_lac_file(layer: np.ndarray, tmp_path: Path) -> None:
    written(tmp_path / "a", layer, layer.shape, serializer=ArraysCodec(effort=1))
    assert np.array_equal(lacodec.decode(tmp_path / "a/c/0/0"), layer)


@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
@pytest.mark.parametrize(
    "dtype", ["u1", "i2", "u4", "i8", "f2", "f4", "f8", "c8", "c16", "?", ">f4", "M8[s]", "m8[ms]", "S5", "U3"]
)
def test_types(dtype: str) -> None:
    numbers = np.random.default_rng(1).integers(0, 100, (30, 7))
    array = numbers.astype("i8").astype(dtype) if dtype[0] in "Mm" else numbers.astype(dtype)
    again = written({}, array, (16, 4), serializer=ArraysCodec())
    assert again[...].tobytes() == np.ascontiguousarray(array, again.dtype).tobytes()


def test_odd_shapes() -> None:
    for array in (np.float32(3.5) * np.ones(()), np.zeros((0, 4), "i4"), np.arange(5.0), np.full((3, 3), np.nan)):
        again = written({}, array, tuple(max(1, n) for n in array.shape), serializer=ArraysCodec(chunk=2))
        assert again[...].tobytes() == array.tobytes()


def test_order_and_filters() -> None:
    array = np.arange(600.0).reshape(20, 30)
    again = written({}, array, (20, 10), serializer=ArraysCodec(), filters=zarr.codecs.TransposeCodec(order=(1, 0)))
    assert np.array_equal(again[...], array)
    again = written({}, array, (20, 10), serializer=ArraysCodec(), config={"order": "F"})
    assert np.array_equal(again[...], array)


def test_an_error_bound(layer: np.ndarray) -> None:
    again = written({}, layer, layer.shape, serializer=ArraysCodec(max_error=1e-3))
    assert 0 < np.abs(again[...].astype("f8") - layer).max() <= 1e-3


class Counted(zarr.storage.MemoryStore):
    """A store that notes how many bytes of chunks are read from it."""

    reads: ClassVar[list[int]] = []

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        found = await super().get(key, prototype, byte_range)
        if found is not None:
            self.reads.append(len(found))
        return found


def test_rows_of_a_chunk_are_read_alone() -> None:
    array = np.random.default_rng(2).normal(size=(4000, 250)).astype("f4")
    store = Counted()
    again = written(store, array, array.shape, serializer=ArraysCodec(effort=1, chunk=100))
    store.reads.clear()
    assert np.array_equal(again[1010:1090], array[1010:1090])
    assert len(store.reads) == 2  # the end with the index, and one chunk of lacodec
    assert sum(store.reads) < array.nbytes / 20
    store.reads.clear()
    assert np.array_equal(again[3999, 5:9], array[3999, 5:9])
    assert sum(store.reads) < array.nbytes / 20
    assert np.array_equal(again[::7, 3], array[::7, 3])


def test_shards(tmp_path: Path) -> None:
    array = np.random.default_rng(2).normal(size=(400, 250)).astype("f4")
    store = Counted()
    again = written(store, array, (100, 50), shards=(400, 250), serializer=ArraysCodec(effort=1))
    store.reads.clear()
    assert np.array_equal(again[120:130, 60:80], array[120:130, 60:80])
    assert 0 < sum(store.reads) < array.nbytes / 10


def test_pictures(hills: np.ndarray) -> None:
    for array, chunks in (
        (hills, (100, 100, 3)),
        (np.stack([hills, hills[::-1]]), (2, 64, 64, 3)),
        (hills[:, :, 0], (64, 64)),
        (hills[:, :, 0].astype("u2") * 200, (64, 64)),
        (np.stack([hills[:, :, 0]] * 5), (1, 64, 64)),
    ):
        again = written({}, array, chunks, serializer=PicturesCodec(effort=1))
        assert np.array_equal(again[...], array)
    for wrong in (hills.astype("f4"), hills[0, :, 0]):
        with pytest.raises(BadInput, match="pictures"):
            written({}, wrong, wrong.shape, serializer=PicturesCodec())


class JpegFiles(zarr.abc.codec.ArrayBytesCodec):  # as imagecodecs has one
    is_fixed_size = False

    def to_dict(self) -> dict[str, Any]:
        return {"name": "test.jpeg"}

    @classmethod
    def from_dict(cls, data: Any) -> Any:
        return cls()

    async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
        import io

        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(chunk_array.as_numpy_array()).save(out, "JPEG", quality=90)
        return chunk_spec.prototype.buffer.from_bytes(out.getvalue())

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        import io

        from PIL import Image

        return chunk_spec.prototype.nd_buffer.from_numpy_array(np.array(Image.open(io.BytesIO(chunk_bytes.to_bytes()))))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        raise NotImplementedError


def test_jpeg_files(hills: np.ndarray) -> None:
    register_codec("test.jpeg", JpegFiles)
    plain, coded = zarr.storage.MemoryStore(), zarr.storage.MemoryStore()
    one = written(plain, hills, (128, 128, 3), serializer=JpegFiles())
    other = written(coded, hills, (128, 128, 3), serializer=JpegFiles(), compressors=JpegCodec())
    assert np.array_equal(one[...], other[...])
    assert other.nbytes_stored() < 0.9 * one.nbytes_stored()
    with pytest.raises(BadInput, match="JPEG"):
        written({}, hills, hills.shape, compressors=JpegCodec())


def test_metadata_has_the_options(tmp_path: Path, layer: np.ndarray) -> None:
    written(tmp_path / "a", layer, layer.shape, serializer=ArraysCodec(effort=3))
    stored = json.loads((tmp_path / "a/zarr.json").read_text())["codecs"]
    assert stored == [{"name": "lacodec.arrays", "configuration": {"effort": 3}}]
    assert ArraysCodec.from_dict(stored[0]) == ArraysCodec(effort=3) != ArraysCodec()
    with pytest.raises(BadInput, match="effort"):
        ArraysCodec(effort=11)


def test_damaged_chunks(tmp_path: Path, layer: np.ndarray) -> None:
    again = written(tmp_path / "a", layer, layer.shape, serializer=ArraysCodec())
    path = tmp_path / "a/c/0/0"
    data = path.read_bytes()
    for wrong in (data[:-5], data[:100] + b"x" + data[101:], b"", b"nothing", lacodec.encode(b"bytes")):
        path.write_bytes(wrong)
        with pytest.raises(LacodecError):
            again[...]
    path.write_bytes(lacodec.encode(layer[:-1]))
    with pytest.raises(CorruptFile, match="not"):
        again[...]


def test_xarray(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    times = np.datetime64("2026-01-01", "ns") + np.arange(60) * np.timedelta64(1, "D")
    field = np.random.default_rng(3).normal(15, 5, (60, 8, 9)).round(2).astype("f4")
    data = xarray.Dataset({"temperature": (("time", "y", "x"), field)}, coords={"time": times})
    encoding = {"temperature": {"serializer": ArraysCodec(effort=1), "compressors": None, "chunks": (20, 8, 9)}}
    data.to_zarr(tmp_path / "x.zarr", encoding=encoding, zarr_format=3, consolidated=False)
    xarray.testing.assert_identical(xarray.open_zarr(tmp_path / "x.zarr", consolidated=False, chunks=None).load(), data)


def test_zarr_finds_them_by_itself() -> None:
    known = {found.name: found.value for found in entry_points(group="zarr.codecs")}
    if "lacodec.arrays" not in known:
        pytest.skip("this lacodec was installed before it had entry points for Zarr; install it again")
    assert {name: known.get(name) for name in (codec.name for codec in CODECS)} == {
        codec.name: f"lacodec.integrations.zarr:{codec.__name__}" for codec in CODECS
    }
