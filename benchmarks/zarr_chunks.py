"""Arrays in Zarr: our serializer beside Blosc as Zarr and numcodecs have it by default, through Zarr, in files, in one run.

    LACODEC_DATA=... python benchmarks/zarr_chunks.py [--rounds 5] [--chunk 1048576] [--json FILE]

float32 and integer arrays of array_synthetic.py and sound and pictures of array_media.py, in chunks of --chunk bytes. Another
process reads all of them back and compares a hash. Sizes are those of the chunks in files. Speeds are processor time of writing
or reading whole arrays, Zarr's own work and files in the page cache included, the best of --rounds, in MB (10^6 bytes) a second.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import array_media
import array_synthetic
import numpy as np
import zarr
from zarr.codecs import BloscCodec, ZstdCodec

from lacodec.integrations.zarr import ArraysCodec

WAYS: dict[str, dict[str, Any]] = {
    "lacodec.arrays, effort 1": {"serializer": ArraysCodec(effort=1), "compressors": None},
    "lacodec.arrays, effort 5": {"serializer": ArraysCodec(effort=5), "compressors": None},
    "Zarr's Blosc: zstd 5, shuffle": {"compressors": BloscCodec()},
    "numcodecs' Blosc: LZ4 5, shuffle": {"compressors": BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")},
    "Zarr's default: zstd 0": {"compressors": ZstdCodec()},
}
_REAL = {"sound": array_media.sound, "pictures": array_media.pictures}
_MADE = ("counters", "timestamps", "prices", "sensors", "walks", "counts", "gradients")


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunk", type=int, default=1 << 20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--read", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        print(json.dumps([_read(place, args.rounds) for place in args.read]))
        return 0
    rows = [row for kind, array in _arrays() for row in _measured(kind, array, args.chunk, args.rounds)]
    if args.json:
        args.json.write_text(json.dumps(rows))
    for kind in ("float", "int"):
        print(f"\n{kind}: bytes, share of the raw bytes, MB/s written, MB/s read")
        for way in WAYS:
            some = [row for row in rows if row["kind"] == kind and row["way"] == way]
            raw, stored, write, read = (sum(row[key] for row in some) for key in ("raw", "stored", "write_s", "read_s"))
            print(f"  {way:34} {stored:11,} {stored / raw:7.3f} {raw / 1e6 / write:7.0f} {raw / 1e6 / read:7.0f}")
    first, _, *peers = WAYS
    ours = {row["name"]: row["stored"] for row in rows if row["way"] == first}
    for way in peers:
        smaller = sum(ours[row["name"]] < row["stored"] for row in rows if row["way"] == way)
        print(f"{first} is smaller than {way} in {smaller} of {len(ours)} arrays")
    return 0


def _arrays() -> list[tuple[str, tuple[str, np.ndarray]]]:
    data = Path(os.environ["LACODEC_DATA"])
    groups = {**{name: getattr(array_synthetic, name) for name in _MADE}, **_REAL}
    found = []
    for group, make in groups.items():
        for name, array in make(data):
            kind = "float" if array.dtype == np.float32 else "int" if array.dtype.kind in "iu" else ""
            if kind and array.nbytes >= 1 << 19:
                found.append((kind, (f"{group}/{name}", array)))
    return found


def _measured(kind: str, named: tuple[str, np.ndarray], chunk: int, rounds: int) -> list[dict[str, Any]]:
    name, array = named
    row_bytes = max(1, array.nbytes // array.shape[0])
    chunks = (max(1, min(array.shape[0], chunk // row_bytes)), *array.shape[1:])
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        places = [str(Path(folder, str(i))) for i in range(len(WAYS))]
        for place, (way, arguments) in zip(places, WAYS.items(), strict=True):

            def write(place: str = place, arguments: Any = arguments) -> float:
                shutil.rmtree(place, ignore_errors=True)
                made = zarr.create_array(place, shape=array.shape, dtype=array.dtype, chunks=chunks, **arguments)
                return _seconds(lambda: made.__setitem__(..., array))

            write_s = min(write() for _ in range(rounds + 1))
            stored = sum(path.stat().st_size for path in Path(place, "c").rglob("*") if path.is_file())
            rows.append({"kind": kind, "name": name, "way": way, "raw": array.nbytes, "stored": stored, "write_s": write_s})
        command = [sys.executable, __file__, "--rounds", str(rounds), "--read", *places]
        done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        digest = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
        for row, (read_s, found) in zip(rows, done, strict=True):
            if found != digest:
                raise SystemExit(f"{row['way']} does not restore {name}")
            row["read_s"] = read_s
    return rows


def _read(place: str, rounds: int) -> tuple[float, str]:
    stored = zarr.open_array(place, mode="r")
    digest = hashlib.sha256(np.ascontiguousarray(stored[...])).hexdigest()
    return min(_seconds(lambda: stored[...]) for _ in range(rounds)), digest


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    raise SystemExit(main())
