"""Columns: arrays of every type and pattern come back, by the kernels and by `reference/`; forged payloads are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lacodec.codecs import registry
from lacodec.codecs.columns import forms, payload
from lacodec.errors import LacodecError
from reference import columns as reference
from tests.strength import BOUNDS, examples

INTEGERS = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"]
FLOATS = ["f2", "f4", "f8"]


def unembed(data, size):
    return registry.get("bytes")().decode_block(bytes(data), size, 1)


def there_and_back(array, effort=5):
    coded = payload.encode(array, effort=effort)
    found = payload.decode(coded, array.dtype, array.shape, unembed=unembed)
    assert found.dtype == array.dtype and found.shape == array.shape
    assert found.tobytes() == array.tobytes()
    assert len(coded) <= array.nbytes + 1
    return coded


def by_reference(coded, array):
    kind = array.dtype.kind, array.dtype.itemsize
    assert reference.decode(coded, kind, array.shape) == array.view(f"u{array.itemsize}").reshape(-1).tolist()


def integer_arrays(dtype):
    rng = np.random.default_rng(4)
    noise = np.frombuffer(rng.bytes(700 * 8), dtype)
    yield "small", rng.integers(0, 50, 700).astype(dtype)
    yield "walk", np.cumsum(rng.integers(-3, 5, 700)).astype(dtype)
    yield "multiples", (rng.integers(0, 20, (70, 10)) * 5 + 3).astype(dtype)
    yield "noise", noise[:700]
    yield "few", rng.choice(noise[:40], 3000)
    yield "runs", np.repeat(rng.integers(0, 99, 20), rng.integers(1, 90, 20)).astype(dtype)
    yield (
        "picture",
        (np.add.outer(np.arange(12) * 3, np.arange(15) * 2)[..., None] + rng.integers(0, 9, (12, 15, 3))).astype(dtype),
    )
    yield "plane", np.add.outer(np.arange(30) * 3, np.arange(40)).astype(dtype)
    yield "repeated", np.tile(noise[:300], 5)
    yield "columns", np.stack([rng.integers(0, 3, 400), np.arange(400) * 1000, rng.integers(-99, 99, 400) * 64], 1).astype(dtype)


def float_arrays(dtype):
    rng = np.random.default_rng(5)
    with np.errstate(all="ignore"):
        yield "normal", rng.normal(0, 1, 900).astype(dtype)
        yield "decimals", np.round(rng.normal(5, 1, 900), 1).astype(dtype)
        odd = np.round(rng.normal(5, 1, 900), 2).astype(dtype)
        odd[rng.random(900) < 0.1] = np.nan
        odd[3:6] = -0.0, np.inf, -np.inf
        yield "missing", odd
        yield "bits", np.frombuffer(rng.bytes(900 * 8), dtype)[:900]
        yield "products", np.outer(rng.normal(0, 1, 60), rng.normal(0, 1, 50)).astype(dtype)
        yield "walks", np.cumsum(rng.normal(0, 1, (50, 20)), 0).astype(dtype)
        yield "table", np.round(rng.normal([1, 100, 0.01], [1, 10, 0.001], (900, 3)), 3).astype(dtype)
        yield "halves", rng.normal(0, 1, 900).astype(np.float16).astype(dtype)
        yield "sums", (np.round(rng.normal(5, 1, 900), 3) * 3 / 3).astype(dtype)


ALL = [(dtype, name, array) for dtype in INTEGERS for name, array in integer_arrays(dtype)]
ALL += [(dtype, name, array) for dtype in FLOATS for name, array in float_arrays(dtype)]


@pytest.mark.parametrize(("dtype", "name", "array"), ALL, ids=[f"{dtype}-{name}" for dtype, name, _ in ALL])
@pytest.mark.parametrize("effort", [1, 5, 9])
def test_patterns(dtype, name, array, effort):
    array = np.ascontiguousarray(array)
    coded = there_and_back(array, effort)
    if effort == 9:  # which takes the plain reader ten times as long
        array = array[: max(1, 300 // array[:1].size)]
        coded = there_and_back(array, effort)
    if not BOUNDS:
        by_reference(coded, array)


def test_every_form_is_used():
    used = {there_and_back(np.ascontiguousarray(array))[0] for _, _, array in ALL}
    assert used >= {
        forms.STORED,
        forms.NUMBERS,
        forms.PARTS,
        forms.BYTES,
        forms.MULTIPLES,
        forms.DISTINCT,
        forms.RUNS,
        forms.GAPS,
    }


@given(
    arrays.arrays(
        st.sampled_from(INTEGERS + FLOATS).map(np.dtype),
        arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9),
    ),
    st.sampled_from([1, 4, 7]),
)
@examples(150)
def test_any_array(array, effort):
    there_and_back(np.ascontiguousarray(array), effort)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (1, 1, 1)])
@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_tiny(dtype, shape):
    there_and_back(np.full(shape, 7, dtype))


@given(st.data())
@examples(300)
def test_forged(data):
    _, _, array = data.draw(st.sampled_from(ALL))
    array = np.ascontiguousarray(array)
    coded = bytearray(payload.encode(array))
    for _ in range(data.draw(st.integers(1, 3))):
        coded[data.draw(st.integers(0, min(len(coded) - 1, 60)))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del coded[data.draw(st.integers(0, len(coded))) :]
    try:
        found = payload.decode(bytes(coded), array.dtype, array.shape, unembed=unembed)
    except LacodecError:
        return
    assert found.shape == array.shape and found.dtype == array.dtype


def test_a_large_array_with_far_values():
    rng = np.random.default_rng(6)
    array = rng.normal(0, 1e6, 1 << 18).astype(np.int64)
    array[rng.integers(0, len(array), 40)] = rng.integers(-(2**63), 2**63 - 1, 40)
    coded = there_and_back(array)
    assert len(coded) < 0.36 * array.nbytes
