"""Text in windows of equally many bits: each holds as many bytes as its bits tell a language model that knows only this window.

    bytes --counts of the next byte--> nested ranges of numbers --the next byte has no range of its own--> the lowest number

Lester et al., "Training LLMs over neurally compressed text" (2024), call windows of an arithmetic coder that starts anew "equal
information" windows. Here a window of W bits is a number below 2^W: the lowest number of a range says that the window ends, and
the others are divided among the 256 bytes. So every number can be decoded, and no padding is needed.
"""

import numpy as np

from lacodec.kernels.jit import flat_kernel, inlined
from lacodec.models.text.language import Language
from lacodec.models.text.predict import Reader, start, take
from lacodec.models.text.steps import Scratch

MOST = 255
"""Bytes in a window, at most."""
_U = np.uint64


@flat_kernel
def pack(
    words: Language, scratch: Scratch, reader: Reader, fresh: Reader, data: np.ndarray, bits: int, out: np.ndarray
) -> np.int64:
    """uint8 data -> numbers in `out`, uint32 of as many as there are bytes; returns how many. fresh: a reader after `start`."""
    at, count = _U(0), _U(0)
    while at < _U(data.size):
        _renew(reader, fresh)
        low, size, length = _U(0), _U(1) << _U(bits), _U(0)
        while at < _U(data.size) and length < _U(MOST):
            begin, end = _range(reader.tree, _U(data[at]), size - _U(1), length == 0)
            if begin >= end:
                break
            low += _U(1) + begin
            size = end - begin
            _take(words, scratch, reader, np.int64(data[at]))
            at += _U(1)
            length += _U(1)
        out[count] = np.uint32(low)
        count += _U(1)
    return np.int64(count)


@flat_kernel
def unpack(words: Language, scratch: Scratch, reader: Reader, fresh: Reader, numbers: np.ndarray, bits: int,
           out: np.ndarray, room: np.ndarray) -> np.int64:  # fmt: skip
    """Decode as many of the numbers as `out` has room for; room[0] becomes how many, and the result is the number of bytes."""
    at, done = _U(0), _U(0)
    while done < _U(numbers.size) and at + _U(MOST) <= _U(out.size):
        _renew(reader, fresh)
        rest, size, length = _U(numbers[done]), _U(1) << _U(bits), _U(0)
        while rest > 0 and length < _U(MOST):
            rest -= _U(1)
            symbol = _symbol(reader.tree, rest, size - _U(1), length == 0)
            begin, end = _range(reader.tree, symbol, size - _U(1), length == 0)
            rest -= begin
            size = end - begin
            _take(words, scratch, reader, np.int64(symbol))
            out[at] = np.uint8(symbol)
            at += _U(1)
            length += _U(1)
        done += _U(1)
    room[0] = np.int64(done)
    return np.int64(at)


@flat_kernel
def renewed(words: Language, scratch: Scratch, reader: Reader) -> None:
    """A reader that knows nothing."""
    start(words.model, scratch, words.trie, reader)


@inlined
def _take(words: Language, scratch: Scratch, reader: Reader, byte: np.int64) -> None:
    take(words.model, scratch, words.trie, words.merges, words.classes, reader, byte)


@inlined
def _renew(reader: Reader, fresh: Reader) -> None:
    """What `start` makes, without its step."""
    for i in range(_U(reader.state.size)):
        reader.state[i] = fresh.state[i]
    for i in range(_U(reader.memory.shape[1])):
        reader.memory[0, i] = fresh.memory[0, i]
    for i in range(_U(reader.cumulative.shape[1])):
        reader.cumulative[0, i] = fresh.cumulative[0, i]
    for i in range(_U(fresh.live.shape[1])):
        reader.live[0, i] = fresh.live[0, i]
    for i in range(_U(257)):
        for j in range(_U(256)):
            reader.followers[i, j] = fresh.followers[i, j]
    for i in range(_U(512)):
        reader.tree[i] = fresh.tree[i]


@inlined
def _range(tree: np.ndarray, symbol: np.uint64, room: np.uint64, first: bool) -> tuple[np.uint64, np.uint64]:
    """The part of `room` numbers that a byte has; in the first place of a window none is left without."""
    below, node = _U(0), _U(1)
    for k in range(_U(8)):
        bit = (symbol >> (_U(7) - k)) & _U(1)
        if bit:
            below += _U(tree[_U(2) * node])
        node = _U(2) * node + bit
    total, own = _U(tree[1]), _U(tree[node])
    if first:
        return symbol + (room - _U(256)) * below // total, symbol + _U(1) + (room - _U(256)) * (below + own) // total
    return room * below // total, room * (below + own) // total


@inlined
def _symbol(tree: np.ndarray, place: np.uint64, room: np.uint64, first: bool) -> np.uint64:
    """The byte whose part has this place."""
    low, high = _U(0), _U(255)
    while low < high:
        middle = (low + high) >> _U(1)
        if _range(tree, middle, room, first)[1] > place:
            high = middle
        else:
            low = middle + _U(1)
    return low
