"""docs/pictures/points.png: a made-up sweep as the codec sees it, and the bits per point of each ring.

    python -m tools.make_range_picture

Above, ranges by ring (rows) and azimuth (columns), near ones bright; below, as bars, what each ring adds to the encoded sweep.
"""

from pathlib import Path

import numpy as np
from PIL import Image

import lacodec
from lacodec.codecs.points.spinning.calibration import RINGS, TICKS, UNITS, kitti
from lacodec.codecs.points.spinning.fit import Sweep, fit
from lacodec.codecs.points.spinning.imitation import kitti_sweep

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "points.png"
STEP, ROW, WIDTH, BARS, MOST_BITS = 4, 5, 1000, 200, 16.0
INK, PAPER, LINE = (40, 90, 160), (255, 255, 255), (210, 210, 210)


def main() -> None:
    """Write the picture."""
    points = kitti_sweep(seed=4, step=STEP)
    sweep = fit(np.rint(points[:, :3] * UNITS).astype(np.int64), kitti())
    assert sweep is not None
    picture = np.concatenate([ranges(sweep), np.full((20, WIDTH, 3), PAPER, np.uint8), bars(bits_of_rings(points, sweep))])
    Image.fromarray(picture).save(OUT, optimize=True)


def ranges(sweep: Sweep) -> np.ndarray:
    """u8[rings * ROW, WIDTH, 3]."""
    grid = np.zeros((RINGS, WIDTH))
    grid[sweep.ring_of, sweep.ticks * WIDTH // TICKS] = 1 - np.clip(np.log2(sweep.counts / 1000) / 5.4, 0, 0.95)
    shade = np.repeat(grid, ROW, axis=0)[..., None]
    return np.rint(shade * np.array([255, 235, 190]) + (shade > 0) * 12).clip(0, 255).astype(np.uint8)


def bits_of_rings(points: np.ndarray, sweep: Sweep) -> list[float]:
    """What x, y and z of each ring cost when the rings before it are known."""
    found, before = [], 0.0
    for run in range(len(sweep.rings)):
        stop = int(sweep.starts[run + 1])
        size = 8.0 * len(lacodec.encode(np.ascontiguousarray(points[:stop, :3]), "points"))
        found.append(max(0.0, size - before) / (stop - int(sweep.starts[run])))
        before = size
    return found


def bars(bits: list[float]) -> np.ndarray:
    """u8[BARS, WIDTH, 3]; a line for every four bits."""
    out = np.full((BARS, WIDTH, 3), PAPER, np.uint8)
    for line in range(0, int(MOST_BITS), 4):
        out[BARS - 1 - int(line / MOST_BITS * BARS)] = LINE
    width = WIDTH // len(bits)
    for i, value in enumerate(bits):
        height = min(BARS - 1, round(value / MOST_BITS * BARS))
        out[BARS - height :, i * width + 2 : (i + 1) * width - 1] = INK
    return out


if __name__ == "__main__":
    main()
