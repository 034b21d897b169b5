"""The graphics model: method 3 of a group of channels. Whole neighbouring pixels as contexts of the mixing engine.

    payload = u8 log2 of the lines of the engine (10 to 20), range coder's bytes

A pixel is a word of up to 8 bytes: its channels, the first one highest, the high byte of a sample before the low one. Its bytes
are coded from the highest to the lowest.
"""

from reference.mixing import GOLDEN, MASK64, ODD, Mixer, Shape, untrained
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

CONTEXTS, EXPECTS, SELECTORS = 14, 2, (64, 8, 8, 64, 256)
RATES = (100, 6, 255, 6)
PAD = 4  # words of margin above and beside; the upper margin is 0
HEAD_BITS = 18
LONGEST = 20  # pixels to the left that are compared when a match is looked up
READ_AHEAD = 3


def mix(a: int, *more: int) -> int:
    """A 64-bit hash of two or more numbers, one after the other."""
    for b in more:
        h = (a + GOLDEN) * ODD & MASK64
        h = (h ^ h >> 32 ^ b) * GOLDEN & MASK64
        a = h ^ h >> 29
    return a


def decode(payload: bytes, height: int, width: int, size: int) -> list[list[int]]:
    """The words of `size` bytes, row by row."""
    stream = Stream(payload)
    lines = stream.byte()
    need(10 <= lines <= 20, "an impossible graphics model")
    shape = Shape(CONTEXTS, EXPECTS, SELECTORS, lines)
    coder = RangeDecoder(stream.rest())
    model = Model(Mixer(coder, shape, untrained(shape), RATES), height, width, size)
    for y in range(PAD, PAD + height):
        for x in range(PAD, PAD + width):
            model.pixel(y, x)
        model.close_row(y)
    need(coder.at == len(coder.data) + READ_AHEAD, "it ends in another place than its pixels")
    return [row[PAD : PAD + width] for row in model.words[PAD:]]


class Model:
    """The pixels so far, runs, and a match: the place where the same neighbours were last seen."""

    def __init__(self, engine: Mixer, height: int, width: int, size: int) -> None:
        self.engine, self.width, self.size = engine, width, size
        self.words = [[0] * (width + 2 * PAD) for _ in range(height + PAD)]
        self.run_up = self.run_left = 0
        self.heads: dict[int, tuple[int, int]] = {}
        self.match, self.length = (0, 0), 0

    def pixel(self, y: int, x: int) -> None:
        """Decode the pixel at [y, x], margins included."""
        words = self.words
        w, n, nw, ne = words[y][x - 1], words[y - 1][x], words[y - 1][x - 1], words[y - 1][x + 1]
        base = self.contexts(y, x)
        self.look_up(y, x, base[9] >> 64 - HEAD_BITS)
        guess = words[self.match[0]][self.match[1]]
        likely = n if self.run_up >= self.run_left else w
        alike = (w == n) | (n == ne) << 1 | (w == nw) << 2
        run, pixel = max(self.run_up, self.run_left), 0
        for b in range(self.size):
            shift = 8 * (self.size - 1 - b)
            part = mix(pixel, b + 1)
            ctx = [mix(number, part) for number in base]
            expect = [guess >> shift & 255, 0, likely >> shift & 255, 63]
            if self.length and (not b or guess >> shift + 8 == pixel):
                expect[1] = min(self.length, 31) + 1
            if not b or likely >> shift + 8 == pixel:
                expect[3] = min(run, 30) + 1
            select = [b * 8 + alike, b, b, min(self.length, 15) * 4 + min(run, 3), w >> shift & 255, n >> shift & 255]
            select.append(b * 65536 + (mix(mix(w, n), part) >> 48))
            pixel = pixel << 8 | self.engine.code_symbol(ctx, expect, select)
        words[y][x] = pixel
        self.run_up = min(self.run_up + 1, 255) if pixel == n else 0
        self.run_left = min(self.run_left + 1, 255) if pixel == w else 0
        self.follow(pixel == guess)

    def contexts(self, y: int, x: int) -> list[int]:
        """The hashes of neighbours that each context begins with."""
        words = self.words
        w, n, nw, ne = words[y][x - 1], words[y - 1][x], words[y - 1][x - 1], words[y - 1][x + 1]
        ww, nn, nne, nww = words[y][x - 2], words[y - 2][x], words[y - 2][x + 1], words[y - 1][x - 2]
        pair = mix(w, n)
        corner = mix(pair, nw, ne)
        return [
            mix(w, 1),
            mix(n, 2),
            mix(pair, 3),
            mix(pair, nw, 4),
            mix(pair, ne, 5),
            mix(corner, 6),
            mix(w, ww, 7),
            mix(n, nn, 8),
            mix(corner, mix(ww, nn), 9),
            mix(corner, mix(ww, nn, nne), nww),
            mix(n, ne, 11),
            12,
            mix(w, mix(ww, words[y][x - 3], n), 13),
            mix(nw, ne, 14),
        ]

    def look_up(self, y: int, x: int, head: int) -> None:
        """Unless a match goes on, take the last place with this hash; its length is how many pixels to the left agree."""
        words = self.words
        if not self.length and head in self.heads:
            self.match = match_y, match_x = self.heads[head]
            length = 0
            while length < LONGEST and match_x > length and x > length:
                if words[match_y][match_x - length - 1] != words[y][x - length - 1]:
                    break
                length += 1
            self.length = length
        self.heads[head] = y, x

    def follow(self, right: bool) -> None:
        """Go on with a match that was right, up to the end of its row."""
        if not self.length or not right:
            self.length = 0
            return
        self.length = min(self.length + 1, 65535)
        self.match = self.match[0], self.match[1] + 1
        if self.match[1] >= self.width + PAD:
            self.length = 0

    def close_row(self, y: int) -> None:
        """The right margin repeats the last pixel, the left one of the next row the first."""
        words, width = self.words, self.width
        words[y][width + PAD :] = [words[y][width + PAD - 1]] * PAD
        if y + 1 < len(words):
            words[y + 1][:PAD] = [words[y][PAD]] * PAD
