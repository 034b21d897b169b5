"""Choosing forms: what samples say that each takes, and the cheapest, ready to be written.

values --> a `Plan` each for numbers, steps, multiples, distinct values, runs, parts, bytes --> the one with the fewest bits
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import forms, predict, splits
from lacodec.codecs.columns._fields import Writer
from lacodec.codecs.columns.bins import encode_bins, places_of
from lacodec.codecs.columns.candidates import candidates, signless
from lacodec.codecs.columns.estimate import bits_of_rows
from lacodec.codecs.session import Session

_ROUNDS = ((768, 3), (4096, 1))  # values of a sample, and how many candidates it leaves
_STEP = 0.01  # bits a value that a step of a predictor must save, for its time
_GOLDEN = 0x9E3779B97F4A7C15
_QUICK = 2  # effort up to which only predictors are tried
_LEAST_RAW = 2048  # values below which floats are always taken in their order
_MOST_PARTS = 64
_PLANES_WORTH = 0.95  # of the bits of the whole: planes of bytes take longer
_PARTS_TIME = 1.01  # parts take longer to decode than the whole: they must be smaller by this
_NODE = 24.0  # bits of a node and its fields, about
_TABLE = 160.0  # bits of bins and their table, at least
_MOST_DISTINCT = 1 << 16
_REPEATED = 0.9  # share of different values in a sample above which few of them come again
_LZ_PIECES, _LZ_PIECE = 4, 1 << 14  # pieces of an array that zstd looks at, and bytes in each
_LZ_WORTH, _LZ_SMALL_WORTH = 0.6, 0.95  # of the bits of another form: below, repeated sequences are worth their time
_LZ_SMALL = 1 << 16  # bytes of an array for which their time is nothing


@dataclass(frozen=True)
class Work:
    """What all plans of an array share."""

    effort: int
    session: Session
    depth: int = 0

    def inner(self) -> "Work":
        """For a node within a node."""
        return Work(self.effort, self.session, self.depth + 1)


@dataclass(frozen=True)
class Plan:
    """A node to be: about how many bits it takes, and what writes it."""

    bits: float
    write: Callable[[Writer], None]


def plan_for(values: NDArray[Any], work: Work) -> Plan:
    """The plan for an array of any shape."""
    if not values.size:
        return Plan(8.0, lambda out: out.write(bytes([forms.STORED])))
    if _is_constant(values):
        return Plan(8.0 + 8 * values.itemsize, partial(_write_constant, values))
    found = [_stored(values)]
    found += _plans(values, work)
    return min(found, key=lambda plan: plan.bits)


def _plans(values: NDArray[Any], work: Work) -> Iterator[Plan]:
    flat = values.reshape(-1)
    numbers = _numbers(flat, values.shape, work)
    yield numbers
    if work.effort <= _QUICK or work.depth >= forms.MOST_DEPTH - 1:
        return
    sample = flat[_places(len(flat), 0)]
    found_factor = False
    if values.dtype.kind == "f" and values.ndim == 1:
        yield from _gaps(values, sample, work)
    if values.dtype.kind == "f":
        for plan in _multiples(values, sample, work):
            found_factor = True  # the whole numbers may be few different ones: that is seen there
            yield plan
    else:
        yield from _steps(values, sample, work)
    if values.dtype.kind != "f" or not found_factor:
        yield from _distinct(values, sample, work)
    yield from _runs(values, work)
    if values.ndim > 1 and 1 < values.shape[-1] <= _MOST_PARTS and work.depth == 0:
        yield _parts(values, work)
    if work.depth == 0:
        yield from _repeats(values, work)
        yield from _planes(values, numbers.bits * _PLANES_WORTH, work)


def _stored(values: NDArray[Any]) -> Plan:
    return Plan(8.0 + 8.0 * values.nbytes, lambda out: _write_stored(values, out))


def _write_stored(values: NDArray[Any], out: Writer) -> None:
    out.write(bytes([forms.STORED]))
    out.write(values.tobytes())


def _write_constant(values: NDArray[Any], out: Writer) -> None:
    out.write(bytes([forms.CONSTANT]))
    out.write(values.reshape(-1)[:1].tobytes())


def _is_constant(values: NDArray[Any]) -> bool:
    bits = splits.bits_of(values).reshape(-1)
    return bool(bits[0] == bits[-1] and (bits == bits[0]).all())


def _places(n: int, reach: int, most: int = 4096) -> NDArray[np.int64]:
    """Places of a sample, spread evenly without a period; all from `reach` on."""
    left = n - reach
    if left <= most:
        return np.arange(reach, n)
    steps = (np.arange(most, dtype=np.uint64) * np.uint64(_GOLDEN)) >> np.uint64(32)
    return (steps * np.uint64(left) >> np.uint64(32)).astype(np.int64) + reach


def _numbers(flat: NDArray[Any], shape: tuple[int, ...], work: Work) -> Plan:
    dropped = splits.zero_bits(flat)
    latents = splits.ordered(flat, dropped)
    bits, steps = _best_steps(latents, candidates(shape, work.effort), work.effort)
    order = forms.ORDER
    if flat.dtype.kind == "f" and work.effort > _QUICK and len(flat) >= _LEAST_RAW:
        raw = splits.shifted(flat, dropped)
        raw_bits, raw_steps = _best_steps(raw, signless(shape), work.effort)
        if raw_bits < bits:
            bits, steps, latents, order = raw_bits, raw_steps, raw, forms.SIGN_FIRST
    return Plan(bits + _TABLE + _NODE, partial(_write_numbers, flat, latents, 2 * dropped + order, steps))


def _best_steps(latents: splits.Latents, tried: Sequence[predict.Steps], effort: int) -> tuple[float, predict.Steps]:
    """(bits of all values, steps) of the best candidate: the likely ones of a small sample are compared on a larger one."""
    n = len(latents)
    tried = [steps for steps in tried if 2 * predict.reach(steps) <= n]
    if not tried:
        return float("inf"), ()
    rounds = _ROUNDS[:1] if effort <= _QUICK else _ROUNDS if n > _ROUNDS[0][0] else _ROUNDS[1:]
    for most, kept in rounds:
        places = _places(n, max(predict.reach(steps) for steps in tried), most)
        sampled = predict.Sampled(latents, places)
        bits = bits_of_rows(np.stack([sampled.residuals(steps) for steps in tried]), n)
        order = np.argsort(bits + np.array([_STEP * len(steps) * n for steps in tried]), kind="stable")[:kept]
        tried = [tried[i] for i in order]
    return float(bits[order[0]]), tried[0]


def _write_numbers(flat: NDArray[Any], latents: splits.Latents, form: int, steps: predict.Steps, out: Writer) -> None:
    mine = Writer()
    mine.write(bytes([forms.NUMBERS]))
    mine.number(form)
    predict.write_steps(mine, steps)
    encode_bins(mine, predict.residuals(latents, steps))
    if len(mine) > flat.nbytes:
        _write_stored(flat, out)
    else:
        out.write(mine.data)


def _steps(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    bits, some = splits.ordered(values), splits.ordered(sample)
    step = int(np.gcd.reduce(some - some.min()))
    base = int(bits.min())
    if step < 2 or ((bits - bits.dtype.type(base)) % bits.dtype.type(step)).any():
        return
    q, _ = splits.smallest((bits - bits.dtype.type(base)) // bits.dtype.type(step))
    inner = plan_for(q, work.inner())
    unsigned = splits.bits_of(splits.unordered(np.array([base], bits.dtype), values.dtype))

    def write(out: Writer) -> None:
        out.write(bytes([forms.STEPS]))
        out.wide(int(unsigned[0]))
        out.wide(step)
        out.number(q.itemsize)
        inner.write(out)

    yield Plan(inner.bits + _NODE + 64, write)


def _multiples(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    factor = splits.decimals(sample)
    if factor is None:
        return
    flat = values.reshape(-1)
    q = factor.multiples(flat)
    distance = (splits.ordered(flat) - splits.ordered(factor.values(q, values.dtype))).reshape(values.shape)
    narrow, base = splits.smallest(q)
    if narrow.itemsize > values.itemsize:
        return
    first, second = plan_for(narrow.reshape(values.shape), work.inner()), plan_for(distance, work.inner())

    def write(out: Writer) -> None:
        out.write(bytes([forms.MULTIPLES]))
        out.number(int(factor.inverse))
        out.write(np.float64(factor.size).tobytes())
        out.wide(base % (1 << 64))
        out.number(narrow.itemsize)
        first.write(out)
        second.write(out)

    yield Plan(first.bits + second.bits + _NODE + 80, write)


def _distinct(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    if values.itemsize == 1 or len(np.unique(splits.bits_of(sample))) > _REPEATED * len(sample):
        return
    latents = splits.ordered(values.reshape(-1))
    all_sorted = np.sort(latents)
    different = all_sorted[np.append(True, all_sorted[1:] != all_sorted[:-1])]
    if len(different) * 4 > len(latents) or len(different) > _MOST_DISTINCT - 8:
        return
    span = int(different[-1]) - int(different[0]) + 1
    if span <= 2 * len(different):
        return  # hardly any gaps
    places = places_of(latents, different)
    narrow = places.astype(np.uint8) if len(different) <= 256 else places
    first = plan_for(different, work.inner())
    second = plan_for(narrow.reshape(values.shape), work.inner())

    def write(out: Writer) -> None:
        out.write(bytes([forms.DISTINCT]))
        out.number(len(different))
        first.write(out)
        out.number(narrow.itemsize)
        second.write(out)

    yield Plan(first.bits + second.bits + _NODE, write)


def _runs(values: NDArray[Any], work: Work) -> Iterator[Plan]:
    flat = values.reshape(-1)
    bits = splits.bits_of(flat)
    some = _places(len(flat), 1)
    if len(flat) < 64 or (bits[some] != bits[some - 1]).mean() > 1 / 8:
        return
    starts = np.flatnonzero(np.append(True, bits[1:] != bits[:-1]))
    if len(starts) * 8 > len(flat):
        return
    lengths = splits.narrowed(np.diff(np.append(starts, len(flat))) - 1)
    first, second = plan_for(flat[starts], work.inner()), plan_for(lengths, work.inner())

    def write(out: Writer) -> None:
        out.write(bytes([forms.RUNS]))
        out.number(len(starts))
        first.write(out)
        out.number(lengths.itemsize)
        second.write(out)

    yield Plan(first.bits + second.bits + _NODE, write)


def _gaps(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    bits, found = splits.bits_of(values), splits.bits_of(sample[np.isnan(sample)])
    if not len(found):
        return
    value = found[:1]
    gaps = bits == value[0]
    inner = work.inner()
    first, second = plan_for(gaps.view(np.uint8), inner), plan_for(values[~gaps], inner)

    def write(out: Writer) -> None:
        out.write(bytes([forms.GAPS]))
        out.write(value.tobytes())
        first.write(out)
        second.write(out)

    yield Plan(first.bits + second.bits + _NODE, write)


def _planes(values: NDArray[Any], best: float, work: Work) -> Iterator[Plan]:
    if values.itemsize == 1:
        return
    flat = values.reshape(-1)
    places = _places(len(flat), 1)
    here, before = (np.ascontiguousarray(flat[at]).view(np.uint8).reshape(len(at), -1).T for at in (places, places - 1))
    if sum(bits_of_rows(np.stack([plane, plane - last]), len(flat)).min() for plane, last in zip(here, before, strict=True)) > best:
        return
    planes = np.ascontiguousarray(values).reshape(-1).view(np.uint8).reshape(-1, values.itemsize).T
    nodes = [plan_for(np.ascontiguousarray(plane), work.inner()) for plane in planes]

    def write(out: Writer) -> None:
        out.write(bytes([forms.PLANES]))
        for node in nodes:
            node.write(out)

    yield Plan(8.0 + sum(node.bits for node in nodes) / _PLANES_WORTH, write)


def _parts(values: NDArray[Any], work: Work) -> Plan:
    parts = [plan_for(np.ascontiguousarray(values[..., part]), work.inner()) for part in range(values.shape[-1])]

    def write(out: Writer) -> None:
        out.write(bytes([forms.PARTS]))
        for part in parts:
            part.write(out)

    return Plan(8.0 + sum(part.bits for part in parts) * _PARTS_TIME, write)


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
        out.piece(embed("bytes", values.tobytes(), work.session, effort=3))

    yield Plan(bits, write)
