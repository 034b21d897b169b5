"""GGUF files of codec `weights`, made with whole numbers, so that they are the same on every machine."""

import random
import struct

from tools.golden import weights

CODEC, VERSION = "weights", 2
TYPES = {2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)}
K_TYPES = {10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210)}
HALVES = {18: (0,), 20: (0, 2), 22: (0,), 24: (0, 2), 34: (0,), 84: (80, 82), 110: (108,), 144: (0, 2), 176: (0, 2), 210: (208,)}
WANTED = [("effort5", name) for name in ("blocks", "kquants", "odd")]


def content(name: str) -> bytes:
    """blocks: the types with 32 values; kquants: those with 256; odd: any bytes, few blocks, and a plain tensor."""
    rng = random.Random(2026)
    types = {"blocks": TYPES, "kquants": K_TYPES, "odd": TYPES | K_TYPES}[name]
    tensors = []
    for number, (values, size) in types.items():
        if name == "odd":
            tensors.append((f"blk.{number}.w", (values * 3,), number, rng.randbytes(3 * size)))
        else:
            count = 2048 // values * 4
            tensors.append((f"blk.{number}.w", (values, count), number, b"".join(_block(rng, size) for _ in range(count))))
    if name == "odd":
        tensors.append(("norm", (5,), 0, struct.pack("<5f", 1, 2, 3, 4, 5)))
    return build(tensors)


def _block(rng: random.Random, size: int) -> bytes:
    """Bell-shaped nibbles, and scales of about the same size."""
    made = bytearray(_bell(rng) | _bell(rng) << 4 for _ in range(size))
    for k, at in enumerate(HALVES[size]):
        bits = 0x1800 + rng.getrandbits(8) + (0x0C00 if k else 0) | (0x8000 if k and size < 84 else 0)
        made[at : at + 2] = bits.to_bytes(2, "little")
    return bytes(made)


def _bell(rng: random.Random) -> int:
    return (rng.getrandbits(3) + rng.getrandbits(3) + rng.getrandbits(2)) & 15


def build(tensors: list[tuple[str, tuple[int, ...], int, bytes]]) -> bytes:
    """A GGUF file of (name, shape with the fastest dimension first, number of the type, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1)
    head += _text("general.architecture") + struct.pack("<I", 8) + _text("llama")
    data = b""
    for name, shape, number, body in tensors:
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, number, len(data))
        data += body + bytes(-len(body) % 32)
    return head + bytes(-len(head) % 32) + data


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def make(setting: str, name: str) -> bytes:
    """The file called `name`, encoded."""
    import lacodec

    return lacodec.encode(content(name), "weights", effort=int(setting.removeprefix("effort")))


exact, restored = weights.exact, weights.restored
