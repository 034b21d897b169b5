"""Learn the merges of a set of pieces from text: again and again the most frequent pair inside pre-tokens is joined."""

import heapq
import itertools
from collections import Counter, defaultdict

import numpy as np

from lacodec.models.text import pretokens
from lacodec.models.text.pieces import Pieces


def count(text: bytes) -> Counter[bytes]:
    """How often each pre-token is there."""
    starts = np.flatnonzero(pretokens.begins(np.frombuffer(text, np.uint8))).tolist()
    return Counter(text[a:b] for a, b in itertools.pairwise([*starts, len(text)]))


def learn(counts: dict[bytes, int], size: int) -> Pieces:
    """Up to `size` pieces, bytes included, for pre-tokens with their counts. Of equally frequent pairs the lowest comes first."""
    words = [(list(word), times) for word, times in sorted(counts.items()) if times > 0]
    pairs: dict[tuple[int, int], int] = defaultdict(int)
    places: dict[tuple[int, int], set[int]] = defaultdict(set)
    for index, (word, times) in enumerate(words):
        for pair in itertools.pairwise(word):
            pairs[pair] += times
            places[pair].add(index)
    heap = [(-times, pair) for pair, times in pairs.items()]
    heapq.heapify(heap)
    merges: list[tuple[int, int]] = []
    while heap and len(merges) < size - 256:
        negative, pair = heapq.heappop(heap)
        if pairs[pair] != -negative or negative >= 0:
            continue  # an outdated count
        made = 256 + len(merges)
        merges.append(pair)
        changed: set[tuple[int, int]] = set()
        for index in places.pop(pair):
            word, times = words[index]
            joined = _join(word, pair, made)
            for old in itertools.pairwise(word):
                pairs[old] -= times
                changed.add(old)
            for new in itertools.pairwise(joined):
                pairs[new] += times
                places[new].add(index)
                changed.add(new)
            words[index] = (joined, times)
        for other in changed:
            if pairs[other] > 0:
                heapq.heappush(heap, (-pairs[other], other))
    return Pieces(np.array(merges, np.int64).reshape(-1, 2))


def _join(word: list[int], pair: tuple[int, int], made: int) -> list[int]:
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] == pair[0] and word[i + 1] == pair[1]:
            out.append(made)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out
