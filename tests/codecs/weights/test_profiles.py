"""What defines each published quantiser of benchmarks/weights_profiles, on small matrices."""

import numpy as np
import pytest

from benchmarks.weights_profiles import allocation, low_rank, pvq, qmoe, squeezellm, ssvq, trellis
from benchmarks.weights_profiles.coded import Coded, Matrix, adaptive, apart
from benchmarks.weights_profiles.gptq import damped, gptq
from benchmarks.weights_profiles.grid import grid
from benchmarks.weights_profiles.normal_float import normal_float
from benchmarks.weights_profiles.spqr import sensitive, spqr, two_level
from benchmarks.weights_profiles.turboquant import lloyd_max, turboquant
from benchmarks.weights_profiles.uniform import uniform


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(17)


@pytest.fixture
def normal(rng: np.random.Generator) -> Matrix:
    return rng.normal(0, 0.02, (64, 128)).astype(np.float32)


@pytest.fixture
def heavy(rng: np.random.Generator) -> Matrix:
    return (0.02 * rng.standard_t(3, (64, 128))).astype(np.float32)


@pytest.fixture
def hessian(rng: np.random.Generator) -> Matrix:
    """Of inputs that depend on one another and differ in size."""
    inputs = rng.normal(0, 1, (512, 128)) @ rng.normal(0, 1, (128, 128)) * np.exp(rng.normal(0, 1, 128))
    return inputs.T @ inputs / len(inputs)


def output_error(error: Matrix, hessian: Matrix) -> float:
    return float(np.einsum("ij,jk,ik->", error, hessian, error))


def squared(weight: Matrix, coded: Coded) -> float:
    return float(np.square(weight - coded.restored).sum())


def test_bits_of_codes() -> None:
    """A fair coin costs a bit, and what always comes next to nothing; places cost as much as there are sets of them."""
    fair = Coded(np.zeros((4, 1000)), np.arange(4000).reshape(4, 1000) % 2, 2, 0.0)
    assert fair.bits == 4000 and 4000 < fair.adaptive_bits < 4012
    assert adaptive(np.array([[1000, 0]])) < 6
    by_row = Coded(np.zeros((2, 100)), np.repeat([[0], [1]], 100, axis=1), 2, 0.0)
    assert by_row.adaptive_bits < 10  # each row has a table
    mask = np.zeros((10, 10), bool)
    mask[3, 4] = True
    assert apart(mask) == pytest.approx(16 + np.log2(100) + 32)


def test_uniform_is_within_half_a_step(normal: Matrix) -> None:
    made = uniform(normal, 4, 32)
    assert made.bits == normal.size * (4 + 32 / 32)
    parts = normal.reshape(64, 4, 32)
    step = (parts.max(-1) - parts.min(-1)) / 15
    assert (np.abs(normal - made.restored).reshape(parts.shape).max(-1) <= 0.52 * step + 1e-5).all()


def test_normal_float_uses_its_levels_alike_and_keeps_zero(rng: np.random.Generator) -> None:
    """At the levels' own deviation from the greatest, 1.84; then a lesser mean error than equal steps of as many bits."""
    normal = np.clip(rng.normal(0, 1 / 1.84, (64, 4096)), -1, 1).astype(np.float32)
    normal[:, :5] = 0
    made, plain = normal_float(normal, 4, 64), uniform(normal, 4, 128)
    assert made.bits == plain.bits == normal.size * (4 + 16 / 64)
    counts = np.bincount(made.numbers.ravel(), minlength=16)
    assert counts[1:-1].min() > 0.6 * counts[1:-1].max()
    assert (made.restored[:, :5] == 0).all()
    assert np.abs(normal - made.restored).mean() < np.abs(normal - plain.restored).mean()
    assert not normal_float(np.zeros_like(normal), 4, 64).restored.any()


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_turboquant_has_the_error_of_its_levels_whatever_the_weights(rng: np.random.Generator, bits: int) -> None:
    """Lloyd-Max: 0.3634, 0.1175 and 0.0345 of the variance, though these weights are far from normal."""
    weight = (rng.integers(0, 2, (256, 128)) * np.exp(2 * rng.normal(0, 1, (256, 1)))).astype(np.float32)
    error = np.square(weight - turboquant(weight, bits).restored).sum(1) / np.square(weight).sum(1)
    assert error.mean() == pytest.approx({1: 0.3634, 2: 0.1175, 3: 0.03454}[bits], rel=0.05)
    assert len(lloyd_max(bits)) == 1 << bits


def test_turboquant_with_a_residual_has_unbiased_products(rng: np.random.Generator) -> None:
    weight = rng.normal(0, 1, (4096, 64)).astype(np.float32)
    other = weight + rng.normal(0, 1, weight.shape)
    for residual in (False, True):
        products = (turboquant(weight, 2, residual).restored * other).sum(1)
        bias = (products - (weight * other).sum(1)) / (weight * other).sum(1).mean()
        assert (abs(bias.mean()) < 3 * bias.std() / 64) == residual


def test_gptq_has_less_output_error_than_rounding(normal: Matrix, hessian: Matrix) -> None:
    rounded, made = uniform(normal, 3, 64), gptq(normal, 3, 64, hessian)
    assert made.bits == rounded.bits
    assert output_error(normal - made.restored, hessian) < 0.75 * output_error(normal - rounded.restored, hessian)
    for without in (None, np.eye(128)):
        np.testing.assert_allclose(gptq(normal, 3, 64, without).restored, rounded.restored, rtol=1e-5)


def test_spqr_beats_plain_groups_at_heavy_tails(heavy: Matrix, hessian: Matrix) -> None:
    """With fewer bits: also than those that make errors good, and than itself without outliers."""
    made = spqr(heavy, 3, 16, 0.01, hessian)
    error = output_error(heavy - made.restored, hessian)
    for other in (uniform(heavy, 3, 32), gptq(heavy, 3, 32, hessian)):
        assert made.bits < other.bits
        assert error < 0.9 * output_error(heavy - other.restored, hessian)
    alone = spqr(heavy, 3, 16, 0.0, hessian)
    assert alone.bits < made.bits and error < 0.9 * output_error(heavy - alone.restored, hessian)


def test_spqr_keeps_what_stretches_its_group(normal: Matrix) -> None:
    weight = normal.copy()
    planted = (np.arange(0, 64, 5), np.arange(0, 64, 5) * 2 % 128)
    weight[planted] = 1.0
    share = 30 / weight.size
    mask = sensitive(weight, 3, 16, share, None)
    assert mask[planted].all() and mask.sum() == 30
    made = spqr(weight, 3, 16, share)
    assert (made.restored[planted] == 1).all()
    assert squared(weight, made) < 0.2 * squared(weight, spqr(weight, 3, 16, 0.0))


def test_spqr_counts_scales_in_two_levels() -> None:
    restored, bits = two_level(np.linspace(1, 2, 40))
    assert bits == 3 * 40 + 32 * 3
    assert np.abs(restored - np.linspace(1, 2, 40)).max() < 0.04


def test_squeezellm_has_less_weighted_error_than_equal_steps(heavy: Matrix, rng: np.random.Generator) -> None:
    fisher = np.exp(2 * rng.normal(0, 1, heavy.shape))
    made, plain = squeezellm.squeezellm(heavy, 3, 0.0, fisher), uniform(heavy, 3, 128)
    weighed, unweighed = (
        (fisher * np.square(heavy - part.restored)).sum() for part in (made, squeezellm.squeezellm(heavy, 3, 0.0))
    )
    assert weighed < 0.9 * unweighed and weighed < 0.9 * (fisher * np.square(heavy - plain.restored)).sum()
    apart = squeezellm.squeezellm(heavy, 3, 0.0045, fisher)
    assert made.bits < apart.bits < 1.1 * made.bits
    assert (fisher * np.square(heavy - apart.restored)).sum() < 0.9 * weighed


def test_squeezellm_ends_at_a_fixed_point(heavy: Matrix, rng: np.random.Generator) -> None:
    fisher = np.exp(rng.normal(0, 1, heavy.shape))
    levels, numbers = squeezellm.lloyd(heavy, fisher, 8)
    distances = np.abs(heavy[:, :, None] - levels[:, None, :])
    np.testing.assert_allclose(np.take_along_axis(distances, numbers[:, :, None], 2)[:, :, 0], distances.min(2))
    for level in range(8):
        mine = numbers == level
        used = mine.any(1)
        assert used.mean() > 0.5
        means = (heavy * fisher * mine)[used].sum(1) / (fisher * mine)[used].sum(1)
        np.testing.assert_allclose(levels[used, level], means, rtol=1e-6)


def test_qmoe_packs_sparse_ternary_weights_below_a_bit(rng: np.random.Generator) -> None:
    """Exactly, and within 20 % of their entropy."""
    ternary = rng.choice(3, 200_000, p=[0.885, 0.0575, 0.0575])
    words = qmoe.pack(ternary, 0.885)
    assert np.array_equal(qmoe.unpack(words, 0.885), ternary)
    entropy = -(0.885 * np.log2(0.885) + 0.115 * np.log2(0.0575))
    assert entropy < 16 * len(words) / len(ternary) < 1.2 * entropy < 1


@pytest.mark.parametrize("numbers", [[], [0], [2, 1], [0] * 5000, [1] * 777, [0, 1, 2] * 100])
@pytest.mark.parametrize("zeros", [0.0, 0.9, 1.0])
def test_qmoe_packs_any_numbers(numbers: list[int], zeros: float) -> None:
    words = qmoe.pack(np.array(numbers, np.int64), zeros, 8)
    assert qmoe.unpack(words, zeros, 8).tolist() == numbers


def test_qmoe_of_a_matrix(normal: Matrix, hessian: Matrix) -> None:
    made, fed = qmoe.qmoe(normal, 1.7, width=12), qmoe.qmoe(normal, 1.7, hessian, 12)
    assert made.adaptive_bits < made.bits < normal.size
    assert all(len(np.unique(row)) <= 3 for row in made.restored)
    assert np.array_equal(np.array([0, 1, -1])[made.numbers], np.sign(made.restored))
    assert output_error(normal - fed.restored, hessian) < output_error(normal - made.restored, hessian)


@pytest.mark.parametrize(("size", "pulses"), [(1, 3), (2, 5), (3, 1), (4, 0), (5, 4), (8, 4), (6, 6)])
def test_pvq_numbers_each_point_once(size: int, pulses: int) -> None:
    numbers = np.arange(pvq.count(size, pulses))
    points = pvq.point(numbers, size, pulses)
    assert (np.abs(points).sum(1) == pulses).all()
    assert len(np.unique(points, axis=0)) == len(numbers)
    assert np.array_equal(pvq.index(points), numbers)
    every = np.stack(np.meshgrid(*[np.arange(-pulses, pulses + 1)] * size), -1).reshape(-1, size) if size < 5 else points
    assert (np.abs(every).sum(1) == pulses).sum() == len(numbers)


def test_pvq_decodes_from_its_numbers(heavy: Matrix) -> None:
    made = pvq.pvq(heavy, 16, 12)
    points = pvq.point(made.numbers.ravel(), 16, 12)
    assert (np.abs(points).sum(1) == 12).all()
    again = points / np.linalg.norm(points, axis=1, keepdims=True)
    parts = made.restored.reshape(-1, 16)
    np.testing.assert_allclose(again, parts / np.linalg.norm(parts, axis=1, keepdims=True), atol=1e-5)
    assert squared(heavy, made) < squared(heavy, pvq.pvq(heavy, 16, 6))
    assert not pvq.pvq(np.zeros((2, 16)), 16, 4).restored.round(6).any()
    with pytest.raises(ValueError, match="too many"):
        pvq.count(64, 64)


def test_ssvq_has_exact_signs_and_magnitudes_of_its_book(normal: Matrix) -> None:
    made = ssvq.ssvq(normal, 4, 32)
    assert np.array_equal(made.restored < 0, normal < 0)
    assert len(np.unique(np.abs(made.restored).reshape(-1, 4), axis=0)) == 32
    assert made.bits == normal.size * (1 + 5 / 4) + 16 * 4 * 32
    assert squared(normal, made) < 0.5 * squared(normal, ssvq.signed(normal, 4, 32))


def test_rows_that_are_few_are_clustered_exactly(rng: np.random.Generator) -> None:
    words = rng.normal(0, 1, (8, 64)).astype(np.float16).astype(np.float32)
    weight = words[rng.integers(0, 8, 500)]
    made = ssvq.clustered_rows(weight, 500)
    assert np.array_equal(made.restored, weight)
    assert made.bits == 500 * 3 + 16 * 8 * 64
    noisy = weight + rng.normal(0, 0.1, weight.shape).astype(np.float32)
    errors = [squared(noisy, ssvq.clustered_rows(noisy, count)) for count in (1, 4, 16, 64)]
    assert errors == sorted(errors, reverse=True)


def test_low_rank_by_inputs_has_the_least_output_error(normal: Matrix, hessian: Matrix) -> None:
    error, before = normal - uniform(normal, 2, 64).restored, np.inf
    full = damped(hessian)
    for rank in (1, 4, 16, 48):
        mine, plain = low_rank.by_inputs(error, rank, hessian), low_rank.plain(error, rank)
        assert mine[0].shape == (64, rank) and mine[1].shape == (rank, 128)
        weighed = output_error(error - mine[0] @ mine[1], full)
        assert weighed <= output_error(error - plain[0] @ plain[1], full) * (1 + 1e-9)
        assert np.square(error - plain[0] @ plain[1]).sum() <= np.square(error - mine[0] @ mine[1]).sum() * (1 + 1e-9)
        assert weighed <= before
        before = weighed


def test_low_rank_by_fisher_has_the_least_weighed_error(normal: Matrix, rng: np.random.Generator) -> None:
    fisher = np.exp(rng.normal(0, 1, (64, 1))) * np.exp(0.1 * rng.normal(0, 1, normal.shape))
    rows = fisher.sum(1, keepdims=True)
    for rank in (1, 8, 32):
        mine, plain = low_rank.by_fisher(normal, rank, fisher), low_rank.plain(normal, rank)
        weighed, other = (float((rows * np.square(normal - a @ b)).sum()) for a, b in (mine, plain))
        assert weighed < other


def layers(rng: np.random.Generator, count: int, options: int) -> tuple[Matrix, Matrix]:
    """Whole bits, and errors that fall by about 6 dB for each of them."""
    bits = np.cumsum(rng.integers(1, 4, (count, options)), axis=1).astype(float)
    return bits, np.exp(rng.normal(0, 2, (count, 1))) * 4.0**-bits * np.exp(0.5 * rng.normal(0, 1, bits.shape))


@pytest.mark.parametrize("seed", range(8))
def test_dynamic_programme_is_as_good_as_all_tries(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits, errors = layers(rng, 5, 4)
    every = np.arange(5)
    budget = float(rng.integers(int(bits.min(1).sum()) + 2, int(bits.max(1).sum())))
    best = allocation.exhaustive(bits, errors, budget)
    found = allocation.dynamic(bits, errors, budget, slots=int(budget))
    assert bits[every, found].sum() <= budget
    assert errors[every, found].sum() == pytest.approx(errors[every, best].sum(), rel=1e-12)
    coarse = allocation.dynamic(bits, errors, budget, slots=int(budget) - 1)
    assert bits[every, coarse].sum() <= budget
    assert errors[every, coarse].sum() >= errors[every, best].sum() * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_lagrangian_is_best_at_its_own_size(seed: int) -> None:
    """So no programme beats it with the bits that it uses; with the whole budget, by less than one layer's next option."""
    rng = np.random.default_rng(seed)
    bits, errors = layers(rng, 12, 6)
    every, budget = np.arange(12), 130.0
    mine = allocation.lagrangian(bits, errors, budget)
    used = float(bits[every, mine].sum())
    assert used <= budget
    same = allocation.dynamic(bits, errors, used, slots=int(used))
    assert errors[every, mine].sum() == pytest.approx(errors[every, same].sum(), rel=1e-12)
    best = allocation.dynamic(bits, errors, budget, slots=int(budget))
    gap = float((errors[every, mine] - errors[every, best]).sum())
    assert gap + 1e-12 >= 0 and gap <= (errors[every, mine] - errors.min(1)).max()


def test_no_options_within_the_budget() -> None:
    with pytest.raises(ValueError, match="no options"):
        allocation.dynamic(np.full((2, 2), 4.0), np.ones((2, 2)), 7.0)


def test_grid_counts_what_it_writes(normal: Matrix) -> None:
    step = float(normal.std())
    bits, restored = grid(normal, step)
    assert bits % 8 == 0 and 1 < bits / normal.size < 3
    assert np.square(normal - restored).mean() < step**2 / 8
    fewer, _ = grid(normal, step, 0.3)
    assert fewer < bits


@pytest.mark.parametrize("states", [4, 8, 64])
def test_trellis_beats_the_grid_at_equal_bits(rng: np.random.Generator, states: int) -> None:
    """By half a decibel and more, of the 1.53 that rounding loses to the limit."""
    weight = rng.normal(0, 1, (128, 512)).astype(np.float32)
    points = [(size, np.square(weight - restored).mean()) for size, restored in (grid(weight, 2.0**k) for k in (-2, -1, 0, 1))]
    bits, errors = (np.array(column)[::-1] for column in zip(*points, strict=True))
    for step in (0.2, 0.4):
        size, restored = trellis.trellis(weight, step, states=states)
        above = 10 * np.log10(np.square(weight - restored).mean()) - np.interp(size, bits, 10 * np.log10(errors))
        assert -1.53 < above < -0.4


def test_trellis_decodes_from_its_numbers(normal: Matrix) -> None:
    """Each is the nearest of its grid but for the price of bits, and the grids follow from the numbers above."""
    values = 8 * normal / np.float64(normal.std())
    free = np.zeros((trellis.CLASSES, trellis.WIDTH), np.float32)
    numbers, second = trellis.path(values, np.zeros(values.shape, np.int64), free, 0.0, 8)
    places = trellis.places(numbers, np.zeros(5), 8)
    assert np.array_equal(places.astype(np.int64) % 2 == 1, (second == 1) & (numbers != 0))
    assert np.abs(values - places).max() <= 2
    rounding = 4 / 12  # by one of the grids, whose cells are two steps wide
    assert 0.75 < np.square(values - places).mean() / rounding < 0.85


@pytest.mark.parametrize("states", [4, 8, 16, 32, 64, 256])
def test_trellis_codes_reach_each_state_twice(states: int) -> None:
    following = trellis.following(states)
    assert (np.bincount(following.ravel(), minlength=states) == 2).all()
    assert (following[:, 0] != following[:, 1]).all()


def test_trellis_with_moments_has_less_output_error(normal: Matrix, hessian: Matrix) -> None:
    step = 0.4 * float(normal.std())
    plain_bits, plain = trellis.trellis(normal, step)
    bits, fed = trellis.trellis(normal, 1.6 * step, hessian=hessian)
    assert bits < plain_bits
    assert output_error(normal - fed, hessian) < 0.5 * output_error(normal - plain, hessian)
