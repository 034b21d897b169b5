"""Coded values in a column of a Parquet file."""

from pathlib import Path

import numpy as np
import pytest

import lacodec

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as parquet  # noqa: E402

from lacodec.integrations.pyarrow import CodedType, coded, decoded  # noqa: E402


def test_a_column_of_a_parquet_file(tmp_path: Path, repository: Path) -> None:
    layer = np.load(repository / "examples/layer.npy")
    rows = [layer[i : i + 10] for i in range(0, len(layer), 10)] + [None]
    table = pa.table({"n": range(len(rows)), "rows": coded(rows, "arrays", effort=1)})
    parquet.write_table(table, tmp_path / "a.parquet")
    again = parquet.read_table(tmp_path / "a.parquet")
    assert isinstance(again.schema.field("rows").type, CodedType)
    for found in (decoded(again["rows"]), again["rows"].to_pylist(), [again["rows"][i].as_py() for i in range(len(rows))]):
        assert found[-1] is None
        assert all(np.array_equal(*pair) for pair in zip(found[:-1], rows[:-1], strict=True))
    plain = again["rows"].cast(pa.large_binary())
    assert np.array_equal(lacodec.decode(plain[2].as_py()), rows[2])
    assert len(decoded(plain)) == len(rows)


def test_any_values() -> None:
    values = [b"bytes" * 100, {"a": np.arange(5)}, np.float32([[1, 2]])]
    found = decoded(coded(values))
    assert found[0] == values[0]
    assert np.array_equal(found[1]["a"], np.arange(5))
    assert np.array_equal(found[2], values[2])
