"""The ladder of codec `bytes` beside its peers, in one run: sizes, speeds, each effort's bar, and whether a peer beats an effort.

    LACODEC_DATA=... python benchmarks/bytes.py [--efforts 1,2,3] [--files FILE ...] [--peers zstd,xz] [--processor-time]
        [--json FILE]
    python benchmarks/bytes.py [--plot OUT.svg] --from FILE.json ...

LACODEC_DATA names a folder with an INFO.tsv (path, bytes, split, details): its test files of text, structured data and logs are
measured one by one, and their totals judged. --files measures these files instead, each judged alone; --from judges, or draws,
what was measured before. One thread each. Times are of the wall clock, or of the processors: then programs that run beside
disturb less.
"""

import argparse
import csv
import json
import lzma
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import bytes_plot
from lacodec.evaluation.bench import Candidate, Measurement, measure, our_candidate, processor_time, total
from lacodec.evaluation.peers import installed_peers

BARS = {
    1: ("zstd -3", 0, 0),
    2: ("zstd -19", 4, 200),
    3: ("xz -9e", 2, 100),
    4: ("bsc -e1", 8, 8),
    5: ("ppmd", 2, 2),
    9: ("zpaq -m5", 0, 0),
}
"""Effort: the peer whose size it must not exceed, and the least speeds of encoding and decoding in MB/s."""
HEADER = 64  # bytes that the container may add for each file


def main() -> None:
    """Measure, print and judge; or draw what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--efforts", default="1,2,3,4,5,7,9")
    parser.add_argument("--files", type=Path, nargs="+")
    parser.add_argument("--peers", help="only those whose names begin with one of these")
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--from", type=Path, nargs="+", dest="sources", default=[])
    arguments = parser.parse_args()
    if arguments.sources:
        measured = [totals_of([Measurement(**row) for row in json.loads(path.read_text())]) for path in arguments.sources]
        if arguments.plot:
            bytes_plot.draw(measured, arguments.plot)
        else:
            for totals in measured:
                judge(totals)
        return
    files = [(path.name, path.read_bytes()) for path in arguments.files or []]
    rows = list(_measured(arguments, files or list(_test_files(Path(os.environ["LACODEC_DATA"])))))
    for part in [[row for row in rows if row.file == name] for name, _ in files] or [rows]:
        judge(totals_of(part))
    if arguments.json:
        keys = ("candidate", "file", "size", "encoded", "encode_s", "decode_s", "identical")
        arguments.json.write_text(json.dumps([{key: getattr(row, key) for key in keys} for row in rows], indent=1))


def _measured(arguments: argparse.Namespace, files: list[tuple[str, bytes]]) -> Iterator[Measurement]:
    """Candidate after candidate on one file, so that a change of the machine's speed meets all of them."""
    candidates = [our_candidate("bytes", effort=int(effort)) for effort in arguments.efforts.split(",")]
    wanted = tuple((arguments.peers or "").split(","))
    candidates += [peer for peer in installed_peers(more=True) if peer.name.startswith(wanted)]
    clock = processor_time if arguments.processor_time else time.perf_counter
    for candidate in candidates:  # imports, compiled kernels
        candidate.decode(candidate.encode(files[0][1][:20_000]))
    for name, data in files:
        here = []
        for candidate in candidates:
            here.append(_one(candidate, name, data, clock))
            yield here[-1]
        short = (f"{row.candidate.removeprefix('bytes --')}: {row.encoded}" for row in here)
        print(f"{name:42}{len(data):9}", *short, flush=True)


def _one(candidate: Candidate, name: str, data: bytes, clock: Callable[[], float]) -> Measurement:
    """A measurement; of a peer that cannot restore its own stream (pyppmd on some binaries), marked as such."""
    try:
        return measure(candidate, name, data, 9, clock)
    except ValueError:
        if candidate.name.startswith("bytes "):
            raise
        return Measurement(candidate.name, name, len(data), len(candidate.encode(data)), float("inf"), float("inf"), False)


def totals_of(rows: list[Measurement]) -> list[Measurement]:
    """One row for each candidate."""
    return [total(row for row in rows if row.candidate == name) for name in dict.fromkeys(row.candidate for row in rows)]


def judge(totals: list[Measurement]) -> None:
    """Print the table, smallest last; what the efforts miss of their bars; peers that are smaller and faster both ways."""
    print(f"\n{totals[0].file}\n{'':20}{'bytes':>10}{'ratio':>8}{'encode MB/s':>13}{'decode MB/s':>13}")
    for row in sorted(totals, key=lambda row: -row.encoded):
        same = "" if row.identical else "  DIFFERENT"
        print(f"{row.candidate:20}{row.encoded:10}{row.ratio:8.3f}{row.encode_mb_s:13.2f}{row.decode_mb_s:13.2f}{same}")
    named = {row.candidate: row for row in totals}
    for effort, (peer, encode, decode) in BARS.items():
        ours, bar = named.get(f"bytes --effort {effort}"), named.get(peer)
        if ours and bar:
            met = ours.encoded <= bar.encoded + HEADER and ours.encode_mb_s >= encode and ours.decode_mb_s >= decode
            speeds = f"{ours.encode_mb_s:.1f} of {encode} and {ours.decode_mb_s:.1f} of {decode} MB/s"
            print(f"effort {effort}: {ours.encoded / bar.encoded:.4f} of {peer}, {speeds}: {'met' if met else 'NOT MET'}")
    beaten = [(row, peer) for row in totals for peer in totals if beats(peer, row)]
    for row, peer in beaten:
        print(f"{peer.candidate} is smaller and faster both ways than {row.candidate}")
    print("on the frontier: " + ("every effort" if not beaten else "not every effort"))


def beats(peer: Measurement, ours: Measurement) -> bool:
    """A peer that is smaller and faster in both directions than one of our efforts; effort 1 is zstd, in a container."""
    if peer.candidate.startswith("bytes ") or not ours.candidate.startswith("bytes "):
        return False
    if ours.candidate == "bytes --effort 1" and peer.candidate.startswith("zstd "):
        return False
    return peer.encoded < ours.encoded and peer.encode_s < ours.encode_s and peer.decode_s < ours.decode_s


def _test_files(data: Path) -> Iterator[tuple[str, bytes]]:
    with (data / "INFO.tsv").open() as table:
        for row in csv.DictReader(table, delimiter="\t"):
            path = Path(row["path"])
            if row["split"] == "test" and path.parts[0] in ("text", "logs"):
                content = (data / path).read_bytes()
                yield str(path), lzma.decompress(content) if path.suffix == ".xz" else content


if __name__ == "__main__":
    main()
