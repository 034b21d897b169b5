"""The pixel model of pictures, given other planes whole: codes the last plane of a state, all others are known.

Known planes are what the decoder has already: motion-compensated frames, other planes of the same frame.
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.kernel import close_row, code_pixel
from lacodec.codecs.image.lossless.mixed.squares import start_row
from lacodec.codecs.image.lossless.mixed.state import BLEND, PAD, State
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
_ONE, _THREE = U(1), U(3)


@flat_kernel
def code_plane(s: State, sizes: np.ndarray, signed: np.ndarray, begin: int, end: int) -> None:
    """Code rows begin..end of the last plane, from `pixels` or into it.

    sizes, signed: float32[known planes, height, width], in: the errors that were made where a known plane was coded.
    """
    width, p = U(s.plan[st.WIDTH]), U(s.plan[st.PLANES] - 1)
    for y in range(U(begin), U(end)):
        for q in range(p):
            tell_errors(s, sizes, signed, q, y + _ONE)
            if y == 0:
                tell_errors(s, sizes, signed, q, y)
        for c in range(U(PAD)):
            s.pixels[p, y + U(PAD), c] = s.pixels[p, y + U(PAD - 1), U(PAD)]
        start_row(s, p)
        for x in range(width):
            code_pixel(s, p, y, x)
        close_row(s, p, y, width)
        for x in range(width):
            sizes[p, y, x] = np.float32(s.errors[p, y & _THREE, x + U(PAD), BLEND])
            signed[p, y, x] = np.float32(s.signed[p, y & _THREE, x + U(PAD)])


@inlined
def tell_errors(s: State, sizes: np.ndarray, signed: np.ndarray, q: int, y: int) -> None:
    """Row y of a known plane's errors into the ring."""
    width, row = U(s.plan[st.WIDTH]), min(y, U(s.plan[st.HEIGHT]) - _ONE)
    for x in range(width + U(2 * PAD)):
        at = min(max(x, U(PAD)) - U(PAD), width - _ONE)
        s.errors[q, y & _THREE, x, BLEND] = np.float64(sizes[q, row, at])
        s.signed[q, y & _THREE, x] = np.float64(signed[q, row, at])
