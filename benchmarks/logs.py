"""Codec `log`: sizes and speeds beside general compressors and log tools, and the time of searches.

    python benchmarks/logs.py LOG ... [--efforts 3,5,6] [--skip-tools]     sizes of (xz-compressed) logs
    python benchmarks/logs.py --grep 100                                   searches in a made-up log of 100 MB

One thread; MB/s of the log in processor time, without verification; every file is decoded and compared.
"""

import argparse
import lzma
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec
from benchmarks.log_peers import LOG_TOOLS
from benchmarks.log_synthetic import RARE_NUMBER, write
from lacodec.evaluation.peers import PEERS

_PEERS = ("xz -9e", "zstd -19")
_SEARCHES = (
    ["-F", "zephyrine-quartz"],
    ["-F", "does not reconcile"],
    [RARE_NUMBER.decode()],
    ["closed by [p]eer"],
    ["-F", "no such thing"],
)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--efforts", default="3,5,6", help="efforts of codec log")
    parser.add_argument("--skip-tools", action="store_true", help="leave clp-s and drain3 out")
    parser.add_argument("--grep", type=int, metavar="MB", help="time searches in a log of that size")
    args = parser.parse_args()
    if args.logs:
        sizes(args.logs, [int(effort) for effort in args.efforts.split(",")], not args.skip_tools)
    if args.grep:
        searches(args.grep)


def sizes(logs: list[Path], efforts: list[int], tools: bool) -> None:
    """A line for each log and coder; the geometric mean of the sizes relative to those of xz."""
    relative: dict[str, list[float]] = {}
    for path in logs:
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        print(f"{path.name}: {len(data):,} bytes")
        xz = 0
        for name in _PEERS:
            peer = next(peer for peer in PEERS if peer.name == name)
            size, encoding, decoding = timed(data, peer.encode, peer.decode)
            xz = xz or size
            report(relative, name, data, size, xz, encoding, decoding)
        for codec, effort in [("bytes", 5), *(("log", effort) for effort in efforts)]:
            coder = lacodec.codec(codec, effort=effort)
            size, encoding, decoding = timed(
                data, lambda data, c=coder: c.encode(data, threads=1), lambda coded, c=coder: c.decode(coded, threads=1)
            )
            report(relative, f"{codec} {effort}", data, size, xz, encoding, decoding)
        for name, tool in LOG_TOOLS.items() if tools else ():
            found = tool(data)
            if found is not None:
                report(relative, name, data, found[0], xz, found[1], None)
    for name, found in relative.items():
        print(f"{name}: {math.exp(sum(map(math.log, found)) / len(found)):.3f} of xz -9e over {len(found)} logs, geometric mean")


def timed(data: bytes, encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes]) -> tuple[int, float, float]:
    """(bytes, seconds to encode, seconds to decode), of the second time: kernels are there then."""
    encode(data[:100_000])
    begin = time.process_time()
    coded = encode(data)
    middle = time.process_time()
    if bytes(decode(coded)) != data:
        raise SystemExit("decoded to something else")
    return len(coded), middle - begin, time.process_time() - middle


def report(
    relative: dict[str, list[float]], name: str, data: bytes, size: int, xz: int, encoding: float, decoding: float | None
) -> None:
    """A line; and the size relative to that of xz, for the mean."""
    relative.setdefault(name, []).append(size / xz)
    speed = f"{len(data) / 1e6 / max(encoding, 1e-9):8.2f} MB/s"
    back = "" if decoding is None else f" {len(data) / 1e6 / max(decoding, 1e-9):8.2f} MB/s"
    print(f"  {name:12} {size:10,} {len(data) / size:8.2f}x {size / xz:6.3f} of xz {speed}{back}", flush=True)


def searches(megabytes: int) -> None:
    """Seconds by the clock of whole commands, each the second time: `lacodec decode | grep -an` and `lacodec grep -n`."""
    environment = {**os.environ, "LC_ALL": "C"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed command does not compile its modules again each time
    with tempfile.TemporaryDirectory() as folder:
        log, coded = Path(folder, "made.log"), Path(folder, "made.lac")
        write(log, megabytes * 10**6)
        lacodec_ = f"{sys.executable} -m lacodec"
        subprocess.run(f"{lacodec_} encode -q --codec log {log} -o {coded}", shell=True, check=True)
        print(f"{log.stat().st_size:,} -> {coded.stat().st_size:,} bytes")
        for words in _SEARCHES:
            asked = " ".join(f"'{word}'" for word in words)
            results = []
            for command in (f"{lacodec_} decode -q {coded} -o - | grep -an {asked}", f"{lacodec_} grep -n {asked} {coded}"):
                for _ in range(2):
                    begin = time.perf_counter()
                    found = subprocess.run(command, shell=True, capture_output=True, env=environment, check=False)
                    seconds = time.perf_counter() - begin
                results.append((seconds, found.stdout))
            same = "the same output" if results[0][1] == results[1][1] else "OTHER OUTPUT"
            ratio = results[0][0] / results[1][0]
            print(
                f"  {asked:30} decode + grep {results[0][0]:.2f} s, lacodec grep {results[1][0]:.2f} s: {ratio:.1f}x, {same}",
                flush=True,
            )


if __name__ == "__main__":
    main()
