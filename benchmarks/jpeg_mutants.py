"""Damaged JPEG files: each has to come back byte for byte, and never to become larger than it is plus 64 bytes and 0.1 %.

    python benchmarks/jpeg_mutants.py [-n 2000] [--seed 1] [--effort 1] [--save DIR]

The originals are made by Pillow with the settings of tests/jpegs.py, in three sizes, with previews in their metadata, and two
behind each other. Bits are flipped, parts cut off, lost or joined to those of other files, markers inserted, bytes appended. Each
goes through a file with the codec chosen by its content. What codec `bytes` kept was not taken apart, or would not have gained.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec
from tests.jpegs import files, mutants, photo, with_preview


def originals() -> list[bytes]:
    """Files of 1 to 30 kB."""
    small, middle, large = (list(files(photo(*shape)).values()) for shape in ((21, 33), (90, 122), (176, 240)))
    inside = [with_preview(one, preview) for one, preview in zip(middle, small, strict=True)]
    behind = [one + other for one, other in zip(middle, reversed(small), strict=True)]
    return [*small, *middle, *large, *inside, *behind]


def failure(data: bytes, folder: Path, effort: int) -> tuple[str, str | None]:
    """(codec that took it, what went wrong)."""
    source, target = folder / "x.jpg", folder / "x.lac"
    source.write_bytes(data)
    result = lacodec.encode_file(source, target, effort=effort, force=True, threads=1)
    if result.codec not in ("image.jpeg", "bytes"):
        return result.codec, "another codec took it"
    if lacodec.decode(target) != data:
        return result.codec, "it comes back different"
    if target.stat().st_size > len(data) + 64 + len(data) // 1000:
        return result.codec, f"it grows from {len(data)} to {target.stat().st_size} bytes"
    return result.codec, None


def run(many: Iterable[bytes], effort: int, save: Path | None = None) -> tuple[Counter[str], int, float]:
    """(files by codec, failures, processor time of the slowest)."""
    codecs: Counter[str] = Counter()
    failures, slowest = 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(many):
            start = time.process_time()
            try:
                codec, wrong = failure(data, Path(folder), effort)
            except Exception as error:
                codec, wrong = "none", f"{type(error).__name__}: {error}"
            slowest = max(slowest, time.process_time() - start)
            codecs[codec] += 1
            if wrong:
                failures += 1
                print(f"mutant {number}: {wrong}", file=sys.stderr, flush=True)
                if save:
                    save.mkdir(parents=True, exist_ok=True)
                    (save / f"{number}.jpg").write_bytes(data)
    return codecs, failures, slowest


def main() -> int:
    """Run, print a table; exit code 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--effort", type=int, default=1)
    parser.add_argument("--save", type=Path, help="folder for files that fail")
    args = parser.parse_args()
    lacodec.encode(files()["progressive"], "image.jpeg", effort=args.effort)  # compiles the kernels
    codecs, failures, slowest = run(mutants(originals(), args.n, args.seed), args.effort, args.save)
    print(f"{sum(codecs.values())} files, slowest {slowest:.2f} s")
    for codec, count in codecs.most_common():
        print(f"  {codec:20} {count:6}")
    print(f"  {'failures':20} {failures:6}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
