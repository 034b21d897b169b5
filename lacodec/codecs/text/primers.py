"""Primers: texts that a model reads before a block. `primers.bin` holds them coded; the encoder chooses one by the block's look.

primers.bin = u8 number of texts, then for each: u32 size, u32 coded size; then the coded texts, each by effort 5 unprimed
choice: 3-grams of a sample, hashed to 12 bits -> sum of log-probabilities in each primer's language
"""

import struct
from functools import cache

import numpy as np

from lacodec.errors import MissingModel

NONE, ENGLISH = 0, 1
NAMES = ("none", "english", "spanish", "swahili", "ukrainian", "basque", "zulu", "armenian", "latvian", "chinese", "help")
"""Primers by number. English is in two parts, of which efforts below 7 read the last only."""
_LONG_FROM = 7
_SAMPLE = 1 << 15
_ENTRY = struct.Struct("<II")
LOOKS = 1 << 12


def parts_of(primer: int, effort: int) -> tuple[int, ...]:
    """Which stored texts a primer consists of."""
    if primer == NONE:
        return ()
    if primer == ENGLISH:
        return (0, 1) if effort >= _LONG_FROM else (1,)
    return (primer,)


@cache
def stored_primers(stored: bytes) -> list[tuple[int, bytes]]:
    """(size, coded) of each text in `primers.bin`."""
    at = 1 + stored[0] * _ENTRY.size
    found = []
    for size, coded in _ENTRY.iter_unpack(stored[1:at]):
        found.append((size, stored[at : at + coded]))
        at += coded
    if at != len(stored):
        raise MissingModel("primers.bin is cut off or belongs to another version; reinstall lacodec")
    return found


def packed_primers(texts: list[tuple[int, bytes]]) -> bytes:
    """The inverse of `stored_primers`."""
    return bytes([len(texts)]) + b"".join(_ENTRY.pack(size, len(coded)) for size, coded in texts) + b"".join(c for _, c in texts)


def look(data: np.ndarray) -> np.ndarray:
    """int64[LOOKS]: how often each hashed 3-gram occurs; capitals count as small letters."""
    folded = np.where((data >= 65) & (data <= 90), data | 32, data).astype(np.uint32)
    grams = folded[:-2] | (folded[1:-1] << 8) | (folded[2:] << 16)
    return np.bincount((grams * np.uint32(0x9E3779B1)) >> np.uint32(20), minlength=LOOKS)


def choose_primer(data: np.ndarray, looks: np.ndarray) -> int:
    """The primer that suits a block, whose looks (int8[primers, LOOKS]: 8 log2 of each share) make its sample likeliest."""
    half = _SAMPLE // 2
    middle = data.size // 2
    sample = data if data.size <= _SAMPLE else np.concatenate([data[:half], data[middle : middle + half]])
    if sample.size < 3:
        return ENGLISH
    return ENGLISH + int(np.argmax(looks.astype(np.int64) @ look(sample)))
