"""Bytes from a causal model of pieces: what it expects next, whatever pieces the bytes so far will turn out to be.

    byte --trie--> hypotheses go on or end --where a beginning is a piece--> it may have ended: read, if likely enough
         --masses--> counts of the next byte

A hypothesis is a reading of the model and a beginning of the piece that follows. Nothing is known of how the tokenizer cuts text:
hypotheses are weighed by what the model itself expects, which has only seen its tokenizer's cuts. An end that is not likely
enough to be read waits for one byte more; if the others expect that byte too little, it is read then.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.models.text.causal import kernel
from lacodec.models.text.causal.context import Reading
from lacodec.models.text.causal.language import CausalLanguage
from lacodec.models.text.hypotheses import LAST, LIVE, MEMORY, STATES, WEIGHT, WEIGHT_BITS

_WHOLE = 1 << WEIGHT_BITS
_MOST = 4  # hypotheses that are kept from byte to byte
_LEAST = _WHOLE >> 10  # weight of those
_READ = _WHOLE >> 4  # weight of an end that is read at once
_WAKE = 4  # an end that waits is read when it is a quarter as likely as all others
_MARGIN = 16  # places of the context that a byte must find free
_FIRST = 10  # the byte that stands before the first one


class Predictor:
    """Reads a stream of bytes; `tree` has counts of the next byte (256 to 511) and of its first bits (1 to 255)."""

    def __init__(self, language: CausalLanguage) -> None:
        self._words, self._power = language.words, language.power
        self._context = language.context()
        memories, pieces = kernel.MEMORIES, len(language.words.texts)
        followers = np.ones((257, 256), np.int32)
        followers[256] = 256
        self._own = kernel.Reader(
            np.zeros(STATES, np.int64),
            np.zeros((memories, pieces + 1), np.uint64),
            np.zeros((memories, 3), np.int64),
            followers,
            np.zeros(512, np.int64),
        )
        self.tree: NDArray[np.int64] = self._own.tree
        self._readings: dict[int, Reading] = {}
        self._waiting: list[tuple[int, int, int]] = []  # memory, piece, weight
        self._before: list[tuple[int, int, int]] = []  # hypotheses before a byte, while it is taken
        self._remember(*self._context.begin())
        self._put([(0, 0, _WHOLE)])
        self._own.state[LAST] = _FIRST
        kernel.conclude(self._words.trie, self._own, -1, 0)

    @property
    def steps(self) -> int:
        """Steps of the network so far."""
        return self._context.steps

    def take(self, byte: int) -> None:
        """Read a byte; afterwards `tree` is about the next one."""
        self._make_room()
        self._before = self._live()
        kernel.narrow(self._words.trie, self._own, byte, 0)
        self._wake(byte)
        if not self._own.state[LIVE]:
            self._begin_anew(byte)
        self._before = []
        self._weigh()
        lost = self._read_ends()
        kernel.conclude(self._words.trie, self._own, byte, lost)

    def _wake(self, byte: int) -> None:
        """Ends that wait, the likeliest first: read those that the byte makes likely after all."""
        last, followers = int(self._own.state[LAST]), self._own.followers
        for memory, piece, weight in sorted(self._waiting, key=lambda end: -end[2]):
            count = int(self._own.state[LIVE])
            others = sum(weight for _, _, weight in self._live())
            guess = weight * int(followers[last, byte]) // int(followers[256, last])
            if count and guess * _WAKE < others:
                continue
            ended = self._read(memory, piece)
            if ended is not None:
                self._own.live[count] = ended, 0, weight
                self._own.state[LIVE] = count + 1
                kernel.narrow(self._words.trie, self._own, byte, count)
        self._waiting = []

    def _begin_anew(self, byte: int) -> None:
        """No hypothesis is left: what the likeliest one was in the midst of is cut into pieces, and the byte begins another."""
        memory, node, _ = max(self._before, key=lambda one: one[WEIGHT])
        self._put([(memory, 0, _WHOLE)])
        for piece in self._words.cut(self._words.beginning(node)):
            read = self._read(memory, piece)
            memory = memory if read is None else read
            self._put([(memory, 0, _WHOLE)])
        kernel.narrow(self._words.trie, self._own, byte, 0)
        if not self._own.state[LIVE]:  # no piece begins so: the model does not learn of this byte
            self._put([(memory, 0, _WHOLE)])

    def _weigh(self) -> None:
        """Weights add up to a whole again; few hypotheses are kept."""
        live = sorted(self._live(), key=lambda one: -one[WEIGHT])[:_MOST]
        total = sum(one[WEIGHT] for one in live)
        scaled = [(memory, node, max(weight * _WHOLE // total, 1)) for memory, node, weight in live]
        self._put(scaled[:1] + [one for one in scaled[1:] if one[WEIGHT] >= _LEAST])

    def _read_ends(self) -> int:
        """Where a beginning is a piece, it may have ended: read it, or let it wait. Returns the weight of all that wait."""
        tree, sums = self._words.trie, self._own.cumulative
        for memory, node, weight in self._live():
            piece = int(tree.piece[node])
            if piece < 0:
                continue
            own, first = sums[memory], int(tree.first[node])
            whole = int(own[tree.end[node]] - own[first])
            ending = weight * int(own[first + 1] - own[first]) // max(whole, 1)
            read = self._read(memory, piece) if ending >= _READ else None
            if read is None:
                self._waiting.append((memory, piece, ending))
            else:
                self._put([*self._live(), (read, 0, ending)])
        return sum(weight for _, _, weight in self._waiting)

    def _make_room(self) -> None:
        """Read the newer half of the context again when it is used up, by the likeliest hypothesis; the others end."""
        memory, node, _ = max(self._live(), key=lambda one: one[WEIGHT])
        reading = self._readings[memory]
        self._forget()
        if reading.place < self._context.room - _MARGIN:
            if len(self._readings) == 1:
                self._context.settle(reading)
            return
        self._readings.clear()
        self._waiting = []
        self._remember(*self._context.again(reading))
        self._put([(0, node, _WHOLE)])

    def _read(self, memory: int, piece: int) -> int | None:
        """The memory of a reading on from another one; None when there is no place for it."""
        self._forget()
        before = self._readings[memory]
        if before.place + 1 >= self._context.room or len(self._readings) == kernel.MEMORIES:
            return None
        return self._remember(*self._context.read(before, int(self._words.numbers[piece])))

    def _forget(self) -> None:
        """Readings that no hypothesis needs."""
        used = {one[MEMORY] for one in [*self._live(), *self._waiting, *self._before]}
        self._readings = {at: reading for at, reading in self._readings.items() if at in used}

    def _remember(self, reading: Reading, logits: NDArray[np.float32]) -> int:
        memory = next(at for at in range(kernel.MEMORIES) if at not in self._readings)
        self._readings[memory] = reading
        kernel.fill(logits, self._words.ids, self._power, self._own.cumulative[memory])
        return memory

    def _live(self) -> list[tuple[int, int, int]]:
        """Hypotheses: memory, node, weight."""
        return [tuple(row) for row in self._own.live[: self._own.state[LIVE]].tolist()]

    def _put(self, live: list[tuple[int, int, int]]) -> None:
        self._own.live[: len(live)] = live
        self._own.state[LIVE] = len(live)
