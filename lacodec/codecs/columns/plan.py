"""What planning forms shares: `Plan`, a node to be; `Work`, what all plans of an array need; places of a sample."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns._fields import Writer
from lacodec.codecs.session import Session

NODE = 24.0
"""Bits of a node and its fields, about."""
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Plan:
    """A node to be: about how many bits it takes, what writes it, and its form."""

    bits: float
    write: Callable[[Writer], None]
    form: int


@dataclass(frozen=True)
class Profile:
    """What an effort tries.

    fine: quantiles that bins are made from. rounds: of predictors, (values of a sample, candidates that it leaves). simple: only
    the commonest predictors. splits: multiples, few values, runs, gaps. parts: columns and bytes of elements apart. repeats: the
    effort of codec `bytes` for arrays whose sequences come again, 0 for never.
    """

    fine: int
    rounds: tuple[tuple[int, int], ...]
    simple: bool = False
    splits: bool = True
    parts: bool = True
    repeats: int = 0


_ONE, _TWO = ((768, 1),), ((768, 3), (4096, 1))
PROFILES = {
    1: Profile(96, _ONE, simple=True, splits=False, parts=False),
    2: Profile(96, _ONE, parts=False),
    3: Profile(192, _ONE),
    4: Profile(384, _TWO),
    5: Profile(384, _TWO, repeats=2),
    6: Profile(768, _TWO, repeats=3),
    7: Profile(384, _TWO, repeats=5),
    8: Profile(384, _TWO, repeats=5),
    9: Profile(384, _TWO, repeats=6),
}
"""By effort."""
MIXING = 7
"""The effort from which on numbers are also mixed (`mixed`)."""


@dataclass(frozen=True)
class Work:
    """What all plans of an array share. choose: makes the plan of a node; depth: how many nodes it is within."""

    effort: int
    session: Session
    choose: "Callable[[NDArray[Any], Work], Plan]"
    depth: int = 0

    @property
    def profile(self) -> Profile:
        """What the effort tries."""
        return PROFILES[self.effort]

    def inner(self, values: NDArray[Any]) -> Plan:
        """The plan for a node within this one."""
        return self.choose(values, replace(self, depth=self.depth + 1))


def sample_places(n: int, reach: int, most: int = 4096) -> NDArray[np.int64]:
    """Places of a sample, spread evenly without a period; all from `reach` on."""
    left = n - reach
    if left <= most:
        return np.arange(reach, n)
    steps = (np.arange(most, dtype=np.uint64) * np.uint64(_GOLDEN)) >> np.uint64(32)
    return (steps * np.uint64(left) >> np.uint64(32)).astype(np.int64) + reach
