"""Drawn pixels: whole neighbouring pixels as contexts, and a match in two dimensions, for the context-mixing engine.

Pixels are 64-bit words of up to 8 bytes (channels, high byte before low byte); each byte is one symbol, the last lowest.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.entropy.mixing import DECODING, EXPECT_BUCKETS, Engine, code_symbol, finish, start
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import flat_kernel, inlined

CONTEXTS = 14
EXPECTS = 2
SELECTORS = (64, 8, 8, 64, 256)
PAD = 4
HEAD_BITS = 18
# Registers: how long pixels have been equal to the one above, to the one on the left; the match, and how many pixels it has.
RUN_UP, RUN_LEFT, MATCH_Y, MATCH_X, LENGTH = range(5)
REGISTERS = 5

_AROUND = 9  # the context of all neighbours, by which matches are found
_LOOK_BACK = 20  # pixels to the left that a new match is compared with
_LONGEST, _LONGEST_RUN = 65535, 255  # where counting ends
_TRUST, _RUN_TRUST = 31, 30  # lengths from which on all matches, all runs are the same to the mixer

U: Any = np.uint64
S64: Any = np.int64
_ODD = U(0xD6E8FEB86659FD93)
_ONE, _TWO = U(1), U(2)


class Drawing(NamedTuple):
    """What the model keeps besides the engine; made by `tile`."""

    words: np.ndarray  # uint64[PAD + height, PAD + width + PAD]: the pixels
    heads: np.ndarray  # int64[1 << HEAD_BITS]: where neighbours were last seen, by hash
    registers: np.ndarray  # int64[REGISTERS]
    base: np.ndarray  # uint64[CONTEXTS]: hashes of the pixel's neighbours
    ctx: np.ndarray  # uint64[CONTEXTS]: those with the bytes of the pixel so far
    expect: np.ndarray  # int64[2 * EXPECTS]
    select: np.ndarray  # int64[selectors + 2]


@inlined
def _hash2(a: int, b: int) -> int:
    h = (a + GOLDEN) * _ODD
    h = (h ^ (h >> U(32)) ^ b) * GOLDEN
    return h ^ (h >> U(29))


@inlined
def _hash3(a: int, b: int, c: int) -> int:
    return _hash2(_hash2(a, b), c)


@flat_kernel
def code_words(engine: Engine, d: Drawing, size: int, begin: int, end: int) -> None:
    """Code rows begin..end of words of `size` bytes, from `words` or into it."""
    if begin == 0:
        start(engine)
    height, width = U(d.words.shape[0] - PAD), U(d.words.shape[1] - 2 * PAD)
    for y in range(U(begin) + U(PAD), U(end) + U(PAD)):
        for x in range(U(PAD), width + U(PAD)):
            pair = _set_contexts(d, y, x)
            _find_match(d, y, x)
            guess = d.words[U(d.registers[MATCH_Y]), U(d.registers[MATCH_X])]
            pixel = _code_pixel(engine, d, y, x, size, pair, guess)
            d.words[y, x] = pixel
            _count_runs(d, y, x, pixel)
            _follow_match(d, guess == pixel, width)
        _close_row(d, y, width)
    if U(end) == height and engine.plan[DECODING] == 0:
        finish(engine)


@inlined
def _set_contexts(d: Drawing, y: int, x: int) -> int:
    """Fill `base`, each context with a number of its own in its hash; returns the hash of the left and the upper neighbour."""
    words, base = d.words, d.base
    w, n = words[y, x - _ONE], words[y - _ONE, x]
    nw, ne = words[y - _ONE, x - _ONE], words[y - _ONE, x + _ONE]
    ww, nn = words[y, x - _TWO], words[y - _TWO, x]
    nne, nww = words[y - _TWO, x + _ONE], words[y - _ONE, x - _TWO]
    pair = _hash2(w, n)
    corner = _hash3(pair, nw, ne)
    base[0] = _hash2(w, U(1))
    base[1] = _hash2(n, U(2))
    base[2] = _hash2(pair, U(3))
    base[3] = _hash3(pair, nw, U(4))
    base[4] = _hash3(pair, ne, U(5))
    base[5] = _hash2(corner, U(6))
    base[6] = _hash3(w, ww, U(7))
    base[7] = _hash3(n, nn, U(8))
    base[8] = _hash3(corner, _hash2(ww, nn), U(9))
    base[_AROUND] = _hash3(corner, _hash3(ww, nn, nne), nww)
    base[10] = _hash3(n, ne, U(11))
    base[11] = U(12)
    base[12] = _hash3(w, _hash3(ww, words[y, x - U(3)], n), U(13))
    base[13] = _hash3(nw, ne, U(14))
    return pair


@inlined
def _find_match(d: Drawing, y: int, x: int) -> None:
    """Where there is no match, look for the place where the same neighbours were last seen; remember this one."""
    words, registers = d.words, d.registers
    head = d.base[_AROUND] >> U(64 - HEAD_BITS)
    found = U(d.heads[head])
    if registers[LENGTH] == 0 and found != 0:
        match_y, match_x = found // U(words.shape[1]), found % U(words.shape[1])
        back = _ONE
        while back <= U(_LOOK_BACK) and match_x >= back and x >= back and words[match_y, match_x - back] == words[y, x - back]:
            back += _ONE
        registers[MATCH_Y], registers[MATCH_X], registers[LENGTH] = S64(match_y), S64(match_x), S64(back - _ONE)
    d.heads[head] = S64(y * U(words.shape[1]) + x)


@inlined
def _code_pixel(engine: Engine, d: Drawing, y: int, x: int, size: int, pair: int, guess: int) -> int:
    """Code the bytes of a pixel, highest first; returns the pixel."""
    w, n = d.words[y, x - _ONE], d.words[y - _ONE, x]
    nw, ne = d.words[y - _ONE, x - _ONE], d.words[y - _ONE, x + _ONE]
    run_up, run_left, length = d.registers[RUN_UP], d.registers[RUN_LEFT], d.registers[LENGTH]
    likely = n if run_up >= run_left else w
    run = max(run_up, run_left)
    alike = S64(w == n) | (S64(n == ne) << 1) | (S64(w == nw) << 2)
    pixel = U(0)
    truth = d.words[y, x]
    for b in range(U(size)):
        shift = U(8) * (U(size) - _ONE - b)
        part = _hash2(pixel, b + _ONE)
        for i in range(U(CONTEXTS)):
            d.ctx[i] = _hash2(d.base[i], part)
        d.expect[0] = S64((guess >> shift) & U(255))
        d.expect[1] = min(length, _TRUST) + 1 if length > 0 and _begins(guess, pixel, shift, b) else 0
        d.expect[2] = S64((likely >> shift) & U(255))
        d.expect[3] = min(run, _RUN_TRUST) + 1 if _begins(likely, pixel, shift, b) else EXPECT_BUCKETS - 1
        d.select[0] = S64(b) * 8 + alike
        d.select[1] = S64(b)
        d.select[2] = S64(b)
        d.select[3] = min(length, 15) * 4 + min(run, 3)
        d.select[4] = S64((w >> shift) & U(255))
        d.select[5] = S64((n >> shift) & U(255))
        d.select[6] = S64(b) * 65536 + S64(_hash2(pair, part) >> U(48))
        symbol = S64((truth >> shift) & U(255)) if engine.plan[DECODING] == 0 else 0
        pixel = (pixel << U(8)) | U(code_symbol(engine, d.ctx, d.expect, d.select, symbol))
    return pixel


@inlined
def _begins(guess: int, pixel: int, shift: int, b: int) -> bool:
    """Whether the guessed pixel begins with the b bytes of this one."""
    return (guess >> (shift + U(8))) == pixel if b > 0 else True


@inlined
def _count_runs(d: Drawing, y: int, x: int, pixel: int) -> None:
    registers = d.registers
    registers[RUN_UP] = min(registers[RUN_UP] + 1, _LONGEST_RUN) if pixel == d.words[y - _ONE, x] else 0
    registers[RUN_LEFT] = min(registers[RUN_LEFT] + 1, _LONGEST_RUN) if pixel == d.words[y, x - _ONE] else 0


@inlined
def _follow_match(d: Drawing, right: bool, width: int) -> None:
    """Move the match on, or give it up, which it is too at the end of its row."""
    registers = d.registers
    if registers[LENGTH] > 0 and right and registers[MATCH_X] + 1 < S64(width + U(PAD)):
        registers[LENGTH] = min(registers[LENGTH] + 1, _LONGEST)
        registers[MATCH_X] += 1
    else:
        registers[LENGTH] = 0


@inlined
def _close_row(d: Drawing, y: int, width: int) -> None:
    """Margins repeat what lies beside them: this row's right one, the next row's left one."""
    for c in range(U(PAD)):
        d.words[y, width + U(PAD) + c] = d.words[y, width + U(PAD - 1)]
        if y + _ONE < U(d.words.shape[0]):
            d.words[y + _ONE, c] = d.words[y, U(PAD)]
