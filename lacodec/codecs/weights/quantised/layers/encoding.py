"""Encoding of a file in layers: all units level by level, those first that lower the weighted error most for their bytes.

chunks of the file --> units --levels--> the best next ones --> layers, until the file has its size

Errors weigh as the inverse squares of the steps that tensors have without layers (`_allocate`). The scales of units differ
by eighths of an octave, so that not all of them reach a level at the same size. Otherwise the error between two levels would be
up to a decibel above that of a file coded for the size; so it is a third of one everywhere.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.embedded import embed
from lacodec.codecs.pieces import Writer
from lacodec.codecs.session import Session
from lacodec.codecs.weights._chunks import Plan, plans
from lacodec.codecs.weights._tensor_table import pack_table
from lacodec.codecs.weights.quantised._chunk import Quantising, growth_of, values_of
from lacodec.codecs.weights.quantised._kept import kept_of
from lacodec.codecs.weights.quantised._payload import column_steps
from lacodec.codecs.weights.quantised._pieces import pieces_of
from lacodec.codecs.weights.quantised._subjects import Subjects
from lacodec.codecs.weights.quantised._ways import ways_of
from lacodec.codecs.weights.quantised.layers._base import MOST_VALUES, Exponents, base_hash, heights, write_exponents
from lacodec.codecs.weights.quantised.layers._layer import Step, steps_hash, steps_size, trace, write_steps
from lacodec.codecs.weights.quantised.layers._unit import MOST_LEVELS, Unit, write_level, write_unit
from lacodec.container.types import CRITICAL, Chunk, content_hash
from lacodec.errors import BadInput
from lacodec.io.threads import ordered_map

_CHUNK = 130  # bytes of a chunk's head, and of its copy in the index
_HEADER = 400  # bytes of header, its copy and the footer, beside the table and what is told of layers
_LARGEST, _LEAST = 1 << 17, 1 << 12  # bytes of a layer
_PHASES = (0, 4, 2, 6, 1, 5, 3, 7)  # eighths of an octave
_SPARSE = 64  # values for each byte of a level that tells only of few; the best one may come after several of these
_FEWEST_UNITS = 32  # of the smallest size, as a level should not be a large part of the file
Values = NDArray[np.float32]


@dataclass
class _Refining:
    """A unit while it is encoded: `next` are levels that are not in a layer yet, as (data, trace, errors then).

    error: squared, of values without the factors of columns; plain: with them.
    """

    values: Values
    factors: Values  # of columns
    unit: Unit
    weight: float
    place: tuple[int, int]
    error: float
    plain: float
    level: int = 0
    next: list[tuple[bytes, int, float, float]] = field(default_factory=list)

    def best(self) -> tuple[float, int]:
        """(weighted error that a byte saves, levels) of the next levels for which that is most."""
        found, most, size, count = -1.0, 0, 0, 0
        while self.level + count < MOST_LEVELS:
            if count == len(self.next):
                self._refine()
            data, _, error, _ = self.next[count]
            size, count = size + len(data) + 6, count + 1
            gain = self.weight * (self.error - error) / size
            if gain > found:
                found, most = gain, count
            elif len(data) * _SPARSE > self.values.size:
                break
        return found, most

    def _refine(self) -> None:
        level = self.level + len(self.next)
        data = write_level(self.unit, self.values, level)
        squares = np.square(self.unit.values(level + 1) - self.values, dtype=np.float64).sum(0)
        plain = float(squares @ np.square(self.factors, dtype=np.float64))
        self.next.append((data, content_hash(trace(self.unit)), float(squares.sum()), plain))

    def take(self, count: int) -> list[tuple[Step, int]]:
        """The next levels, which are now in a layer, each with its trace."""
        taken = self.next[:count]
        steps = [(Step(*self.place, self.level + i, data), traced) for i, (data, traced, *_) in enumerate(taken)]
        (*_, self.error, self.plain), self.next, self.level = taken[-1], self.next[count:], self.level + count
        return steps


class Layers:
    """The chunks of a file in layers of at most `wanted` bytes; raises BadInput if not even the first ones fit.

    qualities: f32[layers + 1, 2], the squared error relative to the squares after so many layers: as it is, and weighted.
    """

    def __init__(self, subjects: Subjects, session: Session, wanted: int) -> None:
        self._subjects, self._session = subjects, session
        ways = ways_of(subjects, session.threads, None)
        self._size = min(MOST_VALUES, max(14, (max(1, subjects.weights // _FEWEST_UNITS)).bit_length() - 1))
        made = list(ordered_map(partial(self._base, ways), enumerate(plans(subjects.entries, subjects.size)), session.threads))
        self._chunks = [chunk for chunk, _ in made]
        units = [unit for _, found in made for unit in found]
        used = _HEADER + 2 * len(pack_table(subjects.entries)) + sum(len(chunk.payload) + _CHUNK for chunk in self._chunks)
        if used > wanted:
            raise BadInput(f"no file in layers has {wanted} bytes; the smallest has {used}")
        self._energies = [sum(unit.plain for unit in units), sum(unit.weight * unit.error for unit in units)]
        self._errors = list(self._energies)
        self._qualities = [self._errors[:]]
        self._add_layers(units, wanted - used, min(_LARGEST, max(_LEAST, wanted // 256)))

    @property
    def qualities(self) -> bytes:
        """As the header keeps them."""
        return (np.array(self._qualities) / np.maximum(self._energies, 1e-300)).astype("<f4").tobytes()

    def chunks(self) -> Iterator[Chunk]:
        """The chunks of the file."""
        return iter(self._chunks)

    def _base(self, ways: list[Quantising], numbered: tuple[int, Plan]) -> tuple[Chunk, list[_Refining]]:
        number, plan = numbered
        pieces = pieces_of(self._subjects.entries, plan.start, plan.start + plan.size)
        coded = bytes(piece.columns > 0 and ways[piece.tensor].step > 0 for piece in pieces)
        kept, inner = kept_of(self._subjects, pieces, [bool(flag) for flag in coded], self._embedded)
        out = Writer()
        out.write(coded)
        out.piece(inner)
        out.write(bytes([self._size]))
        found: list[_Refining] = []
        exponents: list[Exponents] = []
        for piece, flag in zip(pieces, coded, strict=True):
            if not flag:
                continue
            way, whole = ways[piece.tensor], piece.shape[1] == piece.columns
            step = way.step * growth_of(self._subjects, piece) ** way.ranked if whole else way.step
            exponents.append(way.columns if whole else None)
            factors = column_steps(1.0, exponents[-1], piece.shape[1])
            values = values_of(self._subjects, piece) / factors
            write_exponents(out, exponents[-1])
            for begin, end in heights(*piece.shape, self._size):
                phase = _PHASES[(number + len(found)) % len(_PHASES)]
                part = values[begin:end]
                unit = write_unit(out, part, step * 2.0 ** (phase / len(_PHASES)))
                squares = np.square(part, dtype=np.float64).sum(0)
                plain = float(squares @ np.square(factors, dtype=np.float64))
                found.append(_Refining(part, factors, unit, step**-2, (number, len(found)), float(squares.sum()), plain))
        digest = base_hash(kept, exponents, [refining.unit for refining in found])
        return Chunk(CRITICAL, ((plan.start, plan.start + plan.size),), out.data, digest, plan.size), found

    def _embedded(self, data: bytes, effort: int) -> bytes:
        return embed("bytes", data, self._session, effort=effort)

    def _add_layers(self, units: list[_Refining], left: int, layer: int) -> None:
        heap = [(-gain, number, count) for number, unit in enumerate(units) for gain, count in [unit.best()] if count]
        heapq.heapify(heap)
        steps: list[tuple[Step, int]] = []
        refined: list[Unit] = []
        size = _CHUNK
        while heap:
            _, number, count = heapq.heappop(heap)
            unit = units[number]
            more = sum(len(data) + 6 for data, *_ in unit.next[:count])
            if size + more + 16 * (len(self._qualities) + 1) > left:
                continue  # a smaller one may still fit
            before, plain = unit.error, unit.plain
            taken = unit.take(count)
            steps += taken
            refined += [unit.unit] * count
            size += more
            self._errors[0] += unit.plain - plain
            self._errors[1] += unit.weight * (unit.error - before)
            if size >= layer:
                left -= size
                self._close(steps, refined)
                steps, refined, size = [], [], _CHUNK
            gain, count = unit.best()
            if count:
                heapq.heappush(heap, (-gain, number, count))
        if steps:
            self._close(steps, refined)

    def _close(self, steps: list[tuple[Step, int]], refined: list[Unit]) -> None:
        payload, size = write_steps([step for step, _ in steps]), steps_size(refined)
        start = self._chunks[-1].covers[0][1]
        digest = steps_hash([traced for _, traced in steps])
        self._chunks.append(Chunk(CRITICAL, ((start, start + size),), payload, digest, size))
        self._qualities.append(self._errors[:])
