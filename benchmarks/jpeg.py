"""JPEG files restored byte for byte, beside Lepton, JPEG XL and zpaq, in one run, on one thread.

    LACODEC_DATA=... python benchmarks/jpeg.py [--efforts 1,2,5,9] [--sets camera,q75] [--quick] [--json FILE] [--each]

The sets are described in jpeg_sets.py. Ours: every file goes through `encode_file`, as in a run over a folder by one process, and
another process decodes the file on disk and compares the bytes. So our encoding times include the verification, which decodes
what was written, and writing and syncing the file; those of the peers are of a call in memory that does not verify. The codec
is chosen by content: files that are not taken apart count with what codec `bytes` makes of them. A file that a peer refuses or
restores wrongly is "left", and counts for it with its own size and no time. Speeds are MB (10^6 bytes) of JPEG per second of
processor time, after a file that warms up; that of the peers includes the start of a program where they are one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jpeg_sets
from jpeg_decode import processor_s
from jpeg_peers import Peer, peers

import lacodec

QUICK = 11  # one of so many files
LEPTON = "lepton"
BARS = {9: 0.745, 5: 0.755, 2: 0.775, 1: 0.80}
"""Effort -> what it should make of the camera files."""


@dataclass(frozen=True)
class Row:
    """One candidate on one set. taken: bytes of the files that it was timed with; left: how many files it does not restore."""

    set: str
    candidate: str
    files: int
    raw: int
    encoded: int
    encode_s: float
    decode_s: float
    taken: int
    left: int = 0

    @property
    def ratio(self) -> float:
        """Of the original size."""
        return self.encoded / max(1, self.raw)

    @property
    def speeds(self) -> tuple[float, float]:
        """MB/s in, MB/s out."""
        return self.taken / 1e6 / max(self.encode_s, 1e-9), self.taken / 1e6 / max(self.decode_s, 1e-9)


class Decoder:
    """The other process."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("jpeg_decode.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, encoded: Sequence[Path], originals: Sequence[Path]) -> dict[str, Any]:
        """What it answers about these files."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None and back is not None
        to.write(json.dumps({"encoded": list(map(str, encoded)), "originals": list(map(str, originals))}) + "\n")
        to.flush()
        if not (line := back.readline()):
            raise SystemExit("the decoding process ended")
        return json.loads(line)

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def ours(effort: int, name: str, paths: Sequence[Path], decoder: Decoder, each: bool) -> Row:
    """Our codec on all files of a set, at one effort."""
    encoded = [path.with_suffix(".lac") for path in paths]
    lacodec.encode_file(paths[0], encoded[0], effort=effort, threads=1, force=True)
    start = processor_s()
    for path, target in zip(paths, encoded, strict=True):
        lacodec.encode_file(path, target, effort=effort, threads=1, force=True)
    encode_s = processor_s() - start
    back = decoder(encoded, paths)
    if back["wrong"]:
        raise SystemExit(f"effort {effort} does not restore {', '.join(back['wrong'])} of {name}")
    sizes = [(path.stat().st_size, target.stat().st_size) for path, target in zip(paths, encoded, strict=True)]
    if each:
        for target, (before, after) in zip(encoded, sizes, strict=True):
            print(f"  effort {effort} {target.stem:34}{before:10,}{after:10,} {after / before:.4f} {lacodec.info(target).codec}")
    raw, size = (sum(column) for column in zip(*sizes, strict=True))
    return Row(name, f"effort {effort}", len(paths), raw, size, encode_s, back["decode_s"], raw)


def theirs(peer: Peer, name: str, paths: Sequence[Path], each: bool) -> Row:
    """A peer on all files of a set."""
    row = Row(name, peer.name, len(paths), sum(path.stat().st_size for path in paths), 0, 0.0, 0.0, 0)
    attempt(peer, paths[0].read_bytes())
    for path in paths:
        data = path.read_bytes()
        if (found := attempt(peer, data)) is None:
            row = replace(row, encoded=row.encoded + len(data), left=row.left + 1)
            continue
        size, encode_s, decode_s = found
        if each:
            print(f"  {peer.name} {path.stem:34}{len(data):10,}{size:10,} {size / len(data):.4f}")
        row = replace(row, encoded=row.encoded + size, taken=row.taken + len(data))
        row = replace(row, encode_s=row.encode_s + encode_s, decode_s=row.decode_s + decode_s)
    return row


def attempt(peer: Peer, data: bytes) -> tuple[int, float, float] | None:
    """(bytes, seconds to encode, seconds to decode), None if the file does not come back."""
    try:
        start = processor_s()
        encoded = peer.encode(data)
        middle = processor_s()
        back = peer.decode(encoded)
        end = processor_s()
    except KeyboardInterrupt:
        raise
    except BaseException:  # a panic of Rust is not an Exception
        return None
    return (len(encoded), middle - start, end - middle) if back == data else None


def table(name: str, rows: Sequence[Row]) -> str:
    """Sizes and speeds, a line for each candidate."""
    head = f"\n{name}: {rows[0].files} files, {rows[0].raw:,} bytes"
    lines = [head, f"{'':24}{'bytes':>12}{'ratio':>9}{'MB/s in':>10}{'MB/s out':>10}{'left':>6}"]
    for row in rows:
        speeds = f"{row.speeds[0]:10.2f}{row.speeds[1]:10.2f}"
        lines.append(f"{row.candidate:24}{row.encoded:12,}{row.ratio:9.4f}{speeds}{row.left or '':>6}")
    return "\n".join(lines)


def judge(rows: Sequence[Row]) -> str:
    """A line for each promise that these rows can show."""
    found = {(row.set, row.candidate): row for row in rows}
    lines = []
    for effort, bar in BARS.items():
        if row := found.get(("camera", f"effort {effort}")):
            lines.append(f"camera, effort {effort}: {row.ratio:.4f} {met(row.ratio <= bar)} at most {bar})")
    if row := found.get(("camera", "effort 5")):
        lines.append(f"camera, effort 5: the slower way {min(row.speeds):.2f} MB/s {met(min(row.speeds) >= 1)} at least 1)")
    for effort, times in ((2, 1), (1, 3)):
        row, peer = found.get(("camera", f"effort {effort}")), found.get(("camera", LEPTON))
        if row and peer:
            shares = [a / b for a, b in zip(row.speeds, peer.speeds, strict=True)]
            words = f"{shares[0]:.2f} in, {shares[1]:.2f} out"
            lines.append(f"camera, effort {effort}: Lepton's speed times {words} {met(min(shares) >= times)} at least {times})")
    for name in jpeg_sets.SETTINGS:
        row, peer = found.get((name, "effort 5")), found.get((name, LEPTON))
        if row and peer:
            lines.append(
                f"{name}, effort 5: {row.ratio:.4f} {met(row.encoded <= peer.encoded)} at most Lepton's {peer.ratio:.4f})"
            )
    if row := found.get(("thumbnails", "effort 5")):
        lines.append(f"thumbnails, effort 5: {row.ratio:.4f} {met(row.ratio <= 0.85)} at most 0.85)")
    return "\n".join(["", *lines])


def met(yes: bool) -> str:
    """The word, with a bracket that the caller closes."""
    return "(met:" if yes else "(MISSED:"


def main() -> None:
    """Measure, print a table for each set, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--efforts", default="1,2,5,9", help="empty: the peers alone")
    parser.add_argument("--sets", default=",".join(jpeg_sets.SETS))
    parser.add_argument("--peers", default="", help="parts of names; all of them by default")
    parser.add_argument("--quick", action="store_true", help=f"one of {QUICK} files of each set")
    parser.add_argument("--each", action="store_true", help="print every file")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    data = Path(os.environ["LACODEC_DATA"])
    candidates = [peer for peer in peers() if any(part in peer.name for part in args.peers.split(","))]
    decoder = Decoder()
    rows: list[Row] = []
    for name in args.sets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for file, content in jpeg_sets.files(name, data, QUICK if args.quick else 1):
                paths.append(Path(folder, file))
                paths[-1].write_bytes(content)
            here = [theirs(peer, name, paths, args.each) for peer in candidates]
            here += [ours(int(effort), name, paths, decoder, args.each) for effort in args.efforts.split(",") if effort]
        print(table(name, here), flush=True)
        rows += here
    decoder.close()
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    print(judge(rows))


if __name__ == "__main__":
    main()
