"""Making engines: sizes and start values of every pool of the context-mixing engine, and the result of training."""

import contextlib
import mmap
from dataclasses import dataclass

import numpy as np

from lacodec.entropy import mixing as mx
from lacodec.entropy._history import state_counts
from lacodec.entropy.mixing_tables import HALF_RANGE, mixing_tables
from lacodec.errors import BadInput

ONE = 65536
_HUGE_PAGE = 2 << 20


@dataclass(frozen=True)
class Shape:
    """The parts of an engine.

    contexts: hashes per symbol. expects: expected symbols. selectors: how many values each weight selector takes (the engine
    multiplies the first three by its own contexts). line_bits: log2 of the 64-byte lines of bit histories.
    """

    contexts: int
    expects: int
    selectors: tuple[int, ...]
    line_bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.contexts <= mx.MAX_CONTEXTS or not 0 <= self.expects <= mx.MAX_EXPECTS:
            raise BadInput(
                f"{self.contexts} contexts and {self.expects} expected symbols; at most {mx.MAX_CONTEXTS} and {mx.MAX_EXPECTS}"
            )
        if not 3 <= len(self.selectors) <= mx.MAX_SELECTS:
            raise BadInput(f"{len(self.selectors)} selectors; use 3 to {mx.MAX_SELECTS}")
        if not 4 <= self.line_bits <= 24:
            raise BadInput(f"line_bits is {self.line_bits}; use 4 to 24")

    @property
    def width(self) -> int:
        """Mixer inputs: two for each context and expected symbol and a constant, padded to whole vectors."""
        return -(-(2 * (self.contexts + self.expects) + 1) // 16) * 16

    @property
    def sets(self) -> tuple[int, ...]:
        """Weight sets of each selector."""
        factors = (3, 256, mx.MAX_CONTEXTS + 1)
        return tuple(n * f for n, f in zip(self.selectors, (*factors, *[1] * mx.MAX_SELECTS), strict=False))


@dataclass(frozen=True)
class Trained:
    """Start values from training.

    maps: uint32[contexts, 256]. expect_maps: uint32[expects, 128]. weights: int32[selectors, width]. final: int32[selectors].
    """

    maps: np.ndarray
    expect_maps: np.ndarray
    weights: np.ndarray
    final: np.ndarray


def untrained(shape: Shape) -> Trained:
    """Plain start values: probabilities from each state's counts, equal weights."""
    counts = state_counts().astype(np.int64)
    p = ((2 * counts[:, 1] + 1) << 22) // (2 * counts.sum(1) + 2)
    maps = (np.minimum(p, (1 << 22) - 1) << 10).astype(np.uint32)
    wrong = (1 << 22) // (np.arange(mx.EXPECT_BUCKETS) + 3)
    expect = (np.stack([wrong, (1 << 22) - wrong], 1).reshape(-1) << 10).astype(np.uint32)
    n, m = shape.contexts, shape.expects
    weights = np.zeros((len(shape.selectors), shape.width), np.int32)
    weights[:, :n] = ONE // 4
    weights[:, 2 * n : 2 * (n + m)] = ONE // 3
    final = np.full(len(shape.selectors), ONE // len(shape.selectors), np.int32)
    return Trained(np.tile(maps, (n, 1)), np.tile(expect, (m, 1)), weights, final)


def new_engine(
    shape: Shape,
    stream: np.ndarray,
    *,
    decoding: bool,
    trained: Trained | None = None,
    mix_rate: int = 100,
    final_rate: int = 6,
    map_limit: int = 1022,
    apm_rate: int = 6,
) -> mx.Engine:
    """An engine at its start: an encoder writes `stream` (uint8, room for the output), a decoder reads it.

    mix_rate, final_rate: learning rates of the weights. map_limit: count at which maps stop slowing down (at most 1022).
    apm_rate: log2 of the APMs' averaging time. Raises `BadInput` when the training does not fit the shape.
    """
    start = trained or untrained(shape)
    n, m, width = shape.contexts, shape.expects, shape.width
    if (
        start.maps.shape != (n, 256)
        or start.expect_maps.shape != (m, 128)
        or start.weights.shape != (len(shape.selectors), width)
    ):
        raise BadInput("the trained state belongs to an engine of another shape")
    sets = shape.sets
    bases = np.concatenate([[0], np.cumsum(sets)[:-1]])
    rates = (mix_rate, final_rate, map_limit, apm_rate)
    plan = np.array([n, m, len(sets), width, shape.line_bits, *rates, int(decoding), *bases], np.int64)
    maps = start.maps.copy()
    maps[:, 0] = mx.UNSEEN
    expect_maps = start.expect_maps.copy()
    expect_maps[:, :2] = mx.UNSEEN
    inputs = np.zeros(width, np.int32)
    inputs[2 * (n + m)] = 256
    final = np.zeros((256, mx.MAX_SELECTS), np.int32)
    final[:, : len(sets)] = start.final
    next_state, stretch, squash, reciprocal = mixing_tables()
    steps = squash[np.arange(mx.APM_STEPS) * mx.APM_STEP + HALF_RANGE - mx.APM_REACH]
    return mx.Engine(
        plan=plan,
        registers=np.zeros(6, np.int64),
        stream=stream,
        slots=aligned_zeros(mx.LINE << shape.line_bits),
        where=np.zeros(n, np.uint64),
        maps=maps.reshape(-1),
        expect_maps=expect_maps.reshape(-1),
        used=np.zeros(n + m, np.uint64),
        inputs=aligned_copy(inputs),
        weights=aligned_copy(np.repeat(start.weights, sets, axis=0).reshape(-1)),
        final_weights=final.reshape(-1),
        outputs=np.zeros(mx.MAX_SELECTS, np.int64),
        offsets=np.zeros(mx.MAX_SELECTS, np.int64),
        apm=aligned_copy(np.tile(steps, 2 * mx.APM_ROWS)),
        next_state=next_state,
        stretch=stretch,
        squash=squash,
        reciprocal=reciprocal,
    )


def aligned_copy(pool: np.ndarray) -> np.ndarray:
    """A copy that starts at a cache line, as an engine's slots must (a speed matter only)."""
    copy = aligned_zeros(pool.nbytes).view(pool.dtype)
    copy[:] = pool
    return copy


def aligned_zeros(size: int) -> np.ndarray:
    """uint8 zeros that start at a cache line, in huge pages where the system has them: random access is then faster."""
    if size < _HUGE_PAGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        pool = np.zeros(size + mx.LINE, np.uint8)
        begin = -pool.ctypes.data % mx.LINE
        return pool[begin : begin + size]
    try:
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"out of memory for {size >> 20} MiB of bit histories") from error
    with contextlib.suppress(OSError):  # a kernel without huge pages: only slower
        pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, np.uint8)
