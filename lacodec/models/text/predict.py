"""Bytes from a language model of pieces: what it expects next, whatever pieces the bytes so far will turn out to be.

    byte --pre-tokens--> a new one begins: the one before is split into its pieces, which the model reads
         --trie-->       hypotheses: pieces that the bytes since a piece's end may begin --masses--> counts of the next byte

A hypothesis is a memory of the model and a beginning of the piece that follows. Where the beginning is itself a piece, another
hypothesis is that it has ended; the model reads it for that, unless that is too unlikely. When the pre-token closes, only the
pieces that `Pieces.encode` makes of it remain: hypotheses change no memory that lasts. The sums need not be exact, since they
are only an input of a mixer; they are integers, so that encoder and decoder have the same.
"""

from typing import NamedTuple

import numpy as np

from lacodec.kernels.jit import flat_kernel, inlined
from lacodec.models.text.frozen import Frozen
from lacodec.models.text.hypotheses import (
    KIND,
    KNOWN,
    LAST,
    LENGTH,
    LIVE,
    LOST,
    MEMORY,
    NODE,
    STEPS,
    WEIGHT,
    WEIGHT_BITS,
    child_of,
    count_bytes,
    keep_continued,
    learn_follower,
)
from lacodec.models.text.pieces import split
from lacodec.models.text.pretokens import LONGEST, follow
from lacodec.models.text.steps import Scratch, advance, masses
from lacodec.models.text.trie import Trie

HYPOTHESES = 3
MEMORIES = 8
"""Memories of one pre-token that are kept: the first is the one at its beginning."""
UNLIKELY = 1 << (WEIGHT_BITS - 5)
"""An end of a piece with less than this weight is not followed."""

_FIRST = 10  # the byte that stands before the first one
_U = np.uint64


class Reader(NamedTuple):
    """All that is remembered between bytes."""

    state: np.ndarray  # int64[STATES]
    memory: np.ndarray  # int32[MEMORIES, state]
    cumulative: np.ndarray  # uint64[MEMORIES, pieces + 1]
    parent: np.ndarray  # int64[MEMORIES]: which memory read `read` to become this one
    read: np.ndarray  # int64[MEMORIES]
    live: np.ndarray  # int64[2 * HYPOTHESES, 3]
    token: np.ndarray  # uint8[LONGEST + 1]: bytes of the present pre-token
    run: np.ndarray  # int64[2, LONGEST + 1]: to split it into pieces
    followers: np.ndarray  # int32[257, 256]: how often each byte followed each byte, and in row 256 their sums
    tree: np.ndarray  # int64[512]: counts of the next byte (256 to 511), and of its first bits (1 to 255)


class Merges(NamedTuple):
    """Of a set of pieces, see `Pieces`."""

    keys: np.ndarray  # int64[merges]
    ranks: np.ndarray  # int64[merges]


@flat_kernel
def start(model: Frozen, scratch: Scratch, trie: Trie, reader: Reader) -> None:
    """Before the first byte: an empty memory that has read a line end."""
    for i in range(_U(reader.memory.shape[1])):
        reader.memory[0, i] = 0
    reader.state[KIND] = -1
    reader.state[LENGTH] = 0
    reader.state[STEPS] = 0
    for i in range(_U(256)):
        for j in range(_U(256)):
            reader.followers[i, j] = 1
        reader.followers[256, i] = 256
    _read(model, scratch, trie, reader, np.int64(0), np.int64(_FIRST), np.int64(0))
    reader.state[LIVE] = 1
    reader.state[LOST] = 0
    reader.live[0, MEMORY] = 0
    reader.live[0, NODE] = 0
    reader.live[0, WEIGHT] = 1 << WEIGHT_BITS
    reader.state[LAST] = _FIRST
    count_bytes(trie, reader)


@flat_kernel
def take(model: Frozen, scratch: Scratch, trie: Trie, merges: Merges, classes: np.ndarray, reader: Reader, byte: int) -> None:
    """Read a byte; afterwards `reader.tree` has counts of the next one."""
    state = reader.state
    kind, begins = follow(state[KIND], state[LENGTH], np.int64(classes[_U(byte)]))
    state[KIND] = kind
    if begins and state[LENGTH] > 0:
        _close(model, scratch, trie, merges, reader)
        state[LENGTH] = 0
    if state[LENGTH] < LONGEST:
        reader.token[_U(state[LENGTH])] = np.uint8(byte)
        state[LENGTH] += 1
    _narrow(model, scratch, trie, merges, reader, np.uint8(byte))
    _follow_ends(model, scratch, trie, reader)
    learn_follower(reader, byte)
    count_bytes(trie, reader)


@inlined
def _close(model: Frozen, scratch: Scratch, trie: Trie, merges: Merges, reader: Reader) -> None:
    """The pre-token is complete: its pieces are read, from what is known already as far as that goes."""
    state, memory = reader.state, reader.memory
    at = _read_token(model, scratch, trie, merges, reader, state[LENGTH])
    if at != 0:
        for i in range(_U(memory.shape[1])):
            memory[0, i] = memory[_U(at), i]
        for i in range(_U(reader.cumulative.shape[1])):
            reader.cumulative[0, i] = reader.cumulative[_U(at), i]
    state[KNOWN] = 1
    reader.live[0, MEMORY] = 0


@inlined
def _read_token(model: Frozen, scratch: Scratch, trie: Trie, merges: Merges, reader: Reader, length: np.int64) -> np.int64:
    """Leave one hypothesis: the pre-token's first `length` bytes are whole pieces. Returns its memory."""
    state, run = reader.state, reader.run
    for i in range(_U(length)):
        run[0, i] = np.int64(reader.token[i])
    count = split(run[0], run[1], length, merges.keys, merges.ranks)
    at = np.int64(0)
    for i in range(_U(count)):
        found = _known(reader, at, run[0, i])
        if found < 0:
            found = min(state[KNOWN], np.int64(MEMORIES - 1))
            _read(model, scratch, trie, reader, at, run[0, i], found)
        at = found
    state[LIVE] = 1
    reader.live[0, MEMORY] = at
    reader.live[0, NODE] = 0
    reader.live[0, WEIGHT] = 1 << WEIGHT_BITS
    return at


@inlined
def _read(model: Frozen, scratch: Scratch, trie: Trie, reader: Reader, parent: np.int64, piece: np.int64, to: np.int64) -> None:
    """Memory `to` becomes what `parent` becomes by reading `piece`. The last memory is used again when there are too many."""
    advance(model, scratch, piece, reader.memory[_U(parent)], reader.memory[_U(to)])
    masses(model, scratch, reader.cumulative[_U(to)])
    reader.parent[_U(to)] = parent if to < MEMORIES - 1 else -1
    reader.read[_U(to)] = piece
    reader.state[KNOWN] = to + 1
    reader.state[STEPS] += 1


@inlined
def _known(reader: Reader, parent: np.int64, piece: np.int64) -> np.int64:
    """The memory that `parent` became by reading `piece`, or -1."""
    for i in range(_U(1), _U(reader.state[KNOWN])):
        if reader.parent[i] == parent and reader.read[i] == piece:
            return np.int64(i)
    return np.int64(-1)


@inlined
def _narrow(model: Frozen, scratch: Scratch, trie: Trie, merges: Merges, reader: Reader, byte: np.uint8) -> None:
    """Hypotheses after a byte: those of which it is no continuation end."""
    live, total = reader.live, np.int64(0)
    kept = keep_continued(trie, reader, byte, _U(0))
    for i in range(kept):
        total += live[i, WEIGHT]
    if kept == 0:  # the right one was too unlikely to be followed: the bytes before this one are taken for whole pieces
        _read_token(model, scratch, trie, merges, reader, reader.state[LENGTH] - 1)
        live[0, NODE] = np.int64(child_of(trie, _U(0), byte))
        kept, total = _U(1), live[0, WEIGHT]
    for i in range(kept):
        live[i, WEIGHT] = max((live[i, WEIGHT] << WEIGHT_BITS) // total, np.int64(1))
    reader.state[LIVE] = np.int64(kept)


@inlined
def _follow_ends(model: Frozen, scratch: Scratch, trie: Trie, reader: Reader) -> None:
    """Where a beginning is a piece, add the hypothesis that it has ended, if it is likely enough."""
    live, state = reader.live, reader.state
    state[LOST] = 0
    for i in range(_U(state[LIVE])):
        node = _U(live[i, NODE])
        piece = np.int64(trie.piece[node])
        if piece < 0:
            continue
        memory = live[i, MEMORY]
        own = reader.cumulative[_U(memory)]
        first = _U(trie.first[node])
        part, whole = own[first + _U(1)] - own[first], own[_U(trie.end[node])] - own[first]
        weight = np.int64(_U(live[i, WEIGHT]) * part // max(whole, _U(1)))
        ended = _known(reader, memory, piece)
        if ended < 0 and weight >= UNLIKELY and state[KNOWN] < MEMORIES:
            ended = state[KNOWN]
            _read(model, scratch, trie, reader, memory, piece, ended)
        if ended < 0 or state[LIVE] >= 2 * HYPOTHESES:
            state[LOST] += weight
            continue
        new = _U(state[LIVE])
        live[new, MEMORY] = ended
        live[new, NODE] = 0
        live[new, WEIGHT] = weight
        state[LIVE] += 1
