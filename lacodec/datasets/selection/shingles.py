"""Words of documents -> counts, signatures that tell near duplicates, and how much of a document stands in the target.

MinHash (Broder 1997) over shingles of 3 words: of each of 128 orders of all shingles, the first one in the document; the lowest
8 bits of its rank are kept (b-bit minwise hashing, Li and König 2010). Overlap: the part of the shingles of 8 words that are in
a set. Words are runs of letters and digits, upper and lower case alike; a shorter document is one shingle.
"""

from dataclasses import dataclass

import numpy as np

from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.features import grown, is_space, is_word, mixed
from lacodec.kernels.jit import flat_kernel, inlined

SIGNATURE = 128
_NEAR, _LEAK = 3, 8
_ONE = np.uint64(1)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_BASE_3, _BASE_8 = np.uint64(pow(int(_BASE), _NEAR, 1 << 64)), np.uint64(pow(int(_BASE), _LEAK, 1 << 64))
_FACTORS = np.random.default_rng(0).integers(0, 1 << 31, SIGNATURE).astype(np.uint32) * np.uint32(2) + np.uint32(1)
_FINISH = np.uint32(0x85EBCA6B)


@dataclass(frozen=True)
class Words:
    """For each document: tokens (words, and other characters that are not white space), words, signature u8[SIGNATURE], and
    overlap, the part of it that is in the target, 0 to 1."""

    tokens: np.ndarray
    words: np.ndarray
    signatures: np.ndarray
    overlap: np.ndarray


def words_of(batch: Batch, target: np.ndarray) -> Words:
    """target: made by `shingle_set`."""
    count = batch.starts.size - 1
    found = Words(np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros((count, SIGNATURE), np.uint8), np.zeros(count))
    least = np.zeros(SIGNATURE, np.uint32)
    recent = np.zeros(_LEAK, np.uint64)
    _look(batch.data, batch.starts, target, _FACTORS, least, recent, found.tokens, found.words, found.signatures, found.overlap)
    return found


def shingles_of(batch: Batch) -> np.ndarray:
    """Hashes of all shingles of 8 words: u64[...], sorted."""
    out = np.zeros(batch.data.size // 2 + batch.starts.size, np.uint64)
    count = int(_collect(batch.data, batch.starts, np.zeros(_LEAK, np.uint64), out))
    return np.unique(out[:count])


def shingle_set(hashes: np.ndarray) -> np.ndarray:
    """A table for `words_of`: u64[a power of two], 0 where nothing is."""
    table = np.zeros(1 << max(4, (2 * hashes.size).bit_length()), np.uint64)
    _fill(hashes, table)
    return table


@inlined
def _place(table: np.ndarray, value: np.uint64) -> np.uint64:
    """Where the value is in the table, or would be."""
    mask = np.uint64(table.size - 1)
    at = value & mask
    while table[at] != 0 and table[at] != value:
        at = (at + _ONE) & mask
    return at


@flat_kernel
def _fill(hashes: np.ndarray, table: np.ndarray) -> None:
    for i in range(np.uint64(hashes.size)):
        table[_place(table, hashes[i])] = hashes[i]


@inlined
def _pushed(
    recent: np.ndarray, count: np.uint64, word: np.uint64, three: np.uint64, eight: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """Hashes of the last 3 and 8 words, with one word more; `recent` keeps the last 8."""
    slot = count & np.uint64(_LEAK - 1)
    leaves_three = recent[(count - np.uint64(_NEAR)) & np.uint64(_LEAK - 1)] if count >= np.uint64(_NEAR) else np.uint64(0)
    leaves_eight = recent[slot] if count >= np.uint64(_LEAK) else np.uint64(0)
    recent[slot] = word
    return three * _BASE + word - leaves_three * _BASE_3, eight * _BASE + word - leaves_eight * _BASE_8


@inlined
def _shrink(value: np.uint64, factors: np.ndarray, least: np.ndarray) -> None:
    """Take a shingle into account in each order."""
    seed = np.uint32(mixed(value) >> np.uint64(32))
    for k in range(np.uint64(SIGNATURE)):
        rank = np.uint32(seed * factors[k])
        rank = np.uint32((rank ^ (rank >> np.uint32(15))) * _FINISH)
        least[k] = min(least[k], rank)


@inlined
def _nonzero(value: np.uint64) -> np.uint64:
    return mixed(value) | _ONE


@flat_kernel
def _collect(data: np.ndarray, starts: np.ndarray, recent: np.ndarray, out: np.ndarray) -> np.uint64:
    found = np.uint64(0)
    for i in range(np.uint64(starts.size - 1)):
        words, word, three, eight = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        for at in range(np.uint64(starts[i]), np.uint64(starts[i + _ONE]) + _ONE):
            byte = data[at] if at < np.uint64(starts[i + _ONE]) else np.uint8(32)
            if is_word(byte):
                word = grown(word, byte)
            elif word != 0:
                three, eight = _pushed(recent, words, word, three, eight)
                words, word = words + _ONE, np.uint64(0)
                if words >= np.uint64(_LEAK):
                    out[found] = _nonzero(eight)
                    found += _ONE
        if 0 < words < np.uint64(_LEAK):
            out[found] = _nonzero(eight)
            found += _ONE
    return found


@flat_kernel
def _look(
    data: np.ndarray,
    starts: np.ndarray,
    target: np.ndarray,
    factors: np.ndarray,
    least: np.ndarray,
    recent: np.ndarray,
    tokens: np.ndarray,
    word_counts: np.ndarray,
    signatures: np.ndarray,
    overlap: np.ndarray,
) -> None:
    for i in range(np.uint64(starts.size - 1)):
        for k in range(np.uint64(SIGNATURE)):
            least[k] = np.uint32(0xFFFFFFFF)
        words, word, three, eight = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        others, inside = np.uint64(0), np.uint64(0)
        for at in range(np.uint64(starts[i]), np.uint64(starts[i + _ONE]) + _ONE):
            byte = data[at] if at < np.uint64(starts[i + _ONE]) else np.uint8(32)
            if is_word(byte):
                word = grown(word, byte)
                continue
            others += np.uint64(not is_space(byte))
            if word != 0:
                three, eight = _pushed(recent, words, word, three, eight)
                words, word = words + _ONE, np.uint64(0)
                if words >= np.uint64(_NEAR):
                    _shrink(three, factors, least)
                if words >= np.uint64(_LEAK):
                    inside += np.uint64(target[_place(target, _nonzero(eight))] != 0)
        if 0 < words < np.uint64(_NEAR):
            _shrink(three, factors, least)
        if 0 < words < np.uint64(_LEAK):
            inside += np.uint64(target[_place(target, _nonzero(eight))] != 0)
        tokens[i] = np.int64(words + others)
        word_counts[i] = np.int64(words)
        shingles = words - np.uint64(_LEAK - 1) if words >= np.uint64(_LEAK) else _ONE
        overlap[i] = np.float64(inside) / np.float64(shingles)
        for k in range(np.uint64(SIGNATURE)):
            signatures[i, k] = np.uint8(least[k])
