"""Coding rate and its reduction, beside closed forms."""

import numpy as np
import pytest

from lacodec.errors import BadInput
from lacodec.evaluation.coding_rate import coding_rate, rate_reduction


def test_rates_of_known_spectra() -> None:
    eye = np.eye(4)  # second moments I / 4: each of four dimensions has 1/2 log2(1 + 1 / error^2)
    assert coding_rate(eye, 0.5) == pytest.approx(2 * np.log2(1 + 4))
    line = np.ones((10, 3))
    assert coding_rate(line, 1.0) == pytest.approx(0.5 * np.log2(1 + 9))
    wide = np.random.default_rng(1).normal(size=(5, 40))
    z = np.eye(40) + 40 / (5 * 0.1**2) * wide.T @ wide
    assert coding_rate(wide, 0.1) == pytest.approx(0.5 * np.linalg.slogdet(z)[1] / np.log(2))


def test_reduction_is_large_for_classes_that_are_apart() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], 50)
    apart = np.zeros((100, 8))
    apart[np.arange(100), labels * 4 + rng.integers(0, 4, 100)] = 1
    same = apart[rng.permutation(100)]
    assert rate_reduction(apart, labels, 0.5) > 10 * abs(rate_reduction(same, labels, 0.5))
    assert rate_reduction(apart, np.zeros(100), 0.5) == pytest.approx(0)


def test_what_has_no_rate() -> None:
    for features, error in ((np.zeros(3), 1), (np.zeros((0, 3)), 1), (np.full((2, 2), np.nan), 1), (np.ones((2, 2)), 0)):
        with pytest.raises(BadInput):
            coding_rate(features, error)
    with pytest.raises(BadInput, match="one for each"):
        rate_reduction(np.ones((3, 2)), np.zeros(2), 1)
