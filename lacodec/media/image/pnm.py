"""PPM and PGM (binary): the frame of a file, comments included, and new files."""

import re

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.image.frames import Frame
from lacodec.media.image.samples import row_size

_GAP = rb"\s(?:\s|#[^\n\r]*[\n\r])*"
_HEAD = re.compile(rb"P([56])" + _GAP + rb"(\d{1,7})" + _GAP + rb"(\d{1,7})" + _GAP + rb"(\d{1,5})\s")
_MOST = 64 << 10  # bytes of a header
_DEPTHS = {1: 1, 3: 2, 15: 4, 255: 8, 65535: 16}  # by the greatest sample


def pnm_frame(source: Source) -> Frame:
    """Where the rows of a PPM or PGM file lie; raises UnsupportedFile for other ranges than whole bits."""
    head = _HEAD.match(source.read(0, _MOST))
    if head is None:
        raise UnsupportedFile(f"{source.name}: this {_kind(source)} has a header of an unusual form")
    width, height, top = int(head[2]), int(head[3]), int(head[4])
    if top not in _DEPTHS:
        raise UnsupportedFile(
            f"{source.name}: this {_kind(source)} has samples from 0 to {top}, which is not a whole number of bits"
        )
    channels, bits = 3 if head[1] == b"6" else 1, 16 if top > 255 else 8
    frame = Frame(head.end(), height, width, channels, _DEPTHS[top], bits, row_size(width, channels, bits))
    if frame.offset + frame.body != source.size:
        raise UnsupportedFile(f"{source.name}: the length of this {_kind(source)} does not match its header")
    return frame


def _kind(source: Source) -> str:
    return "PPM" if source.read(0, 2) == b"P6" else "PGM"


def write_pnm(pixels: np.ndarray, depth: int) -> bytes:
    """PPM of uint8 or uint16[h, w, 3], PGM of [h, w, 1]."""
    height, width, channels = pixels.shape
    head = b"P%d\n%d %d\n%d\n" % (6 if channels == 3 else 5, width, height, (1 << depth) - 1)
    return head + pixels.astype(">u2" if depth == 16 else np.uint8).tobytes()
