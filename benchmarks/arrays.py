"""Codec `arrays` against its peers on real and synthetic arrays, in one run, on one thread.

    LACODEC_DATA=... python benchmarks/arrays.py [--efforts 1,5,9] [--groups prices,tokens] [--kinds real] [--quick] [--json FILE]

Real groups (array_tables.py, array_media.py), 31 MB: prices, weather, tables as columns, coordinates of a map and the data
sets of scikit-learn are as small as such tables are (3.2 together); token ids (4.9), embeddings by MiniLM (6.1), gradients
of a small model (7.0), photographs (5.8) and stereo sound (4.0 MB). Synthetic groups, 5 to 7 MB each (array_synthetic.py):
counters, timestamps, prices, sensors, random walks, counts, gradients. What array_groups.py says about missing packages and
held-out files holds here. `--folder` reads what array_groups.py wrote there, instead of making it again.

Ours: each array is a file on disk, and another process decodes it and compares a hash. Sizes are those of the files. Speeds are
processor time without reading and writing files, warm, the best of `--rounds`, in MB (10^6 bytes) of raw data per second, both
ways; freed memory is kept, for all alike. Peers get each array flattened, in memory; "pcodec columns" gets each column of narrow
tables by itself. `--codec` measures another of our codecs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import array_groups
import numpy as np
from array_decode import fingerprint
from array_judge import judge, table
from array_peers import Row, best_of, measured, peers

import lacodec

QUICK_BYTES = 1 << 17  # of each array, from its start


class Decoder:
    """The other process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("array_decode.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, files: Sequence[Path], rounds: int) -> dict[str, Any]:
        """Hashes and time of a group of files."""
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise SystemExit("no pipe to the decoding process")
        to.write(json.dumps({"files": [str(file) for file in files], "rounds": rounds}) + "\n")
        to.flush()
        if not (line := back.readline()):
            raise SystemExit("the decoding process ended")
        return json.loads(line)

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def ours(codec: str, effort: int, kind: str, group: str, arrays: Sequence[np.ndarray], rounds: int, decoder: Decoder) -> Row:
    """Our codec on all arrays of a group, through files."""
    coder = lacodec.codec(codec, effort=effort)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.lac") for number in range(len(arrays))]
        for file, array in zip(files, arrays, strict=True):
            file.write_bytes(coder.encode(array, threads=1))
        back = decoder(files, rounds)
        encoded = sum(file.stat().st_size for file in files)
    if back["hashes"] != [fingerprint(array) for array in arrays]:
        raise SystemExit(f"effort {effort} does not restore an array of {group}")
    encode_s = best_of(rounds, lambda: [coder.encode(array, threads=1) for array in arrays])
    return Row(kind, group, f"effort {effort}", sum(array.nbytes for array in arrays), encoded, encode_s, back["decode_s"])


def chosen(kinds: str, names: str, folder: Path | None) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    """(kind, group, arrays); groups that have none here are named and left out."""
    for kind, groups in array_groups.KINDS.items():
        for group, make in groups.items():
            if kind not in kinds.split(",") or (names and group not in names.split(",")):
                continue
            found = array_groups.saved(folder, kind, group) if folder else make(Path(os.environ["LACODEC_DATA"]))
            if arrays := [np.ascontiguousarray(array) for _, array in found]:
                yield kind, group, arrays
            else:
                print(f"{kind} {group}: left out, a package is missing")


def keep_memory() -> None:
    """Start again with an allocator that keeps what is freed: fresh pages would cost us and the peers as much as the work."""
    wanted = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})


def main() -> None:
    """Measure, print a table for each group and for the totals, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--efforts", default="1,3,5,7,9", help="empty: the peers alone")
    parser.add_argument("--groups", default="", help="names of groups; all of them by default")
    parser.add_argument("--kinds", default="synthetic,real")
    parser.add_argument("--codec", default="arrays")
    parser.add_argument("--peers", default="", help="parts of names; all of them by default")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="the start of each array, one round")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rounds = 1 if args.quick else args.rounds
    candidates = [peer for peer in peers() if any(part in peer.name for part in args.peers.split(","))]
    decoder = Decoder()
    rows: list[Row] = []
    for kind, group, arrays in chosen(args.kinds, args.groups, args.folder):
        if args.quick:
            arrays = [array[: max(1, QUICK_BYTES * len(array) // max(1, array.nbytes))] for array in arrays]
        here = [measured(peer, kind, group, arrays, rounds) for peer in candidates]
        here += [
            ours(args.codec, int(effort), kind, group, arrays, rounds, decoder) for effort in args.efforts.split(",") if effort
        ]
        print(table(f"{kind} {group}, {len(arrays)} arrays", here), flush=True)
        rows += here
    decoder.close()
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    print(judge(rows))


if __name__ == "__main__":
    keep_memory()
    main()
