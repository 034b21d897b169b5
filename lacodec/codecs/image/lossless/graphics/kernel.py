"""Drawn pixels: whole neighbouring pixels as contexts, and a match in two dimensions, for the context-mixing engine.

Pixels are 64-bit words of up to 8 bytes (channels, high byte before low byte); each byte is one symbol, the last lowest.
"""

from typing import Any

import numpy as np

from lacodec.entropy.mixing import DECODING, Engine, code_symbol, finish, start
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import flat_kernel, inlined

CONTEXTS = 14
EXPECTS = 2
SELECTORS = (64, 8, 8, 64, 256)
PAD = 4
HEAD_BITS = 18

U: Any = np.uint64
S64: Any = np.int64
_ODD = U(0xD6E8FEB86659FD93)


@inlined
def _hash2(a: int, b: int) -> int:
    h = (a + GOLDEN) * _ODD
    h = (h ^ (h >> U(32)) ^ b) * GOLDEN
    return h ^ (h >> U(29))


@inlined
def _hash3(a: int, b: int, c: int) -> int:
    return _hash2(_hash2(a, b), c)


@flat_kernel
def code_words(
    engine: Engine,
    words: np.ndarray,
    size: int,
    ctx: np.ndarray,
    expect: np.ndarray,
    select: np.ndarray,
    heads: np.ndarray,
    base: np.ndarray,
) -> None:
    """Code uint64[PAD + height, PAD + width + PAD] of `size` bytes a word, from `words` or into it.

    ctx: uint64[CONTEXTS], expect: int64[2 * EXPECTS], select: int64[selectors + 2], base: uint64[CONTEXTS], heads:
    int64[1 << HEAD_BITS], zeros.
    """
    start(engine)
    decoding = engine.plan[DECODING]
    height, width = U(words.shape[0] - PAD), U(words.shape[1] - 2 * PAD)
    run_up, run_left = S64(0), S64(0)
    one, two = U(1), U(2)
    match_y, match_x, length = U(0), U(0), S64(0)
    for y in range(U(PAD), height + U(PAD)):
        for x in range(U(PAD), width + U(PAD)):
            w, n = words[y, x - one], words[y - one, x]
            nw, ne = words[y - one, x - one], words[y - one, x + one]
            ww, nn = words[y, x - two], words[y - two, x]
            nne, nww = words[y - two, x + one], words[y - one, x - two]
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
            base[9] = _hash3(corner, _hash3(ww, nn, nne), nww)
            base[10] = _hash3(n, ne, U(11))
            base[11] = U(12)
            base[12] = _hash3(w, _hash3(ww, words[y, x - U(3)], n), U(13))
            base[13] = _hash3(nw, ne, U(14))
            # The place where the same neighbours were last seen.
            head = base[9] >> U(64 - HEAD_BITS)
            if length == 0:
                found = U(heads[head])
                if found != 0:
                    match_y, match_x = found // U(words.shape[1]), found % U(words.shape[1])
                    while (
                        length < 20
                        and match_x >= U(length + 1)
                        and x >= U(length + 1)
                        and words[match_y, match_x - U(length + 1)] == words[y, x - U(length + 1)]
                    ):
                        length += 1
            heads[head] = S64(y * U(words.shape[1]) + x)
            guess = words[match_y, match_x]
            likely = n if run_up >= run_left else w
            alike = S64(w == n) | (S64(n == ne) << 1) | (S64(w == nw) << 2)
            pixel = U(0)
            truth = words[y, x]
            for b in range(U(size)):
                shift = U(8) * (U(size) - one - b)
                part = _hash2(pixel, b + one)
                for i in range(U(CONTEXTS)):
                    ctx[i] = _hash2(base[i], part)
                same = (guess >> (shift + U(8))) == pixel if b > 0 else True
                expect[0] = S64((guess >> shift) & U(255))
                expect[1] = min(length, 31) + 1 if length > 0 and same else 0
                same = (likely >> (shift + U(8))) == pixel if b > 0 else True
                expect[2] = S64((likely >> shift) & U(255))
                expect[3] = min(max(run_up, run_left), 30) + 1 if same else 63
                select[0] = S64(b) * 8 + alike
                select[1] = S64(b)
                select[2] = S64(b)
                select[3] = min(length, 15) * 4 + min(max(run_up, run_left), 3)
                select[4] = S64((w >> shift) & U(255))
                select[5] = S64((n >> shift) & U(255))
                select[6] = S64(b) * 65536 + S64(_hash2(pair, part) >> U(48))
                symbol = S64((truth >> shift) & U(255)) if decoding == 0 else 0
                pixel = (pixel << U(8)) | U(code_symbol(engine, ctx, expect, select, symbol))
            words[y, x] = pixel
            run_up = min(run_up + 1, 255) if pixel == n else 0
            run_left = min(run_left + 1, 255) if pixel == w else 0
            if length > 0 and guess == pixel:
                length = min(length + 1, 65535)
                match_x += one
                if match_x >= width + U(PAD):
                    length = 0
            else:
                length = 0
        for c in range(U(PAD)):
            words[y, width + U(PAD) + c] = words[y, width + U(PAD - 1)]
            if y + one < U(words.shape[0]):
                words[y + one, c] = words[y, U(PAD)]
    if decoding == 0:
        finish(engine)
