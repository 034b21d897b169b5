"""Codec `image.field` by `reference/`."""

import numpy as np
import pytest

from lacodec.codecs.image.field._network import synthesise
from lacodec.codecs.image.field._payload import encode_field

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from reference import field_codec  # noqa: E402
from reference.decode import restore  # noqa: E402
from tests.codecs.image.test_field import random_field  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("shape", "spread"), [((9, 14, 3), 2.0), ((5, 3, 1), 700.0)])
def test_fields_of_any_numbers(shape, spread):
    field = random_field(shape, spread=spread)
    assert np.array_equal(field_codec.field(encode_field(field), *shape), synthesise(field.latents, field.synthesis))


def test_a_file_with_alpha():
    encoded = lacodec.encode(photo(12, 17, 4), "image.field", effort=1)
    assert restore(encoded).content == lacodec.decode(encoded).pixels.tobytes()
