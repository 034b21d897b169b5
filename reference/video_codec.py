"""Codec `video.lossless`: the chunks of a video -> its frames, and the file where that is Y4M.

    payload = u8 method, number size of what is beside the frames, [number size, a payload of codec `bytes`],
              for each sound: number bytes, [if any: number size, a payload of codec `audio.lossless`], body
    body    = method 0: the frames as a payload of codec `bytes`; method 1: `video_model`

A chunk's content is its frames, what is beside them, then the samples of each sound.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reference import audio_codec, bytes_codec, video_model
from reference.container import CRITICAL, Chunk
from reference.stream import Stream, need

HALVINGS = {
    "gray": [(0, 0)],
    "420": [(0, 0), (1, 1), (1, 1)],
    "422": [(0, 0), (0, 1), (0, 1)],
    "440": [(0, 0), (1, 0), (1, 0)],
    "411": [(0, 0), (0, 2), (0, 2)],
    "444": [(0, 0), (0, 0), (0, 0)],
    "rgb": [(0, 0), (0, 0), (0, 0)],
    "graya": [(0, 0), (0, 0)],
    "420a": [(0, 0), (1, 1), (1, 1), (0, 0)],
    "422a": [(0, 0), (0, 1), (0, 1), (0, 0)],
    "444a": [(0, 0), (0, 0), (0, 0), (0, 0)],
    "rgba": [(0, 0), (0, 0), (0, 0), (0, 0)],
}
BYTES, MODEL = range(2)


@dataclass(frozen=True)
class Film:
    """frames: samples of 8 or little-endian 16 bits, plane by plane; head, side, sounds: what the file has besides."""

    frames: list[bytes]
    head: bytes
    side: bytes
    sounds: list[bytes]

    def y4m(self) -> bytes:
        """A file that came as Y4M."""
        return self.head + b"".join(b"FRAME\n" + frame for frame in self.frames) + self.side


def decode(header: dict[str, Any], chunks: list[Chunk]) -> Film:
    """The video."""
    meta = header["metadata"]
    (width, height), depth = meta["size"], meta["depth"]
    need(meta["layout"] in HALVINGS and 8 <= depth <= 16, "frames of an unknown form")
    halvings = HALVINGS[meta["layout"]]
    shapes = [(-(-height >> down), -(-width >> across)) for down, across in halvings]
    dtype = np.dtype("<u1" if depth == 8 else "<u2")
    size = sum(rows * columns for rows, columns in shapes) * dtype.itemsize
    frames: list[bytes] = []
    beside = b""
    listed = meta.get("sounds", [])
    sounds = [b"" for _ in listed]
    for chunk in chunks:
        if chunk.kind != CRITICAL or not chunk.covers:
            continue
        need(len(chunk.covers) == 1 and chunk.covers[0][0] == len(frames), "a chunk that covers other frames")
        count = chunk.covers[0][1] - chunk.covers[0][0]
        stream = Stream(chunk.payload)
        method, side_size = stream.byte(), stream.number()
        side = bytes_codec.decode(stream.piece(), side_size) if side_size else b""
        samples = [_samples(stream, *sound) for sound in listed]
        if method == MODEL:
            planes = video_model.decode(stream.rest(), count, shapes, halvings, depth)
            content = b"".join(plane.astype(dtype).tobytes() for frame in planes for plane in frame)
        else:
            need(method == BYTES, f"method {method} is unknown")
            content = bytes_codec.decode(stream.rest(), count * size)
        chunk.check(content + side + b"".join(samples))
        frames += [content[at : at + size] for at in range(0, len(content), size)]
        beside += side
        sounds = [before + more for before, more in zip(sounds, samples, strict=True)]
    return Film(frames, meta.get("head", b""), beside, sounds)


def _samples(stream: Stream, rate: int, channels: int, layout: str) -> bytes:
    """The samples of a sound in a chunk."""
    size = stream.number()
    if not size:
        return b""
    frames = size // (channels * audio_codec.sample_size(layout))
    return audio_codec.decode_piece(stream.piece(), frames, (rate, channels, layout)).pcm
