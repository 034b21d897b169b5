"""A payload of codec `text`: a method byte and its data.

    text = u8 effort, u8 primer, u8 1 if line ends are split, [number block, numbers exceptions], range coder's bytes

A byte at a time: match models say what they expect, memory gives contexts, the coder codes the byte, everything takes it in. The
model has read the primer before, as if that stood in front of the block: all but its last 65,536 bytes are absorbed, those coded.
"""

import copy
from functools import cache

from reference import bytes_codec
from reference.bytes_contexts import mix
from reference.bytes_match import Match
from reference.data_files import read
from reference.range_coder import RangeDecoder, Teacher
from reference.stream import Stream, need
from reference.text_bytes import Reader
from reference.text_coder import Coder
from reference.text_memory import MATCHED, WORD, Memory
from reference.text_setup import EFFORTS, PRIMERS, Setup, parts_of, setup

STORED, TEXT, OTHER = range(3)
READ_AHEAD = 3  # bytes that a decoder has read past the end when everything is out
CODED_END = 65_536
STORED_EFFORT = 5
WITH_LANGUAGE = 9
"""The effort of `text.lm`: the model of effort 8, and a language model."""
LANGUAGE_WEIGHTS = (65536 // 3, 65536 // 6, 0)
CR, LF = 13, 10


class Model:
    """A model and its coder."""

    def __init__(self, plan: Setup) -> None:
        self.plan = plan
        self.coder = Coder(Teacher(), plan.shape, plan.start)
        self.memory = Memory()
        self.matches = [Match(minimum, plan.head_bits) for minimum in plan.minima]
        self.language: Reader | None = None

    def copy(self) -> "Model":
        """Another model that has learned the same."""
        other = copy.copy(self)
        other.coder = self.coder.copy()
        other.memory, other.matches = copy.deepcopy(self.memory), copy.deepcopy(self.matches)
        return other

    def join(self, language: Reader) -> None:
        """From here on a language model says something, too."""
        self.language = language
        self.coder.join(LANGUAGE_WEIGHTS)

    def forget(self, begin: int) -> None:
        """Begin a block whose first byte has the position `begin`; what was learned stays."""
        self.memory.forget(begin)
        for match in self.matches:
            match.forget()

    def code(self, data: bytearray, at: int, known: int = 0, *, absorb: bool = False) -> None:
        """Append the byte at position `at`; `data` has all bytes before it."""
        memory, plan = self.memory, self.plan
        expect = [number for match in self.matches for number in match.expect(data, at, self._head(match.minimum))]
        contexts = memory.contexts(data, at)
        matched = expect[0] + 256 * (expect[1] >> 3) << 8 if expect[1] else 0
        contexts[MATCHED] = memory.history & 255 | matched
        ctx = [mix(contexts[kind], kind + 1 | memory.partial << 8) for kind in plan.kinds]
        slow = [mix(contexts[kind], kind + 101 | memory.partial << 8) for kind in plan.slow_kinds]
        if absorb:
            symbol = known
            self.coder.absorb(ctx, slow, symbol)
        else:
            history = memory.history
            apms = [history & 255, history & 0xFFFF, history & 0xFFFFFF, contexts[WORD]]
            if self.language is not None:
                counts = self.coder.counts = self.language.counts()
                best = counts.index(max(counts))
                apms[-1] = 16 * best + counts[best] * 15 // sum(counts)
            select = memory.selectors(at, expect)[: len(plan.shape.selectors)]
            self.coder.last_byte = history & 255
            symbol = self.coder.code_symbol(ctx, slow, expect, [*select, *apms], known)
        data.append(symbol)
        for match, expected in zip(self.matches, expect[::2], strict=True):
            match.learn(expected, symbol)
        memory.remember(data, at, symbol)
        if self.language is not None:
            self.language.take(symbol)

    def _head(self, minimum: int) -> int:
        """Hash of the newest bytes, for a match model; of more than eight, of characters and a word before them too."""
        memory = self.memory
        if minimum > 8:
            return mix(memory.history, memory.folded[8] + memory.words[1])
        return mix(memory.history << (64 - 8 * minimum) & (1 << 64) - 1, minimum)


def decode(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes."""
    need(payload, "an empty payload")
    need(payload[0] <= OTHER, f"method {payload[0]} is unknown")
    if payload[0] == OTHER:
        return bytes_codec.decode(payload[1:], size)
    content = payload[1:] if payload[0] == STORED else decode_text(payload[1:], size)
    need(len(content) == size, "a block of another size than it should have")
    return content


def decode_text(payload: bytes, size: int, language: Reader | None = None) -> bytes:
    """The same of method 1. language: of `text.lm`, a language model that has read nothing."""
    stream = Stream(payload)
    effort, primer, split = stream.byte(), stream.byte(), stream.byte()
    efforts = EFFORTS if language is None else (WITH_LANGUAGE,)
    need(effort in efforts and primer < PRIMERS and split <= 1, "an impossible model")
    bare = []
    if split:
        size, count = stream.number(), stream.number()
        last = -1
        for _ in range(count):
            last += stream.number() + 1
            bare.append(last)
    before = b"".join(part(number) for number in parts_of(primer, effort))
    plan = setup(min(effort, max(EFFORTS)), len(before) + size)
    model = primed(plan, before).copy()
    if language is not None:
        model.join(language)
    block = decode_bytes(model, before, stream.rest(), size)
    return join_ends(block, bare) if split else block


def decode_bytes(model: Model, before: bytes, coded: bytes, size: int) -> bytes:
    """`size` bytes behind those that the model has read."""
    model.forget(len(before))
    coder = model.coder.coder = RangeDecoder(coded)
    data = bytearray(before)
    for at in range(len(before), len(before) + size):
        model.code(data, at)
    need(coder.at == len(coded) + READ_AHEAD, "a stream that ends in another place than its content")
    return bytes(data[len(before) :])


def join_ends(block: bytes, bare: list[int]) -> bytes:
    """CR LF in place of every LF but those with these numbers."""
    out, number, kept = bytearray(), 0, set(bare)
    for byte in block:
        if byte == LF:
            if number not in kept:
                out.append(CR)
            number += 1
        out.append(byte)
    return bytes(out)


@cache
def part(number: int) -> bytes:
    """A text of `primers.bin`: u8 how many, u32 size and u32 coded size of each, then the texts at effort 5, unprimed."""
    stored = Stream(read("text/primers.bin"))
    sizes = [(stored.uint(4), stored.uint(4)) for _ in range(stored.byte())]
    texts = [stored.take(coded) for _, coded in sizes]
    size = sizes[number][0]
    return decode_bytes(Model(setup(STORED_EFFORT, size)), b"", texts[number], size)


_primed: dict[tuple[int, int, bytes], Model] = {}


def primed(plan: Setup, text: bytes) -> Model:
    """A model that has read a primer, one for all blocks with as many lines."""
    key = len(plan.kinds), plan.shape.line_bits, text
    if key not in _primed:
        _primed.clear()
        model = _primed[key] = Model(plan)
        data = bytearray()
        end = max(0, len(text) - CODED_END)
        for at, byte in enumerate(text):
            if at == end:
                model.forget(end)
            model.code(data, at, byte, absorb=at < end)
    return _primed[key]
