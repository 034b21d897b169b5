"""Groups of frames by the pixel model of pictures: each plane given others that the decoder has already.

    first frame:     Y | -               U | Y       V | Y, U
    those behind it: Y | Y'', Y'         U | U', Y   V | V', U      ' moved from the frame before, '' from the one before that

Y stands for the first plane, reduced to the size of the others where that is smaller. Where there is one frame before only, Y''
is that one, not moved. Each of the six keeps its state from frame to frame and has a stream of its own.

body = u8 effort, u8 exponent of the unit, number size, packed vectors, then for each stream: number size, range coder's bytes
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.setup import SETUPS, new_state
from lacodec.codecs.image.lossless.mixed.tile import MAX_SHIFT, READ_AHEAD, unit_shift
from lacodec.codecs.video.lossless._motion import (
    Moves,
    field_count,
    field_shape,
    find_fields,
    first_field,
    pack_fields,
    unpack_fields,
)
from lacodec.codecs.video.lossless._plane_kernel import code_plane
from lacodec.container.types import Header
from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report
from lacodec.media.video.value import Form

_PART = 1 << 14  # pixels between two checks of a decoder for the end of its stream


@dataclass(frozen=True)
class _Seen:
    """A plane that is known: pixels int32[height, width], and the errors that were made where it was coded (sizes, signed)."""

    pixels: np.ndarray
    sizes: np.ndarray
    signed: np.ndarray

    def moved(self, moves: Moves) -> "_Seen":
        return _Seen(moves(self.pixels), moves(self.sizes), moves(self.signed))

    def reduced(self, down: int, across: int) -> "_Seen":
        """With height and width halved so often: means of two, those of pixels rounded up from the half."""
        seen = self
        for axis in (0,) * down + (1,) * across:
            first, second = _pairs(seen.pixels, axis)
            sizes, signed = _pairs(seen.sizes, axis), _pairs(seen.signed, axis)
            seen = _Seen((first + second + 1) >> 1, (sizes[0] + sizes[1]) * 0.5, (signed[0] + signed[1]) * 0.5)
        return seen


def _pairs(plane: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Every second line from the first and from the second on; the last one stands for one that is missing."""
    lines = np.arange(0, plane.shape[axis], 2)
    return plane.take(lines, axis), plane.take(np.minimum(lines + 1, plane.shape[axis] - 1), axis)


class _Coder:
    """Codes one kind of planes, each given `known` others."""

    def __init__(
        self, effort: int, known: int, shape: tuple[int, int], top: int, unit: float, stream: np.ndarray, decoding: bool
    ):
        self._shape, self._decoding = shape, decoding
        self._s = new_state(SETUPS[effort], (known + 1, *shape), top, unit, stream, decoding=decoding)
        registers = self._s.registers
        registers[HIGH] = 0xFFFFFFFF
        if decoding:
            registers[CODE] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big")
            registers[LOW], registers[POSITION] = 0, 4

    def code(self, known: list[_Seen], plane: np.ndarray) -> _Seen:
        """Code `plane` (uint8 or uint16[height, width]), or decode into it."""
        s, (height, width) = self._s, self._shape
        sizes, signed = np.zeros((len(known) + 1, height, width)), np.zeros((len(known) + 1, height, width))
        for q, seen in enumerate(known):
            s.pixels[q] = np.pad(seen.pixels, ((st.PAD, 1), (st.PAD, st.PAD)), mode="edge")
            sizes[q], signed[q] = seen.sizes, seen.signed
        own = s.pixels[-1]
        if known:
            own[: st.PAD] = s.pixels[-2, : st.PAD]
        inner = own[st.PAD : -1, st.PAD : st.PAD + width]
        if not self._decoding:
            inner[:] = plane
        rows = max(1, _PART // width)
        for start in range(0, height, rows):
            code_plane(s, sizes, signed, start, min(start + rows, height))
            if self._decoding and int(s.registers[POSITION]) > len(s.stream) + READ_AHEAD:
                raise CorruptFile("its pixel model ends before its last pixel")
        if self._decoding:
            plane[:] = inner
        return _Seen(inner.copy(), sizes[-1], signed[-1])

    def stream(self) -> bytes | None:
        """What an encoder wrote; None if it had no room."""
        size = int(self._s.registers[POSITION])
        if size + 2 > len(self._s.stream):
            return None
        return self._s.stream[:size].tobytes() + (int(self._s.registers[HIGH]) >> 16).to_bytes(2, "big")

    def finish(self) -> None:
        """Of a decoder: everything must have been read."""
        if int(self._s.registers[POSITION]) != len(self._s.stream) + READ_AHEAD:
            raise CorruptFile("its pixel model does not end with its last pixel")


def encode_group(planes: list[np.ndarray], form: Form, effort: int, report: Report) -> bytes | None:
    """The body for planes [frames, height, width] of samples below 2**depth; None if that does not shrink them."""
    shift = unit_shift(planes[0][:1])
    fields = find_fields(planes[0], form.depth)

    def coder(p: int, known: int, count: int) -> _Coder:
        room = np.zeros(count * planes[p][0].size * form.sample_size + 16, np.uint8)
        return _Coder(effort, known, form.shapes[p], (1 << form.depth) - 1, 1.0 / (1 << shift), room, False)

    coders = _coders(planes, coder)
    _code(planes, form, fields, coders, report)
    streams = [one.stream() for one in coders]
    out = Writer(bytes([effort, shift]))
    for data in (pack_fields(fields), *streams):
        if data is None:
            return None
        out.number(len(data))
        out.write(data)
    return out.data


def decode_group(body: Reader, frames: int, form: Form, header: Header, report: Report) -> list[np.ndarray]:
    """The planes of so many frames, at least one; raises CorruptFile."""
    effort, shift = body.take(2)
    if effort not in SETUPS or shift > MAX_SHIFT:
        raise CorruptFile("its pixel model has no valid head")
    fields = unpack_fields(body.take(body.number()), (field_count(frames), *field_shape(*form.shapes[0])), header)
    dtype = np.uint8 if form.depth == 8 else np.uint16
    planes = [np.zeros((frames, *shape), dtype) for shape in form.shapes]

    def coder(p: int, known: int, count: int) -> _Coder:
        stream = np.frombuffer(body.take(body.number()), np.uint8).copy()
        return _Coder(effort, known, form.shapes[p], (1 << form.depth) - 1, 1.0 / (1 << shift), stream, True)

    coders = _coders(planes, coder)
    if len(body.rest()):
        raise CorruptFile("something follows its last stream")
    _code(planes, form, fields, coders, report)
    for one in coders:
        one.finish()
    return planes


def _coders(planes: list[np.ndarray], make: Callable[[int, int, int], _Coder]) -> list[_Coder]:
    """Of the first frame's planes, then of those of the others, if there are any."""
    frames, found = len(planes[0]), []
    for inter in range(2 if frames > 1 else 1):
        for p in range(len(planes)):
            found.append(make(p, 2 if inter else p, frames - 1 if inter else 1))
    return found


def _code(planes: list[np.ndarray], form: Form, fields: np.ndarray, coders: list[_Coder], report: Report) -> None:
    before: list[list[_Seen]] = []  # of the last two frames, the last one first
    count = len(planes)
    for t in range(len(planes[0])):
        now: list[_Seen] = []
        for p in range(count):
            known = list(_known(p, t, now, before, form, fields))
            now.append(coders[p + count * (t > 0)].code(known, planes[p][t]))
            report(planes[p][t].nbytes)
        before = [now, *before[:1]]


def _known(p: int, t: int, now: list[_Seen], before: list[list[_Seen]], form: Form, fields: np.ndarray) -> Iterator[_Seen]:
    """What plane p of frame t is given, the most useful last."""
    shape, halvings = form.shapes[p], form.halvings[p]
    if p == 0 and len(before) > 1:
        yield before[1][0].moved(Moves(fields[first_field(t) + 1], shape, halvings))
    elif p == 0 and before:
        yield before[0][0]
    if before:
        yield before[0][p].moved(Moves(fields[first_field(t)], shape, halvings))
    if p == 1 or (p == 2 and not before):
        yield now[0].reduced(*halvings)
    if p == 2:
        yield now[1]
