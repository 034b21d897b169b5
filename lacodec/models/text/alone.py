"""Text coded by a language model alone, bit by bit: what shows that its predictions are worth what they say."""

import numpy as np
from numpy.typing import NDArray

from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION, code_decision
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import flat_kernel
from lacodec.models.text.language import Language, reader, scratch
from lacodec.models.text.predict import Reader, start, take
from lacodec.models.text.steps import Scratch

_U = np.uint64


def information(words: Language, data: bytes) -> float:
    """Bits of all bytes, by their predictions."""
    text = np.frombuffer(data, np.uint8)
    shares = np.empty(text.size)
    _shares(words, scratch(words.model), reader(words.model), text, shares)
    return float(-np.log2(shares).sum())


def encode(words: Language, data: bytes) -> bytes:
    """The bytes, coded."""
    registers, stream = _registers(), np.zeros(2 * len(data) + 64, np.uint8)
    text = np.frombuffer(data, np.uint8).copy()
    _code(words, scratch(words.model), reader(words.model), registers, stream, text, 0)
    end = int(registers[POSITION])
    stream[end] = registers[HIGH] >> 24
    return stream[: end + 1].tobytes()


def decode(words: Language, stream: bytes, size: int) -> bytes:
    """`size` bytes again; raises CorruptFile when the stream is too short for them."""
    registers, coded, text = _registers(), np.frombuffer(stream, np.uint8).copy(), np.zeros(size, np.uint8)
    registers[CODE] = int.from_bytes(stream[:4].ljust(4, b"\0"), "big")
    registers[POSITION] = 4
    _code(words, scratch(words.model), reader(words.model), registers, coded, text, 1)
    if registers[POSITION] > coded.size + 4:
        raise CorruptFile("a stream of a language model is too short")
    return text.tobytes()


def _registers() -> NDArray[np.int64]:
    registers = np.zeros(6, np.int64)
    registers[LOW], registers[HIGH] = 0, 0xFFFFFFFF
    return registers


@flat_kernel
def _shares(words: Language, room: Scratch, memory: Reader, data: np.ndarray, shares: np.ndarray) -> None:
    start(words.model, room, words.trie, memory)
    for i in range(_U(data.size)):
        shares[i] = np.float64(memory.tree[_U(256) + _U(data[i])]) / np.float64(memory.tree[1])
        take(words.model, room, words.trie, words.merges, words.classes, memory, np.int64(data[i]))


@flat_kernel
def _code(words: Language, room: Scratch, memory: Reader, registers: np.ndarray, stream: np.ndarray, data: np.ndarray,
          decoding: int) -> None:  # fmt: skip
    start(words.model, room, words.trie, memory)
    for i in range(_U(data.size)):
        node = _U(1)
        for k in range(_U(8)):
            ones, all_ = memory.tree[_U(2) * node + _U(1)], memory.tree[node]
            p = min(max((ones << 16) // all_, 1), 65535)
            bit = (_U(data[i]) >> (_U(7) - k)) & _U(1)
            node = _U(2) * node + code_decision(registers, stream, p, bit, decoding)
        data[i] = np.uint8(node & _U(255))
        take(words.model, room, words.trie, words.merges, words.classes, memory, np.int64(data[i]))
