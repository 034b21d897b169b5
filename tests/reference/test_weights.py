"""Codec `weights` by `reference/`: bases, tied tensors, large planes, names; tests/codecs/weights compares all kinds as well."""

import io

import numpy as np
import pytest

import lacodec
from lacodec.io.source import BytesSource
from lacodec.media.tensors.safetensors import build_header
from reference.container import read
from reference.decode import open_base, restore
from reference.stream import Damaged

RNG = np.random.default_rng(5)


def safetensors(tensors, metadata=None):
    """A file with arrays by name; types that numpy lacks as (type, array of their bits)."""
    names = {"f4": "F32", "f8": "F64", "f2": "F16", "i1": "I8", "i8": "I64", "u1": "U8"}
    items = []
    for name, value in tensors.items():
        kind, array = value if isinstance(value, tuple) else (names[value.dtype.str[1:]], value)
        items.append((name, kind, array.shape, array.tobytes()))
    head = build_header([(name, kind, shape, len(data)) for name, kind, shape, data in items], metadata)
    return head + b"".join(data for *_, data in items)


def normal(*shape, scale=0.02):
    return RNG.normal(0, scale, shape).astype(np.float32)


def bf16(array):
    return "BF16", (array.view(np.uint32) >> 16).astype(np.uint16)


@pytest.mark.parametrize("effort", [1, 2, 5, 9])
def test_large_planes_and_many_rows(effort):
    rows = normal(300, 256) * np.exp2(RNG.integers(-6, 3, (300, 1))).astype(np.float32)
    data = safetensors({"a": bf16(rows), "b": normal(200, 190), "c": RNG.integers(-9, 9, 40_000).astype(np.int8)})
    assert restore(lacodec.encode(data, "weights", effort=effort)).content == data


def test_differences_to_a_base():
    before = {"w": normal(60, 70), "h": normal(900).astype(np.float16), "d": normal(80).astype(np.float64), "n": np.arange(300)}
    before["b"] = bf16(before["w"])
    before["lost"] = normal(5)
    after = {name: value for name, value in before.items() if name not in ("lost", "b")}
    after["w"] = before["w"] * np.float32(1.0003)
    after["h"] = before["h"] + np.float16(0.0001)
    after["d"] = before["d"] * -1.01
    after["n"] = before["n"] + RNG.integers(-2, 3, 300)
    after["b"] = bf16(after["w"])
    after["new"] = normal(7, 8)
    base, data = safetensors(before), safetensors(after, {"format": "pt"})
    encoded = lacodec.codec("weights", base=BytesSource(base)).encode(data)
    assert len(encoded) < len(lacodec.encode(data, "weights"))
    assert restore(encoded, base).content == data
    assert restore(encoded, lacodec.encode(base, "weights")).content == data
    with pytest.raises(Damaged, match="give that too"):
        restore(encoded)
    with pytest.raises(Damaged, match="another file"):
        restore(encoded, base + b" ")


def test_tied_tensors():
    table = normal(300, 64)
    data = safetensors({"in": table, "more": normal(9, 9), "out": table})
    encoded = lacodec.encode(data, "weights")
    _, chunks = read(encoded)
    assert any(chunk.depends for chunk in chunks) and restore(encoded).content == data


def test_names():
    names = ["a.0.w", "a.1.w", "a.01.w", "12", "back\\slash#5", "li\nne.7", "ä.3", "a.1.w.999999999", "x1234567890", ""]
    data = safetensors({name: normal(3) for name in names}, {"x": '\x1f"\\/é'})
    encoded = lacodec.encode(data, "weights", effort=1)
    assert restore(encoded).content == data
    assert [tensor.name for tensor in open_base(encoded)[1]] == names


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_bytes_between_tensors(kind):
    out = io.BytesIO()
    (np.save if kind == "npy" else np.savez)(out, np.asfortranarray(normal(40, 50)))
    assert restore(lacodec.encode(out.getvalue(), "weights")).content == out.getvalue()


def test_values_that_repeat():
    few = normal(9)[RNG.integers(0, 9, 1200)]
    sparse = normal(1200) * (RNG.random(1200) < 0.4)
    data = safetensors({"few": few, "sparse": sparse, "again": np.tile(normal(30), 20), "ones": np.ones(600, np.float32)})
    for effort in (1, 9):
        assert restore(lacodec.encode(data, "weights", effort=effort)).content == data


def test_an_empty_file_of_tensors():
    data = safetensors({})
    assert restore(lacodec.encode(data, "weights")).content == data
