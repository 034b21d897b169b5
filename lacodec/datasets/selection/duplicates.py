"""Which documents repeat an earlier one: exactly (hash of the text) or nearly (signatures of `shingles`, banded)."""

import numpy as np

from lacodec.datasets.selection.shingles import SIGNATURE
from lacodec.kernels.jit import flat_kernel

_ROWS = 4  # values in a band; with 32 bands, documents that share half of their shingles meet with probability 0.88
_COMPARED = 16  # documents of a group with which each further one is compared
_ONE = np.uint64(1)


def exact_duplicates(digests: np.ndarray) -> np.ndarray:
    """bool[documents]: whether the same digest (u64[documents, 2]) occurs before."""
    pairs = np.ascontiguousarray(digests).view(np.dtype([("high", np.uint64), ("low", np.uint64)])).ravel()
    _, first = np.unique(pairs, return_index=True)
    again = np.ones(pairs.size, bool)
    again[first] = False
    return again


def near_duplicates(signatures: np.ndarray, usable: np.ndarray, similarity: float) -> np.ndarray:
    """bool[documents]: whether an earlier document shares this part of all shingles of both (Jaccard's index), as estimated.

    signatures: u8[documents, SIGNATURE]; those that are not `usable` are left out. Of what hangs together by such pairs the
    first document always stays.
    """
    needed = similarity + (1 - similarity) / 256  # 8 bits agree by chance, too
    signatures = np.ascontiguousarray(signatures)
    again = np.zeros(usable.size, np.uint8)
    which = np.flatnonzero(usable)
    for band in range(0, SIGNATURE, _ROWS):
        keys = np.ascontiguousarray(signatures[which, band : band + _ROWS]).view(np.uint32).ravel()
        order = np.argsort(keys, kind="stable")
        _compare(signatures, which[order], keys[order], int(np.ceil(needed * SIGNATURE)), np.zeros(_COMPARED, np.int64), again)
    return again.astype(bool)


@flat_kernel
def _compare(
    signatures: np.ndarray, documents: np.ndarray, keys: np.ndarray, needed: int, compared: np.ndarray, again: np.ndarray
) -> None:
    """Compare documents with the same key, in order, with the first ones among them that are no duplicates."""
    kept = np.uint64(0)
    for i in range(np.uint64(documents.size)):
        if i == 0 or keys[i] != keys[i - _ONE]:
            kept = np.uint64(0)
        document = documents[i]
        if again[document]:
            continue
        for k in range(kept):
            agreeing = 0
            for j in range(np.uint64(SIGNATURE)):
                agreeing += signatures[document, j] == signatures[compared[k], j]
            if agreeing >= needed:
                again[document] = 1
                break
        if not again[document] and kept < np.uint64(_COMPARED):
            compared[kept] = document
            kept += _ONE
