"""Standard distributions as ready integer tables: a name goes in, `Tables` of 64 scales come out.

The integers are shipped (`distributions.npz`, made by tools/make_distributions.py) because every decoder must have the same ones,
and no two platforms agree on exp and erf. Table t is zero-mean with the scale `scale_of(name)[t]`; values that a table does
not reach are escaped.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput

SCALES = 64


@dataclass(frozen=True)
class Shape:
    """One set of tables: scales (standard deviations of the main component) log-spaced from lowest to highest."""

    family: str
    freq_bits: int
    lowest: str
    highest: str
    most: int
    """Largest magnitude that has a row of its own."""


SETS = {
    # 12 bits and at most 255 values: a decoder needs one look-up a symbol. About 0.1 % longer than 14 bits.
    **{f"{family}-12": Shape(family, 12, "0.11", "32", 126) for family in ("gaussian", "laplace", "logistic", "mixture")},
    **{f"{family}-14": Shape(family, 14, "0.11", "256", 2047) for family in ("gaussian", "laplace", "logistic", "mixture")},
    # For latents most of which are zero, at low rates: a zero costs 0.0003 bits in the first table, not 0.025.
    "sparse-14": Shape("mixture", 14, "0.05", "256", 2047),
}


@cache
def load(name: str) -> Tables:
    """The 64 tables of a set in `SETS` ("gaussian-14", "laplace-12", ...), made once per process. BadInput for other names."""
    _known(name)
    with files("lacodec.entropy").joinpath("distributions.npz").open("rb") as file, np.load(cast(BinaryIO, file)) as data:
        freqs, reaches = data[f"{name}.freqs"], data[f"{name}.reach"].astype(np.int64)
    parts = []
    at = 0
    for reach in reaches.tolist():  # stored: 0..reach, escape; the sides are equal
        half = freqs[at : at + reach + 1]
        parts += [half[:0:-1], half, freqs[at + reach + 1 : at + reach + 2]]
        at += reach + 2
    offsets = np.concatenate([[0], np.cumsum(2 * reaches + 2)]).astype(np.uint32)
    return Tables(np.concatenate(parts).astype(np.uint32), offsets, SETS[name].freq_bits, True, -reaches.astype(np.int32))


def scale_of(name: str) -> NDArray[np.float64]:
    """f64[64]: the scale of each table of a set, for choosing an index on the encoder's side; not exact, never for decoding."""
    _known(name)
    return np.geomspace(float(SETS[name].lowest), float(SETS[name].highest), SCALES)


def _known(name: str) -> None:
    if name not in SETS:
        raise BadInput(f"distributions: no set called {name!r}; available: {', '.join(sorted(SETS))}")
