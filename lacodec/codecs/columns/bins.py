"""Unsigned integers as bins and places: rANS for the bin, plain bits for the place of a value in it, as in pcodec.

    data = bins | tables | size, stream of rANS | size, places
    bins = their number - 1, then for each: gap to the one before, bits of a place

Where there is only one bin, tables and stream are missing. The gap is the lowest value less (lowest of the bin before + 1).
Bins are found in two steps: quantiles of a sample give fine bins, whose counts and true bounds over all values are then known,
and adjacent ones are joined by dynamic programming where that takes the fewest bits in all.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import _bins_kernel as kernel
from lacodec.codecs.columns._fields import Reader, Writer
from lacodec.entropy.information import quick_normalise
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.rans_dispatch import readonly
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile
from lacodec.kernels.scratch import scratch, scratch_array

Latents = NDArray[np.unsignedinteger]

MOST = 256  # bins: symbols are bytes
_SAMPLE = 40  # values of the sample between two quantiles
_ROOM = 24  # bytes behind the places that kernels may read and write
_PRICES = {
    1: 20.0,
    2: 24.0,
    4: 32.0,
    8: 48.0,
}  # bits of a bin in the header, about: frequency, width and gap, by bytes of a value


def encode_bins(out: Writer, values: Latents, fine: int) -> None:
    """Append u8, u16, u32 or u64[n], n > 0. fine: quantiles to begin with."""
    if values.itemsize <= 2:
        which, counts, joined = _counted(values, fine)
        used = np.flatnonzero(counts)
        least = most = np.arange(len(counts), dtype=values.dtype)
    else:
        which, counts, least, most = _fine(values, fine)
        used = np.flatnonzero(counts)
        joined = _joined(counts[used], least[used], most[used])
    lowest = least[used[joined]]
    last = np.append(used[joined[1:] - 1], used[-1])
    spans = (most[last] - lowest).astype(np.uint64)
    widths = np.array([int(span).bit_length() for span in spans.tolist()], np.uint8)
    symbol_of = np.zeros(len(counts), np.uint8)
    symbol_of[used] = np.searchsorted(joined, np.arange(len(used)), "right") - 1
    totals = np.add.reduceat(counts[used], joined)
    symbols = scratch(len(values))
    bits = int(totals @ widths.astype(np.int64))
    places = scratch(bits // 8 + _ROOM)
    kernel.write_places(readonly(values), readonly(which), symbol_of, lowest, widths, symbols, places)
    _write_bins(out, lowest, widths)
    if len(lowest) > 1:
        tables = _tables(totals, len(values))
        out.write(tables.pack())
        out.piece(RansEncoder(32).push(symbols, tables).finish())
    out.piece(places[: -(-bits // 8)])


def decode_bins(reader: Reader, out: Latents) -> None:
    """The inverse of `encode_bins`: fills u8, u16, u32 or u64[n]; raises CorruptFile."""
    n = len(out)
    lowest, widths = _read_bins(reader, out.dtype)
    symbols = scratch(n)
    if len(lowest) == 1:
        symbols.fill(0)
    else:
        tables = reader.tables()
        if tables.highest >= len(lowest) or tables.lowest < 0 or tables.escape:
            raise CorruptFile("a table has more symbols than there are bins")
        try:
            decoder = RansDecoder(reader.piece())
            decoder.pull(n, tables, out=symbols)
            decoder.finish()
        except BadInput as error:
            raise CorruptFile(str(error)) from None
    places = reader.padded(reader.number(), _ROOM)
    _fill(symbols, lowest, widths, places, out)


def _fill(
    symbols: NDArray[np.uint8], lowest: Latents, widths: NDArray[np.uint8], places: NDArray[np.uint8], out: Latents
) -> None:
    """Fill `out` with what lies at these places in the bins; `places` has _ROOM bytes behind its end."""
    size = len(places) - _ROOM
    if not widths.any():
        if size:
            raise CorruptFile("its bins have no places, but it stores some")
        if int(lowest[-1]) - int(lowest[0]) == len(lowest) - 1:
            np.add(symbols, lowest[0], out=out, dtype=out.dtype)
        else:
            kernel.pick(readonly(symbols), lowest, out)
        return
    masks = np.array([(1 << int(width)) - 1 for width in widths], np.uint64)
    bits = int(kernel.read_places(symbols, lowest, widths, masks, readonly(places), np.uint64(8 * size), out))
    if -(-bits // 8) != size:
        raise CorruptFile("its places are cut short, or too many")


def _counted(values: Latents, fine: int) -> tuple[Latents, NDArray[np.int64], NDArray[np.int64]]:
    """For small types: (the values themselves, counts of all possible ones, where joined bins begin among those used)."""
    counts = np.zeros((4, 1 << 8 * values.itemsize), np.int64)
    kernel.count(readonly(values), counts.reshape(-1))
    totals = counts.sum(0)
    used = np.flatnonzero(totals)
    groups = np.arange(len(used))
    if len(used) > fine:  # as many of equal counts, about; frequent values stay alone
        place = np.cumsum(totals[used]) - totals[used]
        share = max(1, len(values) // fine)
        alone = totals[used] > share // 2
        new = np.append(True, (place[1:] // share != place[:-1] // share) | alone[1:] | alone[:-1])
        groups = np.flatnonzero(new)
    last = np.append(groups[1:] - 1, len(used) - 1)
    least, most = used[groups].astype(values.dtype), used[last].astype(values.dtype)
    return values, totals, groups[_joined(np.add.reduceat(totals[used], groups), least, most)]


def _fine(values: Latents, fine: int) -> tuple[NDArray[np.uint16], NDArray[np.int64], Latents, Latents]:
    """(fine bin of each value; of each bin the number of values, the least and the largest)."""
    top = values.dtype.type(np.iinfo(values.dtype).max)
    sample = np.sort(values[:: max(1, len(values) // (_SAMPLE * fine))])
    bounds = _bounds(sample, fine)
    centre, shift, starts = _starts(bounds, sample[len(sample) // 2])
    counts, which = np.zeros(len(bounds), np.int64), scratch_array(len(values), np.uint16)
    least, most = np.full(len(bounds), top, values.dtype), np.zeros(len(bounds), values.dtype)
    padded = np.concatenate([bounds, np.full(3, top, values.dtype)])
    kernel.sort_into(readonly(values), padded, centre, shift, starts, which, counts, least, most)
    return which, counts, least, most


def places_of(values: Latents, different: Latents) -> NDArray[np.uint16]:
    """The place of each value among `different`, which is sorted and has them all; fewer than 2**16 - 4."""
    bounds = different.copy()
    bounds[0] = 0
    centre, shift, starts = _starts(bounds, different[len(different) // 2])
    counts, which = np.zeros(len(bounds), np.int64), np.empty(len(values), np.uint16)
    least, most = np.zeros(len(bounds), values.dtype), np.zeros(len(bounds), values.dtype)
    padded = np.concatenate([bounds, np.full(3, np.iinfo(values.dtype).max, values.dtype)])
    kernel.sort_into(readonly(values), padded, centre, shift, starts, which, counts, least, most)
    return which


def _bounds(sample: Latents, fine: int) -> Latents:
    """Lowest values of fine bins, the first 0: quantiles of the sorted sample; values that fill one have a bin of their own."""
    top = np.iinfo(sample.dtype).max
    if len(sample) <= fine:
        edges = alone = sample
    else:
        edges = sample[np.linspace(0, len(sample) - 1, fine).astype(np.int64)]
        alone = edges[1:][edges[1:] == edges[:-1]]
    found = np.unique(np.concatenate([edges, alone[alone < top] + sample.dtype.type(1)]))
    return np.concatenate([np.zeros(1, sample.dtype), found[found > 0]])


def _starts(bounds: Latents, middle: np.unsignedinteger) -> tuple[np.uint64, np.uint64, NDArray[np.uint16]]:
    """(centre, shift, starts) for `sort_into`: the keys that tell more bins apart."""
    least = int(bounds[1]) if len(bounds) > 1 else 0
    spread = int(bounds[-1]) - least
    found: list[tuple[int, np.uint64, np.uint64, NDArray[np.uint16]]] = []
    for centre, shift in ((least, max(0, spread.bit_length() - 15)), (int(middle), 64)):
        if len(found) and found[0][0] < 2 * len(bounds):
            break
        starts = np.empty(kernel.KEYS, np.uint16)
        missed = kernel.fill_starts(bounds, np.uint64(centre), np.uint64(shift), starts)
        found.append((int(missed), np.uint64(centre), np.uint64(shift), starts))
    return min(found, key=lambda item: item[0])[1:]


def _joined(counts: NDArray[np.int64], least: Latents, most: Latents) -> NDArray[np.int64]:
    """Where the joined bins begin among the fine ones."""
    best, cut = np.empty(len(counts) + 1), np.zeros(len(counts) + 1, np.int64)
    price = _PRICES[least.itemsize]
    while True:
        kernel.merge(counts, least, most, price, np.int64(len(counts)), logarithms(), best, cut)
        begins, at = [], len(counts)
        while at:
            at = int(cut[at])
            begins.append(at)
        if len(begins) <= MOST:
            return np.array(begins[::-1])
        price *= 2


@cache
def logarithms() -> NDArray[np.float64]:
    """f64[PRECISION + 1]: log2(1 + i / PRECISION)."""
    table = np.empty(kernel.PRECISION + 1)
    kernel.fill_logarithms(table)
    return table


def _tables(counts: NDArray[np.int64], n: int) -> Tables:
    bits = max(len(counts).bit_length(), min(14 if n >= 1 << 16 else 12, max(8, n.bit_length() - 1)))
    freqs = np.zeros(len(counts), np.uint32)
    quick_normalise(counts, 1 << bits, freqs)
    return Tables.of_one(freqs, bits)


def _write_bins(out: Writer, lowest: Latents, widths: NDArray[np.uint8]) -> None:
    out.number(len(lowest) - 1)
    end = 0
    for low, width in zip(lowest.tolist(), widths.tolist(), strict=True):
        out.wide(low - end)
        out.number(width)
        end = low + 1


def _read_bins(reader: Reader, dtype: np.dtype[np.unsignedinteger]) -> tuple[Latents, NDArray[np.uint8]]:
    count, top = reader.number() + 1, int(np.iinfo(dtype).max)
    if count > MOST:
        raise CorruptFile(f"it has {count} bins; at most {MOST} are possible")
    lowest, widths = np.empty(count, np.uint64), np.empty(count, np.uint8)
    data, at = reader.here()
    end = int(kernel.read_bins(readonly(data), np.uint64(at), np.uint64(top), lowest, widths))
    if end < 0 or int(widths.max()) > 8 * dtype.itemsize:
        raise CorruptFile("a bin lies outside its type, or the description of bins is cut short")
    reader.take(end - at)
    return lowest.astype(dtype), widths
