"""Sounds of codec `audio.lossless`, made of integers only, so that they are the same on every machine."""

import random
import struct
from pathlib import Path

CODEC = "audio.lossless"
SOUNDS = {"mono": (1, 2), "stereo": (2, 2), "deep": (2, 3), "float": (1, 4)}  # channels, bytes of a sample
WANTED = [(f"effort{n}", name) for n in range(1, 10) for name in SOUNDS if n in (1, 5, 9) or name == "stereo"]


def content(name: str) -> bytes:
    """A WAV file of 2,500 samples: two resonances driven by noise, the second channel following the first."""
    channels, size = SOUNDS[name]
    rng = random.Random(2026)
    state, frames = [0, 0, 0, 0], []
    for _ in range(2500):
        drive = rng.randrange(-200, 201)
        state = [
            state[0] * 1900 // 1024 - state[1] * 980 // 1024 + drive,
            state[0],
            (state[2] * 900 + state[0] * 80) // 1024,
            state[2],
        ]
        left, right = state[0], state[2] * 3 + drive // 7
        frames.append((left, right)[:channels])
    if name == "float":
        data = b"".join(struct.pack("<f", left / 30000 + 1e-9 * i) for i, (left,) in enumerate(frames))
    else:
        shift = 8 * size - 16
        data = b"".join(
            (max(-32768, min(32767, value)) << shift | (value & 63 if shift else 0)).to_bytes(size, "little", signed=True)
            for frame in frames
            for value in frame
        )
    fmt = struct.pack("<HHIIHH", 3 if name == "float" else 1, channels, 44100, 44100 * channels * size, channels * size, 8 * size)
    tail = b"LIST\x0c\0\0\0INFOabcdefgh" if name == "deep" else b""
    body = b"WAVEfmt \x10\0\0\0" + fmt + b"data" + struct.pack("<I", len(data)) + data + tail
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make(setting: str, name: str) -> bytes:
    """The sound called `name`, encoded."""
    import lacodec

    return lacodec.encode(content(name), "audio.lossless", effort=int(setting.removeprefix("effort")))


def exact(setting: str, name: str) -> bool:
    """Not floats: zstd packs their low bits, and another version of it may do so differently."""
    return name != "float"


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    import lacodec
    from lacodec.media.audio.files import AUDIO

    return b"".join(AUDIO.to_blocks(lacodec.decode(path)))
