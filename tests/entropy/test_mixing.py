"""The context-mixing engine: against the plain Python reference, and its tables, states and vector loops by themselves."""

import os
import subprocess
import sys
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacodec.entropy import mixing as mx
from lacodec.entropy._history import next_state_table, state_counts
from lacodec.entropy.mixing_state import Shape, Trained, aligned_copy, new_engine, untrained
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.errors import BadInput
from lacodec.kernels.int_vector import WEIGHT_LIMIT, dot_product, train_weights
from lacodec.kernels.jit import flat_kernel
from reference import mixing as plain_mixing
from reference.mixing import Mixer
from reference.range_coder import RangeDecoder
from tests.entropy.plain_writers import RangeEncoder
from tests.strength import examples


@flat_kernel
def code_all(engine, contexts, expects, selects, symbols):
    """All symbols, whose contexts are given as rows."""
    mx.start(engine)
    for at in range(symbols.size):
        mx.prefetch_slots(engine, contexts[at], np.uint64(1), 0)
        symbols[at] = mx.code_symbol(engine, contexts[at], expects[at], selects[at], symbols[at])
    if not engine.plan[mx.DECODING]:
        mx.finish(engine)


@flat_kernel
def dot(inputs, weights, offset, count):
    return dot_product(inputs, weights, offset, count)


@flat_kernel
def train(inputs, weights, offset, count, error):
    train_weights(inputs, weights, offset, count, error)


class Case:
    """A random configuration, its start values and rows of contexts, expected symbols and selectors for `length` symbols."""

    def __init__(self, shape: Shape, rates: tuple[int, int, int, int], length: int, seed: int, wild: bool = False):
        rng = np.random.default_rng(seed)
        self.shape, self.rates = shape, dict(zip(("mix_rate", "final_rate", "map_limit", "apm_rate"), rates, strict=True))
        self.trained = _wild(shape, rng) if wild else None
        # Few different contexts, so that they come again; neighbours in a line and equal checks are not rare in so few lines.
        pool = rng.integers(0, 1 << 64, (12, shape.contexts), np.uint64)
        pool[:4] &= np.uint64(0xF00000000000FFFF)
        self.contexts = rng.permuted(pool[rng.integers(0, len(pool), length)], axis=1)
        self.symbols = np.where(rng.random(length) < 0.7, rng.choice([0, 97, 98, 255], length), rng.integers(0, 256, length))
        self.expects = np.zeros((length, 2 * max(shape.expects, 1)), np.int64)
        for i in range(shape.expects):
            right = rng.random(length) < 0.6
            self.expects[:, 2 * i] = np.where(right, self.symbols, rng.integers(0, 256, length))
            self.expects[:, 2 * i + 1] = np.where(rng.random(length) < 0.2, 0, rng.integers(0, 64, length))
        chosen = [rng.integers(0, size, length) for size in shape.selectors]
        self.selects = np.stack([*chosen, rng.integers(0, 256, length), rng.integers(0, 1 << 40, length)], 1)

    def engine(self, stream: np.ndarray, decoding: bool) -> mx.Engine:
        return new_engine(self.shape, stream, decoding=decoding, trained=self.trained, **self.rates)

    def reference(self, coder: RangeDecoder | RangeEncoder) -> Mixer:
        shape = self.shape
        plain = plain_mixing.Shape(shape.contexts, shape.expects, shape.selectors, shape.line_bits)
        if self.trained is None:
            start = plain_mixing.untrained(plain)
        else:
            weights = self.trained.weights[:, : plain.inputs].tolist()
            maps = self.trained.maps.tolist(), self.trained.expect_maps.tolist()
            start = plain_mixing.Start(*maps, weights, self.trained.final.tolist())
        return Mixer(coder, plain, start, tuple(self.rates.values()))

    def by_kernel(self) -> bytes:
        stream = np.zeros(17 * len(self.symbols) + 8, np.uint8)  # the worst prediction costs two bytes a bit
        engine = self.engine(stream, False)
        code_all(engine, self.contexts, self.expects, self.selects, self.symbols.copy())
        return stream[: engine.registers[mx.POSITION]].tobytes()

    def by_reference(self) -> bytes:
        coder = RangeEncoder()
        self._run(self.reference(coder), self.symbols.tolist())
        return coder.finish()

    def decoded_by_kernel(self, coded: bytes) -> tuple[list[int], int]:
        """The symbols, and where the stream stands then."""
        engine = self.engine(np.frombuffer(coded, np.uint8).copy(), True)
        symbols = np.zeros_like(self.symbols)
        code_all(engine, self.contexts, self.expects, self.selects, symbols)
        return symbols.tolist(), int(engine.registers[mx.POSITION])

    def decoded_by_reference(self, coded: bytes) -> list[int]:
        return self._run(self.reference(RangeDecoder(coded)), [0] * len(self.symbols))

    def _run(self, reference: Mixer, symbols: list[int]) -> list[int]:
        rows = zip(self.contexts.tolist(), self.expects.tolist(), self.selects.tolist(), symbols, strict=True)
        return [reference.code_symbol(*row) for row in rows]


def _wild(shape: Shape, rng: np.random.Generator) -> Trained:
    """Start values at and near their limits."""
    weights = rng.choice([-WEIGHT_LIMIT, 0, 40_000, WEIGHT_LIMIT], (len(shape.selectors), shape.width))
    return Trained(
        maps=rng.integers(0, 1 << 32, (shape.contexts, 256), np.uint32),
        expect_maps=rng.integers(0, 1 << 32, (shape.expects, 128), np.uint32),
        weights=weights.astype(np.int32),
        final=rng.choice([-(1 << 20), 10_000, 1 << 20], len(shape.selectors)).astype(np.int32),
    )


SHAPES = st.builds(
    Shape,
    st.integers(1, 8),
    st.integers(0, 3),
    st.lists(st.integers(1, 5), min_size=3, max_size=8).map(tuple),
    st.integers(4, 7),
)
RATES = st.tuples(st.sampled_from([1, 100, 2000]), st.integers(0, 40), st.sampled_from([1, 30, 1022]), st.integers(1, 8))


@pytest.mark.plain
@examples(60)
@given(SHAPES, RATES, st.integers(0, 60), st.integers(0, 1 << 32), st.booleans())
def test_the_reference_writes_and_reads_the_same(shape, rates, length, seed, wild):
    case = Case(shape, rates, length, seed, wild)
    coded = case.by_kernel()
    assert coded == case.by_reference()
    assert case.decoded_by_kernel(coded) == (case.symbols.tolist(), len(coded) + mx.READ_AHEAD)
    assert case.decoded_by_reference(coded) == case.symbols.tolist()


@pytest.mark.plain
@pytest.mark.parametrize("wild", [False, True])
def test_the_reference_agrees_for_longer(wild):
    case = Case(Shape(6, 2, (64, 1, 8, 256), 4), (100, 6, 1022, 6), 600, 5, wild)
    coded = case.by_kernel()
    assert coded == case.by_reference()
    assert case.decoded_by_kernel(coded) == (case.symbols.tolist(), len(coded) + mx.READ_AHEAD)


@examples(60)
@given(SHAPES, RATES, st.binary(max_size=80), st.integers(0, 1 << 32), st.booleans())
def test_both_decode_the_same_from_anything(shape, rates, coded, seed, wild):
    case = Case(shape, rates, 40, seed, wild)
    assert case.decoded_by_kernel(coded)[0] == case.decoded_by_reference(coded)


@examples(40)
@given(st.integers(0, 300), st.integers(0, 1 << 32))
def test_round_trip_in_the_largest_shape(length, seed):
    case = Case(Shape(32, 4, (64, 2, 8, 256, 512, 256, 3, 1), 8), (100, 6, 1022, 6), length, seed)
    coded = case.by_kernel()
    assert case.decoded_by_kernel(coded) == (case.symbols.tolist(), len(coded) + mx.READ_AHEAD)


def test_it_learns():
    """What repeats costs next to nothing; noise costs about what it holds."""
    shape = Shape(2, 0, (1, 1, 1), 12)
    quiet, noisy = Case(shape, (100, 6, 1022, 6), 4000, 1), Case(shape, (100, 6, 1022, 6), 4000, 2)
    quiet.symbols[:], quiet.contexts[:], quiet.selects[:] = 97, 5 << 50, 0
    noisy.symbols = np.random.default_rng(3).integers(0, 256, 4000)
    assert len(quiet.by_kernel()) < 60
    assert 4000 <= len(noisy.by_kernel()) < 4200


def test_no_room_for_the_output():
    """An encoder that leaves its stream writes nothing beyond it and tells how far it came."""
    case = Case(Shape(3, 1, (4, 4, 4), 6), (100, 6, 1022, 6), 200, 4)
    whole = case.by_kernel()
    for room in (0, 1, 5, len(whole) - 1):
        pool = np.full(len(whole) + 64, 7, np.uint8)
        engine = case.engine(pool[:room], False)
        code_all(engine, case.contexts, case.expects, case.selects, case.symbols.copy())
        assert pool[:room].tobytes() == whole[:room]
        assert (pool[room:] == 7).all() and engine.registers[mx.POSITION] == len(whole)


def test_every_pool_stays_in_its_bounds():
    """After much coding at the limits: states that exist, weights and probabilities in their ranges, unseen entries untouched."""
    shape = Shape(8, 3, (5, 4, 3, 2, 1), 4)
    case = Case(shape, (2000, 40, 30, 2), 3000, 9, wild=True)
    engine = case.engine(np.zeros(99, np.uint8), False)
    code_all(engine, case.contexts, case.expects, case.selects, case.symbols.copy())
    assert np.abs(engine.weights).max() <= WEIGHT_LIMIT and np.abs(engine.final_weights).max() <= 1 << 20
    histories = engine.slots.reshape(-1, mx.LINE)[:, : 3 * mx.SLOT].reshape(-1, mx.SLOT)[:, 2:]
    assert histories.max() < _states_used()
    assert (engine.maps.reshape(-1, 256)[:, 0] == mx.UNSEEN).all()
    assert (engine.expect_maps.reshape(-1, 128)[:, :2] == mx.UNSEEN).all()
    assert (engine.slots.reshape(-1, mx.LINE)[:, 3 * mx.SLOT :] == 0).all()


IMPOSSIBLE = {
    "no contexts": (0, 0, (1, 1, 1), 8),
    "too many contexts": (33, 0, (1, 1, 1), 8),
    "too many expected": (1, 9, (1, 1, 1), 8),
    "two selectors": (1, 0, (1, 1), 8),
    "nine selectors": (1, 0, (1,) * 9, 8),
    "no lines": (1, 0, (1, 1, 1), 3),
    "too many lines": (1, 0, (1, 1, 1), 25),
}


@pytest.mark.parametrize("arguments", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_impossible_shapes(arguments):
    with pytest.raises(BadInput):
        Shape(*arguments)


def test_trained_values_of_another_shape():
    with pytest.raises(BadInput):
        new_engine(Shape(3, 1, (1, 1, 1), 8), np.zeros(9, np.uint8), decoding=False, trained=untrained(Shape(4, 1, (1, 1, 1), 8)))


def test_pools_start_at_cache_lines():
    engine = new_engine(Shape(3, 1, (1, 1, 1), 8), np.zeros(9, np.uint8), decoding=False)
    assert engine.slots.ctypes.data % mx.LINE == 0 and aligned_copy(engine.maps).ctypes.data % mx.LINE == 0
    assert (aligned_copy(engine.maps) == engine.maps).all()


INT = st.integers(-(1 << 31), (1 << 31) - 1)
INPUT = st.one_of(st.integers(-3071, 3071), st.sampled_from([-3071, 3071]))
WEIGHT = st.one_of(st.integers(-WEIGHT_LIMIT, WEIGHT_LIMIT), st.sampled_from([-WEIGHT_LIMIT, WEIGHT_LIMIT]))
ROWS = st.integers(1, 5).flatmap(lambda k: st.tuples(*(st.lists(of, min_size=16 * k, max_size=16 * k) for of in (INPUT, WEIGHT))))


@examples(100)
@given(ROWS, st.integers(0, 40))
def test_dot_product(rows, before):
    inputs, weights = rows
    padded = np.array([9999] * before + weights, np.int32)
    found = dot(np.array(inputs, np.int32), padded, before, len(inputs))
    assert found == sum(x * w >> 10 for x, w in zip(inputs, weights, strict=True))


@examples(100)
@given(ROWS, st.integers(0, 40), st.one_of(st.integers(-690_000, 690_000), st.sampled_from([-690_000, 0, 690_000])))
def test_train_weights(rows, before, error):
    inputs, weights = rows
    pool = np.array([9999] * before + weights + [8888] * 16, np.int32)
    train(np.array(inputs, np.int32), pool, before, len(inputs), error)
    grown = [w + (x * error + 32768 >> 16) for x, w in zip(inputs, weights, strict=True)]
    assert pool.tolist() == [9999] * before + [min(max(w, -WEIGHT_LIMIT), WEIGHT_LIMIT) for w in grown] + [8888] * 16


@pytest.mark.parametrize("sign", [-1, 1])
def test_dot_product_at_its_extremes(sign):
    """All of the widest engine's inputs and weights at their limits: no 32-bit sum overflows."""
    inputs, weights = np.full(80, 3071 * sign, np.int32), np.full(80, WEIGHT_LIMIT, np.int32)
    assert dot(inputs, weights, 0, 80) == 80 * (3071 * sign * WEIGHT_LIMIT >> 10)


def _states_used() -> int:
    """Bit-history states reachable from 0; they must be numbered without gaps."""
    table = next_state_table().reshape(256, 2)
    reached, new = {0}, [0]
    while new:
        new = [int(s) for state in new for s in table[state] if int(s) not in reached]
        reached |= set(new)
    return max(reached) + 1


def test_states():
    table, counts = next_state_table().reshape(256, 2), state_counts().astype(int)
    used = _states_used()
    assert used <= 255
    assert not (table[:used] == 0).any(), "no bit leads back to `never seen`"
    assert counts[0].tolist() == [0, 0] and (counts[1:used].sum(1) > 0).all()
    assert (np.diff(counts[:used].sum(1)) >= 0).all(), "a greater number means more evidence"
    for state in range(used):
        for bit in (0, 1):
            after = counts[table[state, bit]]
            assert after[bit] >= counts[state, bit] and after[1 - bit] <= counts[state, 1 - bit]
            assert after[bit] > 0
            # The mirrored state goes where the mirror image goes.
            mirrored = _mirror(table, counts, state, used)
            assert sorted(counts[table[m, 1 - bit]][::-1].tolist() for m in mirrored).count(after.tolist()) > 0


def _mirror(table, counts, state, used):
    return [s for s in range(used) if counts[s].tolist() == counts[state][::-1].tolist()]


def test_one_kind_of_bit_only():
    """A run raises its own count to the end of the scale and leaves the other at 0; one contradiction cuts it down."""
    table, counts = next_state_table().reshape(256, 2), state_counts().astype(int)
    for bit in (0, 1):
        state = 0
        for _ in range(100):
            state = table[state, bit]
            assert counts[state, 1 - bit] == 0
        longest = counts[state, bit]
        assert table[state, bit] == state and longest >= 40
        assert counts[table[state, 1 - bit], bit] < longest // 2


def test_squash():
    squash = mixing_tables()[2].astype(int)
    with localcontext() as context:
        context.prec = 50
        exact = [65536 / (1 + (Decimal(3072 - i) / 256).exp()) for i in range(6144)]
    assert max(abs(float(Decimal(int(s)) - e)) for s, e in zip(squash, exact, strict=True) if s not in (1, 65535)) <= 0.5
    assert squash.min() == 1 and squash.max() == 65535 and (np.diff(squash) >= 0).all()
    mirrored = 65536 - squash[:0:-1]
    assert (squash[1:] == mirrored).all() and squash[3072] == 32768


def test_stretch():
    stretch, squash = mixing_tables()[1].astype(int), mixing_tables()[2].astype(int)
    with localcontext() as context:
        context.prec = 50
        exact = [(Decimal(2 * p + 1) / (8191 - 2 * p)).ln() * 256 for p in range(4096)]
    assert max(abs(float(Decimal(int(s)) - e)) for s, e in zip(stretch, exact, strict=True)) <= 0.5
    assert (np.diff(stretch) >= 0).all() and (stretch == -stretch[::-1]).all()
    assert stretch[2048] == 0 and np.abs(stretch).max() <= mx.STRETCH_LIMIT
    # Each undoes the other within the rounding of the coarser: half a stretch unit is two steps of 4096 at one half.
    assert (np.abs(squash[stretch + 3072] / 16 - np.arange(4096) - 0.5) <= 2.01).all()
    small = np.arange(-600, 601)
    assert (np.abs(stretch[squash[small + 3072] >> 4] - small) <= 1).all()


def test_reciprocal():
    reciprocal = mixing_tables()[3].astype(int)
    assert reciprocal[1023] == 0, "1023 never learns"
    assert all(abs(r - 65536 / (n + 1.5)) <= 1 for n, r in enumerate(reciprocal[:1023].tolist()))
    assert not any(table.flags.writeable for table in mixing_tables())


PROGRAM = """
import hashlib
from tests.entropy.test_mixing import Case, Shape
shapes = [Shape(6, 2, (4, 4, 4, 4), 5), Shape(17, 0, (1, 2, 3), 9), Shape(32, 4, (2,) * 8, 8)]
cases = [Case(shape, (100, 6, 1022, 6), 300, 1, wild) for shape in shapes for wild in (False, True)]
print(hashlib.sha256(b"".join(case.by_kernel() for case in cases)).hexdigest())
"""


@pytest.mark.slow
def test_other_processors_write_the_same(repository: Path):
    """Compiled for this processor and for the plainest of its kind."""

    def run(**settings: str) -> str:
        environment = {**os.environ, **settings, "PYTHONPATH": str(repository)}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, cwd=repository)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run() == run(NUMBA_CPU_NAME="generic")
