"""Decoded models are kept beside the kernels, under the hash of their file."""

from pathlib import Path

import numpy as np
import pytest

import lacodec
from lacodec.codecs import model_files
from lacodec.kernels import store as stores


def test_a_kept_model_is_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACODEC_CACHE_DIR", str(tmp_path / "cache"))
    kept = stores.store.__wrapped__()
    monkeypatch.setattr(model_files, "store", lambda: kept)
    arrays = {"a": np.arange(6, dtype=np.int8).reshape(2, 3), "b": np.array(1.5, np.float32), "c": np.zeros((0, 4), np.int16)}
    path = tmp_path / "model.lac"
    path.write_bytes(lacodec.encode(arrays, "weights"))
    first, again = model_files.read_arrays(path), model_files.read_arrays(path)
    (entry,) = (tmp_path / "cache" / "kernels" / "models-1").iterdir()
    for found in (first, again):
        assert list(found) == list(first)
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype and found[name].shape == array.shape and np.array_equal(found[name], array)
    damaged = bytearray(entry.read_bytes())
    damaged[-1] ^= 1
    entry.write_bytes(damaged)
    assert np.array_equal(model_files.read_arrays(path)["a"], arrays["a"])
    path.write_bytes(lacodec.encode(arrays | {"a": arrays["a"] + 1}, "weights"))
    assert np.array_equal(model_files.read_arrays(path)["a"], arrays["a"] + 1)
