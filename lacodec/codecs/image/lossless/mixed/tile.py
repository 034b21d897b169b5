"""Planes in and out of the pixel model.

payload = effort (1 byte), exponent of the unit (1 byte), range-coded decisions
"""

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.kernel import code_tile
from lacodec.codecs.image.lossless.mixed.setup import SETUPS, new_state
from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore, parts

_HEAD = 2
READ_AHEAD = 2  # a decoder has read this much past the encoder's two last bytes
MAX_SHIFT = 12
_MAX_WIDTH = 1024  # columns: each takes kilobytes of sums
_LIVELY = 16.0  # mean difference between neighbours above which magnitudes are scaled down


def model_encode(planes: np.ndarray, top: int, effort: int, report: Report = ignore) -> bytes | None:
    """Code integers 0..top of shape (1 or 3 planes in coding order, height, width); None if that does not shrink them.

    `report` is called with samples as they are coded.
    """
    width = planes.shape[2]
    shift = unit_shift(planes)
    room = planes.size * (2 if top > 255 else 1) + 16
    s = new_state(SETUPS[effort], planes.shape, top, 1.0 / (1 << shift), np.zeros(room, np.uint8), decoding=False)
    s.pixels[:, st.PAD : -1, st.PAD : st.PAD + width] = planes
    s.registers[HIGH] = 0xFFFFFFFF
    _code(s, planes.shape, report)
    size = int(s.registers[POSITION])
    if size + 2 > room:
        return None
    tail = int(s.registers[HIGH]) >> 16
    return bytes([effort, shift]) + bytes(s.stream[:size]) + tail.to_bytes(2, "big")


def model_decode(payload: bytes, shape: tuple[int, int, int], top: int, report: Report = ignore) -> np.ndarray:
    """int32 of `shape` from the result of `model_encode`; raises `CorruptFile` if the payload is invalid or of another shape."""
    if len(payload) < _HEAD + 2 or payload[0] not in SETUPS or payload[1] > MAX_SHIFT:
        raise CorruptFile("its pixel model has no valid head")
    if shape[2] > _MAX_WIDTH:
        raise CorruptFile(f"its pixel model covers {shape[2]} columns, more than {_MAX_WIDTH}")
    stream = np.frombuffer(payload, np.uint8, offset=_HEAD)
    s = new_state(SETUPS[payload[0]], shape, top, 1.0 / (1 << payload[1]), stream.copy(), decoding=True)
    s.registers[LOW], s.registers[HIGH] = 0, 0xFFFFFFFF
    s.registers[CODE] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big")
    s.registers[POSITION] = 4
    _code(s, shape, report)
    if int(s.registers[POSITION]) != stream.size + READ_AHEAD:
        raise CorruptFile("its pixel model does not end with its last pixel")
    return s.pixels[:, st.PAD : -1, st.PAD : st.PAD + shape[2]]


def _code(s: st.State, shape: tuple[int, int, int], report: Report) -> None:
    planes, height, width = shape
    for start, stop in parts(height + planes - 1, planes * height * width, report):
        code_tile(s, start, stop)


def unit_shift(planes: np.ndarray) -> int:
    """Halvings that bring the mean difference between neighbours to 16 or less: the model's classes are made for 8-bit photos."""
    wide = planes.astype(np.int32)
    mean = float(np.abs(np.diff(wide, axis=2)).mean()) if wide.shape[2] > 1 else 0.0
    shift = 0
    while mean > _LIVELY * (1 << shift) and shift < MAX_SHIFT:
        shift += 1
    return shift
