"""A binary decision: the chances of its contexts are mixed, the result codes it, and all of them learn.

    cells (one a context) + decision --> chances --stretch--> two sets of weights, added --squash--> range coder

Logistic mixing after M. Mahoney's PAQ; strict doubles, so that every machine computes the same.
"""

from typing import Any

import numpy as np

from lacodec.codecs.audio.transform._state import DECODING, INPUTS, LEARN, Coder
from lacodec.entropy.mixing import code_decision
from lacodec.entropy.mixing_maps import learned
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
F64: Any = np.float64

_UNIT = 0.00390625  # 1 / 256: `stretch` and `squash` count in 256ths of a unit of the logistic function
_REACH, _MIDDLE = 11.9, 3072  # of `squash`, in units; the place of 0 in it
_LEAST_P = 24  # of 65536, that a decision may have
_CONSTANT = 0.25  # the last input
EVEN = 32768


@inlined
def mix(m: Coder, n: int, first: int, second: int, decision: int) -> Any:
    """The chance of a one, of 65536, by the first `n` contexts and the weight sets `first` and `second`."""
    one, other = U(first * INPUTS), U(second * INPUTS)
    total = _CONSTANT * (m.weights[one + U(n)] + m.weights[other + U(n)])
    for i in range(U(n)):
        x = F64(m.stretch[U(m.chances[U(m.cells[i] + decision)] >> np.uint32(20))]) * _UNIT
        m.inputs[i] = x
        total += x * (m.weights[one + i] + m.weights[other + i])
    total = min(max(total, -_REACH), _REACH) if total == total else 0.0
    p = S64(m.squash[U(S64(total * 256.0 + 4096.0) - 4096 + _MIDDLE)])
    return min(max(p, _LEAST_P), 65536 - _LEAST_P)


@flat_kernel
def decide(m: Coder, n: int, first: int, second: int, decision: int, limit: int, bit: int) -> Any:
    """Code a decision, learn from it, return it. limit: count at which chances stop slowing down."""
    p = mix(m, n, first, second, decision)
    found = code_decision(m.registers, m.stream, p, U(bit), m.plan[DECODING])
    y = S64(found)
    one, other = U(first * INPUTS), U(second * INPUTS)
    error = (F64(y) - F64(p) * (1.0 / 65536.0)) * m.rates[U(LEARN)]
    target = (y << 22) - y
    for i in range(U(n)):
        step = error * m.inputs[i]
        m.weights[one + i] += step
        m.weights[other + i] += step
        at = U(m.cells[i] + decision)
        m.chances[at] = learned(m.chances[at], target, np.uint32(limit), m.reciprocal)
    m.weights[one + U(n)] += error * _CONSTANT
    m.weights[other + U(n)] += error * _CONSTANT
    return y


@inlined
def even_bit(m: Coder, bit: int) -> Any:
    """Code a bit that nothing is known about."""
    return S64(code_decision(m.registers, m.stream, EVEN, U(bit), m.plan[DECODING]))
