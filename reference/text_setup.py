"""What the text model consists of at each effort, its trained start values, and its primers."""

from dataclasses import dataclass

from reference import text_memory as tm
from reference.data_files import arrays
from reference.text_coder import Shape, Start

#: Contexts in the order in which efforts take them up.
KINDS = (
    *(tm.R1, tm.R2, tm.R3, tm.R4, tm.N6, tm.WORD, tm.WORD2, tm.R0, tm.INDIRECT3, tm.COLUMN, tm.N5, tm.MATCHED),
    *(tm.FIELD_ABOVE, tm.SHAPE, tm.OPEN, tm.SPARSE2, tm.WORD_SKIP, tm.N4, tm.INDIRECT2, tm.WORD_LENGTH, tm.WORD3, tm.BYTES2),
    *(tm.N8, tm.SPARSE23, tm.N1, tm.AFTER_WORD, tm.FIELD_HEAD, tm.PUNCTUATION, tm.N2, tm.SPARSE34, tm.SENTENCE),
)
SLOW_KINDS = (tm.R2, tm.WORD, tm.R1, tm.R3)
SELECTORS = (64, 3, 8, 256, 512, 256, 256, 256)
#: Contexts, whether with runs, slow probabilities, least lengths of matches, selectors, APMs, log2 of the most lines.
EFFORTS = {
    5: (8, False, 1, (6,), 3, 2, 20),
    6: (16, False, 2, (7, 5), 5, 2, 20),
    7: (24, False, 3, (12, 6), 6, 4, 22),
    8: (27, True, 4, (20, 8, 5), 8, 4, 22),
}
LEAST_LINE_BITS, MOST_SLOW_BITS, MOST_HEAD_BITS = 16, 18, 22
BYTES_PER_LINE = 6  # of primer and block, times the contexts, that a line holds
LARGEST_BLOCK = 64 << 20
PRIMERS = 11
LONG_ENGLISH_FROM = 7  # effort


@dataclass(frozen=True)
class Setup:
    """The model for a block behind its primer. head_bits: log2 of the places in the tables of the match models."""

    shape: Shape
    kinds: tuple[int, ...]
    slow_kinds: tuple[int, ...]
    minima: tuple[int, ...]
    head_bits: int
    start: Start


def setup(effort: int, size: int) -> Setup:
    """The model of an effort from 5 to 8 for `size` bytes, the primer's among them."""
    contexts, runs, slows, minima, selectors, apms, most_line_bits = EFFORTS[effort]

    def most_size(line_bits: int) -> int:
        return LARGEST_BLOCK if line_bits == most_line_bits else (BYTES_PER_LINE << line_bits) // contexts

    line_bits = LEAST_LINE_BITS
    while line_bits < most_line_bits and size > most_size(line_bits):
        line_bits += 1
    head_bits = min(most_size(line_bits).bit_length() + 1, MOST_HEAD_BITS)
    shape = Shape(contexts, runs, slows, len(minima), SELECTORS[:selectors], apms, line_bits, min(line_bits, MOST_SLOW_BITS))
    return Setup(shape, KINDS[:contexts], SLOW_KINDS[:slows], minima, head_bits, trained(effort, shape))


def trained(effort: int, shape: Shape) -> Start:
    """Start values: probabilities are stored as their upper 16 bits, weights in units of 1/4096."""
    stored, name = arrays("text/trained.npz"), f"{effort}_"

    def entries(kind: str) -> list[list[int]]:
        pairs = zip(stored[name + kind].tolist(), stored[f"{name}{kind}_counts"].tolist(), strict=True)
        return [[p << 16 | count for p, count in zip(*rows, strict=True)] for rows in pairs]

    weights = [[16 * weight for weight in row[: shape.inputs]] for row in stored[name + "weights"].tolist()]
    return Start(entries("maps"), entries("run_maps"), entries("expect_maps"), weights, stored[name + "final"].tolist())


def parts_of(primer: int, effort: int) -> tuple[int, ...]:
    """The stored texts of a primer: none, English (whose first part only high efforts read), and one for each other language."""
    if primer == 0:
        return ()
    if primer == 1:
        return (0, 1) if effort >= LONG_ENGLISH_FROM else (1,)
    return (primer,)
