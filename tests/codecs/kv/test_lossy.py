"""Codec `kv.lossy`: steps, bases, what is kept exactly, and caches of every shape."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.kv.lossy import _kernel as kernels
from lacodec.codecs.kv.lossy.basis import KEY, Basis, Transform
from lacodec.codecs.kv.lossy.turning import rows_of
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.kv.files import KV
from lacodec.media.kv.value import KVCache, Model
from lacodec.media.tensors import safetensors
from lacodec.testing import check_codec
from reference.decode import restore
from tests.codecs.kv.test_kv import cache
from tests.strength import examples
from tools.golden import kv as golden
from tools.golden import kvlossy

ROPE = Model("Tiny", "ab", "default", (1.0, 0.25, 0.01), 1.25)


def errors(one, other):
    """Root mean square of the differences of each array, relative to its own."""
    pairs = [(a, b) for x, y in zip(one.layers, other.layers, strict=True) for a, b in zip(x, y, strict=True)]
    arrays = [(rows_of(a, one.dtype).astype("f8"), rows_of(b, one.dtype).astype("f8")) for a, b in pairs if a.size]
    return [float(np.sqrt(np.square(a - b).mean() / max(np.square(a).mean(), 1e-30))) for a, b in arrays]


def alike(one, other):
    return one.shape == other.shape and one.model == other.model


VALUES = {
    "bf16": golden.cache("bf16"),
    "odd": KVCache(tuple((np.nan_to_num(k, posinf=1, neginf=-1), v) for k, v in golden.cache("odd").layers), "F32"),
    "one": cache(1, 1, 1, 1, 1),
    "no tokens": cache(2, tokens=0),
}


@pytest.mark.parametrize("name", [pytest.param("bf16", marks=pytest.mark.slow), "odd", "one", "no tokens"])
def test_contract(name):
    check_codec("kv.lossy", {name: VALUES[name]}, same=alike, tokens=20)


@pytest.mark.parametrize("dtype", ["bf16", "f16", "f32"])
def test_more_quality_is_nearer_and_larger(dtype):
    value = replace(golden.cache(dtype), model=ROPE)
    coded = [lacodec.encode(value, "kv.lossy", quality=quality, ends=False) for quality in (20, 50, 80)]
    found = [errors(value, lacodec.decode(data)) for data in coded]
    assert len(coded[0]) < len(coded[1]) < len(coded[2]) < len(lacodec.encode(value, "kv"))
    assert all(a > b > c for a, b, c in zip(*found, strict=True)) and max(found[2]) < 0.03


def squares(one, other, tokens):
    """Mean squared difference of all keys and values in some tokens."""
    pairs = [(a, b) for x, y in zip(one.layers, other.layers, strict=True) for a, b in zip(x, y, strict=True)]
    return float(np.mean([np.square((a - b)[:, :, tokens]).mean() for a, b in pairs]))


def test_first_and_last_tokens():
    value = replace(cache(tokens=400), model=ROPE)
    found = lacodec.decode(lacodec.encode(value, "kv.lossy", quality=40, exact=3, tokens=150))
    even = lacodec.decode(lacodec.encode(value, "kv.lossy", quality=40, exact=3, ends=False))
    for one, other in zip(value.layers, found.layers, strict=True):
        for a, b in zip(one, other, strict=True):
            assert (a[:, :, :3] == b[:, :, :3]).all() and not (a[:, :, 3:6] == b[:, :, 3:6]).all()
    first, last = squares(value, found, slice(3, 150)), squares(value, found, slice(396, 400))
    assert last < first / 16 and squares(value, even, slice(396, 400)) > squares(value, even, slice(3, 150)) / 2
    everything = lacodec.decode(lacodec.encode(value, "kv.lossy", exact=400))
    assert max(errors(value, everything)) == 0


def test_tokens_that_matter_more_are_nearer():
    """For as many bytes, errors weigh less in all, and those of a token that matters 64 times as much are 64 times smaller."""
    weights = np.ones((3, 400), "f4")
    weights[:, 100:120] = 64
    value = replace(cache(tokens=400), model=ROPE)
    coded = lacodec.encode(replace(value, weights=weights), "kv.lossy", quality=50)
    found = lacodec.decode(coded)
    assert restore(coded).content == b"".join(KV.to_blocks(found))
    matter, rest = squares(value, found, slice(100, 120)), squares(value, found, slice(200, 400))
    assert 32 < rest / matter < 128
    even = [lacodec.encode(value, "kv.lossy", quality=quality, ends=False) for quality in (49, 50, 51, 52)]
    as_long = max((data for data in even if len(data) <= len(coded)), key=len)
    other = lacodec.decode(as_long)
    assert 64 * matter * 20 + rest * 380 < 0.7 * (64 * squares(value, other, slice(100, 120)) * 20 + rest * 380)
    for wrong in (weights[:2], weights[:, :9], weights * np.nan, -weights, weights * np.inf):
        with pytest.raises(BadInput, match="weights"):
            replace(value, weights=wrong)


@pytest.mark.parametrize("start", [0, 1, 3, 77, 1 << 20])
def test_a_part_of_a_sequence_starts_somewhere(start):
    value = replace(cache(tokens=40), model=ROPE)
    coded = lacodec.encode(value, "kv.lossy", quality=60, exact=3, ends=False, start=start)
    found = lacodec.decode(coded)
    left = max(3 - start, 0)
    assert (found.layers[1][0][:, :, :left] == value.layers[1][0][:, :, :left]).all()
    assert (found.layers[1][1] != value.layers[1][1])[:, :, left:].any(-1).all()
    assert max(errors(value, found)) < 0.2
    assert restore(coded).content == b"".join(KV.to_blocks(found))


def test_parts_are_those_of_the_whole():
    value = replace(cache(4, tokens=90), model=ROPE)
    coded = lacodec.encode(value, "kv.lossy", quality=50, tokens=25)
    whole = lacodec.decode(coded)
    with lacodec.open(coded) as opened:
        for layers, tokens in ((slice(1, 3), slice(20, 60)), (slice(0, 4), slice(0, 1)), (slice(3, 4), slice(89, 90))):
            for pair, wanted in zip(opened[layers, tokens], whole.layers[layers], strict=True):
                assert all((a == b[:, :, tokens]).all() for a, b in zip(pair, wanted, strict=True))


def test_undoing_the_embedding_pays():
    """Keys that have a fixed part before it cost less when it is known."""
    rng, rates = np.random.default_rng(1), (1.0, 0.3, 0.1, 0.03)
    angles = np.arange(400)[:, None] * np.array(rates)
    fixed = rng.normal(size=8) * 6 + rng.normal(size=(400, 8))
    a, b = fixed[:, :4], fixed[:, 4:]
    keys = np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], 1)
    keys = keys[None, None].astype("f4")
    model = Model("", "", "default", rates, 1.0)
    sizes = [len(lacodec.encode(KVCache(((keys, keys[..., :0]),), "F32", m), "kv", quality=50)) for m in (model, Model())]
    assert sizes[0] < 0.9 * sizes[1]


def correlated(tokens=600):
    rng = np.random.default_rng(3)
    mix = rng.normal(size=(16, 16)) * 2.0 ** -np.arange(16)[:, None]
    arrays = [(rng.normal(size=(tokens, 16)) @ mix + 1).astype("f4").reshape(1, tokens, 2, 8).swapaxes(1, 2) for _ in "kv"]
    return KVCache((tuple(arrays),), "F32"), mix


@pytest.mark.parametrize(("rows", "groups", "n"), [(3, 1, 1), (64, 2, 15), (130, 3, 101)])
def test_synthesis_adds_in_order(rows, groups, n):
    """Also where columns and rows are not whole numbers of what is done at a time."""
    rng = np.random.default_rng(5)
    numbers = (rng.integers(-9, 10, (rows, groups * n)) * (rng.random((rows, groups * n)) < 0.5)).astype("i2")
    matrix, mean = rng.normal(size=(groups, n, n)).astype("f4"), rng.normal(size=groups * n).astype("f4")
    steps, found = rng.random(rows).astype("f4"), np.empty((rows, groups * n), "f4")
    most = kernels.BLOCK * n
    kernels.synthesis(
        numbers, steps, matrix, mean, np.empty(most, "i4"), np.empty(most, "f4"), np.empty(kernels.BLOCK, "i8"), found
    )
    wanted = np.tile(mean, (rows, 1)).reshape(rows, groups, n)
    for k in range(n):
        for group in range(groups):
            some = numbers[:, group * n + k] != 0
            factors = numbers[some, group * n + k].astype("f4") * steps[some]
            wanted[some, group] += factors[:, None] * matrix[group, k]
    assert (found == wanted.reshape(rows, -1)).all()


def test_a_basis_pays_and_is_asked_for(tmp_path):
    value, mix = correlated()
    matrix = np.linalg.svd(mix)[2][None].astype("f4")  # rows are orthonormal: a step is one in any direction
    part = Transform(np.full(16, 0.05, "f4"), np.ones(16, "f4"), np.ones(16, "f4"), matrix * np.float32(0.05))
    basis = Basis(((part, part),)).to_bytes()
    coded = lacodec.encode(value, "kv", quality=50, basis=basis)
    found = lacodec.decode(coded, base=basis)
    error = max(errors(value, found))
    assert restore(coded, basis).content == b"".join(KV.to_blocks(found))
    plain = (lacodec.encode(value, "kv", quality=quality) for quality in range(30, 100, 3))
    as_good = next(data for data in plain if max(errors(value, lacodec.decode(data))) < error)
    assert len(coded) < 0.9 * len(as_good)
    with pytest.raises(BadInput, match="needs its base"):
        lacodec.decode(coded)
    with pytest.raises((BadInput, CorruptFile)):
        lacodec.decode(coded, base=basis[:-4] + b"\0\0\0\1")
    (tmp_path / "b").write_bytes(basis)
    (tmp_path / "x.kv").write_bytes(b"".join(KV.to_blocks(value)))
    lacodec.encode_file(tmp_path / "x.kv", tmp_path / "x.lac", "kv", quality=50, basis=str(tmp_path / "b"))
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "y.kv", base=tmp_path / "b")
    assert (tmp_path / "y.kv").read_bytes() == b"".join(KV.to_blocks(found))
    told = lacodec.info(tmp_path / "x.lac")
    assert told.codec == "kv.lossy" and told.identical == "none"


def test_steps_alone_are_kept_in_the_file():
    value, _ = correlated()
    part = Transform(*(np.full(16, x, "f4") for x in (0.05, 1, 1)))
    coded = lacodec.encode(value, "kv.lossy", quality=50, ends=False, basis=Basis(((part, part),)).to_bytes())
    found = lacodec.decode(coded)
    limit = 0.05 / np.sqrt(12) / np.sqrt(np.square(value.layers[0][0]).mean())
    assert max(errors(value, found)) < 1.2 * limit


def test_wrong_bases():
    value, _ = correlated(50)
    part = Transform(*(np.ones(16, "f4") for _ in range(3)), np.eye(16, dtype="f4")[None])
    for basis in (
        Basis(((part, part), (part, part))),
        Basis(((Transform(*(np.ones(8, "f4") for _ in range(3))), part),)),
    ):
        with pytest.raises(BadInput, match="other layers, heads or widths"):
            lacodec.encode(value, "kv", quality=50, basis=basis.to_bytes())
    mine, theirs = Model("A", "aa"), Model("B", "bb")
    with pytest.raises(BadInput, match="made for B, of which the weights differs"):
        lacodec.encode(replace(value, model=mine), "kv", quality=50, basis=Basis(((part, part),), theirs).to_bytes())
    good = Basis(((part, part),)).to_bytes()
    deep = safetensors.build_header([], {KEY: "[" * 10_000})
    for wrong in (b"text", good[:-4], good.replace(b"layers.0.keys.mean", b"layers.0.keys.meal"), deep):
        with pytest.raises(BadInput):
            lacodec.encode(value, "kv", quality=50, basis=wrong)
    for wrong in (replace(part, units=-part.units), replace(part, mean=part.mean * np.float32(np.nan))):
        with pytest.raises(BadInput, match="positive, and all numbers finite"):
            lacodec.encode(value, "kv", quality=50, basis=Basis(((wrong, part),)).to_bytes())
    with pytest.raises(BadInput, match="give a quality"):
        lacodec.codec("kv", basis="x")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(number):
    value = cache()
    value.layers[1][1][0, 1, 17, 3] = number
    with pytest.raises(BadInput, match="layer 1: its values hold NaN or infinity"):
        lacodec.encode(value, "kv", quality=50)


@examples(20)
@given(
    shape=st.tuples(*(st.integers(0, n) for n in (2, 3, 40, 9))),
    scale=st.sampled_from([0.0, 1e-30, 1e-3, 1.0, 3e4, 1e30]),
    quality=st.sampled_from([1, 37.5, 50, 100]),
    seed=st.integers(0, 99),
)
def test_any_cache(shape, scale, quality, seed):
    rng = np.random.default_rng(seed)
    layers = tuple(
        ((rng.standard_cauchy(shape) * scale).astype("f4"), (rng.normal(size=shape) * scale).astype("f4")) for _ in "ab"
    )
    value = KVCache(layers, "F32", ROPE)
    coded = lacodec.encode(value, "kv.lossy", quality=quality, tokens=13, exact=1, verify=True)
    found = lacodec.decode(coded)
    assert alike(value, found)
    if quality == 100 and scale > 1e-20:
        assert all(error < 0.1 for error in errors(value, found))


def test_an_outlier_leaves_other_heads_alone():
    value = cache(1, tokens=500)
    value.layers[0][0][0, 0, 77, 2] = 1e6
    found = lacodec.decode(lacodec.encode(value, "kv", quality=60))
    assert np.abs(found.layers[0][0] - value.layers[0][0])[0, 1].max() < 0.5


def test_the_file_of_a_basis():
    basis = Basis.of_source(BytesSource(kvlossy.basis()))
    assert basis.to_bytes() == kvlossy.basis() and basis.has_matrices
    assert [part.matrix.shape for part in basis.layers[0]] == [(1, 16, 16), (2, 8, 8)]


def test_options():
    wrong = (
        {"quality": 0},
        {"quality": 101},
        {"quality": True},
        {"quality": "50"},
        {"exact": -1},
        {"ends": 1},
        {"tokens": 0},
        {"start": -1},
    )
    for options in wrong:
        with pytest.raises(BadInput):
            lacodec.codec("kv.lossy", **options)
