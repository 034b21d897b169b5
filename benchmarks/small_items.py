"""Small items with a shared dictionary: rows of a log and paragraphs of a text, beside zstd and beside whole files.

    python benchmarks/small_items.py DATA [--size 2] [--efforts 1,2,5,9] [--json FILE]

DATA has logs/zeek_dns.log.xz and text/corpora/silesia/dickens.xz. Of each --size MB (10^6 bytes) are items: a row; 500 bytes or
a few less, cut behind a space. They go through `encode_dataset` from JSON Lines, and `decode_dataset` brings them back and is
compared. A share is that of the items' own bytes; ours has the dictionary's file in it, zstd's its dictionary of 64 KiB, which it
trained on all items. Speeds are processor time of the whole call, one thread, without verification.
"""

import argparse
import json
import lzma
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

import lacodec
from lacodec.datasets import decode_dataset, encode_dataset
from lacodec.datasets.dictionaries import FILE

_FEW = 200  # items as files of their own, of which the rest is inferred
_DICTIONARY = 1 << 16


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--size", type=float, default=2)
    parser.add_argument("--efforts", default="1,2,5,9")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    efforts = [int(effort) for effort in args.efforts.split(",")]
    for name, make in (("rows of DNS logs", _rows), ("paragraphs", _paragraphs)):
        items = make(args.data, int(args.size * 1e6))
        print(f"\n{name}: {len(items)} of {sum(map(len, items)) / len(items):.0f} bytes", flush=True)
        for way, facts in _measured(items, efforts):
            rows.append({"items": name, "way": way, **facts})
            speeds = "".join(f"  {key} {facts[key]:.2f} MB/s" for key in ("encoded", "decoded") if key in facts)
            print(f"  {way:42} {facts['share']:.4f}{speeds}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows))
    return 0


def _rows(data: Path, size: int) -> list[bytes]:
    text = _head(data / "logs/zeek_dns.log.xz", size)
    return [line for line in text.split(b"\n")[:-1] if not line.startswith(b"#")]


def _paragraphs(data: Path, size: int) -> list[bytes]:
    text, items, at = _head(data / "text/corpora/silesia/dickens.xz", size), [], 0
    while at + 500 <= len(text):
        stop = text.rfind(b" ", at, at + 500) + 1
        items.append(text[at:stop])
        at = stop
    return items


def _head(path: Path, size: int) -> bytes:
    with lzma.open(path) as file:
        return file.read(size)


def _measured(items: list[bytes], efforts: list[int]) -> Any:
    raw, whole = sum(map(len, items)), b"\n".join(items)
    trained = zstandard.train_dictionary(_DICTIONARY, [*items])
    coder = zstandard.ZstdCompressor(level=3, dict_data=trained)
    yield "zstd 3, dictionary of 64 KiB counted", {"share": (sum(len(coder.compress(i)) for i in items) + _DICTIONARY) / raw}
    yield "zstd 3, whole", {"share": len(zstandard.ZstdCompressor(level=3).compress(whole)) / raw}
    few = items[:: max(1, len(items) // _FEW)]
    for effort in efforts:
        alone = sum(len(lacodec.encode(item, "bytes", effort=effort, threads=1)) for item in few) / sum(map(len, few))
        yield f"effort {effort}, each a file", {"share": alone}
        yield f"effort {effort}, dictionary", _coded(items, effort)
        yield f"effort {effort}, whole", {"share": len(lacodec.encode(whole, "bytes", effort=effort, threads=1)) / raw}


def _coded(items: list[bytes], effort: int) -> dict[str, float]:
    raw = sum(map(len, items))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"item": item.decode("latin-1")}) for item in items]
        for place, some in (("warm", lines[:2000]), ("in", lines)):
            (folder / place).mkdir()
            (folder / place / "items.jsonl").write_text("\n".join(some))
        options: dict[str, Any] = {"codec": "bytes", "field": "item", "effort": effort, "threads": 1, "verify": False}
        encode_dataset(folder / "warm", folder / "warm.out", dictionary=8192, **options)
        decode_dataset(folder / "warm.out", folder / "warm.back", threads=1)
        seconds = _seconds(lambda: encode_dataset(folder / "in", folder / "out", **options))
        back = _seconds(lambda: decode_dataset(folder / "out", folder / "back", threads=1))
        found = [json.loads(line)["item"].encode("latin-1") for line in (folder / "back/items.jsonl").read_text().splitlines()]
        if found != items:
            raise SystemExit(f"effort {effort} does not restore the items")
        listed = [json.loads(line) for line in (folder / "out/manifest.jsonl").read_text().splitlines()]
        size = sum(line.get("encoded", 0) for line in listed if "item" in line) + (folder / "out" / FILE).stat().st_size
    return {"share": size / raw, "encoded": raw / 1e6 / seconds, "decoded": raw / 1e6 / back}


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    raise SystemExit(main())
