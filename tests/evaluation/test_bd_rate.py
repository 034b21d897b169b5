"""BD-rate against its definition, a stored value and the package bjontegaard."""

import numpy as np
import pytest

from lacodec.errors import BadInput
from lacodec.evaluation.bd_rate import Line, Pchip, bd_rate

A = Line.front("a", [(0.1, 27), (0.2, 29.5), (0.5, 33), (0.9, 36.2), (1.6, 39)])
B = Line.front("b", [(0.15, 26.5), (0.3, 30), (0.55, 32.4), (1.1, 35.9), (1.5, 37.5), (2.2, 40)])


def scaled(line: Line, factor: float) -> Line:
    return Line("scaled", line.rates * factor, line.qualities)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_a_constant_factor_is_what_comes_out(factor: float) -> None:
    for rates in (None, (0.15, 1.0)):
        found = bd_rate(A, scaled(A, factor), rates)
        assert found.percent == pytest.approx(100 * (factor - 1))


def test_stored_value() -> None:
    found = bd_rate(A, B)
    assert found.percent == pytest.approx(31.091075866186312)  # by bjontegaard 1.3.0
    assert (found.low, found.high) == (27, 39)


def test_is_bjontegaard_s() -> None:
    package = pytest.importorskip("bjontegaard")
    rng = np.random.default_rng(4)
    for _ in range(50):
        one, other = (
            Line.front(name, list(zip(np.cumsum(rng.uniform(0.05, 0.5, n)), 25 + np.cumsum(rng.uniform(0.2, 4, n)), strict=True)))
            for name, n in (("one", rng.integers(4, 9)), ("other", rng.integers(4, 9)))
        )
        expected = package.bd_rate(
            one.rates, one.qualities, other.rates, other.qualities, "pchip", require_matching_points=False, min_overlap=0
        )
        assert bd_rate(one, other).percent == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_range_is_in_rates_of_the_reference() -> None:
    found = bd_rate(A, B, (0.2, 0.9))
    assert (found.low, found.high) == pytest.approx((29.5, 36.2))
    wide = bd_rate(A, B, (0.001, 100))
    assert wide == bd_rate(A, B)


def test_curves_that_do_not_meet_are_refused() -> None:
    high = Line("high", A.rates, A.qualities + 20)
    with pytest.raises(BadInput, match=r"high .*a .*no common range"):
        bd_rate(A, high)
    with pytest.raises(BadInput, match=r"within 3 to 4 bpp"):
        bd_rate(A, B, (3, 4))
    with pytest.raises(BadInput, match="at least 4"):
        bd_rate(A, Line.front("short", [(1, 30), (2, 31), (3, 32)]))


def test_the_front_drops_what_is_beaten_and_not_finite() -> None:
    line = Line.front("x", [(2, 30), (1, 20), (1.5, 19), (2, 29), (3, float("inf")), (0, 10), (2.5, 30)])
    assert list(zip(line.rates, line.qualities, strict=True)) == [(1, 20), (2, 30)]
    assert len(Line.front("nothing", []).rates) == 0


def test_pchip_meets_its_points_and_stays_between_them() -> None:
    x, y = np.array([0, 1, 1.5, 4, 5.0]), np.array([0, 2, 2, 2.1, 7.0])
    curve = Pchip(x, y)
    assert [curve(v) for v in x] == pytest.approx(list(y))
    values = [curve(v) for v in np.linspace(0, 5, 501)]
    assert np.all(np.diff(values) >= -1e-12)
    fine = np.linspace(0.3, 4.4, 100001)
    assert curve.integral(0.3, 4.4) == pytest.approx(np.trapezoid([curve(v) for v in fine], fine), abs=1e-7)
