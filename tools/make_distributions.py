"""Make lacodec/entropy/distributions.npz: integer tables of standard distributions, from 40-digit arithmetic. Needs mpmath.

For every set: 64 scales, log-spaced; per scale the probability of each integer k is the mass of [k - 1/2, k + 1/2]. How far a
table reaches before values are escaped is chosen by the expected cost in bits, escapes included. Frequencies then come from
`normalise`. Run: python tools/make_distributions.py
"""

from collections.abc import Callable
from pathlib import Path

import mpmath as mp
import numpy as np

from lacodec.entropy.distributions import SCALES, SETS
from lacodec.entropy.tables import normalise

TARGET = Path(__file__).resolve().parent.parent / "lacodec" / "entropy" / "distributions.npz"
UNIT = mp.mpf(2) ** 60  # probabilities become integer counts of this


def gaussian(x: mp.mpf, scale: mp.mpf) -> mp.mpf:
    """Mass above x; standard deviation `scale`."""
    return mp.erfc(x / scale / mp.sqrt(2)) / 2


def laplace(x: mp.mpf, scale: mp.mpf) -> mp.mpf:
    """Mass above x >= 0; standard deviation `scale`."""
    return mp.exp(-x * mp.sqrt(2) / scale) / 2


def logistic(x: mp.mpf, scale: mp.mpf) -> mp.mpf:
    """Mass above x; standard deviation `scale`."""
    return 1 / (1 + mp.exp(x * mp.pi / (scale * mp.sqrt(3))))


def mixture(x: mp.mpf, scale: mp.mpf) -> mp.mpf:
    """Mass above x; 3/4 Gaussian of `scale`, 1/4 Gaussian of 5/2 of it."""
    return (3 * gaussian(x, scale) + gaussian(x, scale * mp.mpf(5) / 2)) / 4


UPPER_MASS: dict[str, Callable[[mp.mpf, mp.mpf], mp.mpf]] = {
    "gaussian": gaussian, "laplace": laplace, "logistic": logistic, "mixture": mixture,
}  # fmt: skip


def masses(family: str, scale: mp.mpf, most: int) -> list[mp.mpf]:
    """Probability of 0, 1, ..., k until it drops below 2**-60 or k reaches `most`."""
    upper = UPPER_MASS[family]
    above = upper(mp.mpf(1) / 2, scale)
    out = [1 - 2 * above]
    while len(out) <= most and above > 1 / UNIT:
        further = upper(len(out) + mp.mpf(1) / 2, scale)
        out.append(above - further)
        above = further
    return out


def table(half: list[mp.mpf], reach: int, freq_bits: int) -> np.ndarray:
    """Frequencies of -reach..reach and of the escape."""
    counts = [max(1, int(p * UNIT)) for p in half[: reach + 1]]
    rest = max(1, int(UNIT) - counts[0] - 2 * sum(counts[1:]))
    freqs = normalise(np.array([*counts[:0:-1], *counts, rest]), freq_bits).astype(np.int64)
    side = freqs[:reach] + freqs[reach + 1 : 2 * reach + 1][::-1]  # equal counts may differ by one: make the sides the same
    freqs[:reach] = np.maximum(side // 2, 1)
    freqs[reach + 1 : 2 * reach + 1] = freqs[:reach][::-1]
    freqs[reach] += (1 << freq_bits) - freqs.sum()
    return freqs


def cost(half: np.ndarray, freqs: np.ndarray, reach: int, freq_bits: int) -> float:
    """Expected bits a symbol."""
    bits = freq_bits - np.log2(freqs)
    inside = half[0] * bits[reach] + 2 * (half[1 : reach + 1] * bits[reach + 1 : 2 * reach + 1]).sum()
    k = np.arange(reach + 1, len(half))
    above, below = 2 * np.floor(np.log2(2 * (k - reach - 1) + 1)) + 1, 2 * np.floor(np.log2(2 * (k + reach + 1))) + 1
    return float(inside + (half[reach + 1 :] * (2 * bits[-1] + above + below)).sum())


def best_table(family: str, scale: mp.mpf, freq_bits: int, most: int) -> np.ndarray:
    """The table, of any reach up to `most`, that costs least."""
    half = masses(family, scale, 8192)
    plain = np.array([float(p) for p in half])
    tails = plain[::-1].cumsum()[::-1]
    reaches = sorted(
        {min(most, len(half) - 1, max(1, int((tails > 2.0**-b).sum()))) for b in np.arange(1.5, freq_bits + 4, 0.25)}
    )
    tables = [table(half, reach, freq_bits) for reach in reaches]
    return min(tables, key=lambda freqs: cost(plain, freqs, len(freqs) // 2 - 1, freq_bits))


def main() -> None:
    """Make all sets and write the file."""
    mp.mp.dps = 40
    arrays = {}
    for name, shape in SETS.items():
        low, high = mp.mpf(shape.lowest), mp.mpf(shape.highest)
        scales = [low * (high / low) ** (mp.mpf(t) / (SCALES - 1)) for t in range(SCALES)]
        tables = [best_table(shape.family, scale, shape.freq_bits, shape.most) for scale in scales]
        reaches = [len(freqs) // 2 - 1 for freqs in tables]
        arrays[f"{name}.freqs"] = np.concatenate(
            [[*freqs[reach : 2 * reach + 1], freqs[-1]] for freqs, reach in zip(tables, reaches, strict=True)]
        )
        arrays[f"{name}.reach"] = np.array(reaches)
        print(f"{name}: {sum(map(len, tables))} rows, reach {reaches[0]}..{max(reaches)}")
    np.savez_compressed(TARGET, **{key: value.astype(np.uint16) for key, value in arrays.items()})  # type: ignore[arg-type]
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
