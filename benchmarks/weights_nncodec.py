"""NNCodec's coder of whole numbers beside ours, on the same numbers: those in a file of codec `weights.quantised`.

    python benchmarks/weights_nncodec.py FILE.lac [--chunks 4]

`nncodec` 2.1.3 asks for numpy below 2 and has no wheels; only its extension is needed here: unpack its source, run
`python setup.py build_ext --inplace` in it, and put its `src/nncodec/extensions` into PYTHONPATH. It codes each part of a tensor
in a chunk as one layer, with the settings of its own encoder: parameters optimised, unary length 10, no dependent quantisation.
Ours: classes of rows, tables and numbers. Seconds are processor time, of one thread. Last, the bits that adaptive counts of our
contexts would take, begun anew in each chunk with 0.1 for each number that occurs.
"""

import argparse
import time
from dataclasses import replace
from importlib.util import find_spec
from math import lgamma, log
from pathlib import Path

import numpy as np

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._planes import encode_plane
from lacodec.codecs.weights._selection import table_of
from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised import _payload as ours
from lacodec.codecs.weights.quantised._pieces import pieces_of
from lacodec.codecs.weights.quantised.quantise import Grid, base_of, classes_of, counted
from lacodec.codecs.weights.quantised.trellis import CLASSES, all_classes
from lacodec.container import CRITICAL
from lacodec.container import Reader as File
from lacodec.io.source import FileSource

_UNARY, _PRIOR = 10, 0.1


def main() -> None:
    """Print bytes and speeds of both, or of ours where NNCodec is missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--chunks", type=int, default=4)
    arguments = parser.parse_args()
    chunks = numbers_of(arguments.file, arguments.chunks)
    count = sum(grid.numbers.size for grids in chunks for grid in grids)
    print(f"{'adaptive':8} {round(adaptive(chunks) / 8):10,} bytes")
    ways = {"lacodec": _ours} | ({"nncodec": _theirs} if find_spec("deepCABAC") else {})
    for name, way in ways.items():
        way(chunks[:1])  # compiles kernels
        size, encoding, decoding = way(chunks)
        print(
            f"{name:8} {size:10,} bytes {8 * size / count:.4f} bits a number"
            f"  encodes {count / encoding / 1e6:7.2f}, decodes {count / decoding / 1e6:7.2f} million a second",
            flush=True,
        )


def numbers_of(file: Path, most: int) -> list[list[Grid]]:
    """Of the first chunks that hold numbers."""
    found = []
    with FileSource(file) as source:
        reader = File(source)
        for position, head in enumerate(reader.index):
            if head.kind != CRITICAL or len(found) == most:
                continue
            payload = Reader(reader.chunk(position).payload)
            pieces = pieces_of(table_of(reader.header), *head.covers[0])
            flags = bytes(payload.take(len(pieces)))
            payload.piece()
            shapes = [piece.shape for piece, flag in zip(pieces, flags, strict=True) if flag]
            if shapes:
                found.append([sections.grid for sections in ours.decode_parts(payload, shapes)])
    return found


def adaptive(chunks: list[list[Grid]]) -> float:
    """Bits of all numbers by counts of those before in the same context."""
    total = 0.0
    for grids in chunks:
        base, counts = base_of([grid.rows for grid in grids]), np.zeros((CLASSES, 2 * kernels.MOST + 1), np.int64)
        for grid in grids:
            counts += counted(grid, all_classes(grid, base) if grid.trellis else classes_of(grid, base), CLASSES)
        used = counts[:, counts.any(0)] + _PRIOR
        gammas = np.frompyfunc(lgamma, 1, 1)
        begin = gammas(_PRIOR * used.shape[1]) - used.shape[1] * lgamma(_PRIOR)
        total += float((gammas(used.sum(1)) - gammas(used).sum(1) - begin).sum()) / log(2)
    return total


def _ours(chunks: list[list[Grid]]) -> tuple[int, float, float]:
    size, encoding, decoding = 0, 0.0, 0.0
    for grids in chunks:
        out, rows = Writer(), Writer()
        begin = time.process_time()
        base = base_of([grid.rows for grid in grids])
        for grid in grids:
            encode_plane(rows, grid.rows)
        ours.write_stream(out, grids, base)
        encoding += time.process_time() - begin
        size += len(out.data) + len(rows.data)
        begin = time.process_time()
        again = [replace(grid, numbers=np.empty_like(grid.numbers)) for grid in grids]
        ours.read_stream(Reader(out.data), again)
        decoding += time.process_time() - begin
        if any((one.numbers != other.numbers).any() for one, other in zip(grids, again, strict=True)):
            raise SystemExit("lacodec: decodes to other numbers")
    return size, encoding, decoding


def _theirs(chunks: list[list[Grid]]) -> tuple[int, float, float]:
    import deepCABAC

    off = deepCABAC.HdspMode.AlwaysOff, np.array((0, 0), np.int8)
    size, encoding, decoding = 0, 0.0, 0.0
    for grid in [grid for grids in chunks for grid in grids]:
        numbers = grid.numbers.astype(np.int32)
        begin = time.process_time()
        encoder = deepCABAC.Encoder()
        encoder.initCtxModels(_UNARY, 1)
        encoder.encodeLayer(numbers, 0, 0, 0, 0, 0, np.zeros(len(numbers), np.int32), *off, 0, 0)
        data = encoder.finish()
        encoding += time.process_time() - begin
        size += len(data)
        again = np.zeros_like(numbers)
        begin = time.process_time()
        decoder = deepCABAC.Decoder()
        decoder.setStream(data)
        decoder.initCtxModels(_UNARY)
        decoder.decodeLayer(again, 0, 0, 0, 0, *off, 0, 0)
        decoder.finish()
        decoding += time.process_time() - begin
        if (again != numbers).any():
            raise SystemExit("nncodec: decodes to other numbers")
    return size, encoding, decoding


if __name__ == "__main__":
    main()
