"""Inputs of codec `log`, and how they become golden files of its efforts that make columns."""

import random
from pathlib import Path

CODEC = "log"
WANTED = [(f"effort{effort}", name) for effort in range(1, 7) for name in ("server", "shop")]
WANTED += [("effort5", "long")]
WANTED += [("effort3", name) for name in ("digits", "crlf", "bytes", "line", "empty", "noise")]


def content(name: str) -> bytes:
    """server, shop: every type but digits; digits: hexadecimal, UUIDs; crlf and LF; bytes of any value; a line without end;

    long: numbers enough to be mixed.
    """
    rng = random.Random(2026)
    made = {
        "server": b"".join(_server(rng, i) for i in range(1200)),
        "shop": b"".join(_shop(rng, i) for i in range(700)),
        "digits": b"".join(_digits(rng) for _ in range(600)),
        "crlf": b"".join(_server(rng, i)[:-1] + rng.choice((b"\r\n", b"\n", b"\n", b"\r\n")) for i in range(100)),
        "bytes": b"".join(_server(rng, i) + bytes(rng.choice((0, 1, 9, 13, 200, 255)) for _ in range(i % 9)) for i in range(90)),
        "line": b"one line, number 7, without an end",
        "empty": b"",
        "noise": rng.randbytes(300),
        "long": b"".join(
            b"job %d took %d\n" % (7000 + 3 * i, 300 + sum(rng.randrange(-9, 10) for _ in range(i % 7))) for i in range(2600)
        ),
    }
    return made[name]


def _server(rng: random.Random, i: int) -> bytes:
    time = b"%02d:%02d:%02d" % (i // 600 % 24, i // 10 % 60, i * 6 % 60)
    text = rng.choice(
        (
            b"sshd[%d]: login of %s from 10.0.%d.%d" % (300 + i % 7, rng.choice((b"ann", b"bob")), i % 4, rng.randrange(256)),
            b"kernel: out of memory, killed %d (httpd)" % rng.randrange(30000),
            b'cron: "/usr/bin/%s -%d" took %d.%03d s' % (rng.choice((b"sync", b"clean")), i % 3, i % 5, rng.randrange(1000)),
        )
    )
    return b"%s Jan %02d %s host %s\n" % ((b"Mon", b"Tue")[i // 600], 6 + i // 600, time, text)


def _shop(rng: random.Random, i: int) -> bytes:
    return b"2026-01-%02d 12:%02d:%02d.%03d order %d, page /a/%d, code %d\n" % (
        1 + i // 300, i // 60 % 60, i % 60, rng.randrange(1000), 5000 + 3 * i, rng.randrange(50), rng.choice((200, 200, 404)),
    )  # fmt: skip


def _digits(rng: random.Random) -> bytes:
    text = f"{rng.getrandbits(128) | 10 << 60:032x}"
    return f"id {text[:20]} of {text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}\n".encode()


def make(setting: str, name: str) -> bytes:
    """The file for effort `effort<N>`."""
    import lacodec

    return lacodec.encode(content(name), "log", effort=int(setting.removeprefix("effort")))


def exact(setting: str, name: str) -> bool:
    """Digits that zstd might shorten are left as they are. Not efforts 3 and 4: `bytes` has found shorter ways since."""
    return setting not in ("effort3", "effort4")


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    import lacodec

    return bytes(lacodec.decode(path))
