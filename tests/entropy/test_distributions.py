"""Shipped distributions: sound tables, close to what they claim, fit for coding."""

import itertools
import math

import numpy as np
import pytest

from lacodec.entropy.distributions import SCALES, SETS, load, scale_of
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import cost_bits
from lacodec.errors import BadInput


def upper(family: str, x: float, s: float) -> float:
    """Mass above x >= 0."""
    if family == "gaussian":
        return math.erfc(x / s / math.sqrt(2)) / 2
    if family == "laplace":
        return math.exp(-x * math.sqrt(2) / s) / 2
    if family == "logistic":
        return 1 / (1 + math.exp(min(700.0, x * math.pi / (s * math.sqrt(3)))))
    return 0.75 * upper("gaussian", x, s) + 0.25 * upper("gaussian", x, 2.5 * s)


@pytest.mark.parametrize("name", sorted(SETS))
def test_tables_are_close_to_their_distributions(name: str) -> None:
    tables, scales = load(name), scale_of(name)
    assert len(tables) == len(scales) == SCALES and tables.escape and tables.freq_bits == SETS[name].freq_bits
    for t in range(0, SCALES, 7):
        freqs = tables.freqs[int(tables.offsets[t]) : int(tables.offsets[t + 1])].astype(np.int64)
        reach = len(freqs) // 2 - 1
        assert (freqs[: 2 * reach + 1] == freqs[: 2 * reach + 1][::-1]).all() and tables.origins[t] == -reach
        tail = np.array([upper(SETS[name].family, k + 0.5, scales[t]) for k in range(reach + 1)])
        p = np.concatenate([tail[:-1] - tail[1:]])
        p = np.concatenate([p[::-1], [1 - 2 * tail[0]], p, [2 * tail[-1]]])
        entropy = -(p * np.log2(np.maximum(p, 1e-300))).sum()
        cost = (p * (tables.freq_bits - np.log2(freqs))).sum()
        assert entropy - 1e-6 <= cost < entropy * 1.005 + 0.002


def test_gaussian_data_costs_its_entropy() -> None:
    rng = np.random.default_rng(0)
    scales = scale_of("gaussian-14")
    index = rng.integers(0, 50, 100_000)
    values = np.round(rng.normal(0, scales[index])).astype(np.int32)
    tables = load("gaussian-14")
    data = RansEncoder().push(values, tables, index).finish()
    decoder = RansDecoder(data)
    assert (decoder.pull(len(values), tables, index) == values).all()
    decoder.finish()
    assert abs(len(data) - cost_bits(values, tables, index) / 8) < 100
    ideal = 0.0
    for t in range(50):
        chosen = np.abs(values[index == t])
        tail = [upper("gaussian", k + 0.5, scales[t]) for k in range(int(chosen.max()) + 1)]
        p = [2 * tail[0], *(a - b for a, b in itertools.pairwise(tail))]
        p[0] = 1 - p[0]
        ideal -= np.log2(np.maximum(np.array(p), 1e-30))[chosen].sum()
    assert len(data) * 8 < ideal * 1.002


def test_unknown_name() -> None:
    with pytest.raises(BadInput, match="gaussian-14"):
        load("gauss")
