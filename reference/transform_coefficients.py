"""Codec `audio.transform`: quantised coefficients by their neighbours, in steps of their band."""

from reference.transform_decisions import Decisions
from reference.transform_tables import SIZES, band_edges, frame_size, like, log, power

UNARY, ESCAPE_BITS, LEAST, MOST = 14, 30, -24, 1 << 30
FLOOR, ENERGY, ESCAPE_LIMIT = -64, 4, 127
PAD = 2  # zeros around a spectrum
STARTS = (0, 704, 1880, 3224, 4760, 5244, 6212)  # first cell of each context


class Spectra:
    """The coefficients of one channel or two, and what is remembered of the two blocks before."""

    def __init__(self, decisions: Decisions, rate: int, channels: int, limit: int) -> None:
        self.decisions, self.rate, self.limit = decisions, rate, limit
        self.present: list[list[float]] = [[] for _ in range(channels)]
        self.past = [[[0.0] * frame_size(rate)] * 2 for _ in range(channels)]
        self.sizes = [SIZES - 1, SIZES - 1]

    def remember(self, size: int) -> None:
        """The block becomes the last one."""
        for c, amplitudes in enumerate(self.present):
            self.past[c] = [amplitudes[PAD:-PAD], self.past[c][0]]
        self.sizes = [size, self.sizes[0]]

    def read(self, c: int, size: int, levels: list[int], steps: list[int]) -> list[int]:
        """The coefficients of channel c in a block."""
        edges = band_edges(self.rate, size)
        before = [padded(mapped(self.past[c][back], self.sizes[back], size, edges[-1])) for back in range(2)]
        here = self.present[c] = [0.0] * (edges[-1] + 2 * PAD)
        found = [0] * edges[-1]
        wide = 0.0
        for band, (level, step) in enumerate(zip(levels, steps, strict=True)):
            ratio = FLOOR + ENERGY * level - step - LEAST
            if not level or ratio < 0:
                continue
            inverse, pitch = power(-step), like(self.rate, 0, size)[band]
            for k in range(edges[band], edges[band + 1]):
                wide += (here[k + PAD - 1] - wide) * 0.125
                other = self.present[0] if c else None
                cells, every = contexts(here, before, other, k + PAD, inverse, wide, min(ratio >> 1, 31), pitch, size)
                found[k] = self._value(cells, c, every)
                here[k + PAD] = abs(found[k]) * power(step)
        return found

    def _value(self, cells: list[int], c: int, every: int) -> int:
        decide, first, second = self.decisions.decide, c * 16, 32 + every * 3
        size = 0
        while size < UNARY and decide(cells, (first + size, second + min(size, 2)), size, self.limit):
            size += 1
        if size == UNARY:
            bits = 0
            while bits < ESCAPE_BITS and decide(cells, (first + UNARY, second + 2), UNARY, ESCAPE_LIMIT):
                bits += 1
            rest = 1
            for _ in range(bits):
                rest = rest * 2 + self.decisions.even()
            size = min(rest - 1 + UNARY, MOST)
        return -size if size and self.decisions.even() else size


def contexts(
    here: list[float],
    before: list[list[float]],
    other: list[float] | None,
    i: int,
    inverse: float,
    wide: float,
    ratio: int,
    pitch: int,
    size: int,
) -> tuple[list[int], int]:
    """(cells of the coefficient at place i, the size expected from all neighbours)."""
    last, last2 = before
    a1, a2, p0 = here[i - 1] * inverse, here[i - 2] * inverse, last[i] * inverse
    p1, p2 = (last[i - 1] + last[i + 1]) * inverse, (last[i + 2] + last[i - 2]) * inverse
    far = (2.0 * last2[i] + last2[i - 1] + last2[i + 1]) * inverse
    near, past = 2.0 * a1 + a2, 2.0 * p0 + p1
    total, scale, extra = 2.0 * near + 1.5 * past + 0.5 * far, 8.0 / 14.0, far
    if other is not None:
        extra = (2.0 * other[i] + other[i - 1] + other[i + 1]) * inverse
        total, scale = total + extra, 8.0 / 18.0
    every = log(total * scale)
    around = log((4.0 * wide * inverse + p2 + p1 * 0.5) * (8.0 / 7.0))
    near_log, past_log, far_log = log(near * (8.0 / 3.0)), log(past * 2.0), log(far * 2.0)
    places = (
        every * 32 + ratio,
        (min(log(a1 * 8.0), 13) * 14 + min(log(a2 * 8.0), 13)) * 6 + min(past_log >> 1, 5),
        (min(log(p0 * 8.0), 13) * 12 + min(log(p1 * 4.0), 11)) * 8 + min(far_log >> 1, 7),
        ratio * 48 + pitch,
        around * 22 + every,
        (log(extra * 2.0) * 22 + every) * 2 + (other is not None),
        (near_log * 22 + past_log) * 5 + size,
    )
    return [start + place for start, place in zip(STARTS, places, strict=True)], every


def mapped(amplitudes: list[float], past: int, size: int, n: int) -> list[float]:
    """Amplitudes of a block of size `past` at the places of the n coefficients of one of another size."""
    if past >= size:
        return [amplitudes[k >> past - size] for k in range(n)]
    width = 1 << size - past
    return [sum(amplitudes[k * width : (k + 1) * width], 0.0) / width for k in range(n)]


def padded(values: list[float]) -> list[float]:
    """With zeros around."""
    return [0.0] * PAD + values + [0.0] * PAD
