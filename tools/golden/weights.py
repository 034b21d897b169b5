"""Safetensors files of codec `weights`, made with exact arithmetic, so that they are the same on every machine."""

import io
import random
import struct
import zlib
from pathlib import Path

CODEC = "weights"
FILES = ("bf16", "f32", "mixed", "repeats")
WANTED = [(f"effort{effort}", name) for effort in (1, 5, 9) for name in FILES]


def content(name: str) -> bytes:
    """The file called `name`."""
    from lacodec.media.tensors.safetensors import build_header

    rng = random.Random(2026)

    def floats(count: int, dtype: str, power: int = 0) -> bytes:
        """Bell-shaped values: sums of small whole numbers, scaled by powers of two."""
        values = [(sum(rng.getrandbits(16) for _ in range(6)) - 3 * 65535) * 2.0 ** (power - 22) for _ in range(count)]
        if dtype == "F16":
            return struct.pack(f"<{count}e", *values)
        wide = struct.pack(f"<{count}{'d' if dtype == 'F64' else 'f'}", *values)
        return wide if dtype != "BF16" else b"".join(wide[at + 2 : at + 4] for at in range(0, len(wide), 4))

    tensors: list[tuple[str, str, tuple[int, ...], bytes]]
    if name == "bf16":
        rows = b"".join(floats(256, "BF16", -(row * 7 % 5)) for row in range(70))
        tensors = [("layers.0.w", "BF16", (70, 256), rows), ("layers.0.n", "BF16", (100,), floats(100, "BF16", 3))]
    elif name == "f32":
        tensors = [(f"layers.{i}.w", "F32", (30, 40), floats(1200, "F32", -i)) for i in range(3)]
        tensors.append(("listed", "F32", (500,), b"".join(floats(1, "F32", 30 * (i % 5) - 90) for i in range(500))))
    elif name == "mixed":
        tensors = [
            ("f64", "F64", (200,), floats(200, "F64")),
            ("ids", "I64", (300,), b"".join(i.to_bytes(8, "little") for i in range(300))),
            ("f16", "F16", (20, 30), floats(600, "F16")),
            ("i8", "I8", (900,), bytes((rng.getrandbits(5) + rng.getrandbits(5)) & 255 for _ in range(900))),
            ("mask", "BOOL", (77,), bytes(77)),
            ("scalar", "F32", (), floats(1, "F32")),
            ("none", "F32", (0, 3), b""),
        ]
    else:
        few = [floats(1, "F32") for _ in range(9)]
        some = [floats(1, "BF16") if rng.getrandbits(1) else bytes(2) for _ in range(2000)]
        tensors = [
            ("few", "F32", (1500,), b"".join(rng.choice(few) for _ in range(1500))),
            ("again", "F32", (2000,), floats(100, "F32") * 20),
            ("sparse", "BF16", (2000,), b"".join(some)),
            ("ones", "BF16", (640,), b"\x80\x3f" * 640),
        ]
    head = build_header([(key, dtype, shape, len(data)) for key, dtype, shape, data in tensors], {"format": "pt"})
    return head + b"".join(data for *_, data in tensors)


def make(setting: str, name: str) -> bytes:
    """The file called `name`, encoded."""
    import lacodec

    return lacodec.encode(content(name), "weights", effort=int(setting.removeprefix("effort")))


def exact(setting: str, name: str) -> bool:
    """Where zlib is the usual one: names and runs are packed by it."""
    return zlib.ZLIB_RUNTIME_VERSION.startswith("1.") and "ng" not in zlib.ZLIB_RUNTIME_VERSION


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    from lacodec import api

    out = io.BytesIO()
    api.decode_file(path, out)
    return out.getvalue()
