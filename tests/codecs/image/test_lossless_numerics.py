"""The floating-point parts of the pixel model against plain Python: the same bits lane by lane, the right solutions."""

import math

import numpy as np

from lacodec.codecs.image.lossless.mixed.setup import SETUPS, new_state
from lacodec.codecs.image.lossless.mixed.squares import eliminate, substitute
from lacodec.codecs.image.lossless.mixed.state import STRIDE, State
from lacodec.codecs.image.lossless.mixed.student import distributions, split
from lacodec.kernels.float_vector import add_outer, squared_distance
from lacodec.kernels.jit import kernel


@kernel
def run_split(middle, chances, threshold, means, slopes, below, above):
    distributions(below, -0.5, means, slopes, means.size)
    distributions(above, 255.5, means, slopes, means.size)
    split(middle, chances, threshold, means, slopes, below, above, means.size)


@kernel
def run_vectors(w, x, v, rows):
    add_outer(w, 0, x, 0, w.size, v, 1, 24, rows)
    return squared_distance(x, 0, x, 24, 16)


@kernel
def run_solve(s, n, order, into):
    eliminate(s, n)
    substitute(s, n, order, into, np.uint64(0))


def student(x, odd):
    freedom, a, b, c, d = (8.0, 1.09375, 1.09375, 0.65625, 0.15625) if odd else (4.0, 0.75, 0.25, 0.0, 0.0)
    u = x / math.sqrt(x * x + freedom)
    v = u * u
    return u * (a - v * (b - v * (c - v * d)))


def test_student_distributions():
    rng = np.random.default_rng(4)
    means, slopes = rng.uniform(0, 255, 16), rng.uniform(0.01, 8, 16)
    middle, below, above = np.zeros(16), np.zeros(16), np.zeros(16)
    chances = np.zeros(16, np.int32)
    for threshold in (0.5, 100.5, 254.5):
        run_split(middle, chances, threshold, means, slopes, below, above)
        for i in range(16):
            f, under, over = (student((t - means[i]) * slopes[i], i % 2) for t in (threshold, -0.5, 255.5))
            assert (middle[i], below[i], above[i]) == (f, under, over)
            upper, lower = over - f, f - under
            assert chances[i] == int((upper + 1e-9) / (upper + lower + 2e-9) * 65535.0)
    assert student(0.0, True) == 0 and abs(student(1e9, False) - 0.5) < 1e-9 and abs(student(-1e9, True) + 0.5) < 1e-9
    assert abs(student(2.306, True) - 0.475) < 1e-4 and abs(student(2.776, False) - 0.475) < 1e-4  # from tables of Student's t


def test_vectors():
    rng = np.random.default_rng(5)
    x, v, w = rng.normal(size=24 * 8), rng.normal(size=24 * 8), rng.normal(size=16)
    expected = w.copy()
    for r in range(5):
        for i in range(16):
            expected[i] += v[1 + 24 * r] * x[24 * r + i]
    apart = run_vectors(w, x, v, 5)
    assert np.array_equal(w, expected)
    assert math.isclose(apart, sum((x[i] - x[24 + i]) ** 2 for i in range(16)), rel_tol=1e-12)


def test_one_elimination_solves_every_order():
    rng = np.random.default_rng(6)
    n = 21
    samples = rng.normal(size=(100, n + 1))
    products = samples.T @ samples
    for order in (1, 5, 8, 20, 21):
        state: State = new_state(SETUPS[5], (3, 8, 8), 255, 1.0, np.zeros(1, np.uint8), decoding=False)
        state.matrix.reshape(STRIDE, STRIDE)[: n + 1, : n + 1] = products
        into = np.zeros(STRIDE)
        run_solve(state, np.uint64(n), np.uint64(order), into)
        assert np.allclose(into[:order], np.linalg.solve(products[:order, :order], products[:order, n]))
        assert not into[order:].any()
