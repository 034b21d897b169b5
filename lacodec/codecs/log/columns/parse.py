"""A block of lines -> templates and the texts of their slots, column by column.

lines -> tokens -> skeletons -> which tokens vary -> templates -> slots -> columns
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.log.columns import _slots_kernel as sk
from lacodec.codecs.log.columns import _tokens_kernel as tk

_SHARED = 4
"""A token in at least this part of the lines, in the same surroundings, is one column in all of them."""
_LEAST_SHARED = 64
_WORDS, _WORDS_SHARE = 16, 64
"""A word that takes at most so many forms, and one more for so many lines, belongs to the template."""
_LEAST = 8
"""Lines that a template must have."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Parsed:
    """lines: how many; ids i32[lines]: the template of each; templates: their bytes, MARK for each slot.

    columns: for each slot of each template in order, its column. values: for each column, where its values begin and end; kinds.
    """

    ids: NDArray[np.int32]
    templates: list[bytes]
    slot_columns: list[int]
    values: list[tuple[NDArray[np.int32], NDArray[np.int32]]]
    kinds: list[int]


def parse(data: NDArray[np.uint8]) -> Parsed | None:
    """Take the lines of data u8[n] apart; None where hashes of different lines agree, which somebody must have arranged."""
    line_ends = _lines(data)
    lines = len(line_ends)
    first = np.empty(lines + 1, np.int64)
    begins, ends, kinds = np.empty(len(data) + 1, np.int32), np.empty(len(data) + 1, np.int32), np.empty(len(data) + 1, np.uint8)
    n = int(tk.tokenise(data, line_ends, tk.CLASSES, tk.IN_PATH, first, begins, ends, kinds))
    begins, ends, kinds = begins[:n], ends[:n], kinds[:n]
    prefixes, texts, skeletons = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(lines, np.uint64)
    tk.hash_tokens(data, line_ends, first, begins, ends, kinds, prefixes, texts, skeletons)
    shared = _shared(prefixes, lines)
    fixed = _fixed(first, kinds, skeletons, texts, shared)
    ways, keys, lasts = _ways(first, kinds, skeletons, prefixes, texts, fixed, shared)
    starts, slots = _slots(line_ends, first, begins, ends, kinds, prefixes, fixed, shared, ways, lasts, keys)
    ids, leaders = numbered(keys)
    if not sk.agree(data, line_ends, starts, slots[0], slots[1], ids, leaders):
        return None
    templates = [_template(data, line_ends, starts, slots, int(line)) for line in leaders]
    owners, places = numbered(slots[3])
    if (slots[2][places][owners] != slots[2]).any():
        return None
    order = np.argsort(owners, kind="stable")
    edges = np.searchsorted(owners[order], np.arange(len(places) + 1))
    values = []
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        values.append((slots[0][order[a:b]], slots[1][order[a:b]]))
    slot_columns = np.concatenate([owners[starts[line] : starts[line + 1]] for line in leaders] or [owners[:0]]).tolist()
    return Parsed(ids, templates, slot_columns, values, slots[2][places].tolist())


def numbered(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int32], Ints]:
    """i32[n]: a number for each different key, in the order of first places; and those places."""
    size = 1 << max(4, (2 * len(keys)).bit_length())
    ids, firsts = np.empty(len(keys), np.int32), np.empty(len(keys), np.int64)
    count = tk.factorise(keys, np.empty(size, np.uint64), np.full(size, -1, np.int32), ids, firsts)
    return ids, firsts[:count]


def _lines(data: NDArray[np.uint8]) -> Ints:
    ends = np.empty(int(tk.find_lines(data, np.empty(0, np.int64))), np.int64)
    tk.find_lines(data, ends)
    return ends


def _shared(prefixes: NDArray[np.uint64], lines: int) -> NDArray[np.bool_]:
    ids, firsts = numbered(prefixes)
    counts = np.bincount(ids, minlength=len(firsts))
    return counts[ids] >= max(_LEAST_SHARED, lines // _SHARED)


def _fixed(
    first: Ints, kinds: NDArray[np.uint8], skeletons: NDArray[np.uint64], texts: NDArray[np.uint64], shared: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """bool[tokens]: those that belong to the template."""
    keys, places = np.empty(len(texts), np.uint64), np.empty(len(texts), np.uint64)
    sk.word_keys(first, skeletons, texts, keys, places)
    place, place_firsts = numbered(places)
    lines = np.bincount(place, minlength=len(place_firsts))
    _, leaders = numbered(keys)
    forms = np.bincount(place[leaders], minlength=len(place_firsts))
    few = forms <= _WORDS + lines // _WORDS_SHARE
    one = (forms == 1) & (lines >= 2 * _LEAST)
    return np.where(kinds < tk.NUMERIC, few[place], one[place] & ~shared)


def _ways(first, kinds, skeletons, prefixes, texts, fixed, shared):  # type: ignore[no-untyped-def]
    """How each line is kept, the key of its template, and where its head ends."""
    lines = len(skeletons)
    keys, heads, lasts = np.empty(lines, np.uint64), np.empty(lines, np.uint64), np.empty(lines, np.int64)
    sk.full_keys(first, skeletons, texts, fixed, keys)
    sk.head_keys(first, kinds, prefixes, texts, shared, heads, lasts)
    ids, leaders = numbered(keys)
    rare = (np.bincount(ids, minlength=len(leaders)) < _LEAST)[ids] | (first[1:] == first[:-1])
    ways = np.where(rare, sk.HEAD, sk.FULL).astype(np.uint8)
    keys = np.where(rare, heads, keys)
    ids, leaders = numbered(keys)
    alone = rare & ((np.bincount(ids, minlength=len(leaders)) < _LEAST)[ids] | (heads == 0))
    ways[alone] = sk.WHOLE
    keys[alone] = 2
    return ways, keys, lasts


def _slots(line_ends, first, begins, ends, kinds, prefixes, fixed, shared, ways, lasts, keys):  # type: ignore[no-untyped-def]
    starts = np.empty(len(line_ends) + 1, np.int64)
    most = len(begins) + len(line_ends)
    slots = (np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.uint8), np.empty(most, np.uint64))
    n = int(sk.fill_slots(line_ends, first, begins, ends, kinds, prefixes, fixed, shared, ways, lasts, keys, starts, slots))
    return starts, tuple(part[:n] for part in slots)


def _template(data, line_ends, starts, slots, line: int) -> bytes:  # type: ignore[no-untyped-def]
    at = int(line_ends[line - 1]) + 1 if line else 0
    parts = []
    for slot in range(int(starts[line]), int(starts[line + 1])):
        parts.append(data[at : int(slots[0][slot])].tobytes())
        at = int(slots[1][slot])
    parts.append(data[at : int(line_ends[line])].tobytes())
    return bytes([tk.MARK]).join(parts)
