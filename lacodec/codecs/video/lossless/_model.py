"""Groups of frames by the pixel model of pictures: each plane given others that the decoder has already.

    first frame:     Y | -               U | Y       V | Y, U      A | Y
    those behind it: Y | Y'', Y'         U | U', Y   V | V', U     A | Y, A'     ' moved from the frame before, '' from the one
                                                                                 before that; A: alpha

Y stands for the first plane, reduced to the size of the others where that is smaller. Where there is one frame before only, Y''
is that one, not moved. Each kind keeps its state from frame to frame and has a stream of its own.

body = u8 effort, u8 exponent of the unit, number size, packed vectors, then for each stream: number size, the stream (`_planes`)
"""

from collections.abc import Callable, Iterator

import numpy as np

from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.image.lossless.mixed.tile import MAX_SHIFT, unit_shift
from lacodec.codecs.video.lossless._motion import (
    Moves,
    field_count,
    field_shape,
    find_fields,
    first_field,
    pack_fields,
    unpack_fields,
)
from lacodec.codecs.video.lossless._planes import EFFORTS, PlaneCoder, Seen, plane_coder
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report
from lacodec.media.video.value import Form


def encode_group(planes: list[np.ndarray], form: Form, effort: int, report: Report) -> bytes | None:
    """The body for planes [frames, height, width] of samples below 2**depth; None if that does not shrink them."""
    shift = unit_shift(planes[0][:1])
    fields = find_fields(planes[0], form.depth)

    def coder(p: int, known: int, count: int) -> PlaneCoder:
        room = np.zeros(count * planes[p][0].size * form.sample_size + 16, np.uint8)
        return plane_coder(effort, (known + 1, *form.shapes[p]), (1 << form.depth) - 1, 1.0 / (1 << shift), room, decoding=False)

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
    if effort not in EFFORTS or shift > MAX_SHIFT:
        raise CorruptFile("its pixel model has no valid head")
    fields = unpack_fields(body.take(body.number()), (field_count(frames), *field_shape(*form.shapes[0])), header)
    dtype = np.uint8 if form.depth == 8 else np.uint16
    planes = [np.zeros((frames, *shape), dtype) for shape in form.shapes]

    def coder(p: int, known: int, count: int) -> PlaneCoder:
        stream = np.frombuffer(body.take(body.number()), np.uint8).copy()
        return plane_coder(effort, (known + 1, *form.shapes[p]), (1 << form.depth) - 1, 1.0 / (1 << shift), stream, decoding=True)

    coders = _coders(planes, coder)
    if len(body.rest()):
        raise CorruptFile("something follows its last stream")
    _code(planes, form, fields, coders, report)
    for one in coders:
        one.finish()
    return planes


def _coders(planes: list[np.ndarray], make: Callable[[int, int, int], PlaneCoder]) -> list[PlaneCoder]:
    """Of the first frame's planes, then of those of the others, if there are any. The last plane of two or four is alpha."""
    frames, count, found = len(planes[0]), len(planes), []
    for inter in range(2 if frames > 1 else 1):
        for p in range(count):
            alone = 1 if count % 2 == 0 and p + 1 == count else p
            found.append(make(p, 2 if inter else alone, frames - 1 if inter else 1))
    return found


def _code(planes: list[np.ndarray], form: Form, fields: np.ndarray, coders: list[PlaneCoder], report: Report) -> None:
    before: list[list[Seen]] = []  # of the last two frames, the last one first
    count = len(planes)
    for t in range(len(planes[0])):
        now: list[Seen] = []
        for p in range(count):
            known = list(_known(p, t, now, before, form, fields))
            now.append(coders[p + count * (t > 0)].code(known, planes[p][t]))
            report(planes[p][t].nbytes)
        before = [now, *before[:1]]


def _known(p: int, t: int, now: list[Seen], before: list[list[Seen]], form: Form, fields: np.ndarray) -> Iterator[Seen]:
    """What plane p of frame t is given, the most useful last."""
    shape, halvings = form.shapes[p], form.halvings[p]
    if p == 0 and len(before) > 1:
        yield before[1][0].moved(Moves(fields[first_field(t) + 1], shape, halvings))
    elif p == 0 and before:
        yield before[0][0]
    is_alpha = len(form.shapes) % 2 == 0 and p + 1 == len(form.shapes)
    if is_alpha:
        yield now[0]
    if before:
        yield before[0][p].moved(Moves(fields[first_field(t)], shape, halvings))
    if not is_alpha and (p == 1 or (p == 2 and not before)):
        yield now[0].reduced(*halvings)
    if not is_alpha and p == 2:
        yield now[1]
