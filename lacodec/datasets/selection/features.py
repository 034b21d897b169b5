"""Features of documents as slots of a table: byte n-grams and words (`GRAMS`), or tokens and their pairs (`TOKENS`).

batch of documents --add--> counts of slots            batch, weights of slots --weigh--> a sum for each document

Documents are looked at in pieces, so that memory stays small; n-grams and pairs do not reach over the edge of a piece.
"""

import numpy as np

from lacodec.datasets.selection.batch import Batch
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import flat_kernel, inlined

GRAMS, TOKENS = 0, 1
_SHORTEST, _LONGEST = 2, 6  # byte n-grams
_PIECE = 1 << 14
_PER_BYTE = _LONGEST - _SHORTEST + 1 + 2
_ONE = np.uint64(1)
_WORD = np.uint64(0xD6E8FEB86659FD93)
_PAIR = np.uint64(0xBF58476D1CE4E5B9)
_MORE = np.uint64(0x94D049BB133111EB)
_ORDER = np.uint64(0x1234567890ABCDF)


def add(batch: Batch, kind: int, counts: np.ndarray) -> None:
    """Count the features of all documents: `counts` i64[a power of two]."""
    _add(batch.data, batch.starts, kind, _shift(counts), counts, _scratch())


def weigh(batch: Batch, kind: int, weights: np.ndarray) -> np.ndarray:
    """Sum of the weights of its features, f64[documents]; `weights` f32[a power of two]."""
    sums = np.zeros(batch.starts.size - 1)
    _weigh(batch.data, batch.starts, kind, _shift(weights), weights, sums, _scratch())
    return sums


def _shift(table: np.ndarray) -> np.uint64:
    """Brings a hash of 64 bits to the range of the table."""
    return np.uint64(64 - (table.size.bit_length() - 1))


def _scratch() -> np.ndarray:
    return np.zeros(_PIECE * _PER_BYTE + 2, np.uint32)


@inlined
def is_word(byte: np.uint8) -> bool:
    """Letters, digits, underscores, and all bytes of characters outside of ASCII."""
    return bool((97 <= byte <= 122) or (65 <= byte <= 90) or byte >= 128 or (48 <= byte <= 57) or byte == 95)


@inlined
def is_space(byte: np.uint8) -> bool:
    """White space of ASCII."""
    return bool(byte == 32 or 9 <= byte <= 13)


@inlined
def grown(word: np.uint64, byte: np.uint8) -> np.uint64:
    """Hash of a word with one more byte, upper and lower case alike (ASCII)."""
    low = byte + np.uint8(32) if 65 <= byte <= 90 else byte
    word = (word + np.uint64(low) + _ONE) * _WORD
    return word ^ (word >> np.uint64(32))


@inlined
def mixed(value: np.uint64) -> np.uint64:
    """A hash whose upper bits all depend on all bits of the value (the finisher of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * _PAIR
    value = (value ^ (value >> np.uint64(27))) * _MORE
    return value ^ (value >> np.uint64(31))


@inlined
def _gram_slots(data: np.ndarray, begin: int, end: int, shift: np.uint64, slots: np.ndarray) -> np.uint64:
    count = np.uint64(0)
    history, word, before = np.uint64(0), np.uint64(0), np.uint64(0)
    for at in range(np.uint64(begin), np.uint64(end)):
        byte = data[at]
        history = (history << np.uint64(8)) | np.uint64(byte)
        for order in range(np.uint64(_SHORTEST), np.uint64(_LONGEST + 1)):
            gram = history & ((_ONE << (order * np.uint64(8))) - _ONE)
            slots[count] = ((gram + order * _ORDER) * GOLDEN) >> shift
            count += _ONE
        if is_word(byte) or byte == 39:
            word = grown(word, byte)
        elif word != 0:
            slots[count] = (word * GOLDEN) >> shift
            slots[count + _ONE] = mixed(word + before * _PAIR) >> shift
            count += np.uint64(2)
            before, word = word, np.uint64(0)
    return count


@inlined
def _token_slots(data: np.ndarray, begin: int, end: int, shift: np.uint64, slots: np.ndarray) -> np.uint64:
    """Runs of letters and digits, and runs of what is neither these nor white space."""
    count = np.uint64(0)
    token, before, kind = np.uint64(0), np.uint64(0), np.uint64(0)
    for at in range(np.uint64(begin), np.uint64(end) + _ONE):
        byte = data[at] if at < np.uint64(end) else np.uint8(32)
        now = np.uint64(2) if is_word(byte) else np.uint64(0) if is_space(byte) else _ONE
        if now != kind and kind != 0:
            slots[count] = mixed(token) >> shift
            count += _ONE
            if before != 0:
                slots[count] = mixed(token + before * _PAIR) >> shift
                count += _ONE
            before, token = token, np.uint64(0)
        if now != 0:
            token = grown(token, byte)
        kind = now
    return count


@inlined
def _slots(data: np.ndarray, begin: int, end: int, kind: int, shift: np.uint64, slots: np.ndarray) -> np.uint64:
    if kind == GRAMS:
        return _gram_slots(data, begin, end, shift, slots)
    return _token_slots(data, begin, end, shift, slots)


@flat_kernel
def _add(data: np.ndarray, starts: np.ndarray, kind: int, shift: np.uint64, counts: np.ndarray, slots: np.ndarray) -> None:
    for i in range(np.uint64(starts.size - 1)):
        for begin in range(starts[i], starts[i + _ONE], _PIECE):
            found = _slots(data, begin, min(begin + _PIECE, starts[i + _ONE]), kind, shift, slots)
            for k in range(found):
                counts[slots[k]] += 1


@flat_kernel
def _weigh(
    data: np.ndarray, starts: np.ndarray, kind: int, shift: np.uint64, weights: np.ndarray, sums: np.ndarray, slots: np.ndarray
) -> None:
    for i in range(np.uint64(starts.size - 1)):
        total = 0.0
        for begin in range(starts[i], starts[i + _ONE], _PIECE):
            found = _slots(data, begin, min(begin + _PIECE, starts[i + _ONE]), kind, shift, slots)
            for k in range(found):
                total += weights[slots[k]]
        sums[i] = total
