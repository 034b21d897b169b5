"""A language model ready to read bytes: the arrays of a model file, and what one stream through it needs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput, CorruptFile
from lacodec.kernels.byte_vector import COLUMNS, ROWS
from lacodec.models.text import pretokens
from lacodec.models.text.frozen import Frozen, frozen
from lacodec.models.text.hypotheses import STATES
from lacodec.models.text.pieces import Pieces
from lacodec.models.text.predict import HYPOTHESES, MEMORIES, Merges, Reader
from lacodec.models.text.steps import BLOCKS, HIDDEN, PIECES, RECURRENCE, WIDTH, Scratch, state_size
from lacodec.models.text.trie import Trie, trie


class Language(NamedTuple):
    """What kernels need of a model; the same for all streams."""

    model: Frozen
    trie: Trie
    merges: Merges
    classes: NDArray[np.uint8]


def language(arrays: Mapping[str, NDArray[Any]]) -> Language:
    """From the arrays of a model file: those of `frozen.shapes`, and merges int32[n, 2]; raises CorruptFile."""
    pieces = pieces_of(arrays)
    if len(set(pieces.texts)) != len(pieces):
        raise CorruptFile("two of a text model's pieces are the same")
    by_bytes = trie(pieces.texts)
    return Language(frozen(arrays, by_bytes.order), by_bytes, Merges(pieces.keys, pieces.ranks), pretokens.CLASSES)


def pieces_of(arrays: Mapping[str, NDArray[Any]]) -> Pieces:
    """The pieces in the arrays of a model file; raises CorruptFile."""
    try:
        return Pieces(np.asarray(arrays["merges"], np.int64))
    except (KeyError, ValueError, BadInput) as error:
        raise CorruptFile(f"a text model's pieces are invalid: {error}") from error


def scratch(model: Frozen) -> Scratch:
    """Room for the values of one step."""
    pieces, width, recurrence, hidden = (int(model.sizes[i]) for i in (PIECES, WIDTH, RECURRENCE, HIDDEN))
    most = max(width, 3 * recurrence, 2 * hidden)
    return Scratch(
        np.zeros(width, np.int32),
        np.zeros(max(width, recurrence, hidden) + COLUMNS, np.int16),
        np.zeros(most + ROWS, np.int32),
        np.zeros(pieces + ROWS, np.int32),
    )


def reader(model: Frozen) -> Reader:
    """What is remembered of a stream; `predict.start` fills it."""
    pieces, width, recurrence, blocks = (int(model.sizes[i]) for i in (PIECES, WIDTH, RECURRENCE, BLOCKS))
    longest = pretokens.LONGEST + 1
    return Reader(
        np.zeros(STATES, np.int64),
        np.zeros((MEMORIES, state_size(width, recurrence, blocks)), np.int32),
        np.zeros((MEMORIES, pieces + 1), np.uint64),
        np.zeros(MEMORIES, np.int64),
        np.zeros(MEMORIES, np.int64),
        np.zeros((2 * HYPOTHESES, 3), np.int64),
        np.zeros(longest, np.uint8),
        np.zeros((2, longest), np.int64),
        np.zeros((257, 256), np.int32),
        np.zeros(512, np.int64),
    )
