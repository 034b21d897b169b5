"""Kernels that count what the pieces of a chunk hold and join atoms with alike counts (see `_cluster`).

counts: u32[atoms, 2, highs]; neighbouring values count in different halves, so that equal ones do not wait for each other.
"""

import numpy as np

from lacodec.codecs.weights._kernel import different
from lacodec.entropy.information import information
from lacodec.kernels.jit import kernel

ONE = np.uint64(1)
STEPS = 4096
SAMPLE, OF_SMALL, OF_LARGE = np.uint64(128), np.uint64(512), np.uint64(1024)  # values
LARGE = np.uint64(1 << 17)  # values
FIRST, LENGTH, PIECE, ATOM, ATOMS, PLACE, PIECES, A_SAMPLE = range(8)


@kernel
def sum_exponents(values, piece, shift, mask, sums):  # type: ignore[no-untyped-def]
    """sums[k] = sum of value >> shift & mask over piece k of values (unsigned, aligned); all pieces but the last have `piece`."""
    n = np.uint64(len(values))
    for k in range(np.uint64(len(sums))):
        begin = k * piece
        total = np.uint64(0)
        for i in range(begin, min(begin + piece, n)):
            total += (np.uint64(values[i]) >> shift) & mask
        sums[k] = total


@kernel
def rank_pieces(values, piece, shift, mask, atoms, which):  # type: ignore[no-untyped-def]
    """which, i64[pieces]: the atom (0 .. atoms - 1) of each piece, by rank of its mean exponent, told apart in STEPS steps."""
    sums, starts = np.empty(len(which), np.uint64), np.zeros(STEPS + 1, np.int64)
    sum_exponents(values, piece, shift, mask, sums)
    means = np.empty(len(which), np.float64)
    for k in range(len(which)):
        means[k] = np.float64(sums[k])
    last = np.uint64(len(values)) - (np.uint64(len(which)) - ONE) * piece
    means[-1] *= np.float64(piece) / np.float64(last)  # the last piece may be short
    low = high = means[0]
    for k in range(1, len(which)):
        low, high = min(low, means[k]), max(high, means[k])
    scale = np.float64(STEPS - 1) / max(high - low, 1.0)
    for k in range(len(which)):
        which[k] = np.int64((means[k] - low) * scale)
        starts[which[k] + 1] += 1
    for step in range(STEPS):
        starts[step + 1] += starts[step]
    for k in range(len(which)):
        step = which[k]
        which[k] = starts[step] * atoms // len(which)
        starts[step] += 1


@kernel
def count_highs(values, piece, atoms, shift, mask, counts):  # type: ignore[no-untyped-def]
    """counts[a, ., value >> shift & mask] += 1 over piece k of values, a = atoms[k]."""
    n, k = np.uint64(len(values)), np.uint64(0)
    while k < np.uint64(len(atoms)):
        atom, begin = np.uint64(atoms[k]), k * piece
        while k < np.uint64(len(atoms)) and np.uint64(atoms[k]) == atom:  # pieces of one atom in a row are as one
            k += ONE
        end = min(k * piece, n)
        even, odd, whole = counts[atom, 0], counts[atom, 1], begin + ((end - begin) & ~ONE)
        for i in range(begin, whole, np.uint64(2)):
            even[(np.uint64(values[i]) >> shift) & mask] += np.uint32(1)
            odd[(np.uint64(values[i + ONE]) >> shift) & mask] += np.uint32(1)
        for i in range(whole, end):
            even[(np.uint64(values[i]) >> shift) & mask] += np.uint32(1)


@kernel
def sample_highs(values, shift, mask, counts):  # type: ignore[no-untyped-def]
    """`count_highs` for one atom from a part of the values (SAMPLE of OF_SMALL or OF_LARGE), each counted for the others too."""
    n, even, odd = np.uint64(len(values)), counts[0, 0], counts[0, 1]
    of = OF_LARGE if n >= LARGE else OF_SMALL
    weight = np.uint32(of // SAMPLE)
    for begin in range(np.uint64(0), n, of):
        for i in range(begin, min(begin + SAMPLE, n - ONE), np.uint64(2)):
            even[(np.uint64(values[i]) >> shift) & mask] += weight
            odd[(np.uint64(values[i + ONE]) >> shift) & mask] += weight


@kernel
def count_runs(values, runs, which, shift, low, mask, counts):  # type: ignore[no-untyped-def]
    """counts, zeros at first, and which, i64[pieces of all runs]: the atom of each piece.

    runs: i64[n, 8], by the names above, of each run: where it lies in values; values in a piece; its first atom and how many; its
    place in which and how many pieces; whether a sample is enough, for one atom. Highs: value >> shift; exponents: >> low & mask.
    """
    highs = np.uint64(counts.shape[2] - 1)
    for k in range(len(runs)):
        run = runs[k]
        part, piece = values[run[FIRST] : run[FIRST] + run[LENGTH]], np.uint64(run[PIECE])
        mine, atoms = counts[run[ATOM] : run[ATOM] + run[ATOMS]], which[run[PLACE] : run[PLACE] + run[PIECES]]
        atoms[:] = 0
        if run[ATOMS] > 1:
            rank_pieces(part, piece, low, mask, run[ATOMS], atoms)
        if run[A_SAMPLE]:
            sample_highs(part, shift, highs, mine)
        else:
            count_highs(part, piece, atoms, shift, highs, mine)
        for i in range(len(atoms)):
            atoms[i] += run[ATOM]


@kernel
def different_of(values, firsts, lengths, most, found):  # type: ignore[no-untyped-def]
    """found, i64[n]: how many different values are among at most `most` from the middle of each of n (less than 65536) runs."""
    short = values.itemsize == 2
    last = np.zeros(65536 if short else 1, np.uint16)  # the run that had this value, from 1 on
    for k in range(len(firsts)):
        n = min(lengths[k], most)
        begin = firsts[k] + (lengths[k] - n) // 2
        if not short:
            found[k] = different(values[begin : begin + n])
            continue
        count, mark = 0, np.uint16(k + 1)
        for i in range(np.uint64(begin), np.uint64(begin + n)):
            value = np.uint64(values[i])
            count += last[value] != mark
            last[value] = mark
        found[k] = count


@kernel
def exponents_of(counts, chosen, extra, exponents, means):  # type: ignore[no-untyped-def]
    """exponents i64[n, highs >> extra]: the counts of the chosen atoms (i64[n]) by exponent; means: of the exponents, f64[n].

    Returns (first, behind the last) of the exponents that any of them has.
    """
    sums = np.empty(counts.shape[2], np.uint32)
    least, most = exponents.shape[1], 0
    exponents[:] = 0
    for k in range(len(chosen)):
        even, odd = counts[chosen[k], 0], counts[chosen[k], 1]
        first, last = 0, len(sums) - 1
        for i in range(len(sums)):
            sums[i] = even[i] + odd[i]
        while first < last and sums[first] == 0:
            first += 1
        while last > first and sums[last] == 0:
            last -= 1
        total = weighted = np.int64(0)
        for i in range(first, last + 1):
            here = np.int64(sums[i])
            exponents[k, i >> extra] += here
            total += here
            weighted += here * (i >> extra)
        means[k] = np.float64(weighted) / np.float64(max(np.int64(1), total))
        least, most = min(least, first >> extra), max(most, (last >> extra) + 1)
    return least, max(most, least + 1)


@kernel
def totals_of(counts, groups, totals):  # type: ignore[no-untyped-def]
    """totals i64[groups, highs]: the sums of the counts of the atoms of each group; groups: i64[atoms]."""
    totals[:] = 0
    for atom in range(len(groups)):
        total, even, odd = totals[groups[atom]], counts[atom, 0], counts[atom, 1]
        for i in range(len(total)):
            total[i] += np.int64(even[i]) + np.int64(odd[i])


@kernel
def join_neighbours(counts, price, most, per_exponent, numbers):  # type: ignore[no-untyped-def]
    """Join neighbours in counts (i64[n, exponents], changed) that lose least bits, while that is less than `price` or there are
    more than `most` groups; numbers, i64[n]: the group of each, from 0 on.

    A tree of minima tells which pair loses least: losses[size + a] is what joining a with the next group costs.
    """
    n = len(counts)
    size = 1
    while size < n:
        size *= 2
    losses = np.full(2 * size, np.inf)
    costs, following, before = np.empty(n), np.arange(1, n + 1), np.arange(-1, n - 1)
    alive = np.ones(n, np.bool_)
    nothing = np.zeros(counts.shape[1], np.int64)
    for a in range(n):
        costs[a] = joint_cost(counts[a], nothing, per_exponent)
    for a in range(n - 1):
        losses[size + a] = joint_cost(counts[a], counts[a + 1], per_exponent) - costs[a] - costs[a + 1]
    for k in range(size - 1, 0, -1):
        losses[k] = min(losses[2 * k], losses[2 * k + 1])
    left = n
    while left > 1 and (losses[1] < price or left > most):
        k = 1
        while k < size:
            k = 2 * k if losses[2 * k] <= losses[2 * k + 1] else 2 * k + 1
        a = k - size
        b = following[a]
        for i in range(counts.shape[1]):
            counts[a, i] += counts[b, i]
        costs[a] = joint_cost(counts[a], nothing, per_exponent)
        alive[b] = False
        following[a] = following[b]
        _set_loss(losses, size, b, np.inf)
        loss = np.inf
        if following[a] < n:
            c = following[a]
            before[c] = a
            loss = joint_cost(counts[a], counts[c], per_exponent) - costs[a] - costs[c]
        _set_loss(losses, size, a, loss)
        if before[a] >= 0:
            c = before[a]
            _set_loss(losses, size, c, joint_cost(counts[c], counts[a], per_exponent) - costs[c] - costs[a])
        left -= 1
    number = -1
    for a in range(n):
        number += alive[a]
        numbers[a] = number


@kernel
def _set_loss(losses, size, a, loss):  # type: ignore[no-untyped-def]
    k = size + a
    losses[k] = loss
    while k > 1:
        k >>= 1
        losses[k] = min(losses[2 * k], losses[2 * k + 1])


@kernel
def joint_cost(first, second, price):  # type: ignore[no-untyped-def]
    """`information` of the sums of two arrays of counts, and `price` for each sum that is not 0."""
    sums = first + second
    cost = information(sums)
    for i in range(len(sums)):
        if sums[i] > 0:
            cost += price
    return cost
