"""Codec `video.lossless`, method 1: planes by the pixel model of pictures, each given others that are known.

    first frame:     Y | -               U | Y       V | Y, U      A | Y
    those behind it: Y | Y'', Y'         U | U', Y   V | V', U     A | Y, A'     ' moved from the frame before, '' from the one
                                                                                 before that; A: alpha
Y is reduced to the size of the others. In the second frame Y'' is the plane of the first one, not moved. Each kind of planes
keeps its state from frame to frame.

    body = u8 effort, u8 s, number size, vectors, then the stream of each kind: number size, and
           efforts 4 to 9: range coder's bytes; efforts 1 to 3: for each plane u64 state of rANS, u32 words
"""

from dataclasses import dataclass

import numpy as np

from reference import bytes_codec
from reference.image_fast import BINS, Tokens
from reference.image_mixed import MAX_SHIFT, PAD, READ_AHEAD, Tile, simple
from reference.image_setup import Setup, Window, setup
from reference.image_squares import gather
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

HALF = np.float32(0.5)
NEAR = [Window(0.89, 0.83)]
QUICK = {  # setups of efforts 1 to 3
    1: Setup(NEAR, (((7,),), ((4, 3),), ((3, 2, 2),)), block=8, fit_period=8, softs=0, contexts=0, sets=0, context_bits=0),
    2: Setup(NEAR, (((15,),), ((6, 9),), ((5, 5, 5),)), block=8, fit_period=8, softs=0, contexts=0, sets=0, context_bits=0),
    3: Setup(
        NEAR,
        (((7,), (16,)), ((4, 3), (12, 11)), ((3, 2, 2), (9, 7, 7))),
        block=8, fit_period=8, softs=0, contexts=0, sets=0, context_bits=0,
    ),
}  # fmt: skip
BLOCK = 16  # rows and columns of the first plane that have a vector


@dataclass(frozen=True)
class Known:
    """A plane, and the sizes and signs of the errors that were made where it was decoded (float32); all [height, width]."""

    pixels: np.ndarray
    sizes: np.ndarray
    signed: np.ndarray

    def moved(self, vectors: np.ndarray, halvings: tuple[int, int]) -> "Known":
        """To where `vectors` (of blocks: rows, columns) take each pixel from; beyond the border lies its edge."""
        height, width = self.pixels.shape
        down, across = halvings
        rows, columns = np.zeros((height, width), int), np.zeros((height, width), int)
        for y in range(height):
            for x in range(width):
                dy, dx = (int(v) for v in vectors[y // (BLOCK >> down), x // (BLOCK >> across)])
                rows[y, x] = min(max(y + ((dy + (1 << down >> 1)) >> down), 0), height - 1)
                columns[y, x] = min(max(x + ((dx + (1 << across >> 1)) >> across), 0), width - 1)
        return Known(self.pixels[rows, columns], self.sizes[rows, columns], self.signed[rows, columns])

    def reduced(self, halvings: tuple[int, int]) -> "Known":
        """Means of two rows so often, then of two columns; pixels are rounded up from the half."""
        known = self
        for axis in (0,) * halvings[0] + (1,) * halvings[1]:
            first = np.arange(0, known.pixels.shape[axis], 2)
            second = np.minimum(first + 1, known.pixels.shape[axis] - 1)
            a, b = ([plane.take(lines, axis) for plane in (known.pixels, known.sizes, known.signed)] for lines in (first, second))
            known = Known((a[0] + b[0] + 1) >> 1, (a[1] + b[1]) * HALF, (a[2] + b[2]) * HALF)
        return known


class Planes(Tile):
    """One kind of planes: each is the last of a tile whose other planes are known."""

    def decode(self, known: list[Known]) -> Known:
        """The next plane."""
        p, height, width = len(known), self.height, self.width
        for q, other in enumerate(known):
            self.pixels[q] = np.pad(other.pixels, ((PAD, 1), (PAD, PAD)), mode="edge")
        if known:
            self.pixels[p, :PAD] = self.pixels[p - 1, :PAD]
        sizes, signed = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
        self.start()
        for y in range(height):
            for q, other in enumerate(known):
                for row in (0, 1) if y == 0 else (y + 1,):
                    at = min(row, height - 1)
                    self.errors[q, row % 4, :, -1] = np.pad(other.sizes[at], PAD, mode="edge")
                    self.signed[q, row % 4] = np.pad(other.signed[at], PAD, mode="edge")
            self.row(p, y)
            sizes[y] = self.errors[p, y % 4, PAD : PAD + width, -1]
            signed[y] = self.signed[p, y % 4, PAD : PAD + width]
        return Known(self.pixels[p, PAD:-1, PAD : PAD + width].copy(), sizes, signed)

    def start(self) -> None:
        """Before a plane."""

    def finish(self) -> None:
        """Everything must have been read."""
        coder = self.decisions.coder
        need(coder.at == len(coder.data) + READ_AHEAD, "a stream ends elsewhere")


class QuickPlanes(Planes):
    """Of efforts 1 to 3: the same predictions, values by tokens."""

    def __init__(self, setup: Setup, shape: tuple[int, int, int], top: int, unit: float, data: bytes) -> None:
        super().__init__(setup, shape, top, unit, None)
        self.tokens, self.begun = Tokens(Stream(data)), False

    def start(self) -> None:
        """The first plane's state has been read already."""
        if self.begun:
            self.tokens.restart()
        self.begun = True

    def finish(self) -> None:
        """As in the base class."""
        need(self.tokens.state == 1 << 32 and self.tokens.at == len(self.tokens.words), "a stream ends elsewhere")

    def pixel(self, p: int, y: int, x: int) -> None:
        """Decode a pixel and learn from it."""
        at, now = x + PAD, y % 4
        around = self.around(p, y + PAD, at)
        sample = gather(self.pixels, p, self.squares[p].taps, y + PAD, at)
        centre = (around.w + around.n) * 0.5
        guesses = [centre + each for each in self.squares[p].predict(sample, x)]
        guesses = [min(max(guess, 0.0), self.top) for guess in [*guesses, *simple(around)]]
        near = self.near(p, y, at)
        mean = self.blend(guesses, near)
        seen = self.seen(p, y, at, around, near[0])
        expected = seen.energy * 0.75 + seen.energy_other * 0.25
        which = 2 if seen.energy_other > seen.energy * 2.0 else 1 if seen.energy_other < seen.energy * 0.5 else 0
        number = min(max((int(np.float32(expected / self.unit).view(np.uint32)) >> 21) - 4 * (127 - 3), 0), BINS - 1)
        base = int(mean + 0.5)
        apart = mean - base
        found = self.tokens.read((which * BINS + number) * 2 + int(abs(apart) > 0.25), max(number // 4 - 6, 0))
        value = base + (-1 if apart < 0 else 1) * found
        need(0 <= value <= self.top, "a value out of its range")
        self.pixels[p, y + PAD, at] = value
        v = float(value)
        self.errors[p, now, at] = [*(abs(v - guess) for guess in guesses), abs(v - mean)]
        self.signed[p, now, at] = v - mean
        self.squares[p].learn(x, v - centre, self.unit * self.unit / (expected * expected + 4.0))


def decode(
    data: bytes, frames: int, shapes: list[tuple[int, int]], halvings: list[tuple[int, int]], depth: int
) -> list[list[np.ndarray]]:
    """The planes of each frame."""
    stream = Stream(data)
    effort, shift = stream.byte(), stream.byte()
    need(shift <= MAX_SHIFT, "an impossible pixel model")
    fields = _vectors(stream.take(stream.number()), max(0, 2 * frames - 3), *shapes[0])
    kinds: list[Planes] = []
    for inter in range(2 if frames > 1 else 1):
        for p, shape in enumerate(shapes):
            known = 2 if inter else 1 if is_alpha(p, shapes) else p
            whole, top, unit, coded = (known + 1, *shape), (1 << depth) - 1, 1.0 / (1 << shift), stream.take(stream.number())
            if effort in QUICK:
                kinds.append(QuickPlanes(QUICK[effort], whole, top, unit, coded))
            else:
                kinds.append(Planes(setup(effort), whole, top, unit, RangeDecoder(coded)))
    stream.finish()
    found: list[list[Known]] = []
    for t in range(frames):
        found.append([])
        for p in range(len(shapes)):
            others = _known(p, t, found, fields, halvings)
            found[t].append(kinds[p + len(shapes) * (t > 0)].decode(others))
    for kind in kinds:
        kind.finish()
    return [[known.pixels for known in planes] for planes in found]


def is_alpha(p: int, planes: list[tuple[int, int]]) -> bool:
    """Whether plane p of two or four is the last one."""
    return len(planes) % 2 == 0 and p + 1 == len(planes)


def _known(p: int, t: int, found: list[list[Known]], fields: np.ndarray, halvings: list[tuple[int, int]]) -> list[Known]:
    """What plane p of frame t is given, the most useful last."""
    now, known = found[t], []
    alpha = is_alpha(p, halvings)
    if alpha:
        known.append(now[0])
    if p == 0 and t > 1:
        known.append(found[t - 2][0].moved(fields[2 * t - 2], halvings[p]))
    if p == 0 and t == 1:
        known.append(found[0][0])
    if t > 0:
        known.append(found[t - 1][p].moved(fields[max(0, 2 * t - 3)], halvings[p]))
    if not alpha and (p == 1 or (p == 2 and t == 0)):
        known.append(now[0].reduced(halvings[p]))
    if not alpha and p == 2:
        known.append(now[1])
    return known


def _vectors(data: bytes, fields: int, height: int, width: int) -> np.ndarray:
    """int8[fields, blocks down, blocks across, 2], from differences to the vector on the left."""
    down, across = -(-height // BLOCK), -(-width // BLOCK)
    raw = bytes_codec.decode(data, 2 * fields * down * across)
    vectors = np.zeros((fields, down, across, 2), np.int8)
    for i, byte in enumerate(raw):
        axis, rest = divmod(i, fields * down * across)
        field, rest = divmod(rest, down * across)
        by, bx = divmod(rest, across)
        left = int(vectors[field, by, bx - 1, axis]) if bx else 0
        vectors[field, by, bx, axis] = (left + byte + 128) % 256 - 128
    return vectors
