"""What the line model remembers, and the arrays that hold it: indices into flat arrays, as kernels need them."""

from typing import NamedTuple

import numpy as np

from lacodec.codecs.bytes.mixed.kernel import MEMORY

# Behind what the byte model remembers, in `Model.memory`.
#   the line: hash of what stands before the token (PREFIX), of the token, its length, first byte, whether it has digits (VARIES),
#   its last run of digits and their number; separators since the last token (GAP); hashes of the last three items
#   pointers: into the bytes so far, 0 for none, each with the number of bytes that it foretold in a row
#   expected numbers: `text` has two, each with its length, and how the token compares (0 the same so far, 1 above, 2 below)
#   the clock: the first time of the line in microseconds plus one, and how far it has been read
(PREFIX, TOKEN, LENGTH, FIRST, VARIES, VALUE, DIGITS, GAP, ITEM_1, ITEM_2, ITEM_3, PLACE_NOW, START, COUNT, COUNT_BEFORE, ALIGNED,
 LAST_VARIABLE, KEY, KEY_TEMPLATE, OUTCOMES, STEP, SAME, SAME_RUN, BESIDE, BESIDE_RUN, SHAPED, SHAPED_RUN, ABOVE, ABOVE_RUN,
 EARLIER, ELSEWHERE, COMPARED, COMPARED_1, COMPARED_2, LENGTH_1, LENGTH_2, TEXT_AT, UNIT, CLOCK, CLOCK_STATE, CHAIN, CHAIN_VALUE,
 BLOCK) = range(MEMORY, MEMORY + 43)  # fmt: skip
LINE_MEMORY = MEMORY + 43
PER_LINE = (PREFIX, COUNT, ALIGNED, LAST_VARIABLE, KEY, KEY_TEMPLATE, OUTCOMES, STEP, CLOCK, CLOCK_STATE, CHAIN, GAP)

# A place, what is kept for a prefix: eight numbers, a cache line.
#   AT: where it last was (lower half; upper half: check). SOURCE: prefix under which its token had been before. NUMBER, STRIDE:
#   of a token of digits, and its difference to the one before. TOKEN_WAS: hash. HISTORY_WAS: four outcomes, two bits each.
#   LOOK: width of the number (0: none), how many tokens back in its line the same token was (8 bits), unit of the clock.
(AT, SOURCE, NUMBER, STRIDE, TOKEN_WAS, HISTORY_WAS, LOOK, CLOCK_WAS) = range(8)
PLACE = 8
RECENT_TABLES = 3
(OF_VARIABLE, OF_SHAPE, OF_KEY) = range(RECENT_TABLES)

TOKENS_KEPT = 64
"""Tokens of a line that are remembered, of the present one and of the one before: `line` has hashes, starts, and both again."""
TEXT = 32
"""Bytes for an expected number."""
ZERO_PADDED = 32
"""Added to the width of a number that starts with a zero."""


class Model(NamedTuple):
    """The byte model's arrays (the first nine) and the line model's. Made by `start.new_model`."""

    kinds: np.ndarray  # int64[contexts]
    every: np.ndarray  # uint64[KINDS]
    ctx: np.ndarray  # uint64[contexts]
    expect: np.ndarray  # int64[2 * MATCHES]
    select: np.ndarray  # int64[MAX_SELECTS + 2]
    memory: np.ndarray  # uint64[LINE_MEMORY]
    matches: np.ndarray  # int64[4 * MATCHES]
    heads: np.ndarray  # uint32[MATCHES * 2**k]
    recent: np.ndarray  # uint32[3 * RECENT]
    told: np.ndarray  # int64[2 * EXPECTS]: expected bytes for the engine
    places: np.ndarray  # uint64[PLACE * 2**k]
    last: np.ndarray  # uint32[RECENT_TABLES * 2**k]: hash of a context -> where it last was
    templates: np.ndarray  # uint64[2**k]: hash of a token -> template of the last line with it
    sources: np.ndarray  # uint64[2**k]: hash of a token -> prefix before it
    line: np.ndarray  # uint64[4 * TOKENS_KEPT]
    text: np.ndarray  # uint8[2 * TEXT]
