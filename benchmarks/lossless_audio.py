"""Lossless audio against FLAC and WavPack: `python benchmarks/lossless_audio.py FOLDER [--split test] [--efforts 1,5,9]`.

FOLDER holds `INFO.tsv` (columns path and split) and the FLAC files that it lists under audio/music and audio/speech. All of them
are decoded to WAV first; sizes are those of whole files, peers without padding and seek tables. Times are CPU seconds of one
thread (encoding and decoding, after a warm-up); speed is against real time of 44.1 kHz stereo: 88,200 samples a second.
"""

import argparse
import csv
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

CD = 88_200  # samples a second


def main() -> None:
    """Measure and print a table per group and in all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--efforts", default="1,5,9")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files = wav_files(args.folder, args.split, Path(scratch))
        if not files:
            raise SystemExit(f"no audio of split {args.split!r} in {args.folder}")
        reference = {path: command_size(["flac", "-8", "--no-padding", "--no-seektable"], path) for path, _ in files}
        print(f"{len(files)} files of split {args.split}, {sum(path.stat().st_size for path, _ in files):,} bytes as WAV")
        print(f"{'':24}{'total bytes':>12} {'/ flac -8':>10} {'mean':>7} {'music':>7} {'speech':>7} {'encode':>8} {'decode':>8}")
        report("flac -8", files, reference, reference)
        if shutil.which("wavpack"):
            for flags in (["-hh"], ["-hh", "-x6"]):
                sizes = {path: command_size(["wavpack", "-q", *flags], path) for path, _ in files}
                report(f"wavpack {' '.join(flags)}", files, sizes, reference)
        for effort in map(int, args.efforts.split(",")):
            measure(effort, files, reference)


def wav_files(folder: Path, split: str, scratch: Path) -> list[tuple[Path, str]]:
    """(WAV file, "music" or "speech") for all of the split."""
    found = []
    with open(folder / "INFO.tsv", newline="") as listing:
        for row in csv.DictReader(listing, delimiter="\t"):
            path, kind = folder / row["path"], row["path"].split("/")[1]
            if row["split"] == split and path.suffix == ".flac" and row["path"].startswith("audio/"):
                target = scratch / (path.stem + ".wav")
                subprocess.run(["flac", "-d", "-s", "-f", path, "-o", target], check=True)
                found.append((target, kind))
    return found


def command_size(command: list[str], path: Path) -> int:
    """Bytes that a command-line coder writes for `path`."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.wv"
        subprocess.run([*command, str(path), "-o", str(target)], check=True, capture_output=True)
        return target.stat().st_size


def measure(effort: int, files: list[tuple[Path, str]], reference: dict[Path, int]) -> None:
    """Encode, decode and compare everything with one effort."""
    import lacodec
    from lacodec import api

    warm = lacodec.encode(files[0][0], "audio.lossless", effort=effort)
    lacodec.decode(warm)
    sizes, seconds, samples = {}, [0.0, 0.0], 0
    for path, _ in files:
        encoded = timed(seconds, 0, lambda path=path: lacodec.encode(path, "audio.lossless", effort=effort))
        value = timed(seconds, 1, lambda encoded=encoded: lacodec.decode(encoded))
        samples += value.samples.size
        out = io.BytesIO()
        api.decode_file(io.BytesIO(encoded), out)
        if out.getvalue() != path.read_bytes():
            raise SystemExit(f"{path.name}: effort {effort} does not restore it")
        sizes[path] = len(encoded)
    report(f"lacodec, effort {effort}", files, sizes, reference, [samples / CD / s for s in seconds])


def timed(seconds: list[float], slot: int, work: Callable[[], object]) -> object:
    """The result of `work`, its CPU time added to a slot."""
    start = time.process_time()
    result = work()
    seconds[slot] += time.process_time() - start
    return result


def report(
    name: str,
    files: list[tuple[Path, str]],
    sizes: dict[Path, int],
    reference: dict[Path, int],
    speeds: list[float] | None = None,
) -> None:
    """One line of the table."""

    def ratio(kind: str | None) -> str:
        chosen = [path for path, k in files if kind in (None, k)]
        return f"{sum(sizes[p] for p in chosen) / max(1, sum(reference[p] for p in chosen)):7.4f}"

    mean = sum(sizes[path] / reference[path] for path, _ in files) / len(files)
    speed = "".join(f" {s:7.1f}x" for s in speeds or [])
    print(
        f"{name:24}{sum(sizes.values()):12,} {ratio(None):>10} {mean:7.4f} {ratio('music')} {ratio('speech')}{speed}", flush=True
    )


if __name__ == "__main__":
    main()
