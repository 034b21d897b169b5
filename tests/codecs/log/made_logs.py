"""Logs made up for tests: every type of column, and lines that no log should have."""

import random

WORDS = ("worker", "started", "stopped", "cache", "miss", "disk", "full", "retry", "peer", "reset", "Mon", "Jan", "MAY")


def log(lines: int, seed: int = 1) -> bytes:
    """A log with templates, numbers, times, addresses, digits, UUIDs, paths and quoted strings."""
    rng, at = random.Random(seed), 1_000_000
    return b"".join(_line(rng, i, at + i * 7 + rng.randrange(5)) for i in range(lines))


def _line(rng: random.Random, i: int, second: int) -> bytes:
    hours, minutes, seconds = second // 3600 % 24, second // 60 % 60, second % 60
    head = f"{rng.choice(('Mon', 'Tue'))} Jan {i // 100 % 28 + 1:02d} {hours:02d}:{minutes:02d}:{seconds:02d}"
    head += f",{rng.randrange(1000):03d} host "
    number = rng.randrange(10 ** rng.randrange(1, 12))
    address = ".".join(str(rng.randrange(256)) for _ in range(4))
    bodies = (
        f"sshd[{i % 9 + 300}]: Accepted password for {rng.choice(WORDS)} from {address} port {number % 65536}",
        f"kernel: [{number / 1000:.3f}] read {number} bytes at 0x{number:08x} from /dev/{rng.choice(WORDS)}/{i % 5}",
        f'web: "GET /{rng.choice(WORDS)}/{i % 50}?q={number % 100}" 200 {number} id {rng.getrandbits(128):032x} "a {i % 3}"',
        f"job {rng.getrandbits(128):032x}"[:12]
        + f" took {i % 100 / 10:.1f}s, code {i % 7:03d}, {rng.choice(WORDS)} {rng.choice(WORDS)}",
        f"task={_uuid(rng)} state={rng.choice(WORDS)} size=-{number}",
    )
    return (head + bodies[rng.randrange(len(bodies))] + "\n").encode()


def _uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032X}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


ODD = {
    "one byte": b"x",
    "one line feed": b"\n",
    "empty lines": b"\n\n\na\n\n\n",
    "no line feed at the end": log(30) + b"the end",
    "CRLF and LF": log(40).replace(b"\n", b"\r\n") + log(40, 2) + log(10).replace(b"\n", b"\r\r\n"),
    "NUL": b"a\0b 1\0\n" * 50 + bytes(1000),
    "marks": b"a\x01b 12\n\x01\n" * 40,
    "bytes beyond ASCII": "größe 12 \u4f60\u597d 7\n".encode() * 60 + "größe 12\n".encode("latin-1") * 20,
    "UTF-16": log(60).decode().encode("utf-16"),
    "noise": random.Random(7).randbytes(3000),
    "noise in lines": b"".join(random.Random(i).randbytes(i % 40).replace(b"\n", b"") + b"\n" for i in range(300)),
    "leading zeros": b"".join(b"n 0%d 00 0 %03d %d\n" % (i % 3, i % 1000, i) for i in range(900)),
    "many digits": b"".join(b"n %d %d.%d\n" % (10**i, 10**i, 10**i) for i in range(40)) * 20,
    "times that are none": b"99:59:59 25:00:00 12:60:00 1:2:3 12:00:00.0000000000001 00:00:00,1\n" * 30,
    "addresses that are none": b"256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4 1.2.3.4. 0.0.0.0\n" * 30,
    "digits of both cases": b"deadbeef00 DEADBEEF00 DeadBeef00 0xdeadbeef 0xDEAD 0x\n" * 30,
    "quotes": b'"" "a" "a\\"b" "unclosed\n"' * 30,
    "a long line": b"word 1 " * 3000 + b"\n" + log(20),
    "many tokens": b" ".join(b"%d" % i for i in range(900)) + b"\n",
    "the same line": b"Jan 01 00:00:00 host a[1]: b 2\n" * 3000,
    "hexadecimal columns": b"".join(
        b"id %016x of %08X\n" % (i * 0x9E3779B97F4A7C15 % 2**64, i * 0x9E3779B9 % 2**32) for i in range(1500)
    ),
    "one column of each type": log(4000),
}
"""Content by name."""


def mutant(data: bytes, rng: random.Random) -> bytes:
    """The bytes with a few changes such as real logs suffer."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at, length = rng.randrange(len(changed) + 1), rng.choice((1, 1, 2, 5, 40, 300))
        kind = rng.randrange(5)
        if kind == 0:
            changed[at : at + length] = rng.randbytes(length)
        elif kind == 1:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = rng.choice((b"\r\n", b"\0" * length, b"\n" * length, b"9" * length, b'"', b"\x01", b"\xff\xfe"))
        elif kind == 3:
            changed[at:at] = changed[at // 2 : at // 2 + length]
        else:
            changed = changed[: max(1, at)]
        changed = changed or bytearray(b"\n")
    return bytes(changed)
