"""Plans for forms with other nodes inside: the values in a simpler way, or in parts. Each generator yields a plan, or none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import forms, splits
from lacodec.codecs.columns._fields import Writer
from lacodec.codecs.columns.bins import places_of
from lacodec.codecs.columns.estimate import bits_of_rows
from lacodec.codecs.columns.plan import NODE, Plan, Work, sample_places

_MOST_PARTS = 64
_PARTS_TIME = 1.01  # parts take longer to decode than the whole: they must be smaller by this
_PLANES_WORTH = 0.95  # of the bits of the whole: planes of bytes take longer
_MOST_DISTINCT = (1 << 16) - 8
_REPEATED = 0.9  # share of different values in a sample above which few of them come again
_RUN = 8  # values in a run, on average, from which on runs may pay


def steps(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    """Integers that are all multiples of a step from the least one on."""
    bits, some = splits.ordered(values), splits.ordered(sample)
    step = int(np.gcd.reduce(some - some.min()))
    base = int(bits.min())
    if step < 2 or ((bits - bits.dtype.type(base)) % bits.dtype.type(step)).any():
        return
    q, _ = splits.smallest((bits - bits.dtype.type(base)) // bits.dtype.type(step))
    inner = work.inner(q)
    unsigned = splits.bits_of(splits.unordered(np.array([base], bits.dtype), values.dtype))

    yield _node(forms.STEPS, _wide(int(unsigned[0])), _wide(step), q.itemsize, inner)


def multiples(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    """Floats that are decimal numbers, or next to them."""
    factor = splits.decimals(sample)
    if factor is None:
        return
    flat = values.reshape(-1)
    q = factor.multiples(flat)
    distance = (splits.ordered(flat) - splits.ordered(factor.values(q, values.dtype))).reshape(values.shape)
    narrow, base = splits.smallest(q)
    if narrow.itemsize > values.itemsize:
        return
    first, second = work.inner(narrow.reshape(values.shape)), work.inner(distance)

    size = np.float64(factor.size).tobytes()
    yield _node(forms.MULTIPLES, int(factor.inverse), size, _wide(base % (1 << 64)), narrow.itemsize, first, second)


def distinct(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    """Few different values."""
    if values.itemsize == 1 or len(np.unique(splits.bits_of(sample))) > _REPEATED * len(sample):
        return
    latents = splits.ordered(values.reshape(-1))
    all_sorted = np.sort(latents)
    different = all_sorted[np.append(True, all_sorted[1:] != all_sorted[:-1])]
    if len(different) * 4 > len(latents) or len(different) > _MOST_DISTINCT:
        return
    if int(different[-1]) - int(different[0]) < 2 * len(different):
        return  # hardly any gaps
    places = places_of(latents, different)
    narrow = places.astype(np.uint8) if len(different) <= 256 else places
    first = work.inner(different)
    second = work.inner(narrow.reshape(values.shape))

    yield _node(forms.DISTINCT, len(different), first, narrow.itemsize, second)


def runs(values: NDArray[Any], work: Work) -> Iterator[Plan]:
    """Values that stay the same for long."""
    flat = values.reshape(-1)
    bits = splits.bits_of(flat)
    some = sample_places(len(flat), 1)
    if len(flat) < 64 or (bits[some] != bits[some - 1]).mean() * _RUN > 1:
        return
    starts = np.flatnonzero(np.append(True, bits[1:] != bits[:-1]))
    if len(starts) * _RUN > len(flat):
        return
    lengths = splits.narrowed(np.diff(np.append(starts, len(flat))) - 1)
    first, second = work.inner(flat[starts]), work.inner(lengths)

    yield _node(forms.RUNS, len(starts), first, lengths.itemsize, second)


def gaps(values: NDArray[Any], sample: NDArray[Any], work: Work) -> Iterator[Plan]:
    """A value that stands for missing ones: the commonest of those that are no numbers."""
    bits, found = splits.bits_of(values), splits.bits_of(sample[np.isnan(sample)])
    if not len(found) or values.ndim != 1:
        return
    value = found[:1]
    missing = bits == value[0]
    yield _node(forms.GAPS, value.tobytes(), work.inner(missing.view(np.uint8)), work.inner(values[~missing]))


def planes(values: NDArray[Any], best: float, work: Work) -> Iterator[Plan]:
    """Elements made of fields."""
    if values.itemsize == 1:
        return
    flat = values.reshape(-1)
    places = sample_places(len(flat), 1)
    here, before = (np.ascontiguousarray(flat[at]).view(np.uint8).reshape(len(at), -1).T for at in (places, places - 1))
    rows = [np.stack([plane, plane - last]) for plane, last in zip(here, before, strict=True)]
    if sum(bits_of_rows(row, len(flat)).min() for row in rows) > best * _PLANES_WORTH:
        return
    places_of_bytes = flat.view(np.uint8).reshape(-1, values.itemsize).T
    found = _node(forms.PLANES, *(work.inner(np.ascontiguousarray(plane)) for plane in places_of_bytes))
    yield replace(found, bits=found.bits / _PLANES_WORTH)


def parts(values: NDArray[Any], work: Work) -> Iterator[Plan]:
    """Columns of a table."""
    if values.ndim > 1 and 1 < values.shape[-1] <= _MOST_PARTS:
        found = _node(forms.PARTS, *(work.inner(np.ascontiguousarray(values[..., part])) for part in range(values.shape[-1])))
        yield replace(found, bits=found.bits * _PARTS_TIME)


def _node(form: int, *members: "bytes | int | Plan") -> Plan:
    """The plan for a form with these members: bytes, numbers and nodes."""

    def write(out: Writer) -> None:
        out.write(bytes([form]))
        for member in members:
            if isinstance(member, Plan):
                member.write(out)
            elif isinstance(member, int):
                out.number(member)
            else:
                out.write(member)

    return Plan(NODE + sum(member.bits if isinstance(member, Plan) else 24 for member in members), write, form)


def _wide(value: int) -> bytes:
    out = Writer()
    out.wide(value)
    return out.data
