"""Quantised weights in layers: every beginning of a file decodes, about as well as a file made for that size."""

import io
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights.quantised.layers._unit import MOST_LEVELS, read_level, read_unit, write_level, write_unit
from lacodec.errors import BadInput, CorruptFile, CutOff
from lacodec.io.source import BytesSource
from lacodec.testing import check_codec
from reference.decode import restore
from tests.strength import examples

RNG = np.random.default_rng(11)


def normal(rows, columns, dtype=np.float32):
    return (RNG.normal(0, 1, (rows, columns)) * np.exp(RNG.normal(0, 0.3, (rows, 1)))).astype(dtype)


def error(one, other):
    return np.square(one.astype(float) - other).mean() / np.square(other.astype(float)).mean()


@pytest.fixture(scope="module")
def value():
    return {"a.weight": normal(1800, 256), "b.weight": normal(128, 300, np.float16), "norm": np.ones(300, np.float32)}


@pytest.fixture(scope="module")
def encoded(value):
    return lacodec.encode(value, "weights", bits=4.5, layers=True, verify=True)


def test_size_threads_and_types(value, encoded):
    count = sum(array.size for array in value.values())
    assert 0.97 < len(encoded) * 8 / count / 4.5 <= 1
    assert lacodec.encode(value, "weights", bits=4.5, layers=True, threads=2) == encoded
    restored = lacodec.decode(encoded)
    assert {name: (a.dtype, a.shape) for name, a in restored.items()} == {n: (a.dtype, a.shape) for n, a in value.items()}
    assert np.array_equal(restored["norm"], value["norm"])
    assert lacodec.decode(encoded, threads=2)["a.weight"].tobytes() == restored["a.weight"].tobytes()


@pytest.mark.parametrize("bits", [2, 4])
def test_beginnings_are_nearly_as_good_as_files_of_their_size(value, encoded, bits):
    size = sum(array.size for array in value.values()) * bits // 8
    cut = lacodec.decode(encoded[:size])["a.weight"]
    own = lacodec.decode(lacodec.encode(value, "weights", size=size))["a.weight"]
    worse = 10 * np.log10(error(cut, value["a.weight"]) / error(own, value["a.weight"]))
    trellis = 0.9  # decibels, which beginnings cannot have
    assert worse < 6.02 * 0.08 * bits + trellis  # 8 % of the bits: at this size, tables and classes cost more than in large files


def test_more_bytes_are_never_worse(value, encoded):
    errors = [
        error(lacodec.decode(encoded[:size])["a.weight"], value["a.weight"]) for size in range(20_000, len(encoded), 20_000)
    ]
    assert all(later <= earlier for earlier, later in pairwise(errors))
    assert errors[-1] < 0.01 < 0.5 < errors[0]


def test_a_file_that_is_cut_off(tmp_path, value, encoded, capsys):
    from lacodec.cli import main

    path = tmp_path / "m.lac"
    path.write_bytes(encoded[: len(encoded) // 2])
    done = lacodec.decode_file(path, tmp_path / "m.safetensors")
    assert "layers: relative squared error" in done.remark
    assert main(["info", "--json", str(path)]) == 0
    told = json.loads(capsys.readouterr().out)
    found = told["metadata"]
    assert 0 < found["layers"] < found["layers of the whole file"]
    assert "cut off" in told["problem"] or "too early" in told["problem"]
    restored = lacodec.decode(encoded[: len(encoded) // 2])
    wanted = [np.square(restored[name].astype(float) - value[name]).sum() for name in ("a.weight", "b.weight")]
    squares = [np.square(value[name].astype(float)).sum() for name in ("a.weight", "b.weight")]
    assert abs(sum(wanted) / sum(squares) / found["error"] - 1) < 0.01
    assert not lacodec.check(path).ok
    assert main(["info", str(path)]) == 0
    with lacodec.open(encoded[: len(encoded) // 2]) as file:
        assert np.array_equal(file["a.weight", 700:900], restored["a.weight"][700:900])
    with pytest.raises(CutOff):
        lacodec.decode(encoded[:1000])
    with pytest.raises(CorruptFile):
        lacodec.open(encoded[:1000])


def test_damage_in_the_middle_is_an_error(tmp_path, encoded, value):
    broken = bytearray(encoded)
    broken[len(encoded) // 2] ^= 1
    with pytest.raises(CorruptFile):
        lacodec.decode(bytes(broken))
    out = io.BytesIO()
    done = lacodec.decode_file(BytesSource(bytes(broken)), out, salvage=True)
    assert len(done.damage) == 1
    assert len(out.getvalue()) > 1800 * 256 * 4


def test_contract():
    check_codec("weights.quantised", {"two": {"a": normal(40, 96), "i": np.arange(5)}}, bits=8, layers=True)
    check_codec("weights.quantised", {"nothing": {}, "none": {"a": np.zeros((0, 7), np.float32)}}, size=4000, layers=True)


@pytest.mark.plain
def test_read_by_the_reference():
    value = {"a": normal(67, 96), "h": normal(64, 64, np.float16), "i": np.arange(5), "one": normal(1, 1500)}
    value |= {f"blk.0.attn_{role}.weight": normal(24, 96) for role in "qkv"}  # columns of these have steps of their own
    value["blk.0.attn_norm.weight"] = np.exp(RNG.normal(0, 0.5, 96)).astype(np.float32)
    value["a"][3, 5] = 900.0
    encoded = lacodec.encode(value, "weights", bits=6, layers=True)
    restored, by_reference = lacodec.decode(encoded), restore(encoded).content
    for name, array in restored.items():
        assert array.tobytes() in by_reference, name
    assert abs(restored["a"][3, 5] - 900) < 40
    ordinary = np.abs(value["a"]) < 100
    assert error(restored["a"][ordinary], value["a"][ordinary]) < 0.05


def test_odd_tensors():
    value = {
        "zeros": np.zeros((60, 40), np.float32),
        "constant": np.full((60, 40), 2.5, np.float32),
        "bad": np.where(RNG.random((50, 50)) < 0.1, np.nan, 1).astype(np.float32),
        "thin": normal(2000, 1),
        "whole": np.arange(2000, dtype=np.int32).reshape(40, 50),
        "huge": (normal(40, 40) * np.float32(1e36)).astype(np.float32),
        "wide": normal(1, 300_000),
    }
    restored = lacodec.decode(lacodec.encode(value, "weights", bits=8, layers=True))
    for name in ("zeros", "bad", "whole", "huge"):
        assert np.array_equal(restored[name], value[name], equal_nan=value[name].dtype.kind == "f"), name
    for name in ("constant", "thin", "wide"):
        assert error(restored[name], value[name]) < 0.01, name


def test_options():
    value = {"a": normal(100, 100)}
    with pytest.raises(BadInput, match="layers are for lossy files"):
        lacodec.encode(value, "weights", layers=True)
    with pytest.raises(BadInput, match="no file in layers has 100 bytes"):
        lacodec.encode(value, "weights", size=100, layers=True)


@examples(25)
@given(st.data())
def test_units(data):
    rows, columns = data.draw(st.tuples(st.integers(1, 70), st.integers(1, 70)))
    exponent = data.draw(st.integers(-25, 25))
    values = np.random.default_rng(data.draw(st.integers(0, 99))).standard_t(2, (rows, columns)).astype(np.float32)
    values = (values * np.float32(2.0**exponent) * data.draw(st.sampled_from([0, 1]))).astype(np.float32)
    out = Writer()
    unit = write_unit(out, values, data.draw(st.floats(1e-6, 1e6)))
    again = read_unit(Reader(out.data), rows, columns)
    for level in range(MOST_LEVELS):
        read_level(again, write_level(unit, values, level), level)
        assert np.array_equal(unit.values(level + 1), again.values(level + 1))
    assert np.abs(again.values(MOST_LEVELS) - values).max() <= again.scale * 2.0**-15
