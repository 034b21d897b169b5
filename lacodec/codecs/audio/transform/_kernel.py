"""The kernel that codes frames, in either direction: for each block its size, angles, levels, coefficients."""

from typing import Any

import numpy as np

from lacodec.codecs.audio.transform import _state as st
from lacodec.codecs.audio.transform._coefficients import code_coefficients
from lacodec.codecs.audio.transform._side import code_angle, code_levels, code_size
from lacodec.codecs.audio.transform._state import PAD, Coder
from lacodec.codecs.audio.transform._tables import ENERGY, FLOOR, SIZES, SLOTS
from lacodec.entropy.mixing import finish, start
from lacodec.kernels.jit import flat_kernel, inlined, kernel

U: Any = np.uint64
S64: Any = np.int64

_LOWEST_STEP, _HIGHEST_STEP = -100, 400


@kernel
def code(m: Coder, frames: int) -> None:
    """Code all frames."""
    start(m)
    for f in range(frames):
        slot = 0
        while slot < SLOTS:
            at = f * SLOTS + slot
            size = code_size(m, slot, S64(m.sizes[U(at)]))
            m.sizes[U(at)] = np.uint8(size)
            code_block(m, size, at, f * m.plan[U(st.FRAME)] + slot * (m.plan[U(st.FRAME)] // SLOTS))
            slot += SLOTS >> size
    if not m.plan[U(st.DECODING)]:
        finish(m)


@flat_kernel
def code_block(m: Coder, size: int, at: int, first: int) -> None:
    """The block of that size that begins in slot `at`, with the coefficient `first`."""
    if m.plan[U(st.CHANNELS)] == 2:
        _code_angles(m, size, at)
    for c in range(m.plan[U(st.CHANNELS)]):
        code_levels(m, c, size, at)
    for c in range(m.plan[U(st.CHANNELS)]):
        find_steps(m.levels[U(c), U(at)], m.steps, m.counts[U(size)], m.like[U(0), U(size)], m.rule)
        code_coefficients(m, c, size, at, first)
    for c in range(m.plan[U(st.CHANNELS)]):
        _remember(m, c, size, at)
    m.plan[U(st.PAST_SIZE_2)] = m.plan[U(st.PAST_SIZE)]
    m.plan[U(st.PAST_SIZE)] = size


@flat_kernel
def find_steps(levels: np.ndarray, steps: np.ndarray, count: int, pitch: np.ndarray, rule: np.ndarray) -> None:
    """Steps of all bands, in eighths of an octave, from what their levels mask. rule: `_setup.Rule.numbers`."""
    masked, loudest = S64(FLOOR), S64(FLOOR)
    for b in range(count):
        masked = max(masked - rule[U(4)], FLOOR + ENERGY * S64(levels[U(b)]))
        loudest = max(loudest, masked)
        steps[U(b)] = masked
    masked = S64(FLOOR)
    for i in range(count):
        b = U(count - 1 - i)
        masked = max(masked - rule[U(5)], steps[b])
        step = rule[U(0)] + (masked * rule[U(1)] + loudest * rule[U(2)] + pitch[b] * rule[U(3)] * 16 + 128 >> 8)
        steps[b] = min(max(step, _LOWEST_STEP), _HIGHEST_STEP)


@inlined
def _code_angles(m: Coder, size: int, at: int) -> None:
    past_size = m.plan[U(st.PAST_SIZE)]
    left = S64(16)
    for b in range(m.counts[U(size)]):
        past = m.past_angles[U(m.like[U(past_size), U(size), U(b)])] if past_size < SIZES else left
        left = code_angle(m, b, past, left, S64(m.angles[U(at), U(b)]))
        m.angles[U(at), U(b)] = np.uint8(left)


@inlined
def _remember(m: Coder, c: int, size: int, at: int) -> None:
    """The block becomes the last one."""
    n = m.plan[U(st.FRAME)] >> size
    past_size = min(m.plan[U(st.PAST_SIZE)], SIZES - 1)
    old = m.plan[U(st.FRAME)] >> past_size
    for k in range(old + PAD):
        m.past[U(c), U(1), U(k + PAD)] = m.past[U(c), U(0), U(k + PAD)]
    for k in range(n + PAD):
        m.past[U(c), U(0), U(k + PAD)] = m.present[U(c), U(k + PAD)]
    for b in range(m.counts[U(size)]):
        m.steps[U(b)] = m.past_levels[U(c), U(0), U(m.like[U(past_size), U(size), U(b)])]
    for b in range(m.counts[U(size)]):
        m.past_levels[U(c), U(1), U(b)] = m.steps[U(b)]
        m.past_levels[U(c), U(0), U(b)] = S64(m.levels[U(c), U(at), U(b)])
        if c == 0:
            m.past_angles[U(b)] = S64(m.angles[U(at), U(b)])
