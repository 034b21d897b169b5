"""Decode a `.lac` file: python -m reference.decode FILE.lac OUTPUT [--base FILE]

OUTPUT is the original file where that is restored byte for byte. A picture whose pixels are restored becomes a PAM file (netpbm's
P7, big-endian beyond 8 bits), and OUTPUT.json says what else is known of it; sound of which the samples are restored becomes a
WAV file. Of video that is not Y4M the frames are given, one after another, without anything between them.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference import (
    arrays_codec,
    audio_codec,
    bytes_codec,
    container,
    features_codec,
    field_codec,
    image_codec,
    jpeg_codec,
    kv_codec,
    kv_lossy,
    log_codec,
    points_codec,
    text_codec,
    tokens_codec,
    vectors_codec,
    video_codec,
    weights_codec,
    weights_layers,
    weights_quantised,
)
from reference.container import CRITICAL, Chunk
from reference.stream import need
from reference.weights_table import Tensor, read_safetensors, read_table

VERSIONS = {
    "bytes": (0, 1, 2),
    "image.lossless": (0, 1),
    "image.jpeg": (1,),
    "audio.lossless": (0, 1),
    "weights": (0, 1, 2, 3),
    "weights.quantised": (0, 1),
    "arrays": (1,),
    "log": (0, 1),
    "text": (1,),
    "points": (1, 2, 3, 4, 5, 6),
    "kv": (0,),
    "vectors": (0,),
    "features": (0,),
    "image.tokens": (0,),
    "kv.lossy": (0,),
    "video.lossless": (1,),
    "image.field": (0,),
}
"""Stream versions that are read here. Versions 0 and 1 of a codec are the same stream, and version 2 adds methods."""


@dataclass(frozen=True)
class Restored:
    """What a file decodes to: the bytes of a file (see above), the header, and the picture or sound where it is one."""

    content: bytes
    header: dict[str, Any]
    value: image_codec.Picture | audio_codec.Sound | None = None


def restore(data: bytes, base: bytes | None = None) -> Restored:
    """Decode a whole file. base: the file it was stored as differences to; of tensors also the `.lac` file that stands for it."""
    header, chunks = container.read(data)
    codec = header["codec"]
    for name, version in ((codec, header["stream_version"]), *header["nested"].items()):
        need(name in VERSIONS, f"codec {name!r} is not read here")
        need(version in VERSIONS[name], f"stream version {version} of codec {name!r} is not known here")
    if codec == "bytes":
        return Restored(_blocks(chunks, bytes_codec.decode), header)
    if codec == "log":
        return Restored(_blocks(chunks, log_codec.decode), header)
    if codec == "text":
        return Restored(_blocks(chunks, text_codec.decode), header)
    if codec == "image.jpeg":
        return Restored(_blocks(chunks, jpeg_codec.decode), header)
    if codec == "image.lossless":
        picture = image_codec.decode(header, chunks)
        return Restored(picture.file if picture.file is not None else pam(picture), header, picture)
    if codec == "audio.lossless":
        sound = audio_codec.decode(header, chunks)
        same = header["identical"] == "bytes"
        return Restored(sound.head + sound.pcm + sound.tail if same else sound.wav(), header, sound)
    if codec == "arrays":
        return Restored(arrays_codec.decode(header, chunks), header)
    if codec == "kv":
        return Restored(kv_codec.decode(header, chunks), header)
    if codec == "vectors":
        return Restored(vectors_codec.decode(header, chunks), header)
    if codec == "features":
        return Restored(features_codec.decode(header, chunks), header)
    if codec == "image.tokens":
        return Restored(tokens_codec.npy(header, chunks), header)
    if codec == "kv.lossy":
        return Restored(kv_lossy.decode(header, chunks, base), header)
    if codec == "image.field":
        return Restored(field_codec.decode(header, chunks).tobytes(), header)
    if codec == "video.lossless":
        film = video_codec.decode(header, chunks)
        return Restored(film.y4m() if header["format"] == "y4m" else b"".join(film.frames), header)
    if codec == "points":
        return Restored(points_codec.decode(header, chunks, base), header)
    if codec == "weights.quantised" and "layers" in header["metadata"]:
        return Restored(weights_layers.decode(chunks, read_table(header["metadata"]["tensors"])), header)
    if codec == "weights.quantised":
        return Restored(weights_quantised.decode(header, chunks), header)
    content, tensors = (None, None) if base is None else open_base(base)
    return Restored(weights_codec.decode(header, chunks, content, tensors), header)


def _blocks(chunks: list[Chunk], decode: Callable[[bytes, int], bytes]) -> bytes:
    """The content of a file whose chunks are bytes; `decode`: a payload of that many."""
    out = []
    for chunk in chunks:
        if chunk.kind == CRITICAL and chunk.covers:
            need(
                chunk.covers[0][1] - chunk.covers[0][0] == chunk.decoded_size, "a size that contradicts the range that is covered"
            )
            out.append(decode(chunk.payload, chunk.decoded_size))
            chunk.check(out[-1])
    return b"".join(out)


def open_base(data: bytes) -> tuple[bytes, list[Tensor]]:
    """(bytes, tensors) of a base: a safetensors file, or a `.lac` file of codec `weights`."""
    if data[:4] != b"\x8bLAC":
        return data, read_safetensors(data)
    restored = restore(data)
    return restored.content, read_table(restored.header["metadata"]["tensors"])


def pam(picture: image_codec.Picture) -> bytes:
    """A PAM file with the samples of a picture, of a palette their numbers."""
    pixels = picture.pixels
    assert pixels is not None
    height, width, channels = pixels.shape
    kind = ("GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA")[channels - 1] if picture.palette is None else "INDEX"
    head = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {(1 << picture.depth) - 1}\nTUPLTYPE {kind}\nENDHDR\n"
    return head.encode() + pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="reference.decode", description="Decode a .lac file in plain Python.")
    parser.add_argument("file", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--base", type=Path, help="the file that tensors are stored as differences to")
    arguments = parser.parse_args()
    restored = restore(arguments.file.read_bytes(), arguments.base and arguments.base.read_bytes())
    arguments.output.write_bytes(restored.content)
    picture = restored.value
    if isinstance(picture, image_codec.Picture) and picture.file is None:
        palette = picture.palette.hex() if picture.palette is not None else None
        extras = [[name, body.hex()] for name, body in picture.extras]
        known = {"format": restored.header["format"], "depth": picture.depth, "palette": palette, "extras": extras}
        Path(f"{arguments.output}.json").write_text(json.dumps(known, indent=1))


if __name__ == "__main__":
    main()
