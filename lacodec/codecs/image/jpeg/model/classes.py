"""Classes of numbers, and where contexts lie: what the modules of contexts share."""

from typing import Any

import numpy as np

from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.state import NODES, State
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64
COUNTS, VALUES, SIGNS = range(3)  # kinds of contexts
# Sets of weights: where those of each kind start. Each has 16 nodes; a count takes four.
COUNT_SETS, VALUE_SETS, SIGN_SETS, ALL_SETS = 0, 2048, 6144, 8192
# Rows of the two maps, likewise; rows of final weights.
VALUE_MAPS, SIGN_MAPS = 1152, 1536
ALL_MAPS = 1920
VALUE_FINALS, SIGN_FINALS = 64, 320


@inlined
def class8(size: int) -> int:
    """0, 1, 2, 3, 4-5, 6-8, 9-12, 13-: eight classes of small numbers."""
    if size < 4:
        return size
    return S64(4) + S64(size > 5) + S64(size > 8) + S64(size > 12)


@inlined
def upto3(size: int) -> int:
    """The number, or 3 if it is larger."""
    return min(size, 3)


@inlined
def class_of(s: State, size: int) -> int:
    """0..47: class of a size in 128ths, four to an octave."""
    return S64(s.class_of[U(min(size, 8191))])


@inlined
def guess_class(s: State, guess: int) -> int:
    """1..31: class of a guess in 256ths, two to an octave, with its sign; 16 for none."""
    size = min(max((class_of(s, abs(guess) >> 1) - 16) >> 1, 0), 15)
    return 16 - size if guess < 0 else 16 + size


@inlined
def sign_of(value: int) -> int:
    """0, 1, 2 for minus, zero, plus."""
    return S64(1) + S64(value > 0) - S64(value < 0)


@inlined
def put(s: State, contexts: np.ndarray, kind: int, i: int, number: int) -> None:
    """Context i of a kind is `number`, below its table's lines for one class of components; left out if it is not mixed."""
    table = kind * st.MAX_CONTEXTS + i
    if s.places[i] >= 0:
        contexts[U(s.places[i])] = s.bases[2 * table] + (s.plan[st.CLASS] * s.bases[2 * table + 1] + number) * NODES
