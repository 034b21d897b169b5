"""A made-up log of a shop's servers, any size, the same on every machine: what `grep` is timed on.

python benchmarks/log_synthetic.py MEGABYTES FILE
"""

import random
import sys
from pathlib import Path

RARE_LINE = (
    b"2026-03-14 09:26:53.589 ERROR ledger[31415]: balance of merchant zephyrine-quartz does not reconcile, off by 2718 cents\n"
)
"""Stands once, at two thirds of the log."""
RARE_NUMBER = b"60221407623"
"""A session that one line has."""

_SERVICES = ("gateway", "catalog", "basket", "payment", "ledger", "mailer", "search", "auth")
_FIRST, _SECOND = ("an", "be", "ca", "do", "el", "fi", "ga", "hu"), ("na", "la", "rt", "xi", "mo")
_USERS = tuple(first + second for first in _FIRST for second in _SECOND)
_PAGES = ("shoes", "lamps", "books", "garden", "toys", "sale", "account", "orders")


def write(path: Path, size: int, seed: int = 1) -> None:
    """A log of about `size` bytes."""
    rng, at, milliseconds = random.Random(seed), 0, 1_773_446_400_000
    session, special = 1_000_000, [(size * 2 // 3, RARE_LINE), (size // 3, None)]
    with path.open("wb") as out:
        while at < size:
            milliseconds += rng.choice((0, 0, 1, 2, 3, 7, 20, rng.randrange(400)))
            session += rng.choice((0, 0, 0, 1))
            number = session - rng.randrange(20)
            if special and at >= special[-1][0]:
                line = special.pop()[1]
                if line is None:
                    line = _stamp(milliseconds) + b" INFO auth[77]: session %s closed by peer\n" % RARE_NUMBER
            else:
                line = _stamp(milliseconds) + b" " + _message(rng, number) + b"\n"
            out.write(line)
            at += len(line)


def _stamp(milliseconds: int) -> bytes:
    seconds, part = divmod(milliseconds, 1000)
    day, second = divmod(seconds, 86_400)
    day -= 20_526
    return b"2026-%02d-%02d %02d:%02d:%02d.%03d" % (
        3 + day // 31, 14 + day % 14, second // 3600, second // 60 % 60, second % 60, part,
    )  # fmt: skip


def _message(rng: random.Random, session: int) -> bytes:
    service, kind = rng.choice(_SERVICES), rng.randrange(12)
    head = (
        f"{('INFO', 'INFO', 'INFO', 'DEBUG', 'WARN')[kind % 5]} {service}[{100 + _SERVICES.index(service) * 7 + session % 3}]: "
    )
    user, address = rng.choice(_USERS), f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)}"
    if kind < 5:
        page, code = rng.choice(_PAGES), rng.choice((200, 200, 200, 200, 304, 404, 500))
        text = f'"GET /{page}/{rng.randrange(20000)}.html HTTP/1.1" {code} {rng.randrange(300, 60000)}'
        text += f" from {address} session {session}"
    elif kind < 8:
        text = f"user {user} took {rng.randrange(1, 900) / 1000:.3f} s, session {session}, {rng.randrange(40)} rows"
    elif kind < 10:
        text = f"trace {rng.getrandbits(128):032x} span {rng.getrandbits(64):016x} queue depth {rng.randrange(64)}"
    else:
        text = f"order {session * 3 + 7} of {user} shipped from store {rng.randrange(12):02d}, weight {rng.randrange(50, 9000)} g"
    return (head + text).encode()


if __name__ == "__main__":
    write(Path(sys.argv[2]), int(float(sys.argv[1]) * 1e6))
