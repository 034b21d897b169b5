"""What the pixel model consists of at each effort."""

from dataclasses import dataclass

from reference.stream import need

# Neighbours (dy, dx), the most useful first: in the own plane; in a plane before it, which is a row ahead.
OWN = [(0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-2, 0), (-1, 2), (-2, 1), (-1, -2), (-2, -1)]
OWN += [(-2, 2), (-2, -2), (0, -3), (-3, 0), (-1, 3), (-3, 1), (-1, -3), (-3, -1), (-2, 3), (-2, -3)]
BEFORE = [(0, 0), (0, 1), (0, -1), (-1, 0), (1, 0), (-1, 1), (-1, -1), (1, -1), (1, 1), (0, 2), (-2, 0), (0, -2), (-1, 2)]

SIMPLE = 7  # predictors without any learning

Tap = tuple[int, int, int]  # plane, dy, dx


@dataclass(frozen=True)
class Window:
    """How fast least squares forget: fading per column and per row; ridge of the fit."""

    column_fade: float
    row_fade: float
    ridge: float = 0.03


LOCAL, WIDE, CLOSE = Window(0.89, 0.83), Window(0.96, 0.95), Window(0.8, 0.75)

#: For each plane the groups of its taps: so many in its own plane, in the one before it, in the one before that. Each group ends
#: a predictor, which has the taps of the groups before as well.
ONE = (((16,),), ((10, 10),), ((10, 9, 7),))
TWO = (((10,), (16,)), ((6, 6), (10, 10)), ((6, 5, 4), (10, 9, 7)))
THREE = (((6,), (12,), (20,)), ((3, 3), (8, 7), (14, 12)), ((3, 2, 2), (7, 6, 4), (12, 10, 9)))


@dataclass(frozen=True)
class Setup:
    """An effort.

    block: pixels between fits of least squares; fit_period: blocks of eight between fits of the regressions; softs: soft
    predictions; contexts: counted ones; sets: mixer selectors; context_bits: log2 of the slots of each context; reach: rows and
    columns within which similar pixels are looked for, 0: not at all.
    """

    windows: tuple[Window, ...]
    groups: tuple[tuple[tuple[int, ...], ...], ...]
    block: int
    fit_period: int
    softs: int
    contexts: int
    sets: int
    context_bits: int
    reach: int = 0

    @property
    def squares(self) -> int:
        """Predictors by least squares."""
        return len(self.windows) * len(self.groups[0]) + (self.reach > 0)

    def taps(self, plane: int) -> tuple[list[Tap], list[int]]:
        """(taps of a plane, how many of them each predictor has)."""
        found: list[Tap] = []
        counts = []
        for own, *elsewhere in self.groups[plane]:
            wanted = [(plane, dy, dx) for dy, dx in OWN[:own]]
            for before, count in zip(range(plane - 1, -1, -1), elsewhere, strict=False):
                wanted += [(before, dy, dx) for dy, dx in BEFORE[:count]]
            found += [tap for tap in wanted if tap not in found]
            counts.append(len(found))
        return found, counts


SETUPS = {
    4: Setup((LOCAL,), ONE, block=8, fit_period=8, softs=8, contexts=4, sets=1, context_bits=15),
    5: Setup((LOCAL,), TWO, block=8, fit_period=4, softs=8, contexts=4, sets=2, context_bits=15),
    6: Setup((LOCAL, CLOSE), THREE, block=8, fit_period=4, softs=16, contexts=8, sets=3, context_bits=16),
    7: Setup((LOCAL, CLOSE, WIDE), THREE, block=4, fit_period=2, softs=16, contexts=16, sets=4, context_bits=17),
    8: Setup((LOCAL, CLOSE, WIDE), THREE, block=4, fit_period=1, softs=16, contexts=16, sets=4, context_bits=18, reach=6),
    9: Setup((LOCAL, CLOSE, WIDE), THREE, block=2, fit_period=1, softs=16, contexts=16, sets=4, context_bits=18, reach=10),
}


def setup(effort: int) -> Setup:
    """The setup of an effort from 4 to 9."""
    need(effort in SETUPS, f"a pixel model of the unknown effort {effort}")
    return SETUPS[effort]
