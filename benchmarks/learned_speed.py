"""Seconds that image.learned takes for whole pictures in a warm process, how many of them are the coder's, and its peak memory.

    python benchmarks/learned_speed.py PICTURE_OR_FOLDER ... [-q 35] [-e 5] [-t 2] [-n 24] [--rounds 3] [--json FILE]

For comparison, on the same pictures in the same rounds: Pillow's AVIF (speed 4, one thread) at quality 50. It times the public
call on arrays, hashes and container included; of each picture the best round counts. Coder: everything within `RansEncoder` and
`RansDecoder`. Peak memory is the process's, with torch and all pictures of the run.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.evaluation import image_calls as calls
from lacodec.evaluation.rate_distortion import read_rgb
from lacodec.media.image.value import Image

NAMES = ("encode", "encode, coder", "decode", "decode, coder", "AVIF encode", "AVIF decode")


def main() -> int:
    """Print medians over the pictures, and the peak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("-q", "--quality", type=float, default=35)
    parser.add_argument("-e", "--effort", type=int, default=5)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-n", type=int, default=24, help="pictures, at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    found = [path for given in args.data for path in (sorted(given.iterdir()) if given.is_dir() else [given])][: args.n]
    codec = lacodec.codec("image.learned", quality=args.quality, effort=args.effort)
    rows = [_best(codec, path, args.rounds) for path in found]
    for name, column in zip(NAMES, zip(*rows, strict=True), strict=True):
        print(f"{name:14} median {statistics.median(column):.4f} s, largest {max(column):.4f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{len(found)} pictures, quality {args.quality:g}, effort {args.effort}, {args.threads} threads; peak {peak / 1e9:.2f} GB"
    )
    if args.json:
        content = {
            "peak": peak,
            "seconds": [dict(zip(("file", *NAMES), (p.name, *r), strict=True)) for p, r in zip(found, rows, strict=True)],
        }
        args.json.write_text(json.dumps(content, indent=1) + "\n")
    return 0


def _best(codec: Any, path: Path, rounds: int) -> tuple[float, ...]:
    pixels = read_rgb(path)
    picture = Image(pixels, 8, None, (), None)
    timed: list[list[float]] = []
    for _ in range(rounds + 1):  # the first one warms up
        with _coder_seconds() as inside:
            encode, data = _timed(lambda: codec.encode(picture))
            encode_coder = sum(inside)
        with _coder_seconds() as inside:
            decode, _ = _timed(lambda data=data: lacodec.decode(data))
            decode_coder = sum(inside)
        avif_encode, avif = _timed(lambda: calls.avif(pixels, 50, "4:2:0"))
        avif_decode, _ = _timed(lambda avif=avif: calls.pillow_decode(avif))
        timed.append([encode, encode_coder, decode, decode_coder, avif_encode, avif_decode])
    return tuple(min(column) for column in zip(*timed[1:], strict=True))


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


@contextmanager
def _coder_seconds() -> Iterator[list[float]]:
    """Collects the seconds spent in every call of the coders."""
    spent: list[float] = []

    def clocked(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            seconds, result = _timed(lambda: function(*args, **more))
            spent.append(seconds)
            return result

        return call

    methods = [(RansEncoder, "push"), (RansEncoder, "finish"), (RansDecoder, "__init__"), (RansDecoder, "pull")]
    patches = [mock.patch.object(owner, name, clocked(getattr(owner, name))) for owner, name in methods]
    for patch in patches:
        patch.start()
    try:
        yield spent
    finally:
        for patch in patches:
            patch.stop()


if __name__ == "__main__":
    sys.exit(main())
