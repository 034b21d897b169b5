"""Codecs of numcodecs, alone and in Zarr, format 2."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lacodec
from lacodec.errors import BadInput, LacodecError

numcodecs = pytest.importorskip("numcodecs")
from lacodec.integrations.numcodecs import Arrays, Bytes, Jpeg, Pictures  # noqa: E402

for found in (Arrays, Bytes, Jpeg, Pictures):
    numcodecs.register_codec(found)


@pytest.fixture(scope="module")
def hills(repository: Path) -> np.ndarray:
    return np.asarray(lacodec.decode(lacodec.encode(repository / "examples/hills.ppm")))


def test_alone(repository: Path, hills: np.ndarray) -> None:
    layer = np.load(repository / "examples/layer.npy")
    jpeg = (repository / "examples/ridges.jpg").read_bytes()
    cases = ((Arrays(effort=1), layer), (Bytes(effort=1), layer), (Jpeg(effort=1), jpeg), (Pictures(effort=1), hills))
    for codec, value in cases:
        again = numcodecs.get_codec(codec.get_config())
        assert again == codec and repr(again) == repr(codec)
        coded = again.encode(value)
        plain = value if isinstance(value, bytes) else value.tobytes()
        assert len(coded) < len(plain)
        assert numcodecs.compat.ensure_bytes(codec.decode(coded)) == plain
        out = np.empty(len(plain), "u1")
        codec.decode(coded, out)
        assert out.tobytes() == plain
    with pytest.raises(BadInput, match="effort"):
        Arrays(effort=0)
    with pytest.raises(BadInput, match="pictures"):
        Pictures().encode(layer)
    with pytest.raises(LacodecError):
        Arrays().decode(b"nothing")


def test_zarr_2(tmp_path: Path, hills: np.ndarray) -> None:
    zarr = pytest.importorskip("zarr")
    numbers = np.random.default_rng(1).normal(size=(50, 40))
    cases: list[tuple[Any, np.ndarray, dict[str, Any]]] = [
        (Arrays(effort=1), numbers, {}),
        (Arrays(effort=1), numbers.astype(">f4"), {}),
        (Arrays(effort=1), numbers, {"order": "F"}),
        (Arrays(effort=1), numbers, {"filters": [numcodecs.Delta(dtype="f8")]}),
        (Bytes(effort=1), numbers, {}),
        (Pictures(effort=1), hills, {}),
        (Pictures(effort=1), hills[:, :, 0], {}),
    ]
    for i, (codec, array, more) in enumerate(cases):
        chunks = tuple(min(n, 37) for n in array.shape)
        made = zarr.create_array(
            tmp_path / str(i), shape=array.shape, dtype=array.dtype, chunks=chunks, zarr_format=2, compressors=codec, **more
        )
        made[...] = array
        again = zarr.open_array(tmp_path / str(i), mode="r")
        assert np.array_equal(again[...], array) or np.allclose(again[...], array, rtol=1e-12)
        assert again.dtype == array.dtype
