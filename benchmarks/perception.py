"""All tasks of `lacodec eval perception` on pictures or sounds, by several processes, with the time they take:

    python benchmarks/perception.py SCORES PATH... --tasks classification=FILE,segmentation=FILE,ocr -- --codec image.learned ...

What stands after `--` are flags of the command for every task. Each process measures every n-th file with one task after the
other; all append to the file SCORES, from which the tables of all files are made in the end. An interrupted run goes on where it
was.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def main() -> int:
    """Measure, then print a table for each task, and the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", type=Path)
    parser.add_argument("paths", type=Path, nargs="+", help="files, or folders of them")
    parser.add_argument("--tasks", required=True, help="names, with commas; NAME=FILE for --task-model")
    parser.add_argument("--processes", type=int, default=2)
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    args, flags = parser.parse_args(given[:end]), given[end + 1 :]
    files = sorted(file for path in args.paths for file in (path.iterdir() if path.is_dir() else [path]))
    tasks = [task.partition("=")[::2] for task in args.tasks.split(",")]
    began = time.monotonic()
    parts = [files[i :: args.processes] for i in range(args.processes)]
    with ThreadPoolExecutor(args.processes) as pool:
        list(pool.map(lambda part: [_run(args.scores, task, part, flags, subprocess.DEVNULL) for task in tasks], parts))
    codes = [_run(args.scores, task, files, flags, None) for task in tasks]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{len(files)} files, {len(tasks)} tasks, {args.processes} processes: {time.monotonic() - began:.0f} s, "
        f"of processors {used.ru_utime + used.ru_stime:.0f} s",
        flush=True,
    )
    return max(codes)


def _run(scores: Path, task: tuple[str, str], files: list[Path], flags: list[str], out: int | None) -> int:
    name, model = task
    command = [sys.executable, "-m", "lacodec", "eval", "perception", "-q", *map(str, files), "--task", name]
    command += ["--cache", str(scores), *(["--task-model", model] if model else []), *flags]
    began = time.monotonic()
    code = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=out).returncode
    print(f"{name} of {len(files)} files: {time.monotonic() - began:.0f} s, exit code {code}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
