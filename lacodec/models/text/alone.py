"""Text coded by a language model alone, bit by bit: what shows that its predictions are worth what they say."""

import numpy as np
from numpy.typing import NDArray

from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION, code_decision
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import flat_kernel, inlined
from lacodec.models.text.language import Language, reader, scratch
from lacodec.models.text.predict import Reader, start, take
from lacodec.models.text.steps import Scratch

_U = np.uint64


def information(words: Language, data: bytes) -> float:
    """Bits of all bytes, by their predictions."""
    return float(surprisals(words, data).sum())


def surprisals(words: Language, data: bytes) -> NDArray[np.float64]:
    """Bits of each byte, by its prediction: float64[bytes]."""
    text = np.frombuffer(data, np.uint8)
    shares = np.empty(text.size)
    _shares(words, scratch(words.model), reader(words.model), text, shares)
    return np.asarray(-np.log2(shares))


def encode(words: Language, data: bytes) -> bytes:
    """The bytes, coded."""
    registers, stream = encoder(len(data))
    text = np.frombuffer(data, np.uint8).copy()
    _code(words, scratch(words.model), reader(words.model), registers, stream, text, 0)
    return finished(registers, stream)


def decode(words: Language, stream: bytes, size: int) -> bytes:
    """`size` bytes again; raises CorruptFile when the stream is too short for them."""
    registers, coded = decoder(stream)
    text = np.zeros(size, np.uint8)
    _code(words, scratch(words.model), reader(words.model), registers, coded, text, 1)
    if registers[POSITION] > coded.size + 4:
        raise CorruptFile("a stream of a language model is too short")
    return text.tobytes()


def encoder(size: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Registers and a stream that has room for `size` bytes, coded."""
    registers = np.zeros(6, np.int64)
    registers[LOW], registers[HIGH] = 0, 0xFFFFFFFF
    return registers, np.zeros(2 * size + 64, np.uint8)


def decoder(stream: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Registers and the stream of a decoder."""
    registers, _ = encoder(0)
    registers[CODE] = int.from_bytes(stream[:4].ljust(4, b"\0"), "big")
    registers[POSITION] = 4
    return registers, np.frombuffer(stream, np.uint8).copy()


def finished(registers: NDArray[np.int64], stream: NDArray[np.uint8]) -> bytes:
    """What an encoder has made."""
    end = int(registers[POSITION])
    stream[end] = registers[HIGH] >> 24
    return stream[: end + 1].tobytes()


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
        data[i] = np.uint8(_code_one(memory.tree, registers, stream, _U(data[i]), decoding))
        take(words.model, room, words.trie, words.merges, words.classes, memory, np.int64(data[i]))


@flat_kernel
def code_byte(tree: np.ndarray, registers: np.ndarray, stream: np.ndarray, byte: int, decoding: int) -> np.int64:
    """Code one byte by counts of it, see `predict.Reader.tree`; returns it."""
    return np.int64(_code_one(tree, registers, stream, _U(byte), decoding))


@inlined
def _code_one(tree: np.ndarray, registers: np.ndarray, stream: np.ndarray, byte: np.uint64, decoding: int) -> np.uint64:
    node = _U(1)
    for k in range(_U(8)):
        ones, all_ = tree[_U(2) * node + _U(1)], tree[node]
        p = min(max((ones << 16) // all_, 1), 65535)
        bit = (byte >> (_U(7) - k)) & _U(1)
        node = _U(2) * node + code_decision(registers, stream, p, bit, decoding)
    return node & _U(255)
