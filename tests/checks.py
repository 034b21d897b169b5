"""What every codec of bytes must do, over many kinds of input; each codec's tests call `check_bytes_codec`."""

import os
import signal

import pytest

import lacodec
from lacodec.container import Reader
from lacodec.io.source import BytesSource
from lacodec.testing import texts as inputs

EFFORTS = range(1, 10)

exhaustive = pytest.mark.skipif(
    os.environ.get("LACODEC_REFERENCE") != "all", reason="minutes of plain Python: set LACODEC_REFERENCE=all"
)
"""Marks what is run before a release only; quick tests of the same code stand beside it."""


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
