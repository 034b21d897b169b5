"""Choosing forms: what samples say that each takes, and the cheapest, ready to be written.

values --> a `Plan` each for numbers, steps, multiples, distinct values, runs, parts, bytes --> the one with the fewest bits
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import forms, splits, trees
from lacodec.codecs.columns._fields import Writer
from lacodec.codecs.columns.numbers import numbers
from lacodec.codecs.columns.plan import MIXING, Plan, Work, sample_places

_CLOSE = 1.3  # times the bits of the best plan: up to here, mixing may turn the order around
_TRIED = 1 << 17  # bytes of an array by which that is seen
_DEEP = 3  # nodes around one in which runs and different values are no longer looked for
_LZ_PIECES, _LZ_PIECE = 4, 1 << 14  # pieces of an array that zstd looks at, and bytes in each
_LZ_WORTH, _LZ_SMALL_WORTH = 0.6, 0.95  # of the bits of another form: below, repeated sequences are worth their time
_LZ_SMALL = 1 << 16  # bytes of an array for which their time is nothing


def plan_for(values: NDArray[Any], work: Work) -> Plan:
    """The plan for an array of any shape."""
    if not values.size:
        return Plan(8.0, lambda out: out.write(bytes([forms.STORED])), forms.STORED)
    if _is_constant(values):
        return Plan(8.0 + 8 * values.itemsize, partial(_write_constant, values), forms.CONSTANT)
    found = [_stored(values)]
    found += _plans(values, work)
    found.sort(key=lambda plan: plan.bits)
    if work.depth == 0 and work.effort >= MIXING and len(found) > 1 and found[1].bits < _CLOSE * found[0].bits:
        return _tried(values, found[:2], work)
    return found[0]


def _tried(values: NDArray[Any], plans: list[Plan], work: Work) -> Plan:
    """The plan whose form is shorter for some rows once numbers are mixed, which estimates know nothing of."""
    rows = len(values) if values.nbytes <= _TRIED else max(1, len(values) * _TRIED // values.nbytes)
    if rows < len(values):
        some = [plan for plan in _plans(values[:rows], work) if plan.form in {plan.form for plan in plans}]
    else:
        some = plans
    sizes = {plan.form: len(_written(plan)) for plan in some}
    return min(plans, key=lambda plan: sizes.get(plan.form, math.inf))


def _written(plan: Plan) -> Writer:
    out = Writer()
    plan.write(out)
    return out


def _plans(values: NDArray[Any], work: Work) -> Iterator[Plan]:
    flat = values.reshape(-1)
    whole = numbers(flat, values.shape, work)
    yield whole
    profile = work.profile
    if not profile.splits or work.depth >= forms.MOST_DEPTH - 1:
        return
    sample = flat[sample_places(len(flat), 0)]
    yield from _simpler(values, sample, work)
    if work.depth < _DEEP:
        yield from trees.runs(values, work)
    if work.depth == 0 and profile.parts:
        yield from trees.parts(values, work)
        yield from trees.planes(values, whole.bits, work)
    if work.depth == 0 and profile.repeats:
        yield from _repeats(values, work)


def _simpler(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    """Forms that make other numbers of the values; once one applies, the next are tried on what it leaves."""
    if values.dtype.kind == "f":
        found = list(trees.gaps(values, sample, work)) or list(trees.multiples(values, sample, work))
    else:
        found = list(trees.steps(values, sample, work))
    yield from found
    if not found and work.depth < _DEEP:
        yield from trees.distinct(values, sample, work)


def _stored(values: NDArray[Any]) -> Plan:
    return Plan(8.0 + 8.0 * values.nbytes, lambda out: forms.write_stored(values, out), forms.STORED)


def _write_constant(values: NDArray[Any], out: Writer) -> None:
    out.write(bytes([forms.CONSTANT]))
    out.write(values.reshape(-1)[:1].tobytes())


def _is_constant(values: NDArray[Any]) -> bool:
    bits = splits.bits_of(values).reshape(-1)
    return bool(bits[0] == bits[-1] and (bits == bits[0]).all())


def _repeats(values: NDArray[Any], work: Work) -> Iterator[Plan]:
    import zstandard

    data = values.reshape(-1).view(np.uint8)
    if len(data) > _LZ_PIECES * _LZ_PIECE:
        starts = np.linspace(0, len(data) - _LZ_PIECE, _LZ_PIECES).astype(np.int64)
        data = np.concatenate([data[start : start + _LZ_PIECE] for start in starts])
    sample = data.tobytes()
    share = len(zstandard.ZstdCompressor(level=6).compress(sample)) / len(sample)
    bits = share * 8 * values.nbytes / (_LZ_SMALL_WORTH if values.nbytes <= _LZ_SMALL else _LZ_WORTH)

    def write(out: Writer) -> None:
        from lacodec.codecs.embedded import embed

        out.write(bytes([forms.BYTES]))
        out.piece(embed("bytes", values.tobytes(), work.session, effort=work.profile.repeats))

    yield Plan(bits, write, forms.BYTES)
