"""Blocks of GGUF: every bit in one field, and the values of llama.cpp."""

import numpy as np
import pytest

from lacodec.errors import UnsupportedFile
from lacodec.media.tensors.gguf_blocks import BLOCK_TYPES, BY_SIZE, dequantise

KINDS = pytest.mark.parametrize("number", BLOCK_TYPES)


def blocks(number, n=200):
    return np.random.default_rng(number).integers(0, 256, (n, BLOCK_TYPES[number].size), np.uint8)


@KINDS
def test_fields_hold_every_bit(number):
    kind, data = BLOCK_TYPES[number], blocks(number)
    fields = kind.split(data)
    assert fields.quants.shape == (200, kind.values)
    assert int(fields.quants.max()) == kind.levels - 1
    bits = 16 * len(kind.halves) + kind.values * (kind.levels.bit_length() - 1)
    sub = {"": 0, "i8": 8, "4+4": 4, "6": 6, "6+6": 6}[kind.subs]
    assert 8 * kind.size == bits + sub * (fields.scales.shape[1] + fields.mins.shape[1])
    assert np.array_equal(kind.join(fields), data)


@KINDS
def test_values_are_those_of_the_gguf_package(number):
    gguf = pytest.importorskip("gguf")
    data = blocks(number)
    for at in BLOCK_TYPES[number].halves:
        data[:, at + 1] &= 0xBF  # finite
    wanted = gguf.quants.dequantize(data, gguf.GGMLQuantizationType(number))
    assert np.array_equal(dequantise(number, data).view(np.uint32), wanted.reshape(len(data), -1).view(np.uint32))


def test_values_by_hand():
    block = np.zeros((1, 20), np.uint8)
    block[0, :4] = np.array([0.5, -2.0], "<f2").view(np.uint8)
    block[0, 4], block[0, 19] = 0x31, 0xF0
    values = dequantise(3, block)[0]
    assert values[0] == 0.5 * 1 - 2
    assert values[16] == 0.5 * 3 - 2
    assert values[31] == 0.5 * 15 - 2
    assert (values[1:15] == -2).all()


def test_other_types_are_refused():
    assert len(BY_SIZE) == len(BLOCK_TYPES)
    with pytest.raises(UnsupportedFile, match="type 16 cannot be dequantised; Q4_0"):
        dequantise(16, np.zeros((1, 66), np.uint8))
