"""Method 3 of codec `bytes`: context mixing.

    payload = u8 effort, u8 1 for text, u8 filter, u16 record length, range coder's bytes

A byte at a time: match models say what they expect, memory gives contexts, the engine codes the byte, everything takes it in.
A text model of effort 5 or more has learned from the primer before, as if that stood in front of the block. The primer is a
payload of method 3 itself, at effort 4: `primer.bin`, behind its size (u32).
"""

import copy
from functools import cache

from reference.bytes_contexts import MATCHED, Memory, mix
from reference.bytes_filters import FILTERS, undo
from reference.bytes_match import Match
from reference.bytes_setup import Setup, setup
from reference.data_files import read
from reference.mixing import Mixer
from reference.range_coder import RangeDecoder, Teacher
from reference.stream import Stream, need

READ_AHEAD = 3  # bytes that a decoder has read past the end when everything is out
MAX_STRIDE = 1024
MINIMA = (7, 5)  # bytes that must agree, of the match models in order


class Model:
    """A model and its engine."""

    def __init__(self, plan: Setup, stride: int) -> None:
        self.kinds = plan.kinds
        self.selectors = len(plan.shape.selectors)
        self.engine = Mixer(Teacher(), plan.shape, plan.start)
        self.memory = Memory(stride)
        self.matches = [Match(minimum, plan.head_bits) for minimum in MINIMA[: plan.shape.expects]]

    def copy(self) -> "Model":
        """Another model that has learned the same."""
        other = copy.copy(self)
        other.engine = self.engine.copy()
        other.memory, other.matches = copy.deepcopy(self.memory), copy.deepcopy(self.matches)
        return other

    def forget(self, begin: int) -> None:
        """Begin a block whose first byte has the position `begin`; what was learned stays."""
        self.memory.forget(begin)
        for match in self.matches:
            match.forget()

    def code(self, data: bytearray, at: int, known: int = 0) -> int:
        """The byte at position `at`; `data` has all bytes before it."""
        memory = self.memory
        expect = [number for match in self.matches for number in match.expect(data, at, newest(memory.history, match))]
        contexts = memory.contexts(data, at)
        first, sure = expect[:2]
        matched = first + 256 * (sure >> 3) << 8 if sure else 0
        contexts[MATCHED] = memory.history & 255 | matched
        ctx = [mix(contexts[kind], kind + 1) for kind in self.kinds]
        second_sure = expect[3] if len(expect) > 2 else 0
        select = [sure, 0, min(second_sure >> 3, 7), memory.history & 255, memory.classes]
        select.append(min(memory.column(at), 31) * 8 + (at % memory.stride & 7))
        select = [*select[: self.selectors], memory.history & 255, memory.history & 0xFFFFFF]
        symbol = self.engine.code_symbol(ctx, expect, select, known)
        data.append(symbol)
        for match, expected in zip(self.matches, expect[::2], strict=True):
            match.learn(expected, symbol)
        memory.remember(data, at, symbol)
        return symbol


def newest(history: int, match: Match) -> int:
    """The hash of the bytes that a match model looks up."""
    bits = 8 * match.minimum
    return mix(history & (1 << bits) - 1, bits)


def decode(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes."""
    stream = Stream(payload)
    effort, text, number, stride = stream.byte(), stream.byte(), stream.byte(), stream.uint(2)
    need(4 <= effort <= 9 and text <= 1 and number < FILTERS and 1 <= stride <= MAX_STRIDE, "an impossible model")
    plan = setup(effort, bool(text), size)
    before = primer() if plan.primed else b""
    model = primed(plan).copy() if plan.primed else Model(plan, stride)
    model.memory.stride = stride
    model.forget(len(before))
    coded = stream.rest()
    coder = model.engine.coder = RangeDecoder(coded)
    data = bytearray(before)
    for at in range(len(before), len(before) + size):
        model.code(data, at)
    need(coder.at == len(coded) + READ_AHEAD, "a stream that ends in another place than its content")
    return undo(bytes(data[len(before) :]), number)


@cache
def primer() -> bytes:
    """The text that text models learn from."""
    stored = Stream(read("primer.bin"))
    size = stored.uint(4)
    return decode(stored.rest(), size)


_primed: dict[tuple[tuple[int, ...], int], Model] = {}


def primed(plan: Setup) -> Model:
    """A model that has read the primer, one for all blocks with as many lines."""
    key = plan.kinds, plan.shape.line_bits
    if key not in _primed:
        model = _primed[key] = Model(plan, 1)
        data = bytearray()
        for at, byte in enumerate(primer()):
            model.code(data, at, byte)
    return _primed[key]
