"""What every codec of bytes must do, over many kinds of input; each codec's tests call `check_bytes_codec`."""

import random
import signal

import lacodec
from lacodec.container import Reader
from lacodec.io.source import BytesSource

EFFORTS = range(1, 10)


def inputs(size: int = 20_000) -> dict[str, bytes]:
    """Inputs by name: empty and tiny, random, runs, text, tables, numbers, and some that are meant to be awkward."""
    rng = random.Random(size)
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(1, 9))) for _ in range(300)]
    text = b" ".join(rng.choices(words, k=size // 5))[:size]
    table = b"".join(b"%06d,%d,2026-11-%02d,ok\n" % (i, rng.randint(0, 99), i % 30 + 1) for i in range(size // 23))
    return {
        "empty": b"",
        "one byte": b"x",
        "zero byte": b"\0",
        "two": b"ab",
        "seven": b"lacodec",
        "random": rng.randbytes(size),
        "short random": rng.randbytes(300),
        "huge run": bytes(10 * size),
        "text": text,
        "table": table,
        "16-bit ramp": b"".join((i * 3 & 0xFFFF).to_bytes(2, "little") for i in range(size // 2)),
        "noise then run": rng.randbytes(size // 2) + bytes([255]) * (size // 2),
        "repeat far apart": text + rng.randbytes(size) + text,
        "every byte": bytes(range(256)) * 3,
        "two symbols": bytes(rng.choices(b"ab", k=size)),
        "rare symbol": bytes(size // 2) + b"\1" + bytes(size // 2),
        "x86 calls": b"".join(b"\xe8" + (5000 - i).to_bytes(4, "little") + b"\x90" * (i % 7) for i in range(0, size // 8, 3)),
        "periodic 3": b"abc" * (size // 3),
        "encoded": lacodec.encode(text, effort=1),
    }


def heed_interrupts() -> None:
    """In a child process: heed SIGINT even where the tests themselves run in the background and so ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def check_bytes_codec(codec: str, size: int = 20_000, **options: object) -> None:
    """Round trip, size promise, determinism over threads, ranges and verification for all `inputs(size)`."""
    coder = lacodec.codec(codec, **options)
    for name, data in inputs(size).items():
        check_round_trip(coder, data, name)


def check_round_trip(coder: "lacodec.api.Coder", data: bytes, name: str = "") -> bytes:
    """One input; returns the encoded bytes."""
    encoded = coder.encode(data, verify=True)
    assert len(encoded) <= len(data) + 64 + len(data) // 1000, f"{name}: {len(data)} bytes grew to {len(encoded)}"
    assert coder.encode(data, threads=2) == encoded, f"{name}: two threads write other bytes"
    assert coder.decode(encoded) == data, name
    with lacodec.open(encoded) as opened:
        start, stop = len(data) // 3, len(data) // 2 + 1
        assert opened[start:stop] == data[start:stop], name
    assert Reader(BytesSource(encoded)).decoded_size == len(data), name
    return encoded
