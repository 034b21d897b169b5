"""From tokens to templates: which tokens are slots, and what each slot of each line holds.

A line is kept in one of three ways: FULL, all variable tokens are slots; HEAD, those that most lines share, and the rest of the
line as one text; WHOLE, the line as one text.
"""

import numpy as np

from lacodec.codecs.log.columns._tokens_kernel import NUMERIC, WORD
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import helper, kernel

FULL, HEAD, WHOLE = range(3)
REST = np.uint64(1)
"""The column of texts that were not taken apart."""


@helper
def mix(a, b):  # type: ignore[no-untyped-def]
    """One hash of two."""
    h = (np.uint64(a) ^ (np.uint64(b) * GOLDEN)) * np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(32))


@kernel
def word_keys(first, skeletons, texts, keys, places):  # type: ignore[no-untyped-def]
    """keys u64[tokens]: the same token at the same place of the same skeleton (u64[lines]) has one key; places without it."""
    for line in range(len(skeletons)):
        for t in range(first[line], first[line + 1]):
            places[t] = mix(skeletons[line], t - first[line])
            keys[t] = mix(places[t], texts[t])


@kernel
def full_keys(first, skeletons, texts, fixed, keys):  # type: ignore[no-untyped-def]
    """keys u64[lines]: the template of each line, of the skeleton and its fixed tokens (bool[tokens])."""
    for line in range(len(skeletons)):
        h = skeletons[line]
        for t in range(first[line], first[line + 1]):
            if fixed[t]:
                h = mix(h + np.uint64(t - first[line]), texts[t])
        keys[line] = h


@kernel
def head_keys(first, kinds, prefixes, texts, shared, keys, lasts):  # type: ignore[no-untyped-def]
    """keys u64[lines]: the template up to the last shared number (0 for none); lasts i64[lines]: the token after it."""
    for line in range(len(keys)):
        stop = first[line]
        for t in range(first[line], first[line + 1]):
            if shared[t] and kinds[t] >= NUMERIC:
                stop = t + 1
        lasts[line] = stop
        keys[line] = 0
        if stop > first[line]:
            h = prefixes[stop - 1] + np.uint64(77)
            for t in range(first[line], stop):
                if kinds[t] < NUMERIC:
                    h = mix(h + np.uint64(t - first[line]), texts[t])
            keys[line] = h


@kernel
def fill_slots(line_ends, first, begins, ends, kinds, prefixes, fixed, shared, ways, lasts, keys, counts, slots):  # type: ignore[no-untyped-def]
    """The slots of every line. counts i64[lines + 1]: where those of each line begin; slots: arrays begin, end, kind, key.

    Returns how many there are; fills nothing beyond the arrays' ends.
    """
    begin, count = np.int64(0), np.int64(0)
    for line in range(len(line_ends)):
        counts[line] = count
        if ways[line] == WHOLE:
            count = _put(slots, count, begin, line_ends[line], WORD, REST)
        else:
            t, stop = first[line], first[line + 1] if ways[line] == FULL else lasts[line]
            while t < stop:
                after, all_shared = t + 1, shared[t]
                if kinds[t] < NUMERIC and ways[line] == FULL and not fixed[t]:
                    while after < stop and kinds[after] < NUMERIC and not fixed[after]:
                        all_shared = all_shared and shared[after]
                        after += 1
                if kinds[t] >= NUMERIC if ways[line] == HEAD else not fixed[t]:
                    own = mix(keys[line], t - first[line])
                    kind = kinds[t] if kinds[t] >= NUMERIC else np.uint8(WORD)
                    count = _put(slots, count, begins[t], ends[after - 1], kind, prefixes[after - 1] if all_shared else own)
                t = after
            if ways[line] == HEAD:
                count = _put(slots, count, ends[stop - 1], line_ends[line], WORD, REST)
        begin = line_ends[line] + 1
    counts[len(line_ends)] = count
    return count


@helper
def _put(slots, count, begin, end, kind, key):  # type: ignore[no-untyped-def]
    if count < len(slots[0]):
        slots[0][count], slots[1][count], slots[2][count], slots[3][count] = begin, end, kind, key
    return count + 1


@kernel
def agree(data, line_ends, counts, begins, ends, ids, leaders):  # type: ignore[no-untyped-def]
    """Whether every line is that of its template's leader (i64[templates]) outside of its slots: hashes may lie."""
    for line in range(len(ids)):
        leader = leaders[ids[line]]
        if leader == line:
            continue
        slots = counts[line + 1] - counts[line]
        if slots != counts[leader + 1] - counts[leader]:
            return False
        mine = line_ends[line - 1] + 1 if line else np.int64(0)
        other = line_ends[leader - 1] + 1 if leader else np.int64(0)
        for k in range(slots + 1):
            stop = np.int64(begins[counts[line] + k]) if k < slots else line_ends[line]
            other_stop = np.int64(begins[counts[leader] + k]) if k < slots else line_ends[leader]
            if stop - mine != other_stop - other:
                return False
            for i in range(stop - mine):
                if data[mine + i] != data[other + i]:
                    return False
            if k < slots:
                mine, other = np.int64(ends[counts[line] + k]), np.int64(ends[counts[leader] + k])
    return True
