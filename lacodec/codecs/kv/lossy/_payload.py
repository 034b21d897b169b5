"""The payload of a chunk: some layers and tokens of a cache.

    payload = piece: payload of codec `weights` for the exact tokens (as a chunk of codec `kv`; empty if there are none)
              piece: payload of codec `bytes` for the sides
              u8 set of tables | the rest: a rANS stream of all numbers        (absent if no tokens are left)
    sides   = u8[layers, tokens] classes; for keys and values of each layer: u8[channels] table, less that of the channel
              before; without a matrix: i16[channels] exponents, i16[channels] offsets; all little-endian
    numbers = for keys and values of each layer: [batch, tokens, channels]

The content that is hashed: the exact tokens, the sides, and all numbers as little-endian i16.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.kv._content import Pair, gather, runs_of, size_of, spread
from lacodec.codecs.kv._header import Place
from lacodec.codecs.kv.lossy import _kernel as kernels
from lacodec.codecs.kv.lossy._classes import CLASSES, FACTORS, PLAIN, Classes, fitting, shifted
from lacodec.codecs.kv.lossy._tables import SETS, chosen, tables_of
from lacodec.codecs.kv.lossy._units import HIGHEST, LOWEST, exponents_of, offsets_of, places_of, units_of
from lacodec.codecs.kv.lossy.basis import Basis, Floats, Transform
from lacodec.codecs.kv.lossy.turning import Turns, elements_of, rows_of
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.session import Session
from lacodec.container.types import Header, content_hash
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.kv.value import KVCache, Model, Shape

_MOST = 32_000  # numbers
_EFFORT = 5  # of what is kept as it is
Numbers = NDArray[np.int16]


@dataclass(frozen=True)
class Setup:
    """What all chunks of a file share. step: in units of the basis. exact: first tokens of a sequence, of which those before
    `start` are not in this cache. classes: u8[layers, tokens] that are wanted, for the encoder.
    """

    shape: Shape
    model: Model
    step: float
    exact: int
    start: int = 0
    basis: Basis | None = None
    classes: Classes | None = None

    def split(self, place: Place) -> tuple[Place, Place]:
        """(exact tokens of a chunk, the others)."""
        layers, (start, stop) = place
        middle = min(max(start, self.exact - self.start), stop)
        return (layers, (start, middle)), (layers, (middle, stop))

    def turns(self, tokens: tuple[int, int], back: bool = False) -> Turns:
        """The rotary embedding of these tokens, by their places in the sequence."""
        return Turns(self.model, np.arange(*tokens) + self.start, back)

    def arrays(self, place: Place) -> "Iterator[_Array]":
        """The keys and values of each layer in a chunk, but for those without elements."""
        (first, last), tokens = place
        for layer in range(first, last):
            for which, sizes in enumerate(self.shape.arrays(layer, tokens[1] - tokens[0])):
                if np.prod(sizes, dtype=object):
                    known = None if self.basis is None else self.basis.layers[layer][which]
                    yield _Array(layer, which, sizes, known)


@dataclass(frozen=True)
class _Array:
    """Keys (which 0) or values (1) of a layer, [batch, heads, tokens, width]."""

    layer: int
    which: int
    sizes: tuple[int, int, int, int]
    known: Transform | None

    @property
    def channels(self) -> int:
        return self.sizes[1] * self.sizes[3]

    @property
    def rows(self) -> int:
        return self.sizes[0] * self.sizes[2]

    @property
    def matrix(self) -> bool:
        return self.known is not None and self.known.matrix is not None

    @property
    def place(self) -> str:
        return f"layer {self.layer}: its {('keys', 'values')[self.which]}"


def encode_place(cache: KVCache, place: Place, setup: Setup, session: Session) -> tuple[bytes, int]:
    """(payload, hash of the content); raises BadInput for values that are not finite, or far outside the basis."""
    kept, coded = setup.split(place)
    content = gather(cache, kept) if size_of(setup.shape, kept) else np.empty(0, np.uint8)
    runs = list(runs_of(setup.shape, kept))
    exact = embed("weights", (content.data, runs), session, effort=_EFFORT) if len(content) else b""
    turns, arrays = setup.turns(coded[1], back=True), list(setup.arrays(coded))
    out = Writer()
    out.piece(exact)
    if not arrays:
        out.piece(b"")
        return out.data, content_hash(content)
    units, side = [], []
    for array in arrays:
        values = cache.layers[array.layer][array.which][:, :, coded[1][0] : coded[1][1]]
        found, told = _units(rows_of(values, setup.shape.dtype), array, setup, turns)
        units.append(found)
        side.append(told)
    first, classes = place[0][0], _classes(setup, coded)
    for array, found in zip(arrays, units, strict=True):
        largest = np.abs(found).max(axis=1).reshape(array.sizes[0], -1).max(axis=0)
        if not largest.max() <= _MOST * FACTORS[0]:
            raise BadInput(f"{array.place} have values far outside of the basis; use a lower quality, or one without a basis")
        classes[array.layer - first] = fitting(classes[array.layer - first], largest, _MOST)
    ways = [_Way.of(units, which) for which in range(len(SETS))]
    best = min(ways, key=lambda way: way.bits * (1.0 if way.which == 0 else 1.004))  # the first decodes faster
    own = [np.tile(classes[array.layer - first], array.sizes[0]) for array in arrays]
    parts = [np.rint(found / FACTORS[c][:, None]).astype(np.int16) for found, c in zip(units, own, strict=True)]
    sides = classes.tobytes() + b"".join(tables + told for tables, told in zip(best.sides(), side, strict=True))
    out.piece(embed("bytes", sides, session, effort=1))
    out.write(bytes([best.which]))
    out.write(best.stream(parts, own))
    return out.data, _hash(content, sides, parts)


def decode_place(payload: bytes, place: Place, setup: Setup, expected: int, header: Header, session: Session) -> list[Pair]:
    """(keys, values) of each layer, [batch, heads, tokens, width]; `expected` is the hash of the content. Raises CorruptFile."""
    shape = setup.shape
    (first, last), _ = place
    kept, coded = setup.split(place)
    reader = Reader(payload)
    exact, sides = reader.piece(), reader.piece()
    size = size_of(shape, kept)
    content = np.asarray(unembed("weights", bytes(exact), size, header, session)) if size else np.empty(0, np.uint8)
    if not size and len(exact):
        raise CorruptFile("it has exact tokens where none can be")
    arrays = list(setup.arrays(coded))
    told, parts, own = b"", [], []
    if arrays:
        rows = last - first, coded[1][1] - coded[1][0]
        begin = rows[0] * rows[1]
        length = begin + sum((1 if array.matrix else 5) * array.channels for array in arrays)
        told = bytes(unembed("bytes", bytes(sides), length, header, session))
        which = reader.take(1)[0]
        if len(told) != length or which >= len(SETS):
            raise CorruptFile("its tables are not those of its channels")
        classes = np.frombuffer(told, np.uint8, begin).reshape(rows)
        if int(classes.max()) >= CLASSES:
            raise CorruptFile("a token has an unknown class")
        own = [np.tile(classes[array.layer - first], array.sizes[0]) for array in arrays]
        parts = _pulled(reader.take(len(reader)), arrays, told[begin:], which, own)
    elif len(sides):
        raise CorruptFile("it has tables for no channels")
    reader.finish()
    if _hash(content, told, parts) != expected:
        raise CorruptFile("its numbers differ from those that were encoded")
    found = _restored(parts, arrays, told[begin:], own, setup, coded) if arrays else {}
    out = []
    for layer, pair in zip(range(first, last), spread(content, shape, kept), strict=True):
        wanted = shape.arrays(layer, coded[1][1] - coded[1][0])
        both = [found.get((layer, part), np.empty(wanted[part], pair[part].dtype)) for part in (0, 1)]
        keys, values = (np.concatenate([one, two], axis=2) for one, two in zip(pair, both, strict=True))
        out.append((keys, values))
    return out


def _classes(setup: Setup, coded: Place) -> Classes:
    """u8[layers, tokens] of a chunk."""
    (first, last), (start, stop) = coded
    if setup.classes is None:
        return np.full((last - first, stop - start), PLAIN, np.uint8)
    return setup.classes[first:last, start:stop].copy()


def _units(rows: Floats, array: _Array, setup: Setup, turns: Turns) -> tuple[Floats, bytes]:
    """(coefficients in steps of the file f32[rows, channels], what the sides say beside tables)."""
    if not np.isfinite(rows).all():
        raise BadInput(f"{array.place} hold NaN or infinity; without a quality, codec 'kv' keeps them as they are")
    if array.which == 0:
        rows = turns(rows, array.sizes[3])
    if array.known is not None and array.known.matrix is not None:
        return array.known.analysis(rows) / np.float32(setup.step), b""
    exponents = exponents_of(rows, array.sizes[1], array.which, setup.step, array.known)
    own = units_of(exponents, setup.step)
    offsets = offsets_of(rows, own)
    return rows / own - places_of(offsets), exponents.astype("<i2").tobytes() + offsets.astype("<i2").tobytes()


@dataclass(frozen=True)
class _Way:
    """A set of tables, those of the channels of each part, and what all numbers cost."""

    which: int
    tables: list[NDArray[np.uint8]]
    bits: float

    @classmethod
    def of(cls, units: list[Floats], which: int) -> "_Way":
        """The cheapest tables of a set."""
        found = [chosen(part, which) for part in units]
        return cls(which, [tables for tables, _ in found], sum(bits for _, bits in found))

    def sides(self) -> list[bytes]:
        """The tables as the sides have them."""
        return [np.diff(tables, prepend=np.uint8(0)).tobytes() for tables in self.tables]

    def stream(self, parts: list[Numbers], classes: list[Classes]) -> bytes:
        """All numbers; classes: u8[rows] of each part."""
        encoder = RansEncoder(32)
        for part, tables, own in zip(parts, self.tables, classes, strict=True):
            encoder.push(part.ravel(), tables_of(self.which), _index(tables, self.which, own))
        return encoder.finish()


def _index(tables: NDArray[np.uint8], which: int, classes: Classes) -> NDArray[np.uint8]:
    """u8[rows * channels]: the table of each number, by those of the channels and the classes u8[rows]."""
    return shifted(len(tables_of(which)), which)[:, tables].take(classes, axis=0).ravel()


def _pulled(stream: memoryview, arrays: list[_Array], told: bytes, which: int, classes: list[Classes]) -> list[Numbers]:
    tables, parts, at = tables_of(which), [], 0
    try:
        decoder = RansDecoder(stream)
        for array, rows in zip(arrays, classes, strict=True):
            own = np.cumsum(np.frombuffer(told, np.uint8, array.channels, at), dtype=np.uint8)
            if int(own.max()) >= len(tables):
                raise CorruptFile("a channel has an unknown table")
            at += (1 if array.matrix else 5) * array.channels
            index = _index(own, which, rows)
            parts.append(decoder.pull(len(index), tables, index, dtype=np.int16).reshape(array.rows, array.channels))
        decoder.finish()
    except BadInput as error:
        raise CorruptFile(str(error)) from None
    return parts


def _restored(
    parts: list[Numbers], arrays: list[_Array], told: bytes, classes: list[Classes], setup: Setup, coded: Place
) -> dict[Any, Any]:
    """(layer, 0 or 1) -> elements."""
    turns, found, at = setup.turns(coded[1]), {}, 0
    for array, numbers, own in zip(arrays, parts, classes, strict=True):
        channels, each = array.channels, FACTORS[own]
        out = np.empty(numbers.shape, np.float32)
        at += channels
        with np.errstate(all="ignore"):
            if array.known is not None and array.known.matrix is not None:
                known, most = array.known, kernels.BLOCK * array.known.matrix.shape[1]
                scratch = np.empty(most, np.int32), np.empty(most, np.float32), np.empty(kernels.BLOCK, np.int64)
                kernels.synthesis(numbers, each * np.float32(setup.step), known.matrix, known.mean, *scratch, out)
            else:
                exponents, offsets = np.frombuffer(told, "<i2", 2 * channels, at).reshape(2, channels)
                at += 4 * channels
                if int(exponents.min()) < LOWEST or int(exponents.max()) > HIGHEST:
                    raise CorruptFile("a channel has an impossible step")
                kernels.scale(numbers, each, places_of(offsets), units_of(exponents, setup.step), out)
            if array.which == 0:
                out = turns(out, array.sizes[3])
            found[array.layer, array.which] = elements_of(_finite(out), array.sizes, setup.shape.dtype)
    return found


def _finite(values: Floats) -> Floats:
    """Numbers for what a forged file made of them."""
    return values if np.isfinite(values).all() else np.nan_to_num(values)


def _hash(content: NDArray[np.uint8], sides: bytes, parts: list[Numbers]) -> int:
    """`content_hash` of the content, without copies of it."""
    found = xxhash.xxh3_64(content.data)
    found.update(sides)
    for part in parts:
        found.update(np.ascontiguousarray(part, "<i2").data)
    return found.intdigest()
