"""JPEG files for the tests: made by Pillow with many settings, and what happens to files."""

import io
import random

import numpy as np
from PIL import Image

from lacodec.codecs.image.jpeg.frame import Component, Frame
from lacodec.codecs.image.jpeg.headers import STANDARD_SEGMENTS
from lacodec.codecs.image.jpeg.pictures import read_picture
from lacodec.codecs.image.jpeg.stream.parse import Parsed, outline, rebuild
from lacodec.codecs.image.jpeg.stream.record import Record, ScanRecord
from lacodec.testing import photo

SETTINGS = {
    "baseline": {"quality": 75},
    "4:4:4": {"quality": 95, "subsampling": 0, "optimize": True},
    "4:2:2": {"quality": 60, "subsampling": 1},
    "gray": {"mode": "L", "quality": 80},
    "CMYK": {"mode": "CMYK", "quality": 70},
    "coarse": {"quality": 3},
    "fine": {"quality": 100, "subsampling": 0},
    "restarts": {"quality": 75, "restart_marker_blocks": 3},
    "rows of restarts": {"quality": 75, "restart_marker_rows": 1},
    "progressive": {"quality": 85, "progressive": True},
    "progressive gray": {"mode": "L", "quality": 85, "progressive": True},
    "progressive 4:4:4": {"quality": 98, "subsampling": 0, "progressive": True},
    "progressive CMYK": {"mode": "CMYK", "quality": 60, "progressive": True},
    "progressive restarts": {"quality": 90, "progressive": True, "restart_marker_blocks": 5},
}


def jpeg(pixels=None, mode="RGB", **options):
    """A file."""
    out = io.BytesIO()
    Image.fromarray(photo(45, 61) if pixels is None else pixels).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def files(pixels=None):
    """Setting -> a file."""
    return {name: jpeg(pixels, **options) for name, options in SETTINGS.items()}


def with_preview(data, preview):
    """The file with another one in its EXIF data."""
    body = b"Exif\0\0II*\0 and a preview: " + preview + b" behind it"
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def mutants(originals, count, seed):
    """Files that were damaged: bits flipped, cut, bytes lost, joined, markers inserted, bytes appended."""
    rng = random.Random(seed)
    for i in range(count):
        data = bytearray(rng.choice(originals))
        kind = i % 7
        place = rng.randrange(len(data))
        if kind == 0:
            for _ in range(rng.choice((1, 2, 10, 100))):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            del data[place : place + rng.choice((1, 2, 10, 1000))]
        elif kind == 3:
            other = rng.choice(originals)
            data[place:] = other[rng.randrange(len(other)) :]
        elif kind == 4:
            marker = rng.choice((0, 0xFF, 0xD0, 0xD3, 0xD9, 0xDA, 0xC4, 0xC0, 0xC2, 0xDB, 0xDD, 0xFE, rng.randrange(256)))
            data[place:place] = bytes([255, marker]) + (rng.randbytes(10) if rng.random() < 0.5 else b"")
        elif kind == 5:
            data += rng.randbytes(rng.randrange(300))
        else:
            data[rng.randrange(min(700, len(data)))] = rng.randrange(256)
        yield bytes(data)


def sampled(width, height, factors, *, together=True, steps=(9, 7), ids=(1, 2, 3, 4), extra=b"", seed=1):
    """A baseline file with any sampling, which Pillow doesn't write. factors: (h, v) of each component.

    together: in one scan, else in one for each component. extra: segments in front of the frame.
    """
    body = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([len(factors)])
    body += b"".join(bytes([ids[i], h << 4 | v, min(i, 1)]) for i, (h, v) in enumerate(factors))
    tables = b"".join(b"\xff\xdb\0\x43" + bytes([i]) + bytes([step] * 64) for i, step in enumerate(steps))
    header = b"\xff\xd8" + extra + tables + b"\xff\xc0" + (len(body) + 2).to_bytes(2, "big") + body + STANDARD_SEGMENTS
    scans = [range(len(factors))] if together else [range(i, i + 1) for i in range(len(factors))]
    for scan in scans:
        heads = b"".join(bytes([ids[i], 17 * min(i, 1)]) for i in scan)
        header += b"\xff\xda" + (6 + len(heads)).to_bytes(2, "big") + bytes([len(scan)]) + heads + b"\0\x3f\0"
    record = Record(header + b"\xff\xd9", (ScanRecord(1, True, False, 1),) * len(scans))
    found = outline(record, 1 << 24)
    rng = np.random.default_rng(seed)
    parts = []
    for (rows, columns), quant, (h, v) in zip(found.sizes, found.quants, factors, strict=True):
        coefficients = np.zeros((rows, columns, 64), np.int16)
        coefficients[:, :, 0] = rng.integers(-60, 60, (rows, columns))
        coefficients[:, :, 1:12] = rng.integers(-9, 9, (rows, columns, 11))
        parts.append(Component(coefficients, quant, h, v))
    data = rebuild(Parsed(Frame(width, height, tuple(parts)), record), 1 << 24)
    assert read_picture(data) is not None
    return data
