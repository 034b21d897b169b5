"""Match models: each follows the last place where the newest bytes stood before, and expects the byte that came there."""

import numpy as np

from lacodec.codecs.text.model import FOLDED_8, HISTORY, LENGTH, MATCHES, MINIMUM, MISSES, POINTER, WORD_1, Model, hashed
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import inlined

POSITIONS = 1 << 27  # heads keep the rest of their 32 bits to check the hash
LONGEST = 400  # bytes compared when a match is looked up
FORGET = 8  # misses after which a match is given up
_ONE = np.uint64(1)
_EIGHT = np.uint64(8)


@inlined
def prefetch_heads(model: Model, expects: np.uint64) -> None:
    """Ask for the places of the newest bytes."""
    slots = np.uint64(model.heads.size // MATCHES)
    for m in range(expects):
        prefetch(model.heads, m * slots + (_head(model, m) & (slots - _ONE)))


@inlined
def _head(model: Model, m: np.uint64) -> np.uint64:
    """Hash of the newest bytes that match model `m` looks at; of more than eight, of characters and a word before them too."""
    least = np.uint64(model.matches[m * np.uint64(4) + np.uint64(MINIMUM)])
    memory = model.memory
    if least > 8:
        return hashed(memory[HISTORY], memory[FOLDED_8] + memory[WORD_1])
    return hashed(memory[HISTORY] << (np.uint64(64) - least * _EIGHT), least)


@inlined
def follow_matches(model: Model, data: np.ndarray, at: np.uint64, expects: np.uint64) -> None:
    """Keep each match model at the last place where the newest bytes stood before, and say what it expects."""
    matches, heads, expect = model.matches, model.heads, model.expect
    slots = np.uint64(heads.size // MATCHES)
    for m in range(expects):
        own = m * np.uint64(4)
        minimum = np.uint64(matches[own + np.uint64(MINIMUM)])
        if at >= minimum:
            head = _head(model, m)
            slot = m * slots + (head & (slots - _ONE))
            check = (head >> np.uint64(32)) & ~np.uint64(POSITIONS - 1) & np.uint64(0xFFFFFFFF)
            if matches[own + np.uint64(LENGTH)] == 0 and (np.uint64(heads[slot]) ^ check) < POSITIONS:
                candidate = np.uint64(heads[slot]) & np.uint64(POSITIONS - 1)
                same = np.uint64(0)
                while same < LONGEST and same < candidate and data[candidate - same - _ONE] == data[at - same - _ONE]:
                    same += _ONE
                if same >= minimum:
                    matches[own + np.uint64(LENGTH)] = np.int64(same)
                    matches[own + np.uint64(POINTER)] = np.int64(candidate)
                    matches[own + np.uint64(MISSES)] = 0
            heads[slot] = np.uint32(at | check)
        pointer = matches[own]
        expect[np.uint64(2) * m] = np.int64(data[np.uint64(pointer)]) if pointer else 0
        length, misses = matches[own + np.uint64(LENGTH)], matches[own + np.uint64(MISSES)]
        if length < 16:
            grade = length >> 1
        elif length < 32:
            grade = 8 + ((length - 16) >> 2)
        else:
            grade = min(12 + ((length - 32) >> 6), 15)
        expect[np.uint64(2) * m + _ONE] = max(grade * 4 + min(misses, 3), 1) if pointer else 0


@inlined
def learn_matches(model: Model, c: np.uint64, expects: np.uint64) -> None:
    """Take in the byte that came."""
    matches = model.matches
    for m in range(expects):
        own = m * np.uint64(4)
        if matches[own]:
            if model.expect[np.uint64(2) * m] == np.int64(c):
                length = min(matches[own + np.uint64(LENGTH)] + 1, 65535)
                matches[own + np.uint64(LENGTH)] = length
                if length & 15 == 0:
                    matches[own + np.uint64(MISSES)] = max(matches[own + np.uint64(MISSES)] - 1, 0)
            else:
                matches[own + np.uint64(LENGTH)] = 0
                matches[own + np.uint64(MISSES)] += 1
            matches[own] = matches[own] + 1 if matches[own + np.uint64(MISSES)] <= FORGET else 0
