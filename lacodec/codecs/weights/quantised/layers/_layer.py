"""A layer: the next levels of some units, those that lower the error most for their bytes.

    payload = (number chunk, number unit in it, number level, size, level) ...

Its content hash is that of the bits and signs in it, its decoded size a byte for eight values of each level, and one more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights.quantised.layers._unit import MOST_LEVELS, Unit
from lacodec.container.types import content_hash
from lacodec.errors import CorruptFile


@dataclass(frozen=True)
class Step:
    """One level of one unit."""

    chunk: int
    unit: int
    level: int
    data: bytes | memoryview


@dataclass(frozen=True)
class Layer:
    """The decoded part: steps, which need what came before; the hash and the size to expect of them."""

    steps: Sequence[Step]
    hash: int
    size: int


def write_steps(steps: Sequence[Step]) -> bytes:
    """The payload."""
    out = Writer()
    for step in steps:
        out.number(step.chunk)
        out.number(step.unit)
        out.number(step.level)
        out.piece(step.data)
    return out.data


def read_layer(payload: bytes, expected: int, size: int) -> Layer:
    """The part; raises CorruptFile."""
    reader, steps = Reader(payload), []
    while len(reader):
        chunk, unit, level = reader.number(), reader.number(), reader.number()
        if level >= MOST_LEVELS:
            raise CorruptFile("a layer has a level beyond the last one")
        steps.append(Step(chunk, unit, level, reader.piece()))
    return Layer(steps, expected, size)


def trace(unit: Unit) -> bytes:
    """What the hash of a layer is made of, for a unit that has just been refined."""
    return (unit.numbers & np.uint16(1)).astype(np.uint8).tobytes() + unit.signs.tobytes()


def steps_size(units: Sequence[Unit]) -> int:
    """The decoded size of a layer that refines these units."""
    return sum(unit.numbers.size // 8 + 1 for unit in units)


def steps_hash(traces: Sequence[int]) -> int:
    """The hash of a layer: of the hashes of its traces."""
    return content_hash(np.array(traces, "<u8").tobytes())
