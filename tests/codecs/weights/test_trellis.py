"""Trellis-coded grids: the best path, the same numbers and values everywhere, fewer bits for the same error."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised import _trellis_kernel as paths
from lacodec.codecs.weights.quantised import trellis
from lacodec.codecs.weights.quantised._payload import Part, decode_parts, encode_parts
from lacodec.errors import CorruptFile
from reference.decode import restore
from reference.weights_quantised import following as plain_following
from tests.strength import examples

WIDTH = 2 * kernels.MOST + 1


def normal(rows, columns, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 1, (rows, columns)) * np.exp(rng.normal(0, 0.4, (1, columns)))).astype(np.float32)


def coded(parts, **more):
    """(bytes, what a decoder has, which is checked)."""
    out = Writer()
    made = encode_parts(out, parts, **more)
    reader = Reader(out.data)
    found = decode_parts(reader, [part.values.shape for part in parts])
    reader.finish()
    for one, other in zip(made, found, strict=True):
        assert one.grid.trellis == other.grid.trellis
        assert np.array_equal(one.grid.numbers, other.grid.numbers)
        assert np.array_equal(one.values(), other.values())
    return out.data, made


def decibels(one, other):
    return 10 * np.log10(np.square(one.astype(float) - other).mean() / np.square(other.astype(float)).mean())


def test_states_follow_as_in_the_plain_reader():
    for state, number in product(range(8), range(-3, 4)):
        assert paths.following.py_func(state, number) == plain_following(state, number)
    for state, parity in product(range(8), (0, 1)):
        assert plain_following(paths._before.py_func(state, parity), parity) == state


@pytest.mark.parametrize("seed", range(4))
def test_the_path_is_the_cheapest_of_all(seed):
    """Every sequence of near numbers, tried one by one."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 3, (5, 2)).astype(np.float32)
    classes = rng.integers(0, 16, values.shape, np.uint8)
    bits = rng.uniform(0, 8, (32, WIDTH)).astype(np.float32)
    numbers = np.zeros(values.shape, np.int16)
    paths.choose_paths(values, classes, 0, 2, bits, 0.5, numbers)

    def cost(sequence, column):
        state = total = 0
        for value, which, number in zip(values[:, column], classes[:, column], sequence, strict=True):
            second = state & 1
            place = np.sign(number) * (2 * abs(number) - second)
            total += (float(value) - place) ** 2 + 0.5 * float(bits[which + 16 * second, kernels.MOST + number])
            state = plain_following(state, int(number))
        return total

    for column in (0, 1):
        near = []
        for value in values[:, column]:
            sign = -1 if value < 0 else 1
            least = int(abs(value) / 2)
            near.append(sorted({sign * number for number in (0, 1, *range(max(0, least - 1), least + 3))}))
        best = min(cost(sequence, column) for sequence in product(*near))
        assert cost(numbers[:, column], column) <= best + 1e-6


@pytest.mark.parametrize("step", [0.12, 0.3, 0.6])
def test_more_than_half_a_decibel_better_than_one_grid(step):
    values = normal(500, 256)
    points = []
    for factor in (1.5, 1.8, 2.2):
        data, (made,) = coded([Part(values, factor * step)], with_trellis=False)
        points.append((8 * len(data) / values.size, decibels(made.values(), values)))
    data, (made,) = coded([Part(values, step)])
    assert made.grid.trellis
    bits, errors = zip(*reversed(points), strict=True)
    assert bits[0] <= 8 * len(data) / values.size <= bits[-1]
    gain = np.interp(8 * len(data) / values.size, bits, errors) - decibels(made.values(), values)
    assert 0.5 < gain < 1.53


def test_numbers_are_within_a_percent_of_their_entropy():
    data, (made,) = coded([Part(normal(700, 512) * np.float32(1.3), 0.5)])
    rows = made.grid.rows
    base = trellis.base_of([rows])
    counts = trellis.counted(made.grid, trellis.all_classes(made.grid, base), trellis.CLASSES)
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    bits = -(counts * np.log2(np.where(shares > 0, shares, 1))).sum()
    assert bits <= 8 * len(data) < 1.01 * bits


@given(
    shapes=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 70)), min_size=1, max_size=4),
    step=st.sampled_from([0.01, 0.2, 1.0, 30.0]),
    seed=st.integers(0, 9),
)
@examples(30)
def test_any_shapes(shapes, step, seed):
    """Rows that do not begin with a lane, streams that end in a row, few numbers."""
    coded([Part(normal(*shape, seed), step) for shape in shapes], with_trellis=True)


@pytest.mark.parametrize("shape", [(40_000, 1), (300, 200)])
def test_numbers_that_take_no_words(shape):
    """Then the whole stream is its end."""
    coded([Part(np.full(shape, 1e-3, np.float32), 1.0)], with_trellis=True)
    values = np.zeros(shape, np.float32)
    values[shape[0] // 2] = 7
    coded([Part(values, 1.0)], with_trellis=True)


def test_outliers_rotation_exponents_and_rows():
    values = normal(200, 128)
    values[3, 7], values[100, 5] = 5e4, -3e5
    exponents, rows = (np.arange(count).astype(np.int8) % 9 - 4 for count in (128, 200))
    for part in (Part(values, 0.3), Part(normal(200, 128), 0.3, None, 5), Part(values, 0.3, exponents, 0, rows)):
        _, (made,) = coded([part])
        assert made.grid.trellis and decibels(made.values(), part.values) < -8


def test_errors_made_good_in_later_columns():
    rng = np.random.default_rng(3)
    mixed = rng.normal(0, 1, (150, 150)) * np.exp2(-np.arange(150) / 20)
    moments = mixed @ mixed.T / 150 + 0.01 * np.eye(150)
    upper = np.linalg.cholesky(moments[::-1, ::-1])[::-1, ::-1]
    square = np.triu(np.linalg.inv(upper) * np.diag(upper)[:, None]).astype(np.float32)
    values, results = normal(300, 150), []
    for feedback in (None, square):
        data, (made,) = coded([Part(values, 0.3, feedback=feedback)])
        error = made.values() - values
        results.append((np.trace(error @ moments @ error.T), len(data)))
    (plain, size), (fed, fed_size) = results
    assert fed < 0.8 * plain and fed_size < 1.03 * size


@pytest.mark.plain
def test_read_by_the_reference():
    value = {"a": normal(137, 96), "h": normal(64, 104).astype(np.float16), "wide": normal(2, 1500)}
    for bits in (2.5, 5):
        encoded = lacodec.encode(value, "weights", bits=bits)
        content = restore(encoded).content
        for name, array in lacodec.decode(encoded).items():
            assert array.tobytes() in content, name


def test_grids_of_both_kinds_share_no_tables():
    parts = [Part(normal(150, 120, seed), 0.3) for seed in (1, 2)]
    data, _ = coded(parts)
    flags = data.index(np.array([0.3], "<f4").tobytes()) + 5
    assert data[flags] == 4
    for wrong in (0, 8):
        forged = bytearray(data)
        forged[flags] = wrong
        with pytest.raises(CorruptFile):
            decode_parts(Reader(bytes(forged)), [(150, 120)] * 2)


def test_damage_is_noticed_or_harmless():
    values, rng, refused = normal(150, 120), np.random.default_rng(1), 0
    data, _ = coded([Part(values, 0.3)])
    for _ in range(300):
        broken = bytearray(data)
        broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        try:
            reader = Reader(bytes(broken))
            decode_parts(reader, [(150, 120)])
            reader.finish()
        except CorruptFile:
            refused += 1
    assert refused > 150
