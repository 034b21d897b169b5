"""The lapped transform (MDCT) with blocks of any sizes: rotations across every border, then a DCT-IV of each block.

    samples --fold at borders--> --DCT-IV of blocks--> coefficients          orthonormal; the inverse is the same backwards

The overlap at a border is as long as the shorter of its two blocks (B. Edler's window switching: "Codierung von Audiosignalen mit
überlappender Transformation und adaptiven Fensterfunktionen", Frequenz 1989), with the slopes of Vorbis I.
"""

from functools import cache

import numpy as np


def fold(signal: np.ndarray, borders: np.ndarray, overlaps: np.ndarray, inverse: bool = False) -> None:
    """Rotate pairs of samples around each border, in place. signal: float64[channels, n]; overlaps: even, 0 for none."""
    for overlap in np.unique(overlaps):
        if overlap:
            rise, fall = _slopes(int(overlap))
            half = np.arange(overlap // 2)
            at = borders[overlaps == overlap][:, None]
            before, after = at - 1 - half, at + half
            left, right = signal[:, before], signal[:, after]
            turn = -fall if inverse else fall
            signal[:, before] = rise * left - turn * right
            signal[:, after] = rise * right + turn * left


def dct4(blocks: np.ndarray) -> np.ndarray:
    """The orthonormal DCT-IV of float64[..., n], n even: its own inverse. By a complex FFT of n / 2."""
    n = blocks.shape[-1]
    twiddle, scale = _twiddles(n)
    mixed = (blocks[..., ::2] + 1j * blocks[..., ::-2]) * twiddle
    found = np.fft.fft(mixed, axis=-1) * twiddle * scale
    out = np.empty_like(blocks)
    out[..., ::2] = found.real
    out[..., ::-2] = -found.imag
    return out


def transform_blocks(signal: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """DCT-IV of every block of float64[channels, n], as float64[channels, n]."""
    out = np.empty_like(signal)
    for size in np.unique(sizes):
        at = starts[sizes == size][:, None] + np.arange(size)
        out[:, at] = dct4(signal[:, at])
    return out


@cache
def _slopes(overlap: int) -> tuple[np.ndarray, np.ndarray]:
    angle = np.pi / 2 * np.sin(np.pi / 4 * (1 + (2 * np.arange(overlap // 2) + 1) / overlap)) ** 2
    return np.sin(angle), np.cos(angle)


@cache
def _twiddles(n: int) -> tuple[np.ndarray, float]:
    return np.exp(-1j * np.pi * (8 * np.arange(n // 2) + 1) / (8 * n)), float(np.sqrt(2 / n))
