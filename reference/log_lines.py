"""Method 2 of codec `log`: context mixing of lines in order.

    payload = u8 effort (7 to 9), range coder's bytes

A byte at a time: the parser's pointers and numbers and the match models say what they expect, memory and parser give contexts,
the engine codes the byte, everything takes it in. The model has read the primer of codec `bytes` before, as if it stood in front.
"""

import copy

from reference import bytes_contexts as bc
from reference.bytes_contexts import Memory, mix
from reference.bytes_match import Match
from reference.bytes_mixed import MINIMA, READ_AHEAD, newest, primer
from reference.bytes_setup import trained
from reference.log_parser import Parser
from reference.mixing import Mixer, Shape
from reference.range_coder import RangeDecoder, Teacher
from reference.stream import Stream, need

#: Kinds of context of the line model, behind those of the byte model. A number is part of the hash.
(LAST_VALUE, VALUE_BESIDE, KEY_LINE, ITEMS_1, ITEMS_3, NUMBER_AT, DIGIT, CARRY, EXPECTED, OUTCOME, LINE_OUTCOMES,
 SHAPE_AT) = range(28, 40)  # fmt: skip
#: In the order in which efforts take them up.
KINDS = (
    *(bc.SHAPE, bc.WORD, DIGIT, bc.O2, bc.INDIRECT3, bc.O4, SHAPE_AT, ITEMS_3, EXPECTED, bc.O3, bc.FIELD_HEAD, bc.O0, OUTCOME),
    *(bc.O6, KEY_LINE, LAST_VALUE, bc.COLUMN, ITEMS_1, CARRY, NUMBER_AT, VALUE_BESIDE, LINE_OUTCOMES),
)
EFFORTS = {7: 6, 8: 14, 9: 22}
SELECTORS = (162, 6, 8, 256, 512, 256, 256, 256)
(BY_PREFIX, BY_MATCH_1, BY_MATCH_2, BY_TOKEN, BY_SHAPE, BY_NUMBER, BY_COPY, BY_LINE) = range(8)


class Model:
    """A model and its engine, for blocks of some size."""

    def __init__(self, effort: int, size: int) -> None:
        contexts = EFFORTS[effort]
        self.kinds = (*KINDS[:contexts], bc.MATCHED)

        def most_size(line_bits: int) -> int:
            return 64 << 20 if line_bits == 22 else (6 << line_bits) // (contexts + 1)

        line_bits = next((bits for bits in range(18, 22) if size <= most_size(bits)), 22)
        shape = Shape(contexts + 1, 8, SELECTORS, line_bits)
        self.engine = Mixer(Teacher(), shape, trained("log.npz", f"{effort}_", shape), (0, 6, 0, 5))
        self.memory, self.parser = Memory(1), Parser(line_bits)
        self.matches = [Match(minimum, min(most_size(line_bits).bit_length() + 1, 22)) for minimum in MINIMA]
        self.key = effort, line_bits

    def forget(self, begin: int) -> None:
        """Begin a block whose first byte has the position `begin`; what was learned stays."""
        self.begin = begin
        self.memory.forget(begin)
        self.parser.forget()
        for match in self.matches:
            match.forget()

    def copy(self) -> "Model":
        """Another model that has learned the same."""
        other = copy.copy(self)
        other.engine = self.engine.copy()
        other.memory, other.parser, other.matches = copy.deepcopy((self.memory, self.parser, self.matches))
        return other

    def code(self, data: bytearray, at: int, known: int = 0) -> int:
        """The byte at position `at`; `data` has all bytes before it."""
        memory, parser = self.memory, self.parser
        coded = at - self.begin
        self.engine.mix_rate = 70 + (380 << 16) // (65536 + coded // 1024 * 1024)
        self.engine.map_limit = 255 if coded < 1 << 19 else 1022
        told = parser.expected(data, at)
        told[BY_MATCH_1], told[BY_MATCH_2] = (match.expect(data, at, newest(memory.history, match)) for match in self.matches)
        contexts = memory.contexts(data, at) | self.contexts(told, data, at)
        c1 = memory.history & 255
        first, sure = told[BY_MATCH_1]
        contexts[bc.MATCHED] = c1 | (256 + first + 512 * (sure >> 3) << 8 if sure else 0)
        ctx = [mix(contexts[kind], kind + 1) for kind in self.kinds]
        agree = 0
        for symbol, bucket in (told[BY_MATCH_1], told[BY_TOKEN], told[BY_LINE]):
            agree = 3 * agree + (0 if not bucket else 1 if symbol == told[BY_PREFIX][0] else 2)
        state, length = parser.state(), parser.length
        select = [agree * 6 + state, state, min(sure >> 3, 7), c1, memory.classes, parser.place().history]
        select.append(min(parser.count, 31) * 8 + min(length, 7))
        select.append(sure * 4 + min(told[BY_TOKEN][1] >> 4, 3))
        select.append(next((symbol for symbol, bucket in told if bucket), c1))
        select.append(mix(contexts[EXPECTED], 19) >> 1)
        symbol = self.engine.code_symbol(ctx, [number for pair in told for number in pair], select, known)
        data.append(symbol)
        for match, (expected, _) in zip(self.matches, told[BY_MATCH_1:BY_TOKEN], strict=True):
            match.learn(expected, symbol)
        memory.remember(data, at, symbol)
        parser.parse(data, at, symbol, memory.tokens)
        return symbol

    def contexts(self, told: list[tuple[int, int]], data: bytearray, at: int) -> dict[int, int]:
        """The number that each kind of context of the line model stands for."""
        p = self.parser
        place, length, state = p.place(), p.length, p.state()
        here = mix(p.prefix, p.token)
        found = {
            LAST_VALUE: mix(here, place.token + 1),
            VALUE_BESIDE: mix(here, p.last_variable + 2),
            KEY_LINE: mix(here, p.key_template + 3),
            ITEMS_1: mix(p.token, p.items[0]),
            SHAPE_AT: mix(mix(self.memory.tokens, p.items[0]), min(length, 31)),
        }
        found[ITEMS_3] = mix(mix(found[ITEMS_1], p.items[1]), p.items[2])
        same = p.same.at
        near = int.from_bytes(data[same : min(same + 4, at)], "little") if same else 0
        next_digit = p.next_number[length] if length < len(p.next_number) else 0
        order = p.compared | p.compared_1 << 2 | p.compared_2 << 4
        short = min(length, 255)
        found[NUMBER_AT] = mix(p.prefix, near & 0xFFFF | next_digit << 16 | order << 24 | short << 32)
        found[DIGIT] = near & 0xFFFFFF | state << 24 | short << 32
        found[CARRY] = near & 0xFFFF00FF | state << 8 | min(p.count, 255) << 32 | (p.outcomes & 3) << 40
        expected = state
        for which, (symbol, _) in enumerate(told):
            if which != BY_MATCH_2:
                expected = expected << 8 | symbol
        found[EXPECTED] = expected
        found[OUTCOME] = near & 255 | place.history << 8 | state << 16 | min(length, 15) << 24
        found[LINE_OUTCOMES] = mix(p.prefix, near & 255 | (p.outcomes & 255) << 8 | state << 16)
        return found


def decode(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes."""
    stream = Stream(payload)
    effort = stream.byte()
    need(effort in EFFORTS, "an impossible effort")
    before = primer()
    model = primed(Model(effort, size)).copy()
    model.forget(len(before))
    coded = stream.rest()
    coder = model.engine.coder = RangeDecoder(coded)
    data = bytearray(before)
    for at in range(len(before), len(before) + size):
        model.code(data, at)
    need(coder.at == len(coded) + READ_AHEAD, "a stream that ends in another place than its content")
    return bytes(data[len(before) :])


_primed: dict[tuple[int, int], Model] = {}


def primed(model: Model) -> Model:
    """A model that has read the primer, one for all blocks with as many lines."""
    if model.key not in _primed:
        _primed[model.key] = model
        model.forget(0)
        data = bytearray()
        for at, byte in enumerate(primer()):
            model.code(data, at, byte)
    return _primed[model.key]
