"""Files of codec `weights` with tensors of two values, made with whole numbers, so that they are the same on every machine."""

import random
import struct

from tools.golden import weights

CODEC, VERSION = "weights", 3
WANTED = [("effort5", "signs"), ("rows", "signs"), ("effort5", "scaled"), ("effort3", "masks")]

Filters = list[list[int]]


def content(name: str) -> bytes:
    """signs: filters like one before, like any other, and like none; scaled: floats; masks: other shapes, and other tensors."""
    from lacodec.media.tensors.safetensors import build_header

    rng = random.Random(2026)
    tensors: list[tuple[str, str, tuple[int, ...], bytes]] = []

    def add(key: str, dtype: str, shape: tuple[int, ...], values: list[bytes]) -> None:
        tensors.append((key, dtype, shape, b"".join(values)))

    def signs(key: str, shape: tuple[int, ...], filters: Filters) -> None:
        add(key, "I8", shape, [b"\x01" if bit else b"\xff" for row in filters for bit in row])

    if name == "signs":
        signs("a.like", (40, 8, 3, 3), _like(rng, 40, 72))
        signs("b.drift", (40, 8, 3, 3), _drift(rng, 40, 72))
        signs("c.any", (20, 4, 3, 3), _any(rng, 20, 36))
        signs("d.many", (1030, 8, 2, 2), _like(rng, 1030, 32))
    elif name == "scaled":
        rows = _like(rng, 30, 50)
        sizes = [rng.getrandbits(12) + 1 for _ in rows]
        pairs = [(size / 4096 if bit else -size / 4096) for row, size in zip(rows, sizes, strict=True) for bit in row]
        for dtype, form in (("F64", "d"), ("F32", "f")):
            add(f"rows.{dtype}", dtype, (30, 2, 5, 5), [struct.pack(f"<{form}", value) for value in pairs])
        for dtype, low, high in (("F32", b"\0\0\x40\xbf", b"\0\0\x40\x3f"), ("BF16", b"\x80\xbf", b"\x80\x3f")):
            for layer in range(2):
                add(f"one.{layer}.{dtype}", dtype, (30, 50, 1, 1), [high if bit else low for row in rows for bit in row])
    else:
        add("causal", "BOOL", (1, 1, 24, 24), [bytes([x <= y]) for y in range(24) for x in range(24)])
        add("flat", "U8", (24, 24), [bytes([x <= y]) for y in range(24) for x in range(24)])
        add("linear", "I32", (9, 31), [struct.pack("<i", 1 - 2 * rng.getrandbits(1)) for _ in range(9 * 31)])
        add("sound", "I16", (12, 3, 7), [struct.pack("<h", bit) for row in _like(rng, 12, 21) for bit in row])
        add("wide", "I64", (6, 1, 7, 9), [struct.pack("<q", bit) for row in _like(rng, 6, 63) for bit in row])
        add("norm", "F32", (40,), [struct.pack("<f", rng.getrandbits(10) / 1024) for _ in range(40)])
        add("counts", "I32", (5, 20), [struct.pack("<i", rng.getrandbits(9)) for _ in range(100)])
    head = build_header([(key, dtype, shape, len(data)) for key, dtype, shape, data in tensors], None)
    return head + b"".join(data for *_, data in tensors)


def _any(rng: random.Random, rows: int, row: int) -> Filters:
    return [[rng.getrandbits(1) for _ in range(row)] for _ in range(rows)]


def _like(rng: random.Random, rows: int, row: int) -> Filters:
    """Each with an eighth of the bits of one before turned over, in any order."""
    found = _any(rng, 1, row)
    for _ in range(rows - 1):
        found.append([bit ^ (not rng.getrandbits(3)) for bit in rng.choice(found)])
    rng.shuffle(found)
    return found


def _drift(rng: random.Random, rows: int, row: int) -> Filters:
    """Each with an eighth of the bits of the one before turned over."""
    found = _any(rng, 1, row)
    for _ in range(rows - 1):
        found.append([bit ^ (not rng.getrandbits(3)) for bit in found[-1]])
    return found


def make(setting: str, name: str) -> bytes:
    """The file called `name`, encoded."""
    import lacodec

    if setting == "rows":
        return lacodec.encode(content(name), "weights", filters="rows")
    return lacodec.encode(content(name), "weights", effort=int(setting.removeprefix("effort")))


exact, restored = weights.exact, weights.restored
