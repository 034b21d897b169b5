"""The plain reader of the coefficients of a JPEG decodes what the package encodes."""

import numpy as np
import pytest

from lacodec.codecs.image.jpeg.frame import Component, Frame
from lacodec.codecs.image.jpeg.model.coder import encode_frame
from reference.jpeg_coefficients import decode


def frame_of(seed, sampling, rows, columns, kind):
    chance = np.random.default_rng(seed)
    components = []
    for h, v in sampling:
        shape = rows * v, columns * h, 64
        photo = np.round(chance.laplace(0, 1, shape) * 60 / (1 + np.arange(64)) ** 1.2)
        photo[..., 0] += np.cumsum(chance.integers(-40, 40, shape[:2]), 1)
        values = chance.integers(-32768, 32768, shape) if kind == "any" else photo
        components.append(
            Component(values.astype(np.int16), chance.integers(0 if kind == "any" else 2, 30, 64).astype(np.uint16), h, v)
        )
    return Frame(8 * columns, 8 * rows, tuple(components))


@pytest.mark.parametrize("effort", range(1, 10))
@pytest.mark.parametrize(
    ("sampling", "kind"), [([(2, 2), (1, 1), (1, 1)], "photo"), ([(1, 1)] * 4, "photo"), ([(1, 1), (2, 2), (4, 1)], "any")]
)
def test_coefficients(effort, sampling, kind):
    frame = frame_of(effort, sampling, 2, 2, kind)
    places = [(*c.coefficients.shape[:2], c.h, c.v) for c in frame.components]
    back = decode(encode_frame(frame, effort), places, [c.quant.tolist() for c in frame.components])
    for component, array in zip(frame.components, back, strict=True):
        assert np.array_equal(component.coefficients, array)
