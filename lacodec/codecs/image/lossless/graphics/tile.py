"""Palette indices, drawings and other pixels that repeat exactly, in and out of the graphics model.

payload = log2 of the history lines (1 byte), range-coded symbols
"""

import numpy as np

from lacodec.codecs.image.lossless.graphics import kernel as gk
from lacodec.entropy.mixing import POSITION, READ_AHEAD, Engine
from lacodec.entropy.mixing_state import Shape, new_engine
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore, parts

_LINE_BITS = (10, 20)


def graphics_encode(pixels: np.ndarray, report: Report = ignore) -> bytes | None:
    """Code uint8 or uint16[height, width, channels]; None if that does not shrink it. `report` is called with samples."""
    lines = _LINE_BITS[0]
    while lines < _LINE_BITS[1] and pixels.nbytes * 8 > 3 << lines:
        lines += 1
    stream = np.zeros(pixels.nbytes + 16, np.uint8)
    words = _margins(pixels.shape[:2])
    words[gk.PAD :, gk.PAD : gk.PAD + pixels.shape[1]] = _words(pixels)
    engine = _engine(stream, lines, decoding=False)
    size = _run(engine, words, _word_bytes(pixels), pixels.shape, report)
    return bytes([lines]) + bytes(stream[:size]) if size <= stream.size else None


def graphics_decode(payload: bytes, shape: tuple[int, int, int], dtype: type, report: Report = ignore) -> np.ndarray:
    """The pixels of `shape` (height, width, channels) from the result of `graphics_encode`; raises CorruptFile."""
    if len(payload) < 2 or not _LINE_BITS[0] <= payload[0] <= _LINE_BITS[1]:
        raise CorruptFile("its graphics model has no valid head")
    stream = np.frombuffer(payload, np.uint8, offset=1).copy()
    words = _margins(shape[:2])
    size = shape[2] * np.dtype(dtype).itemsize
    engine = _engine(stream, payload[0], decoding=True)
    if _run(engine, words, size, shape, report) != stream.size + READ_AHEAD:
        raise CorruptFile("its graphics model does not end with its last pixel")
    return _pixels(words[gk.PAD :, gk.PAD : gk.PAD + shape[1]], shape, dtype)


def _engine(stream: np.ndarray, lines: int, *, decoding: bool) -> Engine:
    return new_engine(Shape(gk.CONTEXTS, gk.EXPECTS, gk.SELECTORS, lines), stream, decoding=decoding, map_limit=255)


def _run(engine: Engine, words: np.ndarray, size: int, shape: tuple[int, ...], report: Report) -> int:
    """Code words of `size` bytes, the pixels of `shape`; returns where the coded bytes end."""
    drawing = gk.Drawing(
        words=words,
        heads=np.zeros(1 << gk.HEAD_BITS, np.int64),
        registers=np.zeros(gk.REGISTERS, np.int64),
        base=np.zeros(gk.CONTEXTS, np.uint64),
        ctx=np.zeros(gk.CONTEXTS, np.uint64),
        expect=np.zeros(2 * gk.EXPECTS, np.int64),
        select=np.zeros(len(gk.SELECTORS) + 2, np.int64),
    )
    height, width, channels = shape
    for start, stop in parts(height, height * width * channels, report):
        gk.code_words(engine, drawing, size, start, stop)
    return int(engine.registers[POSITION])


def _margins(shape: tuple[int, int]) -> np.ndarray:
    return np.zeros((shape[0] + gk.PAD, shape[1] + 2 * gk.PAD), np.uint64)


def _word_bytes(pixels: np.ndarray) -> int:
    return int(pixels.shape[2] * pixels.dtype.itemsize)


def _words(pixels: np.ndarray) -> np.ndarray:
    bits = np.uint64(8 * pixels.dtype.itemsize)
    words = np.zeros(pixels.shape[:2], np.uint64)
    for c in range(pixels.shape[2]):
        words = (words << bits) | pixels[:, :, c].astype(np.uint64)
    return words


def _pixels(words: np.ndarray, shape: tuple[int, int, int], dtype: type) -> np.ndarray:
    bits = 8 * np.dtype(dtype).itemsize
    pixels: np.ndarray = np.empty(shape, dtype)
    for c in range(shape[2]):
        pixels[:, :, c] = (words >> np.uint64(bits * (shape[2] - 1 - c))).astype(dtype)
    return pixels
