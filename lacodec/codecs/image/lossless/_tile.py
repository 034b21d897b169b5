"""A tile of pixels <-> its payload.

payload = groups of channels: method (1 byte), size of the data (u32), data; colour first, then alpha
"""

import struct
from dataclasses import replace
from typing import Any

import numpy as np

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, Share, ignore

STORED, CONSTANT, MODEL, GRAPHICS, FAST, BYTES, LEVELS = range(7)
_HEAD = struct.Struct("<BI")
_ORDER = (1, 0, 2)  # planes of RGB as the model takes them: green first
_REPEATS = 0.55  # share of pixels equal to the one above or to the left from which on the graphics model is tried
_ONLY_GRAPHICS = 0.9
_FAST_EFFORT = 3  # up to this effort the fast pixel model
_PLAIN_EFFORT = 2  # up to this effort drawings are coded as bytes, whose model is that of this effort of codec `bytes`


def encode_tile(pixels: np.ndarray, depth: int, indexed: bool, effort: int, session: Session = DEFAULT) -> bytes:
    """Code uint8 or uint16[height, width, channels] of `depth` bits per sample; `indexed`: values are palette entries."""
    channels = pixels.shape[2]
    cut = channels - 1 if channels in (2, 4) else channels
    groups = [pixels[:, :, :cut], pixels[:, :, cut:]][: 1 + (cut < channels)]
    return b"".join(_encode_group(np.ascontiguousarray(g), depth, indexed, effort, session) for g in groups)


def decode_tile(
    payload: bytes, shape: tuple[int, int, int], depth: int, header: Header, session: Session = DEFAULT, rows: int | None = None
) -> np.ndarray:
    """uint8 or uint16 of `shape` (height, width, channels) from the result of `encode_tile`; raises CorruptFile.

    rows: how many to return from the top; the fast model decodes no others.
    """
    height, width, channels = shape
    dtype = np.uint16 if depth == 16 else np.uint8
    cut = channels - 1 if channels in (2, 4) else channels
    pixels = np.empty((height if rows is None else min(rows, height), width, channels), dtype)
    at, done = 0, 0
    for stop in (cut, channels)[: 1 + (cut < channels)]:
        if at + _HEAD.size > len(payload):
            raise CorruptFile("its payload ends before its last channel")
        method, size = _HEAD.unpack_from(payload, at)
        data = payload[at + _HEAD.size : at + _HEAD.size + size]
        if len(data) != size:
            raise CorruptFile("a group of its channels is cut off")
        group = (height, width, stop - done)
        share = Share(session.report, pixels[:, :, done:stop].nbytes, pixels[:, :, done:stop].size)
        found = _decode_group(method, data, group, depth, header, replace(session, report=share), rows)
        pixels[:, :, done:stop] = found[: len(pixels)]
        share.finish()
        at += _HEAD.size + size
        done = stop
    if at != len(payload):
        raise CorruptFile("extra bytes follow its last channel")
    return pixels


def is_drawn(pixels: np.ndarray, depth: int, indexed: bool) -> bool:
    """Whether a sample of the rows of uint8 or uint16[height, width, channels] repeats itself as drawings do, not photos."""
    return indexed or depth < 8 or _repeats(pixels[np.arange(len(pixels)) // 8 % 4 == 0]) > _REPEATS


def _repeats(pixels: np.ndarray) -> float:
    """Share of pixels that equal the one to the left or the one above."""
    if min(pixels.shape[:2]) < 2:
        return 0.0
    here = pixels[1:, 1:]
    return float(((here == pixels[1:, :-1]).all(2) | (here == pixels[:-1, 1:]).all(2)).mean())


def _encode_group(pixels: np.ndarray, depth: int, indexed: bool, effort: int, session: Session) -> bytes:
    if (pixels == pixels[:1, :1]).all():
        session.report(pixels.nbytes)
        return _group(CONSTANT, pixels[0, 0].astype("<u2").tobytes())
    found = [(STORED, pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())]
    repeats = _repeats(pixels)
    drawn = indexed or depth < 8 or repeats > _REPEATS
    modelled = depth >= 8 and not (drawn and (repeats > _ONLY_GRAPHICS or (indexed and effort < 9)))
    share = Share(session.report, pixels.nbytes, pixels.size * max(1, drawn + modelled))
    if drawn and effort <= _PLAIN_EFFORT:
        found.append((BYTES, embed("bytes", found[0][1], replace(session, report=ignore), effort=_PLAIN_EFFORT)))
    elif drawn:
        from lacodec.codecs.image.lossless.graphics.tile import graphics_encode

        found.append((GRAPHICS, graphics_encode(pixels, share) or found[0][1]))
    if modelled:
        coded = _encode_levels(pixels, effort, share)
        found.append(coded or _encode_model(_planes(pixels), (1 << depth) - 1, effort, share) or found[0])
    share.finish()
    method, data = min(found, key=lambda item: (len(item[1]), item[0]))
    return _group(method, data)


def _encode_levels(pixels: np.ndarray, effort: int, report: Report) -> tuple[int, bytes] | None:
    """Method and data of pixels that leave many values unused; None for others."""
    from lacodec.codecs.image.lossless._levels import reduce

    reduced = reduce(pixels)
    coded = _encode_model(_planes(reduced[1]), reduced[2], effort, report) if reduced else None
    return (LEVELS, reduced[0] + bytes([coded[0]]) + coded[1]) if reduced and coded else None


def _encode_model(planes: np.ndarray, top: int, effort: int, report: Report) -> tuple[int, bytes] | None:
    """Method and data of the pixel model that the effort pays for; None if it does not shrink the planes."""
    if effort <= _FAST_EFFORT:
        from lacodec.codecs.image.lossless.fast.tile import fast_encode_within

        return FAST, fast_encode_within(planes, top, effort - 1, report)
    from lacodec.codecs.image.lossless.mixed.tile import model_encode

    data = model_encode(planes, top, effort, report)
    return None if data is None else (MODEL, data)


def _group(method: int, data: bytes) -> bytes:
    return _HEAD.pack(method, len(data)) + data


def _decode_group(
    method: int,
    data: bytes,
    shape: tuple[int, int, int],
    depth: int,
    header: Header,
    session: Session,
    rows: int | None = None,
) -> np.ndarray:
    """Pixels of `shape`, or at least as many `rows` of them; `session.report` is called with samples."""
    height, width, channels = shape
    dtype = np.uint16 if depth == 16 else np.uint8
    if method == CONSTANT and len(data) == 2 * channels:
        return np.broadcast_to(np.frombuffer(data, "<u2").astype(dtype), shape)
    if method == STORED and len(data) == height * width * channels * np.dtype(dtype).itemsize:
        return np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).reshape(shape)
    if method == GRAPHICS:
        from lacodec.codecs.image.lossless.graphics.tile import graphics_decode

        return graphics_decode(data, shape, dtype, session.report)
    if method in (MODEL, FAST) and depth >= 8 and channels in (1, 3):
        return _decode_model(method, data, shape, (1 << depth) - 1, session.report, rows)
    if method == LEVELS and depth >= 8 and channels in (1, 3):
        from lacodec.codecs.image.lossless._levels import expand, read_levels

        levels, rest = read_levels(data, channels, (1 << depth) - 1)
        if not rest or rest[0] not in (MODEL, FAST):
            raise CorruptFile("its ranks are coded by an unknown method")
        ranks = _decode_model(rest[0], rest[1:], shape, max(map(len, levels)) - 1, session.report, rows)
        return expand(ranks, levels, np.dtype(dtype))
    if method == BYTES:
        samples = unembed("bytes", data, height * width * channels * np.dtype(dtype).itemsize, header, session)
        return _decode_group(STORED, samples, shape, depth, header, session)
    raise CorruptFile(f"a group of its channels is coded by method {method} in {len(data)} bytes, which is impossible")


def _decode_model(
    method: int, data: bytes, shape: tuple[int, int, int], top: int, report: Report, rows: int | None = None
) -> np.ndarray:
    """Whole numbers 0..top of `shape`, or of its first `rows`."""
    dtype = np.uint8 if top < 256 else np.uint16
    height, width, channels = shape
    if method == MODEL:
        from lacodec.codecs.image.lossless.mixed.tile import model_decode

        return _interleaved(model_decode(data, (channels, height, width), top, report), dtype)
    from lacodec.codecs.image.lossless.fast.tile import fast_decode

    return _interleaved(fast_decode(data, (channels, height, width), top, report, rows), dtype)


def _planes(pixels: np.ndarray) -> np.ndarray:
    planes = pixels.transpose(2, 0, 1)
    return planes[list(_ORDER)] if len(planes) == 3 else planes


def _interleaved(planes: np.ndarray, dtype: Any) -> np.ndarray:
    pixels = np.empty((*planes.shape[1:], len(planes)), dtype)
    for i, plane in enumerate(_ORDER if len(planes) == 3 else range(len(planes))):
        pixels[:, :, i] = planes[plane]
    return pixels
