"""Golden dictionaries with frames: python -m tools.golden.small_items writes those that are not there yet.

`tests/golden/items1/NAME.dictionary` is a dictionary's content, NAME.frames the frames of its items, each behind a u16 size.
"""

import random
import struct
from pathlib import Path

from lacodec.codecs.bytes.small.dictionary import VERSION, Dictionary

FOLDER = Path(__file__).resolve().parent.parent.parent / "tests" / "golden" / f"items{VERSION}"
_SIZE = struct.Struct("<H")


def rows(count: int, seed: int = 1) -> list[bytes]:
    """Lines of a log, none the same."""
    chance = random.Random(seed)
    names = ["mail", "www", "db-1", "printer", "ns2"]
    return [
        f"{1_580_000_000 + 7 * i}.{chance.randrange(10**6):06}\tC{chance.randrange(10**9):09}"
        f"\t10.1.{i % 9}.{chance.randrange(256)}\t53\tudp\t{chance.choice(names)}.example.org\tA\tNOERROR"
        f"\t{chance.random():.6f}".encode()
        for i in range(count)
    ]


def records(count: int, seed: int = 2) -> list[bytes]:
    """Binary items, of records of 12 bytes."""
    chance = random.Random(seed)
    return [
        b"".join(struct.pack("<IHHf", 9000 + i, chance.randrange(90), 7, i / 8) for i in range(chance.randrange(3, 20)))
        for _ in range(count)
    ]


ITEMS = {"text": rows, "binary": records}
EFFORTS = (1, 2, 5, 9)
EDGES = [b"", b"x", b"\0" * 5, bytes(range(256))]
"""Items that share nothing with the dictionary."""


def content(kind: str) -> list[bytes]:
    """Items that are coded; the dictionary is made from later ones."""
    return [*ITEMS[kind](12), *EDGES]


def dictionary(kind: str, effort: int) -> Dictionary:
    """Small, so that a plain reader has little to read."""
    made = Dictionary.made(ITEMS[kind](400)[12:], 2048, effort)
    if made is None:
        raise ValueError(f"too few items of kind {kind}")
    return made


def names() -> list[tuple[str, str, int]]:
    """(name, kind, effort) of each."""
    return [(f"{kind}{effort}", kind, effort) for kind in ITEMS for effort in EFFORTS]


def framed(frames: list[bytes]) -> bytes:
    """The file of frames."""
    return b"".join(_SIZE.pack(len(frame)) + frame for frame in frames)


def unframed(data: bytes) -> list[bytes]:
    """The frames in a file."""
    found, at = [], 0
    while at < len(data):
        (size,) = _SIZE.unpack_from(data, at)
        found.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def main() -> None:
    """Write what is missing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, kind, effort in names():
        path = FOLDER / f"{name}.dictionary"
        if not path.exists():
            made = dictionary(kind, effort)
            path.write_bytes(made.content)
            path.with_suffix(".frames").write_bytes(framed([made.encode(item) for item in content(kind)]))


if __name__ == "__main__":
    main()
