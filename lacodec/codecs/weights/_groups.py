"""The groups of a chunk: which bytes are coded together, and as which type."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights._chunks import FOREIGN, Run
from lacodec.codecs.weights._cluster import EXTRA, Floats, count, cut, join, most_atoms
from lacodec.codecs.weights._cluster_kernel import totals_of
from lacodec.codecs.weights._delta import pays
from lacodec.codecs.weights._floats import MANTISSAS
from lacodec.codecs.weights._pieces import MOST_GROUPS, Pieces
from lacodec.codecs.weights._repeats import repeats
from lacodec.codecs.weights.filters.coder import Shape
from lacodec.media.tensors.two_values import split
from lacodec.media.tensors.value import DTYPES

_LOOKED_AT = 512  # values of a run from which on it may be coded alone
_SMALL = 1 << 16  # bytes of a run of other types below which it shares a group with others of its type
_BASED = "="  # before the type of runs that are stored as differences
_BLOCKS = "#"  # before the bytes of a block, for runs of such
_FILTERS = "+-"  # before the type of runs of two values
_PARTS = {"C64": "F32", "C128": "F64"}  # complex numbers are two real ones


@dataclass(frozen=True)
class Group:
    """Bytes coded together: the type, bytes of a value, and for floats bits of its mantissa and counts (see `_cluster`)."""

    dtype: str
    size: int = 1
    mantissa: int = 0
    extra: int = 0
    counts: NDArray[np.int64] | None = None
    repeats: bool = False  # one run whose values repeat: every way is tried
    based: bool = False  # stored as a difference to the base
    block: int = 0  # bytes of a block of quantised values
    filters: tuple[Shape, ...] = ()  # of tensors of two values


def grouped(
    data: NDArray[np.uint8], runs: tuple[Run, ...], effort: int, base: NDArray[np.uint8] | None = None
) -> tuple[list[Group], Pieces]:
    """The groups of the runs that `data` consists of, and the runs of each. The first run is alone if it is FOREIGN.

    base: u8[len(data)], similar bytes for some of the runs.
    """
    groups: list[Group] = []
    chosen: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(runs)
    sizes = [(run.size, run.size) for run in runs]
    begins = np.cumsum([0, *(run.size for run in runs)]).tolist()
    names = [f"{_BLOCKS}{run.row}" if run.blocks else _PARTS.get(run.dtype, run.dtype) for run in runs]
    if base is not None:
        for number, name in enumerate(names):
            begin, end = begins[number], begins[number + 1]
            plain = runs[number].dtype if name.startswith(_BLOCKS) else name
            if name != FOREIGN and _is_like(data[begin:end], base[begin:end], plain):
                names[number] = _BASED + plain
    for number, run in enumerate(runs):
        if run.filter is not None and names[number] == run.dtype and _has_two_values(data[begins[number] :][: run.size], run):
            names[number] = _FILTERS + run.dtype
    kinds = list(dict.fromkeys(names))
    for position, kind in enumerate(kinds):
        mine = [number for number, name in enumerate(names) if name == kind]
        most = max(1, (MOST_GROUPS - len(groups)) // (len(kinds) - position))
        if kind in MANTISSAS:
            size = MANTISSAS[kind][0]
            place = _in_one(data, [(begins[number], begins[number + 1]) for number in mine], size)
            floats, found = _float_groups(kind, [runs[number] for number in mine], *place, effort, most)
            for number, part in zip(mine, floats, strict=True):
                chosen[number] = part.which + len(groups)
                sizes[number] = runs[number].size, part.piece * size or runs[number].size
        elif kind.startswith(_BLOCKS):
            found = [Group("U8", block=int(kind.removeprefix(_BLOCKS)))]  # in one group, since their statistics are alike
            for number in mine:
                chosen[number] = np.array([len(groups)])
        elif kind.startswith(_FILTERS):
            found = [_filter_group(kind.removeprefix(_FILTERS), [runs[number] for number in mine])]
            for number in mine:
                chosen[number] = np.array([len(groups)])
        else:
            found, which = _other_groups(kind, [runs[number] for number in mine], most)
            for number, group in zip(mine, which, strict=True):
                chosen[number] = np.array([group + len(groups)])
        groups += found
    choices = np.concatenate(chosen).astype(np.uint8) if chosen else np.zeros(0, np.uint8)
    return groups, Pieces(np.array(sizes, np.int64).reshape(-1, 2), choices)


def _has_two_values(data: NDArray[np.uint8], run: Run) -> bool:
    return split(data, run.dtype, run.size // run.row) is not None


def _filter_group(dtype: str, runs: list[Run]) -> Group:
    """All tensors of two values: what one of them teaches helps with the next."""
    shapes = tuple(Shape(run.size // run.row, *run.filter) for run in runs if run.filter is not None)
    return Group(dtype, DTYPES[dtype] // 8, filters=shapes)


def _float_groups(
    kind: str, runs: list[Run], values: NDArray[Any], begins: NDArray[np.int64], effort: int, most: int
) -> tuple[list[Floats], list[Group]]:
    size, mantissa = MANTISSAS[kind]
    floats = []
    for run, begin in zip(runs, begins.tolist(), strict=True):
        floats.append(Floats(values[begin : begin + run.size // size], mantissa, cut(run, size, effort)))
    varied = all(run.varied for run in runs)
    alone = [] if varied else _alone(floats, min(most, most_atoms(size, mantissa)) // 2, values, begins)
    counts = count(floats, effort, (values, begins))
    extra = min(EXTRA, mantissa)
    joined = _joined(floats, alone, counts, extra, effort, most - len(alone))
    for item in floats:
        item.which = joined[item.which]
    totals = np.empty((int(joined.max()) + 1, counts.shape[2]), np.int64)
    totals_of(counts, joined, totals)
    groups = []
    for number, total in enumerate(totals):
        groups.append(Group(kind, size, mantissa, extra, total, number < len(alone)))
    return floats, groups


def _in_one(data: NDArray[np.uint8], runs: list[tuple[int, int]], size: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """One array of values of `size` bytes that has those of all runs, (begin, end) in data, and where in it each begins."""
    places, kind = np.array(runs), f"<u{size}"
    values = data[places[0, 0] : places[-1, 1]]
    begins = places[:, 0] - places[0, 0]
    if not (begins % size).any():
        values = values.view(kind)
        return values if values.flags.aligned else values.copy(), begins // size
    sizes = places[:, 1] - places[:, 0]
    return np.concatenate([data[begin:end] for begin, end in runs]).view(kind), (np.cumsum(sizes) - sizes) // size


def _alone(floats: list[Floats], most: int, values: NDArray[Any], begins: NDArray[np.int64]) -> list[Floats]:
    """The runs whose values repeat, up to a limit; they stay in one piece and come first."""
    lengths = np.array([len(run.values) for run in floats])
    few = repeats(values, begins, lengths)
    found = [run for run, repeated in zip(floats, few, strict=True) if repeated and len(run.values) >= _LOOKED_AT]
    for run in found[:most]:
        run.piece, run.alone = 0, True
    return found[:most]


def _joined(
    floats: list[Floats], alone: list[Floats], counts: NDArray[np.uint32], extra: int, effort: int, most: int
) -> NDArray[np.int64]:
    """The group of each atom: those of the runs that are alone have one each, the others are joined."""
    joined = np.full(len(counts), -1, np.int64)
    for number, run in enumerate(alone):
        joined[run.which] = number
    others = np.flatnonzero(joined < 0)
    if len(others):
        bits = 8 * sum(run.values.nbytes for run in floats)
        joined[others] = join(counts, others, extra, bits, effort, most) + len(alone)
    return joined


def _other_groups(kind: str, runs: list[Run], most: int) -> tuple[list[Group], list[int]]:
    """Large runs each in a group of their own, the others in one; the first run of the file is alone, too."""
    count, shared, which = 0, -1, []
    for number, run in enumerate(runs):
        alone = (run.size >= _SMALL and count < most - 1) or (kind == FOREIGN and number == 0)
        if alone:
            which.append(count)
        else:
            shared = count if shared < 0 else shared
            which.append(shared)
        count = max(count, which[-1] + 1)
    based, name = kind.startswith(_BASED), kind.removeprefix(_BASED)
    size = max(1, DTYPES[name] // 8) if name != FOREIGN else 1
    return [Group(name, size, MANTISSAS[name][1] if name in MANTISSAS else 0, based=based)] * count, which


def _is_like(data: NDArray[np.uint8], base: NDArray[np.uint8], name: str) -> bool:
    size = max(1, DTYPES[name] // 8)
    if size > 8 or len(data) % size:
        return False
    values, others = (np.frombuffer(part.tobytes(), f"<u{size}") for part in (data, base))
    return pays(values, others, MANTISSAS[name][1] if name in MANTISSAS else 0)
