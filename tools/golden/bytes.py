"""Inputs of codec `bytes`, and how they become golden files."""

import io
import random
from pathlib import Path

CODEC = "bytes"
WANTED = [("effort1", name) for name in ("empty", "one", "text", "table", "noise", "parts")]
WANTED += [(f"effort{effort}", name) for effort in range(2, 10) for name in ("text", "table")]
WANTED += [(f"effort{effort}", "samples") for effort in (3, 4, 9)]
WANTED += [(f"effort{effort}", name) for effort in (2, 3, 4) for name in ("lines", "calls")]


def content(name: str) -> bytes:
    """The input called `name`: empty, one, text, table, noise, samples (16 bits), parts, lines (long), calls (x86 code)."""
    rng = random.Random(2026)
    words = ["rate", "order", "symbol", "table", "state", "lane", "model", "bits", "of", "the", "a"]
    text = " ".join(rng.choice(words) for _ in range(700)).encode()
    made = {
        "empty": b"",
        "one": b"\x8b",
        "text": text,
        "table": b"".join(b"%d,%d.5,%s\n" % (i, rng.randrange(100), rng.choice([b"ok", b"late"])) for i in range(200)),
        "noise": rng.randbytes(300),
        "samples": b"".join((abs(i * 37 % 4000 - 2000) * 8 + i * i % 13).to_bytes(2, "little") for i in range(3000)),
        "parts": text + b"appended" * 20,
        "lines": b"".join(b"%d of %d: %s\n" % (i, i * i % 97, text[i * 7 % 3000 :][: i % 50]) for i in range(4000)),
        "calls": b"".join(b"\xe8%s%s" % ((70_000 - 9 * i).to_bytes(4, "little"), text[i : i + i % 5]) for i in range(400)),
    }
    return made[name]


def make(setting: str, name: str) -> bytes:
    """The file for the method `effort<N>` of codec `bytes`; input `parts` is written in two parts, the second one appended."""
    import lacodec
    from lacodec.container import append_chunks, shift_chunks, stream, write_container
    from lacodec.io.source import BytesSource

    coder = lacodec.codec("bytes", effort=int(setting.removeprefix("effort")))
    if name != "parts":
        return coder.encode(content(name))
    text = content("text")
    header, first = stream(BytesSource(coder.encode(text)))
    _, second = stream(BytesSource(coder.encode(b"appended" * 10)))
    out = io.BytesIO()
    write_container(header, [*first, *shift_chunks(second, len(text), 1)], out)
    _, third = stream(BytesSource(coder.encode(b"appended" * 10)))
    append_chunks(out, BytesSource(out.getvalue()), third)
    return out.getvalue()


def exact(setting: str, name: str) -> bool:
    """Not effort 1: zstd's own encoder makes these, and another version of it may choose other matches. Not efforts 2 and 3:
    their encoder has found shorter ways since."""
    return setting not in ("effort1", "effort2", "effort3")


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    import lacodec

    return bytes(lacodec.decode(path))
