"""The coefficient model of `image.jpeg`: whatever the coefficients are, they come back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lacodec.codecs.image.jpeg.frame import Component, Frame
from lacodec.codecs.image.jpeg.model.coder import decode_frame, encode_frame
from lacodec.errors import CorruptFile
from tests.strength import examples

EFFORTS = (1, 2, 3, 4, 5, 9)
SAMPLINGS = [
    [(1, 1)],
    [(2, 2), (1, 1), (1, 1)],
    [(2, 1), (1, 1), (1, 1)],
    [(1, 2), (1, 1), (1, 1)],
    [(1, 1)] * 4,
    [(1, 1), (2, 2), (4, 1)],
]


def frame_of(sampling, rows, columns, kind, seed):
    """A frame whose coefficients are of some kind; rows and columns are MCUs."""
    chance = np.random.default_rng(seed)
    components = []
    for h, v in sampling:
        shape = rows * v, columns * h, 64
        if kind == "photo":
            scale = 60 / (1 + np.arange(64)) ** 1.2
            values = np.round(chance.laplace(0, 1, shape) * scale)
        elif kind == "any":
            values = chance.integers(-32768, 32768, shape)
        elif kind == "edges":
            values = chance.choice([-32768, 32767, 0, 1, -1], shape)
        elif kind == "sparse":
            values = chance.integers(-300, 300, shape) * (chance.random(shape) < 0.02)
        else:
            values = np.zeros(shape)
        quant = chance.choice([np.ones(64), np.full(64, 65535), 1 + np.arange(64), np.zeros(64)]).astype(np.uint16)
        components.append(Component(values.astype(np.int16), quant, h, v))
    return Frame(columns * 8, rows * 8, tuple(components))


def decoded(data, frame):
    geometry = [(*c.coefficients.shape[:2], c.h, c.v) for c in frame.components]
    return decode_frame(data, (frame.width, frame.height, geometry), [c.quant for c in frame.components])


def check(frame, effort):
    data = encode_frame(frame, effort)
    back = decoded(data, frame)
    assert (back.width, back.height) == (frame.width, frame.height)
    for one, two in zip(frame.components, back.components, strict=True):
        assert np.array_equal(one.coefficients, two.coefficients)
        assert one.coefficients.dtype == two.coefficients.dtype
        assert (one.h, one.v) == (two.h, two.v)
    return data


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("kind", ["photo", "any", "edges", "sparse", "nothing"])
def test_round_trip(kind, effort):
    for number, sampling in enumerate(SAMPLINGS):
        check(frame_of(sampling, 3, 2, kind, number), effort)
    check(frame_of([(1, 1)], 1, 1, kind, 0), effort)


@examples(30)
@given(
    sampling=some.sampled_from(SAMPLINGS),
    rows=some.integers(1, 4),
    columns=some.integers(1, 4),
    kind=some.sampled_from(["photo", "any", "edges", "sparse"]),
    seed=some.integers(0, 2**32 - 1),
    effort=some.sampled_from(EFFORTS),
)
def test_round_trip_of_anything(sampling, rows, columns, kind, seed, effort):
    check(frame_of(sampling, rows, columns, kind, seed), effort)


@pytest.mark.parametrize("effort", EFFORTS)
def test_forged_data_gives_a_frame_or_an_error(effort):
    frame = frame_of(SAMPLINGS[1], 3, 3, "photo", 1)
    data = encode_frame(frame, effort)
    chance = np.random.default_rng(effort)
    for _ in range(40):
        forged = bytearray(data)
        for _ in range(chance.integers(1, 4)):
            forged[chance.integers(1, len(data))] = chance.integers(256)
        cut = bytes(forged[: chance.integers(0, len(data) + 1)]) if chance.random() < 0.5 else bytes(forged)
        try:
            back = decoded(cut, frame)
        except CorruptFile:
            continue
        assert [c.coefficients.shape for c in back.components] == [c.coefficients.shape for c in frame.components]


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x05", b"\x01", b"\x01\xff\xff\xff\xff", b"\x63abcdefgh", b"\x02\x02\x00\x00\x00" + bytes(8)]
)
def test_short_data_are_refused(data):
    with pytest.raises(CorruptFile):
        decoded(data, frame_of([(1, 1)], 2, 2, "photo", 0))


def test_no_blocks():
    frame = Frame(8, 8, (Component(np.zeros((0, 1, 64), np.int16), np.ones(64, np.uint16), 1, 1),))
    for effort in EFFORTS:
        check(frame, effort)


def test_progress_counts_every_coefficient():
    frame = frame_of(SAMPLINGS[1], 8, 8, "photo", 2)
    for effort in (1, 5):
        seen = []
        encode_frame(frame, effort, seen.append)
        assert sum(seen) == sum(c.coefficients.size for c in frame.components)
