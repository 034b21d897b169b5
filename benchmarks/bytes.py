"""Codec `bytes` against its peers on the test split of text, structured data and logs, in one run.

    LACODEC_DATA=... python benchmarks/bytes.py [--efforts 1,5,9] [--json FILE]

LACODEC_DATA names a folder with an INFO.tsv (path, bytes, split, details). Prints every file, the totals, and what the efforts
promise.
"""

import argparse
import csv
import json
import lzma
import os
from collections.abc import Iterator
from pathlib import Path

from lacodec.evaluation.bench import Measurement, measure, our_candidate, total
from lacodec.evaluation.peers import installed_peers

PEERS = ("zstd -3", "zstd -22", "brotli -11", "xz -9e", "ppmd", "zpaq -m5")
LARGE = 100_000  # bytes from which a file alone must be smaller than every peer but zpaq


def main() -> None:
    """Measure, print, and judge the promises."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--efforts", default="1,5,9")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    candidates = [our_candidate("bytes", effort=int(effort)) for effort in arguments.efforts.split(",")]
    candidates += [peer for peer in installed_peers() if peer.name in PEERS]
    rows: list[Measurement] = []
    for name, data in _test_files(Path(os.environ["LACODEC_DATA"])):
        # Candidate after candidate on one file, so that a change of the machine's speed meets all of them.
        here = [measure(candidate, name, data, repeats=1) for candidate in candidates]
        rows += here
        print(
            f"{name:42}{len(data):9}", *(f"{row.candidate.removeprefix('bytes --')}: {row.encoded}" for row in here), flush=True
        )
    totals = {candidate.name: total(row for row in rows if row.candidate == candidate.name) for candidate in candidates}
    print(f"\n{'':20}{'bytes':>10}{'encode MB/s':>13}{'decode MB/s':>13}")
    for name, row in totals.items():
        same = "identical" if row.identical else "DIFFERENT"
        print(f"{name:20}{row.encoded:10}{row.encode_mb_s:13.3f}{row.decode_mb_s:13.3f}  {same}")
    _judge(rows, totals)
    if arguments.json:
        arguments.json.write_text(json.dumps([row.as_dict() for row in rows], indent=1))


def _judge(rows: list[Measurement], totals: dict[str, Measurement]) -> None:
    ours, best = totals.get("bytes --effort 9"), totals.get("zpaq -m5")
    if ours and best:
        print(
            f"\neffort 9 / zpaq -m5: size {ours.encoded / best.encoded:.4f}, encoding speed {best.encode_s / ours.encode_s:.2f}x"
        )
    small = {row.file: row.encoded for row in rows if row.candidate == "bytes --effort 9" and row.size > LARGE}
    for row in rows:
        if row.file in small and row.candidate in PEERS[1:-1] and row.encoded <= small[row.file]:
            print(f"effort 9 is not smaller than {row.candidate} on {row.file}: {small[row.file]} against {row.encoded}")
    for effort, peer in ((5, "ppmd"), (1, "zstd -3")):
        ours, best = totals.get(f"bytes --effort {effort}"), totals.get(peer)
        if ours and best:
            print(f"effort {effort} / {peer}: size {ours.encoded / best.encoded:.4f}, {ours.encode_mb_s:.2f} MB/s")


def _test_files(data: Path) -> Iterator[tuple[str, bytes]]:
    with (data / "INFO.tsv").open() as table:
        for row in csv.DictReader(table, delimiter="\t"):
            path = Path(row["path"])
            if row["split"] == "test" and path.parts[0] in ("text", "logs"):
                content = (data / path).read_bytes()
                yield str(path), lzma.decompress(content) if path.suffix == ".xz" else content


if __name__ == "__main__":
    main()
