"""Make the golden files: small inputs, encoded by this version, that every later version must decode to the same bytes.

    python tools/make_golden.py            adds what is missing; never touches a file that exists

Each is `tests/golden/<codec>-<setting>-<input>.lac`; the inputs are made by `content()` and stay out of the tree.
"""

import io
import random
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.golden import write_missing


def content(name: str) -> bytes:
    """The input called `name`: empty, one, text, table, noise, samples (16 bits), parts."""
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
    }
    return made[name]


def make(method: str, name: str) -> bytes:
    """The file for the method `effort<N>` of codec `bytes`; input `parts` is written in two parts, the second one appended."""
    import lacodec
    from lacodec.container import append_chunks, shift_chunks, stream, write_container
    from lacodec.io.source import BytesSource

    coder = lacodec.codec("bytes", effort=int(method.removeprefix("effort")))
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


def main() -> None:
    """Write the missing ones."""
    from tests.checks import EFFORTS

    wanted = [("effort1", name) for name in ("empty", "one", "text", "table", "noise", "parts")]
    wanted += [(f"effort{effort}", name) for effort in EFFORTS[1:] for name in ("text", "table")]
    wanted += [(f"effort{effort}", "samples") for effort in (3, 4, 9)]
    write_missing({f"bytes-{method}-{name}": partial(make, method, name) for method, name in wanted})


if __name__ == "__main__":
    main()
