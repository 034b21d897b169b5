"""Codec `image.lossless`: the chunks of a picture -> its pixels.

    payload = u8 0, groups of channels (colour, then alpha): u8 method, u32 size, data                  a tile
            | u8 1, a payload of codec `bytes`: the file itself

Channels: 1 gray or palette index, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference import bytes_codec, image_fast, image_graphics, image_mixed
from reference.container import CRITICAL, Chunk
from reference.image_levels import read_levels
from reference.stream import Damaged, Stream, need

TILE, FILE = range(2)
STORED, CONSTANT, MIXED, GRAPHICS, FAST, BYTES, LEVELS = range(7)


@dataclass(frozen=True)
class Picture:
    """pixels: u8 or u16[height, width, channels]; or `file`, the bytes of the file that the picture came from."""

    pixels: np.ndarray | None
    depth: int
    palette: bytes | None = None
    extras: tuple[tuple[str, bytes], ...] = ()
    file: bytes | None = None


def decode(header: dict[str, Any], chunks: list[Chunk]) -> Picture:
    """The picture."""
    meta = header["metadata"]
    height, width, channels = meta["shape"]
    depth, covered = meta.get("depth", 8), 0
    need(depth in (1, 2, 4, 8, 16) and 1 <= channels <= 4, "an impossible shape or depth")
    pixels = np.zeros((height, width, channels), np.uint16 if depth == 16 else np.uint8)
    for chunk in chunks:
        if chunk.kind != CRITICAL or not chunk.covers:
            continue
        need(len(chunk.covers) == 2, "a chunk that is no tile")
        (top, bottom), (left, right) = chunk.covers
        need(top < bottom <= height and left < right <= width, "a tile outside of the picture")
        method, payload = chunk.payload[0], chunk.payload[1:]
        if method == FILE:
            file = bytes_codec.decode(payload, chunk.decoded_size)
            chunk.check(file)
            return Picture(None, depth, file=file)
        need(method == TILE, f"method {method} is unknown")
        tile = decode_tile(payload, (bottom - top, right - left, channels), depth)
        chunk.check(tile.astype(tile.dtype.newbyteorder("<")).tobytes())
        pixels[top:bottom, left:right] = tile
        covered += tile.size
    need(covered == pixels.size, "tiles that do not cover the picture")
    return Picture(pixels, depth, meta.get("palette"), tuple(_extra(*item) for item in meta.get("extras", ())))


def _extra(name: str, body: bytes, size: int | None = None) -> tuple[str, bytes]:
    """What the format has beside pixels: a name and bytes, or deflated bytes and their size."""
    whole = body if size is None else zlib.decompress(body)
    need(size in (None, len(whole)), "something beside the pixels has another size than it should")
    return name, whole


def decode_tile(payload: bytes, shape: tuple[int, int, int], depth: int) -> np.ndarray:
    """The pixels of a tile, u8 or u16 of `shape` (rows, columns, channels)."""
    rows, columns, channels = shape
    stream, parts = Stream(payload), []
    for count in {1: (1,), 2: (1, 1), 3: (3,), 4: (3, 1)}[channels]:
        method, size = stream.byte(), stream.uint(4)
        parts.append(decode_group(method, stream.take(size), (rows, columns, count), depth))
    stream.finish()
    return np.concatenate(parts, axis=2)


def decode_group(method: int, data: bytes, shape: tuple[int, int, int], depth: int) -> np.ndarray:
    """The samples of a group of channels."""
    rows, columns, channels = shape
    dtype, top = np.dtype("<u2" if depth == 16 else "<u1"), (1 << depth) - 1
    if method == CONSTANT:
        need(len(data) == 2 * channels, "a constant of another size")
        return np.broadcast_to(np.frombuffer(data, "<u2").astype(dtype), shape)
    if method in (STORED, BYTES):
        size = rows * columns * channels * dtype.itemsize
        samples = data if method == STORED else bytes_codec.decode(data, size)
        need(len(samples) == size, "samples of another size")
        return np.frombuffer(samples, dtype).reshape(shape)
    if method == GRAPHICS:
        size = channels * dtype.itemsize
        words = image_graphics.decode(data, rows, columns, size)
        samples = b"".join(word.to_bytes(size, "big") for row in words for word in row)
        return np.frombuffer(samples, dtype.newbyteorder(">")).reshape(shape).astype(dtype)
    need(method in (MIXED, FAST, LEVELS) and depth >= 8, f"a group is coded by method {method}, which cannot be")
    if method != LEVELS:
        return decode_planes(method, data, shape, top).astype(dtype)
    stream = Stream(data)
    levels = read_levels(stream, channels, top)
    ranks = decode_planes(stream.byte(), stream.rest(), shape, max(map(len, levels)) - 1)
    need(all(int(ranks[:, :, c].max()) < len(used) for c, used in enumerate(levels)), "a level that is not listed")
    return np.stack([np.array(used)[ranks[:, :, c]] for c, used in enumerate(levels)], 2).astype(dtype)


def decode_planes(method: int, data: bytes, shape: tuple[int, int, int], top: int) -> np.ndarray:
    """Whole numbers 0..top by a pixel model, whose planes are green, red, blue."""
    rows, columns, channels = shape
    if method not in (MIXED, FAST):
        raise Damaged(f"planes are coded by method {method}, which cannot be")
    model = image_mixed if method == MIXED else image_fast
    planes = model.decode(data, (channels, rows, columns), top)
    return planes[[1, 0, 2] if channels == 3 else [0]].transpose(1, 2, 0)
