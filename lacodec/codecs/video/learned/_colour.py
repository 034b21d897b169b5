"""Between a video's planes and the pixels of the networks: red, green, blue, int32 sixteenths of a gray level, 0 is 127.5.

YUV counts as BT.601 with the limited range, whatever it is: both ways fit together, and values outside are kept.
"""

from collections.abc import Sequence

import numpy as np

from lacodec.media.video.value import Form

_BITS = 18
_ONE = 1 << _BITS
_LUMA = (19595, 38470, 7471)  # of 65536
_LUMA_RANGE, _CHROMA_RANGE = 255 / 219, 255 / 224
_FROM_BLUE, _FROM_RED = 1.772, 1.402
_SHARPER = 3  # rounds in which halved planes are made such that averages give them back


def pixels_of(planes: Sequence[np.ndarray], form: Form, chroma: float) -> np.ndarray:
    """float32[3, h, w] in gray levels from 0 to 255, h and w multiples of 16, of one frame's planes; for encoders only."""
    scale = 1.0 / (1 << (form.depth - 8))
    wide = [plane.astype(np.float32) * np.float32(scale) for plane in planes]
    if form.layout == "gray":
        found = np.repeat(wide[0][None], 3, 0)
    elif form.layout == "rgb":
        found = np.stack([wide[2], wide[0], wide[1]])
    else:
        size = form.height, form.width
        blue, red = (_enlarged((wide[k] - 128) * (_CHROMA_RANGE * chroma), size, form.halvings[k]) for k in (1, 2))
        y = (wide[0] - 16) * np.float32(_LUMA_RANGE)
        red, blue = red * _FROM_RED, blue * _FROM_BLUE
        green = -(red * _LUMA[0] + blue * _LUMA[2]) / _LUMA[1]
        found = np.stack([y + red, y + green, y + blue])
    return np.pad(found.astype(np.float32), ((0, 0), (0, -form.height % 16), (0, -form.width % 16)), "edge")


def planes_of(pixels: np.ndarray, form: Form, chroma: float) -> list[np.ndarray]:
    """The planes, uint8 or uint16, of int32[3, h, w] as exact synthesis gives them."""
    red, green, blue = (plane[: form.height, : form.width].astype(np.int64) for plane in pixels)
    if form.layout == "rgb":
        return [_sample(plane, 127.5, 1.0, 0, form) for plane in (green, blue, red)]
    luma = red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2]  # 2^20ths
    if form.layout == "gray":
        return [_sample(luma, 127.5, 1.0, 16, form)]
    found = [_sample(luma, 16 + 127.5 / _LUMA_RANGE, 1 / _LUMA_RANGE, 16, form)]
    for k, plane, factor in ((1, blue, _FROM_BLUE), (2, red, _FROM_RED)):
        down, across = form.halvings[k]
        apart = _summed((plane << 16) - luma, down, across)
        found.append(_sample(apart, 128.0, 1 / (factor * _CHROMA_RANGE * chroma), 16 + down + across, form))
    return found


def luma_of(pixels: np.ndarray) -> np.ndarray:
    """int32[h, w] in sixteenths, of int32[3, h, w]."""
    wide = pixels.astype(np.int64)
    return ((wide[0] * _LUMA[0] + wide[1] * _LUMA[1] + wide[2] * _LUMA[2] + (1 << 15)) >> 16).astype(np.int32)


def _sample(values: np.ndarray, middle: float, factor: float, shift: int, form: Form) -> np.ndarray:
    """Of whole numbers that count 2^-(4 + shift) gray levels: middle + factor times them, as samples."""
    more = form.depth - 8
    weight, offset = int(factor * _ONE + 0.5), int(middle * 2**more * 2**_BITS) << 4
    values = values >> max(0, shift - 8)  # so that nothing overflows: 2^-12 gray levels are left
    left = min(shift, 8)
    wide = (values * weight << more) + (offset << left) + (1 << (_BITS + 3 + left))
    return np.clip(wide >> (_BITS + 4 + left), 0, (1 << form.depth) - 1).astype(np.uint8 if form.depth == 8 else np.uint16)


def _summed(plane: np.ndarray, down: int, across: int) -> np.ndarray:
    """Sums of 2^down rows and 2^across columns; beyond the border lies its edge."""
    plane = np.pad(plane, ((0, -plane.shape[0] % (1 << down)), (0, -plane.shape[1] % (1 << across))), "edge")
    height, width = plane.shape
    return plane.reshape(height >> down, 1 << down, width >> across, 1 << across).sum((1, 3))


def _enlarged(plane: np.ndarray, size: tuple[int, int], halvings: tuple[int, int]) -> np.ndarray:
    """A halved plane at full size, smooth, and such that means of its samples give the plane again, nearly."""
    if halvings == (0, 0):
        return plane
    wanted, means = plane, 0.5 ** sum(halvings)
    for _ in range(_SHARPER):
        large = _smooth(wanted, halvings)[: size[0], : size[1]]
        wanted = wanted + (plane - _summed(large, *halvings) * np.float32(means))
    return _smooth(wanted, halvings)[: size[0], : size[1]]


def _smooth(plane: np.ndarray, halvings: tuple[int, int]) -> np.ndarray:
    for axis in (0, 1):
        for _ in range(halvings[axis]):
            moved = np.moveaxis(np.pad(plane, [(1, 1) if k == axis else (0, 0) for k in (0, 1)], "edge"), axis, 0)
            both = np.stack([0.75 * moved[1:-1] + 0.25 * moved[:-2], 0.75 * moved[1:-1] + 0.25 * moved[2:]], 1)
            plane = np.moveaxis(both.reshape(-1, moved.shape[1]), 0, axis).astype(np.float32)
    return plane
