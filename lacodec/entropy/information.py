"""What symbols cost, and frequencies that suit them: strict doubles, the same on every machine."""

import numpy as np

from lacodec.kernels.jit import kernel


@kernel
def information(counts):  # type: ignore[no-untyped-def]
    """Sum of -c * log2(c / total) over counts (integers from 0), in bits: + - x / on doubles in one order, no library."""
    total, bits = np.float64(0.0), np.float64(0.0)
    for i in range(np.uint64(len(counts))):
        c = np.float64(counts[i])
        if c > 0.0:
            total += c
            bits -= c * log2(c)
    return bits + total * log2(total) if total > 0.0 else 0.0


@kernel
def code_lengths(counts, bits):  # type: ignore[no-untyped-def]
    """bits f32 like counts: what each number costs by these counts; numbers never chosen cost as if chosen a quarter time."""
    for which in range(len(counts)):
        total = 0.0
        for number in range(counts.shape[1]):
            total += np.float64(counts[which, number])
        for number in range(counts.shape[1]):
            seen = 4.0 * np.float64(counts[which, number])
            bits[which, number] = log2((4.0 * total + 256.0) / max(seen, 1.0))


@kernel
def log2(x):  # type: ignore[no-untyped-def]
    """log2 of a double from 1 on, to some 1e-14: powers of two are taken out, then the series of atanh."""
    power = 0.0
    while x >= 65536.0:
        x *= 1.52587890625e-05
        power += 16.0
    if x >= 256.0:
        x *= 0.00390625
        power += 8.0
    if x >= 16.0:
        x *= 0.0625
        power += 4.0
    while x > 1.4142135623730951:
        x *= 0.5
        power += 1.0
    z = (x - 1.0) / (x + 1.0)
    z2 = z * z
    series = 0.0
    for k in range(19, 0, -2):
        series = series * z2 + 1.0 / k
    return power + 2.8853900817779268 * z * series


@kernel
def quick_normalise(counts, total, freqs):  # type: ignore[no-untyped-def]
    """freqs, u32[n], zeros at first: they sum to `total` and are at least 1 where counts (integers) are not 0.

    Close to the best, in one quick pass. Each unit goes where it saves most, or costs least, by the derivative of the cost at
    the middle of the step.
    """
    n = len(counts)
    everything, left = np.float64(0.0), np.int64(total)
    for i in range(n):
        everything += np.float64(counts[i])
    for i in range(n):
        if counts[i] > 0:
            freqs[i] = max(np.int64(1), np.int64(np.float64(counts[i]) * (np.float64(total) / everything)))
            left -= np.int64(freqs[i])
    while left != 0:
        best, chosen = 0.0, n
        for i in range(n):
            if counts[i] > 0 and (left > 0 or freqs[i] > 1):
                worth = np.float64(counts[i]) / (np.float64(freqs[i]) + (0.5 if left > 0 else -0.5))
                if chosen == n or (worth > best if left > 0 else worth < best):
                    best, chosen = worth, i
        step = np.int64(1) if left > 0 else np.int64(-1)
        freqs[chosen] = np.int64(freqs[chosen]) + step
        left -= step
