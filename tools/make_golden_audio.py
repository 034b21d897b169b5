"""Make the golden files of codec `audio.lossless`: short sounds that every later version must decode to the same bytes.

    python tools/make_golden_audio.py      adds what is missing; never touches a file that exists

Each is `tests/golden/audio-effort<N>-<sound>.lac`; the sounds are made by `content()` with integers only, so that they are the
same on every machine, and stay out of the tree.
"""

import random
import struct
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.golden import write_missing

SOUNDS = {"mono": (1, 2), "stereo": (2, 2), "deep": (2, 3), "float": (1, 4)}  # channels, bytes of a sample
EFFORTS = range(1, 10)


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


def make(effort: int, name: str) -> bytes:
    """The sound called `name`, encoded."""
    import lacodec

    return lacodec.encode(content(name), "audio.lossless", effort=effort)


def main() -> None:
    """Write the missing ones."""
    wanted = [(effort, name) for effort in EFFORTS for name in SOUNDS if effort in (1, 5, 9) or name == "stereo"]
    write_missing({f"audio-effort{effort}-{name}": partial(make, effort, name) for effort, name in wanted})


if __name__ == "__main__":
    main()
