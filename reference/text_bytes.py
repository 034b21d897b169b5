"""Bytes from the language model of pieces: counts of the next byte, whatever pieces the bytes so far turn out to be."""

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate

from reference.text_model import Memory, Model
from reference.text_pieces import LONGEST, Pieces, follow, kind_of

HYPOTHESES, MEMORIES, WEIGHT_BITS = 3, 8, 26
UNLIKELY, FLOOR = 1 << (WEIGHT_BITS - 5), 1 << (WEIGHT_BITS - 10)
FIRST, STEP, MOST = 10, 32, 1 << 13


@dataclass
class Known:
    """What the model has become, and expects, after a piece that another memory of the pre-token has read."""

    memory: Memory
    cumulative: list[int]  # masses of the first so many pieces, by their bytes
    parent: int
    piece: int


@dataclass
class Hypothesis:
    """A memory, the beginning of the piece after it, and how likely that is."""

    known: int
    beginning: bytes
    weight: int


@dataclass
class Reader:
    """`counts` of the next byte, after the bytes that `take` was given."""

    model: Model
    pieces: Pieces
    token: bytes = b""
    state: int = -1
    last: int = FIRST
    lost: int = 0
    known: list[Known] = field(default_factory=list)
    live: list[Hypothesis] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sorted = [self.pieces.texts[number] for number in self.pieces.order]
        self._followers = [[1] * 256 for _ in range(256)]
        masses, memory = self.model.step(FIRST, self.model.empty())
        self.known = [Known(memory, self._sums(masses), 0, FIRST)]
        self.live = [Hypothesis(0, b"", 1 << WEIGHT_BITS)]

    def take(self, byte: int) -> None:
        """Read a byte."""
        self.state, begins = follow(self.state, len(self.token), kind_of(byte))
        if begins and self.token:
            at = self._read_token(self.token)
            self.known = [self.known[at]]
            self.live = [Hypothesis(0, b"", 1 << WEIGHT_BITS)]
            self.token = b""
        if len(self.token) < LONGEST:
            self.token += bytes([byte])
        self._narrow(bytes([byte]))
        self._follow_ends()
        row = self._followers[self.last]
        row[byte] += STEP
        if sum(row) > MOST:
            row[:] = [(count + 1) >> 1 for count in row]
        self.last = byte

    def counts(self) -> list[int]:
        """Of each byte to come next."""
        row = self._followers[self.last]
        lost = (self.lost + FLOOR) // sum(row)
        counts = [1 + lost * count for count in row]
        for one in self.live:
            own = self.known[one.known].cumulative
            first, end = self._range(one.beginning)
            whole = max(own[end] - own[first], 1)
            at = first + self._is_piece(one.beginning)
            while at < end:
                byte = self._sorted[at][len(one.beginning)]
                begin, at = self._range(one.beginning + bytes([byte]))
                counts[byte] += one.weight * (own[at] - own[begin]) // whole
        return counts

    def _sums(self, masses: "object") -> list[int]:
        return [0, *accumulate(int(masses[number]) for number in self.pieces.order)]  # type: ignore[index]

    def _is_piece(self, beginning: bytes) -> bool:
        return beginning in self.pieces.numbers

    def _range(self, beginning: bytes) -> tuple[int, int]:
        """Places in the sorted pieces of those with a beginning."""
        first = bisect_left(self._sorted, beginning)
        end = first
        while end < len(self._sorted) and self._sorted[end].startswith(beginning):
            end += 1
        return first, end

    def _find(self, parent: int, piece: int) -> int:
        for number, known in enumerate(self.known[1:], 1):
            if (known.parent, known.piece) == (parent, piece):
                return number
        return -1

    def _read(self, parent: int, piece: int, to: int) -> None:
        masses, memory = self.model.step(piece, self.known[parent].memory)
        self.known[to:] = [Known(memory, self._sums(masses), parent if to < MEMORIES - 1 else -1, piece)]

    def _read_token(self, token: bytes) -> int:
        """Leave one hypothesis: these bytes are whole pieces. Returns its memory."""
        at = 0
        for piece in self.pieces.split(token):
            found = self._find(at, piece)
            if found < 0:
                found = min(len(self.known), MEMORIES - 1)
                self._read(at, piece, found)
            at = found
        self.live = [Hypothesis(at, b"", 1 << WEIGHT_BITS)]
        return at

    def _narrow(self, byte: bytes) -> None:
        kept = []
        for one in self.live:
            own = self.known[one.known].cumulative
            beginning = one.beginning + byte
            (first, end), (begin, stop) = self._range(beginning), self._range(one.beginning)
            if first == end:
                continue
            weight = one.weight * (own[end] - own[first]) // max(own[stop] - own[begin], 1) + 1
            kept.append(Hypothesis(one.known, beginning, weight))
        if not kept:
            at = self._read_token(self.token[:-1])
            kept = [Hypothesis(at, byte, 1 << WEIGHT_BITS)]
        total = sum(one.weight for one in kept)
        for one in kept:
            one.weight = max((one.weight << WEIGHT_BITS) // total, 1)
        self.live = kept

    def _follow_ends(self) -> None:
        self.lost = 0
        for one in list(self.live):
            if not self._is_piece(one.beginning):
                continue
            own = self.known[one.known].cumulative
            first, end = self._range(one.beginning)
            weight = one.weight * (own[first + 1] - own[first]) // max(own[end] - own[first], 1)
            piece = self.pieces.numbers[one.beginning]
            ended = self._find(one.known, piece)
            if ended < 0 and weight >= UNLIKELY and len(self.known) < MEMORIES:
                ended = len(self.known)
                self._read(one.known, piece, ended)
            if ended < 0 or len(self.live) >= 2 * HYPOTHESES:
                self.lost += weight
            else:
                self.live.append(Hypothesis(ended, b"", weight))
