"""Coders of one kind of planes of a group, each plane given others that are known: by decisions, or quicker by tokens."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.image.lossless.fast import kernel as fk
from lacodec.codecs.image.lossless.fast.tile import first_counts, token_ranges
from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.setup import SETUPS, Setup, Window, new_state
from lacodec.codecs.image.lossless.mixed.tile import READ_AHEAD
from lacodec.codecs.video.lossless import _fast_kernel, _plane_kernel
from lacodec.codecs.video.lossless._motion import Moves
from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION
from lacodec.errors import CorruptFile

_PART = 1 << 14  # pixels between two checks of a decoder for the end of its stream
_HALF = np.float32(0.5)
_STATE = 8  # bytes of a state of rANS
_NEAR = Window(column_fade=0.89, row_fade=0.83)
FAST_SETUPS = {
    1: Setup((_NEAR,), (((7,),), ((4, 3),), ((3, 2, 2),)), 8, 8, softs=4, contexts=1, sets=1, context_bits=5),
    2: Setup((_NEAR,), (((15,),), ((6, 9),), ((5, 5, 5),)), 8, 8, softs=4, contexts=1, sets=1, context_bits=5),
    3: Setup(
        (_NEAR,), (((7,), (16,)), ((4, 3), (12, 11)), ((3, 2, 2), (9, 7, 7))), 8, 8, softs=4, contexts=1, sets=1, context_bits=5
    ),
}
"""The quick efforts. Their numbers were chosen by hand, and are part of stream version 1."""
LAST_FAST = max(FAST_SETUPS)
EFFORTS = {*FAST_SETUPS, *SETUPS}


@dataclass(frozen=True)
class Seen:
    """A plane that is known: pixels int32[height, width], and the errors that were made where it was coded.

    sizes, signed: float32[height, width].
    """

    pixels: np.ndarray
    sizes: np.ndarray
    signed: np.ndarray

    def moved(self, moves: Moves) -> "Seen":
        """To where `moves` take it."""
        return Seen(moves(self.pixels), moves(self.sizes), moves(self.signed))

    def reduced(self, down: int, across: int) -> "Seen":
        """With height and width halved so often: means of two, those of pixels rounded up from the half."""
        seen = self
        for axis in (0,) * down + (1,) * across:
            first, second = _pairs(seen.pixels, axis)
            sizes, signed = _pairs(seen.sizes, axis), _pairs(seen.signed, axis)
            seen = Seen((first + second + 1) >> 1, (sizes[0] + sizes[1]) * _HALF, (signed[0] + signed[1]) * _HALF)
        return seen


def _pairs(plane: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Every second line from the first and from the second on; the last one stands for one that is missing."""
    lines = np.arange(0, plane.shape[axis], 2)
    return plane.take(lines, axis), plane.take(np.minimum(lines + 1, plane.shape[axis] - 1), axis)


class PlaneCoder(ABC):
    """Codes one kind of planes, each given `known` others: [known + 1, height, width] is `shape`, values are 0..top."""

    def __init__(
        self, setup: Setup, shape: tuple[int, int, int], top: int, unit: float, stream: np.ndarray, decoding: bool
    ) -> None:
        """`stream` is read by a decoder, or has the room for what an encoder writes; `unit` is the factor of error sizes."""
        self._shape, self._decoding = shape, decoding
        self._s = new_state(setup, shape, top, unit, stream, decoding=decoding)

    def code(self, known: list[Seen], plane: np.ndarray) -> Seen:
        """Code `plane` (uint8 or uint16[height, width]), or decode into it."""
        s, (_, height, width) = self._s, self._shape
        sizes, signed = np.zeros(self._shape, np.float32), np.zeros(self._shape, np.float32)
        for q, seen in enumerate(known):
            s.pixels[q] = np.pad(seen.pixels, ((st.PAD, 1), (st.PAD, st.PAD)), mode="edge")
            sizes[q], signed[q] = seen.sizes, seen.signed
        own = s.pixels[-1]
        if known:
            own[: st.PAD] = s.pixels[-2, : st.PAD]
        inner = own[st.PAD : -1, st.PAD : st.PAD + width]
        if not self._decoding:
            inner[:] = plane
        self._begin()
        rows = max(1, _PART // width)
        for start in range(0, height, rows):
            self._code_rows(sizes, signed, start, min(start + rows, height))
        self._end()
        if self._decoding:
            plane[:] = inner
        return Seen(inner.copy(), sizes[-1], signed[-1])

    def _begin(self) -> None:
        """Before a plane."""

    def _end(self) -> None:
        """After a plane."""

    @abstractmethod
    def _code_rows(self, sizes: np.ndarray, signed: np.ndarray, start: int, stop: int) -> None: ...

    @abstractmethod
    def stream(self) -> bytes | None:
        """What an encoder wrote; None if it had no room."""

    @abstractmethod
    def finish(self) -> None:
        """Of a decoder: everything must have been read."""


class DecisionCoder(PlaneCoder):
    """By the decisions of the pixel model of pictures; a stream is the range coder's bytes."""

    def __init__(
        self, setup: Setup, shape: tuple[int, int, int], top: int, unit: float, stream: np.ndarray, decoding: bool
    ) -> None:
        super().__init__(setup, shape, top, unit, stream, decoding)
        registers = self._s.registers
        registers[HIGH] = 0xFFFFFFFF
        if decoding:
            registers[CODE] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big")
            registers[LOW], registers[POSITION] = 0, 4

    def _code_rows(self, sizes: np.ndarray, signed: np.ndarray, start: int, stop: int) -> None:
        s = self._s
        _plane_kernel.code_plane(s, sizes, signed, start, stop)
        if self._decoding and int(s.registers[POSITION]) > len(s.stream) + READ_AHEAD:
            raise CorruptFile("its pixel model ends before its last pixel")

    def stream(self) -> bytes | None:
        """As in the base class."""
        size = int(self._s.registers[POSITION])
        if size + 2 > len(self._s.stream):
            return None
        return self._s.stream[:size].tobytes() + (int(self._s.registers[HIGH]) >> 16).to_bytes(2, "big")

    def finish(self) -> None:
        """As in the base class."""
        if int(self._s.registers[POSITION]) != len(self._s.stream) + READ_AHEAD:
            raise CorruptFile("its pixel model does not end with its last pixel")


class TokenCoder(PlaneCoder):
    """By frequency tables that follow the planes; a stream has of each plane: u64 state of rANS, u32 words.

    A decoder reads on where the plane before ended; the state must then be what an encoder starts with.
    """

    def __init__(
        self, setup: Setup, shape: tuple[int, int, int], top: int, unit: float, stream: np.ndarray, decoding: bool
    ) -> None:
        super().__init__(setup, shape, top, unit, stream[:0], decoding)
        counts, tables, due = first_counts()
        token_of, spans = token_ranges()
        words = np.zeros(1, np.uint32)
        if decoding:
            if len(stream) % 4:
                raise CorruptFile("its pixel model has no whole words")
            words = np.append(stream.view("<u4").astype(np.uint32), np.uint32(0))
        records = np.empty(1 if decoding else shape[1] * shape[2], np.uint64)
        self._tokens = _fast_kernel.Tokens(
            np.zeros(3, np.uint64), words, records, tables.copy(), counts.copy(), due.copy(), token_of, spans
        )
        self._written: list[bytes] = []

    def _begin(self) -> None:
        coder, words = self._tokens.coder, self._tokens.words
        if self._decoding:
            at = int(coder[fk.POSITION])
            if at + 2 >= len(words):
                raise CorruptFile("its pixel model ends before its last plane")
            coder[fk.STATE], coder[fk.POSITION] = int(words[at]) | int(words[at + 1]) << 32, at + 2
        else:
            coder[fk.RECORDS] = 0

    def _code_rows(self, sizes: np.ndarray, signed: np.ndarray, start: int, stop: int) -> None:
        _fast_kernel.code_plane(self._s, self._tokens, sizes, signed, start, stop)

    def _end(self) -> None:
        tokens = self._tokens
        if self._decoding:
            if int(tokens.coder[fk.STATE]) != fk.START or int(tokens.coder[fk.POSITION]) >= len(tokens.words):
                raise CorruptFile("its pixel model does not end with its last pixel")
            return
        words = np.empty(len(tokens.records) + 2, np.uint32)
        state, at = fk.code_records(tokens.records, len(tokens.records), words)
        self._written.append(int(state).to_bytes(_STATE, "little") + words[int(at) :].astype("<u4", copy=False).tobytes())

    def stream(self) -> bytes | None:
        """As in the base class."""
        return b"".join(self._written)

    def finish(self) -> None:
        """As in the base class."""
        if int(self._tokens.coder[fk.POSITION]) != len(self._tokens.words) - 1:
            raise CorruptFile("its pixel model does not end with its last plane")


def plane_coder(
    effort: int, shape: tuple[int, int, int], top: int, unit: float, stream: np.ndarray, *, decoding: bool
) -> PlaneCoder:
    """The coder of an effort, one of `EFFORTS`."""
    if effort in FAST_SETUPS:
        return TokenCoder(FAST_SETUPS[effort], shape, top, unit, stream, decoding)
    return DecisionCoder(SETUPS[effort], shape, top, unit, stream, decoding)
