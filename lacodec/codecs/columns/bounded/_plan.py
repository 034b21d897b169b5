"""What the kernel is told of a pass: flat arrays of its boxes, of offsets and of weights."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded import _kernel as kernel
from lacodec.codecs.columns.bounded._passes import Pass, passes
from lacodec.codecs.columns.bounded._stencil import Stencils
from lacodec.codecs.columns.bounded._taps import AXES, Offset


class Plan(NamedTuple):
    """See `_kernel`."""

    plan: NDArray[np.int64]
    boxes: NDArray[np.int64]
    taps: NDArray[np.int64]
    weights: NDArray[np.float64]
    around: NDArray[np.int64]


class Step(NamedTuple):
    """A pass, and what its plan does not need the stencils for."""

    of: Pass
    boxes: NDArray[np.int64]
    around: NDArray[np.int64]


@lru_cache(maxsize=8)
def steps_of(shape: tuple[int, ...]) -> list[Step]:
    """All passes over an array, in order; kept for the next chunk."""
    return [_step(of) for of in passes(shape)]


def _step(of: Pass) -> Step:
    boxes, around = np.zeros((len(of.boxes), kernel.BOX), np.int64), list[Offset]()
    for row, box in zip(boxes, of.boxes, strict=True):
        row[:AXES] = [piece[0] for piece in box.pieces]
        row[AXES : 2 * AXES] = [piece[1] for piece in box.pieces]
        own = [offset for offset in box.own if any(offset[:-1])]
        row[kernel.OWN_ROW] = len(own) < len(box.own)
        row[kernel.OWN] = len(around)
        around += own
        row[kernel.SIDES] = len(around)
        around += [offset for pair in box.sides for offset in pair]
        row[kernel.SIDES_END] = len(around)
        row[kernel.SCALE] = kernel.EIGHTHS * kernel.UNIT // max(1, 2 * len(box.own) + len(box.sides))
    return Step(of, boxes, of.flat(around))


def plan_of(step: Step, stencils: Stencils, decoding: bool) -> Plan:
    """The plan of a pass."""
    found = [stencil for stencil in stencils.of_boxes if stencil]
    boxes = step.boxes.copy()
    ends = np.cumsum([len(stencil.weights) if stencil else 0 for stencil in stencils.of_boxes])
    boxes[:, kernel.TAPS_END] = ends
    boxes[1:, kernel.TAPS] = ends[:-1]
    boxes[:, kernel.BEHIND] = [stencil.taps.behind if stencil else 0 for stencil in stencils.of_boxes]
    plan = np.array([*step.of.shape, step.of.stride, stencils.edge, step.of.chances, decoding], np.int64)
    taps = np.concatenate([np.empty(0, np.int64), *(stencil.taps.flat for stencil in found)])
    return Plan(plan, boxes, taps, np.concatenate([np.empty(0), *(stencil.weights for stencil in found)]), step.around)
