"""The best of several curves, against brute force and values known by construction."""

import numpy as np
import pytest

from lacodec.errors import BadInput
from lacodec.evaluation.bd_rate import Line, Pchip, bd_rate
from lacodec.evaluation.envelope import Envelope, bd_rate_of_best

OPUS = Line.front("opus", [(12, 2.1), (24, 3.4), (48, 4.0), (96, 4.5)])
AAC = Line.front("aac", [(24, 1.9), (48, 3.2), (64, 4.2), (96, 4.6), (128, 4.7)])
OURS = Line.front("ours", [(10, 2.4), (20, 3.5), (40, 4.2), (80, 4.6), (120, 4.68)])


def test_of_one_curve_it_is_the_bd_rate() -> None:
    for rates in (None, (30, 90)):
        found, expected = bd_rate_of_best([OPUS], OURS, rates), bd_rate(OPUS, OURS, rates)
        assert found.percent == pytest.approx(expected.percent, abs=1e-3)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_worse_curve_changes_nothing() -> None:
    worse = Line("worse", OPUS.rates * 2, OPUS.qualities)
    assert bd_rate_of_best([OPUS, worse], OURS) == bd_rate_of_best([OPUS], OURS)


def test_at_each_rate_the_best_counts() -> None:
    best = Envelope([OPUS, AAC])
    places = np.linspace(1.9, 4.7, 5601)
    reached = [
        (curve(q), q)
        for line in (OPUS, AAC)
        for curve in [Pchip(line.qualities, np.log(line.rates))]
        for q in places
        if line.qualities[0] <= q <= line.qualities[-1]
    ]
    for rate in np.geomspace(12.001, 128, 40):
        assert best.quality(rate) == pytest.approx(max(q for log_rate, q in reached if log_rate <= np.log(rate)), abs=1e-3)
    assert (best.quality(1), best.quality(1000)) == (1.9, 4.7)


def test_below_its_first_point_a_curve_costs_its_first_rate() -> None:
    late = Line.front("late", [(20, 4.0), (30, 4.3), (40, 4.5), (50, 4.6)])
    best = Envelope([AAC, late])
    assert np.exp(best.log_rate(3.9)) == pytest.approx(20)
    assert np.exp(best.log_rate(1.9)) == pytest.approx(20)


def test_a_constant_factor_is_what_comes_out_whatever_the_limits() -> None:
    best = [OPUS, Line("aac", OPUS.rates * 1.5, OPUS.qualities + 0.2)]
    envelope = Envelope(best)
    places = np.linspace(envelope.low, envelope.high, 400)
    half = Line("half", np.exp([envelope.log_rate(q) for q in places]) / 2, places)
    for rates, between in ((None, None), ((20, 90), None), (None, (3.0, 4.4)), ((20, 90), (3.0, 4.4))):
        assert bd_rate_of_best(best, half, rates, between).percent == pytest.approx(-50, abs=0.1)
    found = bd_rate_of_best(best, half, (1, 1000), (3.0, 4.4))
    assert (found.low, found.high) == (3.0, 4.4)
    assert bd_rate_of_best([OPUS], half, (24, 48)).low == pytest.approx(3.4)


def test_too_few_points_and_no_common_range_are_refused() -> None:
    with pytest.raises(BadInput, match="at least 4"):
        bd_rate_of_best([OPUS], Line.front("short", [(1, 3), (2, 4)]))
    with pytest.raises(BadInput, match="too few"):
        bd_rate_of_best([Line.front("one", [(1, 3)]), Line.front("two", [(1, 3), (2, 4)])], OURS)
    with pytest.raises(BadInput, match=r"ours .* opus .* no common range"):
        bd_rate_of_best([OPUS], OURS, between=(4.65, 4.9))
