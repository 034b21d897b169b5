"""Inputs of codec `log`, and how they become golden files of its efforts that code lines in order."""

import random

from tools.golden import logcolumns
from tools.golden.logcolumns import exact, restored

CODEC = "log"
WANTED = [("effort9", name) for name in ("mixed", "server", "bytes", "crlf", "line", "noise")]
WANTED += [(f"effort{effort}", name) for effort in (7, 8) for name in ("mixed", "bytes")]
__all__ = ["CODEC", "WANTED", "content", "exact", "make", "restored"]


def content(name: str) -> bytes:
    """mixed: a clock, a counter, keys and values that come again; else an input of `logcolumns`."""
    if name != "mixed":
        return logcolumns.content(name)[:6000]
    rng, lines, up = random.Random(2026), [], 0
    for i in range(60):
        up += rng.randrange(2_000_000)
        key = rng.choice((17, 23, 404))
        time = b"%02d:%02d:%02d.%06d" % (up // 3_600_000_000, up // 60_000_000 % 60, up // 1_000_000 % 60, up % 1_000_000)
        lines.append(b"2026-01-0%d %s [w%d] " % (1 + i // 40, time, key))
        if i % 3 == 0:
            value = rng.getrandbits(30)
            lines.append(b"%d.%06d: task %d of %08x begins, 0%d left\n" % (up // 10**6, up % 10**6, 900 + i, value, 99 - i))
        else:
            lines.append(b"took %08x (%08x), uptime %d ms, seq=%d\n" % (value, value, up // 1000, 5 * i))
    return b"".join(lines)


def make(setting: str, name: str) -> bytes:
    """The file for effort `effort<N>`."""
    import lacodec

    return lacodec.encode(content(name), "log", effort=int(setting.removeprefix("effort")))
