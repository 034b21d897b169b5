"""The sensor of the KITTI recordings, a Velodyne HDL-64E, as integers; sines of angles without a library's functions.

The four constants of each ring were fitted to five public frames of three drives, in which they were the same. They belong to
the one sensor on the one car, as the maker's calibration does.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

TICKS = 4000
"""Azimuth ticks in a turn, 0.09 degrees each."""
RANGE_UNIT = 0.002
"""Metres."""
SIDE = 0.026
"""Metres that a laser is beside the axis: to the right in rings of even number, to the left in others."""
UNITS = 1000.0
"""Of the coordinates, in a metre."""

_ONE = 1 << 96  # of the fixed-point numbers
_PI = 0x3243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89
_PI_BITS = 256
_NANO = 10**9

_RINGS = (
    # elevation in 1e-9 rad, height, range at count 0 in 1e-9 m, azimuth at tick 0 in 1e-9 rad
    (33801670, 209007518, -597508, -60324965),
    (27470557, 208555219, 143434, -100049350),
    (22772271, 208212000, 641688, -134648227),
    (15211626, 207668896, 881977, -173607205),
    (10102143, 207299555, 74380, 1773878),
    (3152370, 206799312, -27285, -37531677),
    (-1549197, 206461256, 191927, -74018760),
    (-7885858, 206004876, 614256, -113305567),
    (-14017616, 205564818, -600295, -147776958),
    (-20965578, 205065152, -435827, -187141349),
    (-26073082, 204696312, -842398, 13951479),
    (-31996135, 204270083, 24888, -25269440),
    (-38529172, 203797454, -221848, -59498933),
    (-44446964, 203371072, 996428, -99673482),
    (-50157842, 202960195, 848730, -134465823),
    (-56476620, 202502492, 38655, -173570792),
    (-61772886, 202121966, -11212, 620772),
    (-68693492, 201623191, 860539, -38475936),
    (-73574651, 201270100, 153894, -73309240),
    (-80077682, 200801767, 423305, -112657967),
    (-85761527, 200383499, 599781, -147614482),
    (-91643077, 199958204, 306531, -186967442),
    (-97923086, 199499500, -742516, 14750733),
    (-103993316, 199059643, 292962, -24378136),
    (-110459594, 198590044, -445196, -59453301),
    (-116513055, 198143643, 780713, -98890845),
    (-122155714, 197733920, -988500, -136563161),
    (-127186571, 197361583, 296541, -173364519),
    (-134018391, 196857156, 358853, 1579769),
    (-140638076, 196376232, -797863, -37579622),
    (-145043803, 196051215, 765421, -72997958),
    (-152041786, 195539024, -727593, -112460688),
    (-157533140, 124268607, -753076, -47405570),
    (-167087170, 123641935, 472876, -103897541),
    (-175622201, 123106819, 750423, -160765514),
    (-182747585, 122646300, -991572, -219343963),
    (-191232482, 122091338, 161521, 47787507),
    (-202441910, 121395461, 114948, -8890025),
    (-211445875, 120795333, 731495, -66783274),
    (-219248029, 120283367, -386465, -126014750),
    (-227605927, 119726957, -531188, -181937950),
    (-235350369, 119208720, -382031, -221335371),
    (-245191139, 118602948, 608535, 71072019),
    (-254779242, 117920045, -795805, 11884335),
    (-265089939, 117244404, 75982, -45240108),
    (-273257991, 116696572, -505785, -104840688),
    (-282333516, 116096887, 903244, -162119330),
    (-288915577, 115621270, -915845, -222018380),
    (-299963602, 114895526, -826134, 52330710),
    (-309439951, 114187009, -20203, -8636762),
    (-319795509, 113501643, 3348, -65613394),
    (-328073703, 112996389, 572438, -126366489),
    (-337201144, 112348916, 787813, -184108088),
    (-344452571, 111766734, -185478, -224355239),
    (-352942582, 111190276, -938900, 75584425),
    (-362783775, 110380781, 953441, 16000743),
    (-372055573, 109782512, -114803, -42810017),
    (-382839660, 109062808, -696809, -104716443),
    (-391609180, 108455323, 64692, -164323714),
    (-398916347, 107891320, -659713, -224498171),
    (-407045198, 107290011, -466969, 57162614),
    (-418384237, 106547179, -323420, -5286493),
    (-427707394, 105718903, 925252, -64761813),
    (-436305453, 105077377, 549984, -126216034),
)
RINGS = len(_RINGS)


@dataclass(frozen=True)
class Calibration:
    """What the geometry of a sensor needs.

    rings: f64[rings, 7]: cosine and sine of the elevation, height, range at count 0, cosine and sine of the azimuth at tick 0,
    distance beside the axis. ticks: f64[TICKS, 2]: cosine and sine of each tick.
    """

    rings: np.ndarray
    ticks: np.ndarray


@cache
def kitti() -> Calibration:
    """The sensor of the KITTI recordings."""
    rings = np.empty((RINGS, 7))
    for i, (elevation, height, zero, azimuth) in enumerate(_RINGS):
        around, up = _ONE * azimuth // _NANO, _ONE * elevation // _NANO
        side = -SIDE if i % 2 == 0 else SIDE
        rings[i] = (*_turned(up), height / _NANO, zero / _NANO, *_turned(around), side)
    return Calibration(rings, sine_table(TICKS))


def ring_azimuths() -> np.ndarray:
    """f64[RINGS]: radians from tick 0 to where the laser of each ring points at it."""
    return np.array([azimuth for _, _, _, azimuth in _RINGS]) / _NANO


def sine_table(steps: int) -> np.ndarray:
    """f64[steps, 2]: cosine and sine of whole steps of a circle that has a multiple of four of them.

    Of the first quarter, the doubles nearest to them, or, from a thousand steps on, sums of two products of such.
    """
    quarter = steps // 4
    part = 1 if quarter <= 1000 else 100
    coarse = np.array([turned(part * t, steps) for t in range(-(-quarter // part))])
    fine = np.array([turned(t, steps) for t in range(part)])
    c = (coarse[:, None, 0] * fine[:, 0] - coarse[:, None, 1] * fine[:, 1]).reshape(-1)[:quarter]
    s = (coarse[:, None, 1] * fine[:, 0] + coarse[:, None, 0] * fine[:, 1]).reshape(-1)[:quarter]
    return np.stack([np.concatenate([c, -s, -c, s]), np.concatenate([s, c, -s, -c])], axis=1)


def turned(steps: int, circle: int) -> tuple[float, float]:
    """The doubles nearest to cosine and sine of so many steps of a circle."""
    return _turned(2 * (_PI * _ONE >> _PI_BITS) * steps // circle)


def _turned(angle: int) -> tuple[float, float]:
    """The doubles nearest to cosine and sine of a fixed-point angle, by their series."""
    term, sums, n = _ONE, [0, 0], 0
    while term:
        sums[n & 1] += -term if n & 2 else term
        n += 1
        term = term * angle // (_ONE * n) if angle >= 0 else -(term * -angle // (_ONE * n))
    return sums[0] / _ONE, sums[1] / _ONE
