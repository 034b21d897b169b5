"""The state of the coder of bits: chances by context, and the weights that mix them.

Places in a filter count rows and columns up to NEAR - 1; a neighbour is 0, 1, or 2 outside of the kernel.
"""

from typing import NamedTuple

import numpy as np

from lacodec.entropy.mixing import DECODING, POSITION
from lacodec.entropy.mixing_tables import mixing_tables

NEAR = 5
PLACES = NEAR * NEAR
OWN = PLACES * 9  # place, left, above
FAR = OWN * 81  # and above left, above right, the second to the left, the second above
LIKE = OWN * 18  # of OWN: the other filter's bit, its next one, and the one below or before
INPUTS = 4  # OWN, FAR; with another filter also LIKE, and FAR with its bit
LIMIT = 1022  # the count at which chances stop slowing down
_HALF = np.uint32(1 << 31)
_ALONE, _LIKE = 32768, 16384  # of 65536: equal shares


class Coder(NamedTuple):
    """All that coding changes, and the tables that it reads. A chance is 22 bits with a count of 10 below."""

    plan: np.ndarray  # i64[DECODING + 1]
    registers: np.ndarray  # i64[6], those of `entropy.mixing`
    stream: np.ndarray  # u8: coded bytes, written or read
    own: np.ndarray  # u32[OWN + LIKE]: of one tensor
    shared: np.ndarray  # u32[3 * FAR]: of all
    weights: np.ndarray  # i32[2 * PLACES * INPUTS], 16 fractional bits; the second half for bits with another filter
    used: np.ndarray  # u64[INPUTS]
    inputs: np.ndarray  # i64[INPUTS]
    stretch: np.ndarray
    squash: np.ndarray
    reciprocal: np.ndarray


def new_coder(stream: np.ndarray, decoding: bool) -> Coder:
    """A coder at its start, for a `stream` to be read, or one with room for what is written."""
    plan = np.zeros(DECODING + 1, np.int64)
    plan[DECODING] = decoding
    weights = np.repeat(np.array([_ALONE, _LIKE], np.int32), PLACES * INPUTS)
    _, stretch, squash, reciprocal = mixing_tables()
    return Coder(
        plan,
        np.zeros(6, np.int64),
        stream,
        np.full(OWN + LIKE, _HALF),
        np.full(3 * FAR, _HALF),
        weights,
        np.zeros(INPUTS, np.uint64),
        np.zeros(INPUTS, np.int64),
        stretch,
        squash,
        reciprocal,
    )


def new_tensor(coder: Coder) -> None:
    """Forget what belongs to one tensor."""
    coder.own[:] = _HALF


class Trials:
    """Ways to code the same bits from the same state: the shortest is kept."""

    def __init__(self, coder: Coder) -> None:
        self._coder, self._start = coder, _learned(coder)
        self._best: tuple[np.ndarray, ...] | None = None
        self._written, self._least = b"", 0

    def done(self) -> None:
        """One way has been coded: keep it if it is the shortest so far, and go back to the start."""
        size = _bits(self._coder)
        if self._best is None or size < self._least:
            begin = int(self._start[0][POSITION])
            self._best, self._least = _learned(self._coder), size
            self._written = self._coder.stream[begin : int(self._coder.registers[POSITION])].tobytes()
        _restore(self._coder, self._start)

    def choose(self) -> None:
        """Go on from the end of the shortest way."""
        assert self._best is not None
        begin = int(self._start[0][POSITION])
        self._coder.stream[begin : begin + len(self._written)] = np.frombuffer(self._written, np.uint8)
        _restore(self._coder, self._best)


def _learned(coder: Coder) -> tuple[np.ndarray, ...]:
    return coder.registers.copy(), coder.own.copy(), coder.shared.copy(), coder.weights.copy()


def _restore(coder: Coder, state: tuple[np.ndarray, ...]) -> None:
    for mine, kept in zip((coder.registers, coder.own, coder.shared, coder.weights), state, strict=True):
        mine[:] = kept


def _bits(coder: Coder) -> int:
    """Bits so far: the bytes, and what the present interval holds."""
    low, high, _, position = (int(value) for value in coder.registers[:4])
    return 8 * position - (high - low + 1).bit_length()
