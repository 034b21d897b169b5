"""Text at several efforts: sizes of whole files, which other processes decode, and speeds.

    python benchmarks/text.py FILE ... [--efforts 8,9]

One thread; kB/s of the text in processor time, the start of the process and of the model included, without verification.
"""

import argparse
import math
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from lacodec import info


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--efforts", default="8,9")
    args = parser.parse_args()
    efforts = args.efforts.split(",")
    print(
        "| file | bytes |",
        *(f"effort {effort} | codec | kB/s, both ways |" for effort in efforts),
        "last / first | bits per byte |",
    )
    print("|---" * (4 + 3 * len(efforts)) + "|")
    shares = []
    for path in args.files:
        sizes, cells = [], []
        for effort in efforts:
            coded, codec, speeds = measure(path, effort)
            sizes.append(coded)
            cells.append(f"{coded:,} | {codec} | {' / '.join(f'{speed:.1f}' for speed in speeds)} |")
        shares.append(sizes[-1] / sizes[0])
        whole = path.stat().st_size
        print(f"| {path.name} | {whole:,} |", *cells, f"{shares[-1]:.4f} | {8 * sizes[-1] / whole:.3f} |", flush=True)
    print(f"geometric mean of last / first: {math.exp(sum(map(math.log, shares)) / len(shares)):.4f}")


def measure(path: Path, effort: str) -> tuple[int, str, list[float]]:
    """Bytes of the encoded file, its codec, and kB/s of encoding and decoding."""
    with tempfile.TemporaryDirectory() as folder:
        coded, again = Path(folder) / "coded.lac", Path(folder) / "again"
        ways = (
            ["encode", "--effort", effort, "--no-verify", "--threads", "1", str(path), "-o", str(coded)],
            ["decode", "--threads", "1", str(coded), "-o", str(again)],
        )
        speeds = [path.stat().st_size / 1000 / processor_time(arguments) for arguments in ways]
        if again.read_bytes() != path.read_bytes():
            raise SystemExit(f"{path}: decodes to something else")
        return coded.stat().st_size, info(coded).codec, speeds


def processor_time(arguments: list[str]) -> float:
    """Seconds that the command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "lacodec", *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
