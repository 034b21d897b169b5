"""Planes in and out of the fast pixel model.

payload = level of the model (1 byte: 0 to 2), rANS state (8 bytes), 32-bit words
"""

from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, BinaryIO, cast

import numpy as np

from lacodec.codecs.image.lossless.fast import kernel as fk
from lacodec.codecs.image.lossless.fast.vector import PREDICTORS, TABLE, TOKENS
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, Share, ignore, parts

LEVELS = range(3)
_HEAD = 9
_FIRST_DUE = 16  # symbols until a context's table is first rebuilt
_PRIOR = 256  # symbols that the trained table of a context stands for
_PART = 1 << 17  # samples between two reports of progress, at least: they take 5 ms
_BAND, _EVERY = 8, 16  # a sample is _BAND rows out of each _EVERY bands
_WORSE = 1.015  # how much larger the sample may get from models that adapt to the picture, which adapt better to the whole


def fast_encode(planes: np.ndarray, top: int, level: int, report: Report = ignore) -> bytes:
    """Code integers 0..top of shape (1 or 3 planes in coding order, height, width); `report` is called with samples."""
    count = planes.size
    s = new_state(planes.shape, top, level, np.zeros(1, np.uint32), np.empty(count, np.uint64), decoding=False)
    s.pixels[:, fk.PAD : -1, fk.PAD : fk.PAD + planes.shape[2]] = planes
    _code(s, planes.shape, report)
    words = np.empty(count + 2, np.uint32)
    state, at = fk.code_records(s.records, count, words)
    return bytes([level]) + int(state).to_bytes(8, "little") + words[int(at) :].astype("<u4", copy=False).tobytes()


def fast_encode_within(planes: np.ndarray, top: int, level: int, report: Report = ignore) -> bytes:
    """Like `fast_encode`, at `level` or at 0, where a sample of the rows shows that this is smaller, as in drawings."""
    rows = np.flatnonzero(np.arange(planes.shape[1]) // _BAND % _EVERY == _EVERY // 2)
    if level == 0 or planes.shape[1] <= _BAND * _EVERY:
        share = Share(report, planes.size, planes.size * len({0, level}))
        return min((fast_encode(planes, top, each, share) for each in {0, level}), key=len)
    plain, following = (len(fast_encode(planes[:, rows], top, each)) for each in (0, level))
    return fast_encode(planes, top, level if following < plain * _WORSE else 0, report)


def fast_decode(
    payload: bytes, shape: tuple[int, int, int], top: int, report: Report = ignore, rows: int | None = None
) -> np.ndarray:
    """Planes of `shape` from the result of `fast_encode`; raises `CorruptFile` if the payload is invalid or of another shape.

    rows: how many to decode from the top, by default all; what lies below them is left out of the result, and unchecked.
    """
    if len(payload) < _HEAD or (len(payload) - _HEAD) % 4 or payload[0] not in LEVELS:
        raise CorruptFile("its fast pixel model has no valid head or length")
    words = np.append(np.frombuffer(payload, "<u4", offset=_HEAD).astype(np.uint32), np.uint32(0))
    s = new_state(shape, top, payload[0], words, np.empty(1, np.uint64), decoding=True)
    s.coder[fk.STATE] = int.from_bytes(payload[1:_HEAD], "little")
    rows = shape[1] if rows is None else min(rows, shape[1])
    _code(s, (shape[0], rows, shape[2]), report)
    if rows < shape[1]:
        return s.pixels[:, fk.PAD : fk.PAD + rows, fk.PAD : fk.PAD + shape[2]]
    if int(s.coder[fk.STATE]) != fk.START or int(s.coder[fk.POSITION]) != len(words) - 1:
        raise CorruptFile("its fast pixel model does not end with its last pixel")
    return s.pixels[:, fk.PAD : -1, fk.PAD : fk.PAD + shape[2]]


def _code(s: fk.State, shape: tuple[int, int, int], report: Report) -> None:
    planes, height, width = shape
    for start, stop in parts(height + planes - 1, planes * height * width, report, _PART):
        fk.code_planes(s, start, stop)


def new_state(
    shape: tuple[int, int, int], top: int, level: int, words: np.ndarray, records: np.ndarray, *, decoding: bool
) -> fk.State:
    """A coder at the start of a tile of `shape`; it reads `words` and writes `records`."""
    planes, height, width = shape
    stride = width + 2 * fk.PAD
    model = _model()
    counts, tables, due = first_counts()
    return fk.State(
        plan=np.array([height, width, planes, top, int(decoding), level], np.int64),
        coder=np.zeros(3, np.uint64),
        words=words,
        records=records,
        pixels=np.full((planes, fk.PAD + height + 1, stride), (top + 1) // 2, np.float32),
        errors=np.zeros((planes, 2, stride, PREDICTORS), np.float32),
        sizes=np.zeros((planes, 4, stride), np.float32),
        coefficients=model["coefficients"],
        near=model["near"],
        expect=model["expect"],
        guesses=np.zeros((3, PREDICTORS), np.float32),
        apart=np.zeros((3, PREDICTORS), np.float32),
        trust=np.zeros((3, fk.SETS, PREDICTORS), np.float32),
        chosen=np.zeros((3, 3), np.uint64),
        tables=tables.copy(),
        counts=counts.copy(),
        due=due.copy(),
        token_of=token_ranges()[0],
        spans=token_ranges()[1],
    )


@cache
def _model() -> dict[str, Any]:
    """Trained constants."""
    with files(__package__).joinpath("fast.npz").open("rb") as file, np.load(cast(BinaryIO, file)) as stored:
        return {name: stored[name] for name in stored.files}


@cache
def first_counts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts, tables and due updates at the start of a tile."""
    known = _model()["counts"].astype(np.uint64)
    bins = known.shape[1]
    which = [b if b < bins else bins - 4 + (b - bins) % 4 for b in range(fk.BINS)]
    wide = known[:, which].reshape(fk.CONTEXTS, TOKENS)
    counts = (wide * (_PRIOR * fk.GAIN) // wide.sum(1, keepdims=True)).astype(np.uint32) + 1
    tables = np.zeros(fk.CONTEXTS * TABLE, np.uint16)
    due = np.zeros((fk.CONTEXTS, 3), np.uint32)
    due[:, 1] = _FIRST_DUE // 2
    due[:, 2] = counts.sum(1) - due[:, 1] * fk.GAIN
    flat = counts.reshape(-1)
    fk.first_tables(tables, flat, due)
    return flat, tables, due


@cache
def token_ranges() -> tuple[np.ndarray, np.ndarray]:
    """Token of each value (uint8[2 * REACH]); lowest value << 8 | raw bits of each token after each shift (int64)."""
    ranges = [(0, 1)]
    for m in range(1, fk.DIRECT):
        ranges += [(m, m + 1), (-m, 1 - m)]
    edges = [16, 24, 32, 48, 64, 96, 128, 256, 512]
    for low, high in pairwise(edges):
        ranges += [(low, high), (1 - high, 1 - low)]
    token_of = np.zeros(2 * fk.REACH, np.uint8)
    spans = np.zeros((fk.SHIFTS, TOKENS), np.int64)
    for token, (low, high) in enumerate(ranges):
        token_of[low + fk.REACH : high + fk.REACH] = token
        bits = (high - low - 1).bit_length()
        for shift in range(fk.SHIFTS):
            spans[shift, token] = (low << shift) * 256 + bits + shift
    spans[:, fk.ESCAPE] = -65536 * 256 + 17
    return token_of, spans.reshape(-1)
