"""Codec `features`: steps, layouts, parts, files, streams of any numbers, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lacodec
from lacodec.codecs.features._payload import decode_numbers, encode_numbers
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.media.features.files import FEATURES
from lacodec.testing import check_codec
from reference.decode import restore

NUMBERS = st.one_of(st.integers(-3, 3), st.integers(-300, 300), st.integers(-(1 << 22), 1 << 22))


def features(n=4, channels=6, height=11, width=9, dtype="f4", seed=1):
    """Smooth channels, of which the deviations fall."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, channels, height, width)).cumsum(2) * 2.0 ** -np.arange(channels)[:, None, None]).astype(dtype)


def within(values, steps):
    """Whether what comes back is within half a step of each channel, and the rounding of the type."""

    def same(one, other):
        one, other = (np.asarray(array, np.float64) for array in (one, other))
        return one.shape == other.shape and bool((np.abs(one - other) <= 0.501 * steps + np.abs(one) * 2.0**-10).all())

    return same(values, lacodec.decode(lacodec.encode(values, "features", steps=[steps] * values.shape[-3])))


@pytest.mark.parametrize("name", ["items", "one", "half", "none", "place", "channel"])
def test_contract(name):
    values = {
        "items": features(),
        "one": features()[0],
        "half": features(dtype="f2"),
        "none": features()[:0],
        "place": features(height=1, width=1),
        "channel": features(channels=1),
    }[name]

    def same(one, other):
        return one.shape == other.shape and bool((np.abs(one.astype("f8") - other) <= 0.126).all())

    check_codec("features", {name: values}, same=same, step=0.25, chunk=2)


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("step", [0.01, 1.0, 30.0])
def test_within_half_a_step(dtype, step):
    assert within(features(dtype=dtype), step)


def test_whole_steps_come_back_exactly():
    numbers = np.rint(features() * 40)
    assert np.array_equal(lacodec.decode(lacodec.encode(numbers.astype("f4"), "features", step=1)), numbers)
    eighths = (numbers / 8).astype("f4")
    assert np.array_equal(lacodec.decode(lacodec.encode(eighths, "features", step=0.125)), eighths)


def test_steps_are_told_and_kept_for_each_channel():
    values, steps = features(), (0.5, 0.25, 1.0, 2.0, 0.125, 4.0)
    coded = lacodec.encode(values, "features", steps=steps)
    told = lacodec.info(coded).metadata
    assert told == {"shape": [4, 6, 11, 9], "dtype": "<f4", "layout": "CHW", "steps": list(steps)}
    found = lacodec.decode(coded)
    for channel, step in enumerate(steps):
        assert (found[:, channel] % step == 0).all()
        assert np.abs(found[:, channel] - values[:, channel]).max() <= step / 2
    assert coded == lacodec.encode(values, "features", steps="0.5,0.25,1,2,0.125,4")
    assert lacodec.info(lacodec.encode(values, "features", step=0.5)).metadata["steps"] == 0.5


def test_steps_by_deviations():
    values = features(n=20)
    values[:, 2], values[:, 3] = 7, 0
    coded = lacodec.encode(values, "features", relative=0.5)
    steps = lacodec.info(coded).metadata["steps"]
    usual = values.transpose(1, 0, 2, 3).reshape(6, -1).astype("f8").std(axis=1)
    usual[2] = 7
    assert np.allclose(np.delete(steps, 3), np.delete(usual * 0.5, 3), rtol=1e-6) and steps[3] == 1
    found = lacodec.decode(coded)
    assert np.array_equal(found[:, 2:4], values[:, 2:4])


def test_layouts():
    values = features()
    coded = lacodec.encode(values.transpose(0, 2, 3, 1), "features", step=0.25, layout="HWC")
    found = lacodec.decode(lacodec.encode(values, "features", step=0.25))
    assert np.array_equal(lacodec.decode(coded), found.transpose(0, 2, 3, 1))
    one = lacodec.encode(values[0].transpose(1, 2, 0), "features", step=0.25, layout="HWC")
    assert np.array_equal(lacodec.decode(one), found[0].transpose(1, 2, 0))


def test_contexts_earn_their_keep():
    """At most 0.9 of the entropy of each channel's numbers, where neighbours and other channels tell something."""
    values = features(n=2, channels=8, height=40, width=40)
    numbers = np.rint(values / 0.5).astype(int)
    bits = 0.0
    for channel in range(8):
        counts = np.unique(numbers[:, channel], return_counts=True)[1]
        bits -= (counts * np.log2(counts / counts.sum())).sum()
    assert 8 * len(lacodec.encode(values, "features", step=0.5)) < 0.9 * bits


def test_parts():
    values = features(n=9)
    coded = lacodec.encode(values, "features", step=0.1, chunk=2)
    whole = lacodec.decode(coded)
    with lacodec.open(coded) as opened:
        assert opened.shape == values.shape and opened.dtype == values.dtype
        for key in (slice(None), slice(1, 3), 8, -1, slice(0, 9, 4), slice(5, 2), (2, slice(1, 3))):
            assert np.array_equal(opened[key], whole[key])
        index = opened._reader.index
        assert len(index) == 5 and opened._decoding.codec.select(opened.header, index, slice(1, 3)) == [0, 1]
    broken = bytearray(coded)
    broken[index[-1].payload_offset + 3] ^= 1
    with lacodec.open(bytes(broken)) as opened:
        assert np.array_equal(opened[:8], whole[:8])
        with pytest.raises(CorruptFile):
            opened[8:]
    with lacodec.open(lacodec.encode(values[0], "features", step=0.1)) as opened, pytest.raises(BadInput, match="one item"):
        opened[0:1]


def test_files(tmp_path):
    values = features()
    np.save(tmp_path / "x.npy", values)
    lacodec.encode_file(tmp_path / "x.npy", tmp_path / "x.lac", "features", step=0.25)
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "y.npy")
    found = np.load(tmp_path / "y.npy")
    assert np.array_equal(found, lacodec.decode(tmp_path / "x.lac")) and np.abs(found - values).max() <= 0.125
    assert lacodec.info(tmp_path / "x.lac").identical == "none"


@pytest.mark.plain
@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("layout", ["CHW", "HWC"])
def test_plain_reader(dtype, layout):
    values = features(n=3, channels=5, height=6, width=6, dtype=dtype)
    values[1, 2] *= 900
    values[0, 0, 0] = 4000
    coded = lacodec.encode(values, "features", step=0.1, layout=layout, chunk=2)
    assert restore(coded).content == b"".join(FEATURES.to_blocks(FEATURES.from_object(lacodec.decode(coded))))


@given(arrays(np.int32, st.tuples(*[st.integers(1, 4)] * 4), elements=NUMBERS))
def test_any_numbers(numbers):
    coded = encode_numbers(numbers)
    assert np.array_equal(decode_numbers(coded, numbers.shape), numbers)


@given(st.binary(max_size=200), st.tuples(*[st.integers(1, 5)] * 4))
def test_any_streams(data, shape):
    try:
        found = decode_numbers(data, shape)
    except CorruptFile:
        return
    assert found.shape == shape and np.abs(found).max() <= 1 << 22


@given(arrays(st.sampled_from(["f2", "f4"]), st.tuples(*[st.integers(1, 3)] * 4)), st.floats(1e-6, 1e6))
def test_any_values(values, step):
    try:
        found = lacodec.decode(lacodec.encode(values, "features", step=step))
    except BadInput as error:
        assert any(text in str(error) for text in ("NaN", "larger steps"))
        return
    assert found.dtype == values.dtype and np.isfinite(found).all()
    exact = values.astype("f8")
    assert (np.abs(found - exact) <= 0.501 * step + np.abs(exact) * (2.0**-10 if values.dtype == "f2" else 2.0**-22)).all()


def test_without_steps_nothing_is_lost():
    values = features()
    values[0, 0, 0, :3] = np.nan, np.inf, -0.0
    coded = lacodec.encode(values, "features")
    assert lacodec.info(coded).codec == "arrays" and lacodec.decode(coded).tobytes() == values.tobytes()
    assert lacodec.info(lacodec.encode(values)).identical == "bytes"  # never lossy by itself


def test_refused():
    values = features()
    for wrong in (
        {"step": 0},
        {"step": -1.0},
        {"step": float("nan")},
        {"step": "1"},
        {"relative": 1e40},
        {"step": 1, "relative": 1},
        {"steps": "1,x"},
        {"steps": [1, 0]},
        {"layout": "WHC", "step": 1},
        {"chunk": 0},
        {"effort": 0},
    ):
        with pytest.raises(BadInput):
            lacodec.codec("features", **wrong)
    for value in (values[0, 0], values.astype("f8"), values.astype("i4"), values[None], [1.0], values[:, :0]):
        with pytest.raises(BadInput):
            lacodec.encode(value, "features", step=1)
    with pytest.raises(BadInput, match="2 steps were given for 6 channels"):
        lacodec.encode(values, "features", steps="1,2")
    with pytest.raises(BadInput, match="larger steps"):
        lacodec.encode(values, "features", step=1e-7)
    for option in ("step", "relative"):
        values[1, 1, 1, 1] = np.inf
        with pytest.raises(BadInput, match="NaN or infinity"):
            lacodec.encode(values, "features", **{option: 0.5})
    for data in (b"", b"abc", b"\x93NUMPY"):
        with pytest.raises(LacodecError):
            lacodec.encode(data, "features", step=1)
