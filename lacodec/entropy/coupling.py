"""Minimum-entropy coupling, with and without a bottleneck: integer masses -> joint masses, exact.

source p --`bottleneck`: symbols merged until H(T) <= rate--> T --`couple`: little joint entropy--> a given distribution q

The frame is that of Ebrahimi, Chen and Khisti: "Minimum Entropy Coupling with Bottleneck", 2024: compression under log loss,
where what is reconstructed has a distribution of its own.
"""

import heapq
import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput

Masses = Sequence[int]
"""Not negative, with a sum above 0; the probability is the share of the sum."""


def entropy(masses: Masses) -> float:
    """In bits."""
    total = _total(masses)
    return -sum(m / total * math.log2(m / total) for m in masses if m)


def couple(p: Masses, q: Masses) -> list[tuple[int, int, int]]:
    """A joint distribution with the marginals `p` and `q`, whose sums are equal: (symbol of p, symbol of q, mass), mass above 0.

    Greedy: the largest masses that are left are matched, again and again. At most len(p) + len(q) - 1 entries, and an entropy
    within 1 bit of the least that is possible (Rossi: "Greedy additive approximation algorithms for minimum-entropy coupling
    problem", 2019). Time n log n. Raises BadInput for masses that are none or have different sums.
    """
    if _total(p) != _total(q):
        raise BadInput(f"the masses sum to {sum(p)} and {sum(q)}; a coupling needs equal sums")
    left, right = ([(-mass, symbol) for symbol, mass in enumerate(side) if mass] for side in (p, q))
    heapq.heapify(left)
    heapq.heapify(right)
    joint = []
    while left:
        (a, i), (b, j) = heapq.heappop(left), heapq.heappop(right)
        mass = min(-a, -b)
        joint.append((i, j, mass))
        if -a > mass:
            heapq.heappush(left, (a + mass, i))
        if -b > mass:
            heapq.heappush(right, (b + mass, j))
    return joint


def least_entropy(p: Masses, q: Masses) -> float:
    """A lower bound in bits of the entropy of every coupling: that of the largest distribution that both majorise.

    Cicalese, Gargano and Vaccaro: "Minimum-entropy couplings and their applications", 2019. Raises BadInput as `couple` does.
    """
    if _total(p) != _total(q):
        raise BadInput(f"the masses sum to {sum(p)} and {sum(q)}; a coupling needs equal sums")
    count = max(len(p), len(q))
    sums = [list(accumulate([*sorted(side, reverse=True), *[0] * (count - len(side))])) for side in (p, q)]
    least = [0, *(min(pair) for pair in zip(*sums, strict=True))]
    return entropy([b - a for a, b in pairwise(least)])


def bottleneck(p: Masses, rate: float) -> NDArray[np.int64]:
    """A function of the source's symbols with at most `rate` bits of entropy that tells as much as it can: int64[symbols] -> T.

    Greedy: the two symbols of T are merged that cost least of I(X; T), which for functions are those of the smallest masses,
    until H(T) <= rate. Symbols of T are numbered as they first appear. Raises BadInput for a negative rate.
    """
    if not rate >= 0:
        raise BadInput(f"a rate of {rate} bits; give one of at least 0")
    total = _total(p)
    groups = [(mass, i, [i]) for i, mass in enumerate(p)]
    heapq.heapify(groups)
    bits = entropy(p)
    while bits > rate and len(groups) > 1:
        a, i, first = heapq.heappop(groups)
        b, _, second = heapq.heappop(groups)
        bits -= _loss(a, b) / total
        heapq.heappush(groups, (a + b, i, first + second))
        if len(groups) == 1:
            bits = 0.0  # whatever rounding left
    names = np.empty(len(p), np.int64)
    for _, _, symbols in groups:
        names[symbols] = min(symbols)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def coupled_bottleneck(p: Masses, q: Masses, rate: float) -> dict[tuple[int, int], Fraction]:
    """The joint distribution of source and reconstruction, X - T - Y, by `bottleneck` and `couple`: exact, without zeros.

    Its marginals are `p` and `q` as shares of their sums, which are to be equal; I(X; Y) <= H(T) <= rate.
    """
    names = bottleneck(p, rate)
    merged = [0] * (int(names.max()) + 1)
    for symbol, mass in enumerate(p):
        merged[names[symbol]] += mass
    total = _total(p)
    joint: dict[tuple[int, int], Fraction] = {}
    by_group: dict[int, list[int]] = {}
    for symbol, name in enumerate(names):
        by_group.setdefault(int(name), []).append(symbol)
    for t, y, mass in couple(merged, q):
        for x in by_group[t]:
            if p[x]:  # given T, source and reconstruction do not depend on each other
                share = Fraction(mass * p[x], merged[t] * total)
                joint[x, y] = joint.get((x, y), Fraction(0)) + share
    return joint


def _loss(a: int, b: int) -> float:
    """Bits that merging two masses costs, times the sum of all."""
    return sum(m * math.log2((a + b) / m) for m in (a, b) if m)


def _total(masses: Masses) -> int:
    total = sum(masses)
    if any(mass < 0 for mass in masses) or total <= 0:
        raise BadInput("masses are whole numbers of at least 0 with a sum above 0")
    return total
