"""Which phrases of a list occur in documents, by words: as in Xu et al. 2023, Demystifying CLIP Data, upper and lower case alike.

phrases --compiled--> table of hashes          batch --matches--> pairs of (document, phrase)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.features import grown, is_word, mixed
from lacodec.errors import BadInput
from lacodec.kernels.jit import flat_kernel, inlined

MOST_WORDS = 8
_ONE = np.uint64(1)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_LAST = np.uint64(MOST_WORDS - 1)


@dataclass(frozen=True)
class Phrases:
    """hashes: u64[a power of two], 0 where nothing is; numbers: of the phrase with that hash, i64; words: of the longest one."""

    hashes: np.ndarray
    numbers: np.ndarray
    words: int
    count: int


def compiled(phrases: Sequence[str]) -> Phrases:
    """A table of phrases of up to MOST_WORDS words; raises BadInput for one with none, or with more."""
    batch = Batch([phrase.encode() for phrase in phrases])
    words, hashes = np.zeros(len(phrases), np.int64), np.zeros(len(phrases), np.uint64)
    _whole(batch.data, batch.starts, words, hashes)
    wrong = np.flatnonzero((words < 1) | (words > MOST_WORDS))
    if wrong.size or not len(phrases):
        which = f"{phrases[wrong[0]]!r} has {words[wrong[0]]} words" if wrong.size else "there is none"
        raise BadInput(f"entries of metadata are of 1 to {MOST_WORDS} words; {which}")
    size = 1 << max(4, (2 * len(phrases)).bit_length())
    table = Phrases(np.zeros(size, np.uint64), np.zeros(size, np.int64), int(words.max()), len(phrases))
    _fill(hashes, table.hashes, table.numbers)
    return table


def matches(batch: Batch, table: Phrases) -> tuple[np.ndarray, np.ndarray]:
    """(documents, phrases), i64[pairs] each: which phrase is in which document, once however often it is."""
    found = np.zeros((batch.data.size // 2 + batch.starts.size) * table.words, np.uint64)
    count = int(
        _match(batch.data, batch.starts, table.hashes, table.numbers, table.words, np.zeros(MOST_WORDS, np.uint64), found)
    )
    pairs = np.unique(found[:count])
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


@inlined
def _final(value: np.uint64) -> np.uint64:
    return mixed(value) | _ONE


@inlined
def _place(hashes: np.ndarray, value: np.uint64) -> np.uint64:
    """Where the value is in the table, or would be."""
    mask = np.uint64(hashes.size - 1)
    at = (value >> _ONE) & mask
    while hashes[at] != 0 and hashes[at] != value:
        at = (at + _ONE) & mask
    return at


@flat_kernel
def _fill(values: np.ndarray, hashes: np.ndarray, numbers: np.ndarray) -> None:
    for i in range(np.uint64(values.size)):
        at = _place(hashes, values[i])
        if hashes[at] == 0:
            hashes[at] = values[i]
            numbers[at] = np.int64(i)


@flat_kernel
def _whole(data: np.ndarray, starts: np.ndarray, words: np.ndarray, hashes: np.ndarray) -> None:
    """Words of each text, and the hash of all of them."""
    for i in range(np.uint64(starts.size - 1)):
        word, phrase = np.uint64(0), np.uint64(0)
        for at in range(np.uint64(starts[i]), np.uint64(starts[i + _ONE]) + _ONE):
            byte = data[at] if at < np.uint64(starts[i + _ONE]) else np.uint8(32)
            if is_word(byte):
                word = grown(word, byte)
            elif word != 0:
                phrase = phrase * _BASE + word
                words[i] += 1
                word = np.uint64(0)
        hashes[i] = _final(phrase)


@flat_kernel
def _match(
    data: np.ndarray,
    starts: np.ndarray,
    hashes: np.ndarray,
    numbers: np.ndarray,
    most: int,
    recent: np.ndarray,
    found: np.ndarray,
) -> np.uint64:
    """found: document << 32 | phrase, u64; returns how many."""
    count = np.uint64(0)
    for i in range(np.uint64(starts.size - 1)):
        words, word = np.uint64(0), np.uint64(0)
        for at in range(np.uint64(starts[i]), np.uint64(starts[i + _ONE]) + _ONE):
            byte = data[at] if at < np.uint64(starts[i + _ONE]) else np.uint8(32)
            if is_word(byte):
                word = grown(word, byte)
                continue
            if word == 0:
                continue
            recent[words & _LAST] = word
            words, word = words + _ONE, np.uint64(0)
            power, phrase = _ONE, np.uint64(0)
            for k in range(min(np.uint64(most), words)):  # the phrases that end here, the shortest first
                phrase += recent[(words - _ONE - k) & _LAST] * power
                power *= _BASE
                place = _place(hashes, _final(phrase))
                if hashes[place] != 0:
                    found[count] = (i << np.uint64(32)) | np.uint64(numbers[place])
                    count += _ONE
    return count
