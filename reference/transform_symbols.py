"""Codec `audio.transform`: the payload of a chunk -> the sizes, angles, levels and coefficients of its blocks.

payload = 0, signed coarseness, numbers slope, lift, tilt, up, down, noise, limit, side limit, pace of weights;
          for every two channels a piece, of the last ones without its length: a range coder's bytes
        | 1, samples as the WAV file has them
"""

from dataclasses import dataclass

from reference.stream import Stream, need
from reference.transform_coefficients import Spectra
from reference.transform_decisions import Decisions
from reference.transform_tables import SIZES, band_edges, frame_size, like

SLOTS, ANGLES, LOUDEST, FLOOR, ENERGY = 16, 16, 127, -64, 4
FIRST_LEVEL = 24
# Cells of contexts and sets of weights before those of levels, angles, sizes; coefficients come first.
L0, A0, S0 = 8632, 9391, 10581
WL0, WA0, WS0 = 98, 178, 196


def clip(value: int, low: int, high: int) -> int:
    """The value within bounds."""
    return min(max(value, low), high)


@dataclass(frozen=True)
class Rule:
    """How steps follow from levels, how loud noise is (a matter of synthesis), how fast the coder learns."""

    coarseness: int
    slope: int
    lift: int
    tilt: int
    up: int
    down: int
    noise: int
    limit: int
    side_limit: int
    weights: int

    @staticmethod
    def read(stream: Stream) -> "Rule":
        """The start of a payload."""
        need(stream.number() == 0, "a payload that is not transformed")
        return Rule(stream.signed(), *(stream.number() for _ in range(9)))


@dataclass
class Block:
    """A block: its first slot among those of all frames, its size; by channel levels and coefficients; angles of bands."""

    slot: int
    size: int
    angles: list[int]
    levels: list[list[int]]
    coefficients: list[list[int]]


def read_chunk(payload: bytes, rate: int, channels: int, samples: int) -> list[list[Block]]:
    """The blocks of every group of one channel or two."""
    stream = Stream(payload)
    rule = Rule.read(stream)
    frames = -(-samples // frame_size(rate))
    groups = []
    for c in range(0, channels, 2):
        data = stream.piece() if c + 2 < channels else stream.rest()
        groups.append(Group(data, rate, min(2, channels - c), rule).read(frames))
    return groups


def stored_samples(payload: bytes) -> bytes:
    """The samples of a payload that has them as they are."""
    stream = Stream(payload)
    need(stream.number() == 1, "a payload that is transformed")
    return stream.rest()


class Group:
    """Reads the stream of one channel or two."""

    def __init__(self, data: bytes, rate: int, channels: int, rule: Rule) -> None:
        self.data, self.rate, self.channels, self.rule = data, rate, channels, rule
        self.side_limit = 10 * rule.side_limit
        self.decisions = Decisions(data, rule.weights)
        self.spectra = Spectra(self.decisions, rate, channels, 10 * rule.limit)
        self.past: list[Block] = []  # the last block, and the one before, its levels at the last one's bands
        self.past_levels = [[[0] * 48, [0] * 48] for _ in range(channels)]

    def read(self, frames: int) -> list[Block]:
        """All blocks."""
        found, slot = [], 0
        while slot < frames * SLOTS:
            block = self._block(slot)
            found.append(block)
            self.past = [block, *self.past[:1]]
            slot += SLOTS >> block.size
        need(self.decisions.coder.at == len(self.data) + 3, "a stream that does not end with its last coefficient")
        return found

    def _block(self, slot: int) -> Block:
        size = self._size(slot % SLOTS)
        block = Block(slot, size, [], [], [])
        count = len(band_edges(self.rate, size)) - 1
        if self.channels == 2:
            self._read_angles(block, count)
        for c in range(self.channels):
            block.levels.append(self._levels(block, c, count))
        for c in range(self.channels):
            steps = find_steps(block.levels[c], like(self.rate, 0, size), self.rule)
            block.coefficients.append(self.spectra.read(c, size, block.levels[c], steps))
        self.spectra.remember(size)
        for c in range(self.channels):
            places = like(self.rate, self.past[0].size, size) if self.past else like(self.rate, 4, size)
            before = [self.past_levels[c][0][place] for place in places]
            self.past_levels[c] = [block.levels[c], before]
        return block

    def _size(self, slot: int) -> int:
        size = next(s for s in range(SIZES) if slot % (SLOTS >> s) == 0)
        past = [block.size for block in self.past] + [SIZES] * (2 - len(self.past))
        cells = [S0 + size * 6 + past[0], S0 + 36 + (size * 6 + past[0]) * 6 + past[1]]
        while size < SIZES - 1 and self.decisions.decide(cells, (WS0 + size, WS0 + 5 + past[0]), size, self.side_limit):
            size += 1
        return size

    def _read_angles(self, block: Block, count: int) -> None:
        left = 16
        for band in range(count):
            past_size = self.past[0].size if self.past else SIZES
            past = self.past[0].angles[like(self.rate, past_size, block.size)[band]] if self.past else left
            cells = [A0 + past * 5 + min(past_size, 4), A0 + 85 + past * 48 + band, A0 + 901 + past * 17 + left]
            node = 1
            for _ in range(4):
                node = node * 2 + self.decisions.decide(cells, (WA0 + node, WA0 + 16 + (past == left)), node, self.side_limit)
            left = node % ANGLES
            block.angles.append(left)

    def _levels(self, block: Block, c: int, count: int) -> list[int]:
        size = block.size
        places = like(self.rate, self.past[0].size if self.past else 4, size)
        left, left_past, rest, rest2 = FIRST_LEVEL, FIRST_LEVEL, 0, 0
        found: list[int] = []
        for b in range(count):
            past = self.past_levels[c][0][places[b]] if self.past else left
            past2 = self.past_levels[c][1][places[b]]
            expected = clip((2 * past + left - left_past + 1) >> 1, 0, LOUDEST)
            other = 4 + clip(block.levels[0][b] - self.past_levels[0][0][places[b]], -3, 3) if c else 0
            cells = [
                L0 + b * 5 + size,
                L0 + 240 + (clip(rest, -3, 3) + 3) * 7 + clip(rest2, -3, 3) + 3,
                L0 + 289 + (clip(past - left, -7, 7) + 7) * 9 + clip(left - left_past, -4, 4) + 4,
                L0 + 424 + (other * 9 + clip(rest, -4, 4) + 4) * 2 + (size > 1),
                L0 + 568 + (clip(past2 - past, -4, 4) + 4) * 7 + clip(rest, -3, 3) + 3,
                L0 + 631 + past,
            ]
            value = self._level(cells, WL0 + 16 * (size > 1), WL0 + 32 + b, expected)
            found.append(value)
            rest2, rest, left, left_past = rest, value - expected, value, past
        return found

    def _level(self, cells: list[int], first: int, second: int, expected: int) -> int:
        if not self.decisions.decide(cells, (first, second), 0, self.side_limit):
            return expected
        up = self.decisions.decide(cells, (first + 1, second), 1, self.side_limit)
        away = 1
        while away < (LOUDEST - expected if up else expected):
            k = min(away + 1, 7) if up else min(away + 7, 13)
            if not self.decisions.decide(cells, (first + k, second), k, self.side_limit):
                break
            away += 1
        return expected + away if up else expected - away


def find_steps(levels: list[int], pitch: list[int], rule: Rule) -> list[int]:
    """Steps of all bands, in eighths of an octave, from what their levels mask."""
    masked: list[int] = []
    for level in levels:
        masked.append(max((masked[-1] if masked else FLOOR) - rule.up, FLOOR + ENERGY * level))
    loudest, steps, above = max(masked), [], FLOOR
    for here, place in zip(reversed(masked), reversed(pitch), strict=True):
        above = max(above - rule.down, here)
        follow = above * rule.slope + loudest * rule.lift + place * rule.tilt * 16
        steps.append(clip(rule.coarseness + (follow + 128 >> 8), -100, 400))
    return steps[::-1]
