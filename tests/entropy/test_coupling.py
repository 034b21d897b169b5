"""Minimum-entropy coupling and bottleneck: exact marginals, bounds, brute force for up to six symbols."""

import math
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from lacodec.entropy.coupling import bottleneck, couple, coupled_bottleneck, entropy, least_entropy
from lacodec.errors import BadInput

RNG = np.random.default_rng(22)


def masses(count: int, total: int) -> list[int]:
    cuts = np.sort(RNG.integers(0, total + 1, count - 1))
    return np.diff([0, *cuts, total]).tolist()


def optimum(p: list[int], q: list[int]) -> float:
    """The least entropy of a coupling. It is concave, so a vertex has it, where some entry always uses up a row or a column."""
    total = sum(p)

    @cache
    def least(left: tuple[int, ...], right: tuple[int, ...]) -> float:
        best = math.inf if left else 0.0
        for i, a in enumerate(left):
            for j, b in enumerate(right):
                mass = min(a, b)
                rest = [
                    tuple(sorted(one for one in (*side[:k], side[k] - mass, *side[k + 1 :]) if one))
                    for side, k in ((left, i), (right, j))
                ]
                best = min(best, -mass / total * math.log2(mass / total) + least(rest[0], rest[1]))
        return best

    return least(*(tuple(sorted(one for one in side if one)) for side in (p, q)))


@pytest.mark.parametrize("count", range(1, 7))
def test_within_a_bit_of_the_optimum(count: int) -> None:
    for _ in range(12):
        p, q = masses(count, 12), masses(count, 12)
        joint = couple(p, q)
        found, best = entropy([mass for *_, mass in joint]), optimum(p, q)
        assert least_entropy(p, q) <= best + 1e-9 and best - 1e-9 <= found <= best + 1


@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 200), (500, 400)])
def test_marginals_are_exact(m: int, n: int) -> None:
    p, q = masses(m, 10**12), masses(n, 10**12)
    joint = couple(p, q)
    rows, columns = [0] * m, [0] * n
    for i, j, mass in joint:
        assert mass > 0
        rows[i] += mass
        columns[j] += mass
    assert rows == p and columns == q and len(joint) <= m + n - 1
    assert entropy([mass for *_, mass in joint]) <= least_entropy(p, q) + 1


def partitions(count: int):
    """All functions of `count` symbols, as restricted growth strings."""

    def grown(names: list[int]):
        if len(names) == count:
            yield names
            return
        for name in range(max(names, default=-1) + 2):
            yield from grown([*names, name])

    return grown([])


def test_bottleneck_beside_brute_force() -> None:
    gaps = []
    for _ in range(15):
        p = masses(6, 1000)
        for rate in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
            bits = merged_entropy(p, bottleneck(p, rate))
            assert bits <= rate + 1e-9
            best = max(h for names in partitions(6) if (h := merged_entropy(p, np.array(names))) <= rate + 1e-9)
            assert bits <= best + 1e-9
            gaps.append(best - bits)
    assert max(gaps) < 1


def merged_entropy(p: list[int], names: np.ndarray) -> float:
    return entropy(np.bincount(names, weights=p).astype(int).tolist())


def test_bottleneck_tells_more_at_higher_rates() -> None:
    p = masses(60, 10**6)
    bits = [merged_entropy(p, bottleneck(p, rate)) for rate in np.linspace(0, 7, 30)]
    assert all(a <= b for a, b in pairwise(bits)) and bits[0] == 0
    assert bottleneck([1, 2, 3], 9).tolist() == [0, 1, 2]


def test_source_and_reconstruction_through_a_bottleneck() -> None:
    p, q = [5, 1, 0, 6, 4], [8, 8]
    joint = coupled_bottleneck(p, q, 1.0)
    for x, mass in enumerate(p):
        assert sum(m for (i, _), m in joint.items() if i == x) == Fraction(mass, 16)
    for y, mass in enumerate(q):
        assert sum(m for (_, j), m in joint.items() if j == y) == Fraction(mass, 16)
    told = sum(float(m) * math.log2(float(m) * 256 / (p[x] * q[y])) for (x, y), m in joint.items())
    assert 0 <= told <= 1 + 1e-9


@pytest.mark.parametrize(("p", "q"), [([1, 2], [4]), ([], [1]), ([0], [0]), ([-1, 2], [1])])
def test_what_is_no_pair_of_distributions(p: list[int], q: list[int]) -> None:
    with pytest.raises(BadInput, match="mass"):
        couple(p, q)
    with pytest.raises(BadInput, match="mass"):
        least_entropy(p, q)


def test_a_rate_below_zero() -> None:
    with pytest.raises(BadInput, match="at least 0"):
        bottleneck([1], -1)
