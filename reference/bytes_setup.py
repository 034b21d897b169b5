"""What the byte model consists of at each effort, and its trained start values."""

from dataclasses import dataclass

from reference import bytes_contexts as bc
from reference.data_files import arrays
from reference.mixing import Shape, Start

#: Contexts in the order in which efforts take them up; MATCHED, if it is among them, is moved to the end.
TEXT = (
    *(bc.O1, bc.O2, bc.O3, bc.O4, bc.O6, bc.WORD, bc.INDIRECT3, bc.O0, bc.SHAPE, bc.COLUMN, bc.MATCHED, bc.FIELD_ABOVE, bc.WORD2),
    *(bc.INDIRECT2, bc.SPARSE2, bc.WORD_SKIP, bc.O5, bc.FIELD_HEAD, bc.WORD3, bc.O8, bc.SPARSE23),
)
BINARY = (
    *(bc.O1, bc.O2, bc.O3, bc.O4, bc.O6, bc.RECORD2, bc.INDIRECT3, bc.O0, bc.SPARSE2, bc.SPARSE23, bc.RECORD1, bc.MATCHED),
    *(bc.INDIRECT2, bc.SPARSE34, bc.SPARSE234, bc.RECORD_NEAR, bc.INDIRECT1, bc.RECORD_AT, bc.O5, bc.COLUMN, bc.SHAPE),
)
#: Contexts, expected bytes, weight selectors, log2 of the most lines.
EFFORTS = {4: (5, 1, 3, 20), 5: (6, 1, 3, 20), 6: (10, 2, 4, 20), 7: (13, 2, 5, 22), 8: (17, 2, 6, 22), 9: (21, 2, 6, 22)}
SELECTORS = (64, 1, 8, 256, 512, 256)
PRIMED_FROM = 5  # effort from which on a text model has read the primer
LEAST_LINE_BITS, LEAST_PRIMED_LINE_BITS = 12, 18
BYTES_PER_LINE = 6  # of a block, times its contexts, that a line holds
LARGEST_BLOCK = 64 << 20
MOST_HEAD_BITS = 22


@dataclass(frozen=True)
class Setup:
    """The model for a block. kinds: its contexts; head_bits: log2 of the places in the tables of the match models."""

    shape: Shape
    kinds: tuple[int, ...]
    head_bits: int
    primed: bool
    start: Start


def setup(effort: int, text: bool, size: int) -> Setup:
    """The model of an effort from 4 to 9 for a block of `size` bytes."""
    contexts, expects, selectors, most_line_bits = EFFORTS[effort]
    kinds = (TEXT if text else BINARY)[:contexts]
    kinds = (*(kind for kind in kinds if kind != bc.MATCHED), *(kind for kind in kinds if kind == bc.MATCHED))
    primed = text and effort >= PRIMED_FROM

    def most_size(line_bits: int) -> int:
        return LARGEST_BLOCK if line_bits == most_line_bits else (BYTES_PER_LINE << line_bits) // contexts

    line_bits = LEAST_PRIMED_LINE_BITS if primed else LEAST_LINE_BITS
    while line_bits < most_line_bits and size > most_size(line_bits):
        line_bits += 1
    head_bits = min(most_size(line_bits).bit_length() + 1, MOST_HEAD_BITS)
    shape = Shape(contexts, expects, SELECTORS[:selectors], line_bits)
    return Setup(shape, kinds, head_bits, primed, trained("trained.npz", f"{effort}{'t' if text else 'b'}_", shape))


def trained(file: str, name: str, shape: Shape) -> Start:
    """Start values in a data file: probabilities are stored as their upper 16 bits, weights in units of 1/4096."""
    stored = arrays(file)

    def entries(kind: str, counts: str) -> list[list[int]]:
        pairs = zip(stored[name + kind].tolist(), stored[name + counts].tolist(), strict=True)
        return [[p << 16 | count for p, count in zip(*rows, strict=True)] for rows in pairs]

    weights = [[16 * weight for weight in row[: shape.inputs]] for row in stored[name + "weights"].tolist()]
    maps, expect_maps = entries("maps", "counts"), entries("expect_maps", "expect_counts")
    return Start(maps, expect_maps, weights, stored[name + "final"].tolist())
