"""Inputs of codec `image.tokens`: sequences and maps of random words, some of them frequent."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np

CODEC = "image.tokens"
WANTED = [("own", "sequence"), ("given", "sequence"), ("own", "long"), ("own", "map"), ("given", "wide")]
_OPTIONS: dict[str, dict[str, Any]] = {"own": {}, "given": {"book": 16384}}


def values(name: str) -> np.ndarray:
    """sequence: uint16 [100]; long: int32 [700]; map: int64 [8, 12]; wide: uint8 [3, 40]."""
    rng = random.Random(2028)
    shape, dtype, words = {
        "sequence": ((100,), "<u2", 4096),
        "long": ((700,), "<i4", 4096),
        "map": ((8, 12), "<i8", 1000),
        "wide": ((3, 40), "|u1", 256),
    }[name]
    drawn = [rng.randrange(words) if rng.random() < 0.5 else rng.randrange(words // 50) for _ in range(int(np.prod(shape)))]
    return np.array(drawn, dtype).reshape(shape)


def content(name: str) -> bytes:
    """The .npy file."""
    out = io.BytesIO()
    np.save(out, values(name))
    return out.getvalue()


def make(setting: str, name: str) -> bytes:
    """The tokens, coded."""
    import lacodec

    return lacodec.encode(values(name), CODEC, **_OPTIONS[setting])


def exact(setting: str, name: str) -> bool:
    """Whole numbers."""
    return True


def restored(path: Path) -> bytes:
    """The .npy file as numpy writes it; lacodec pads its description otherwise."""
    from lacodec import api

    out, again = io.BytesIO(), io.BytesIO()
    api.decode_file(path, out)
    np.save(again, np.load(io.BytesIO(out.getvalue())))
    return again.getvalue()
