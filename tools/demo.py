"""`make demo`: every file under examples/ goes in, comes back, is compared, and is listed next to zstd -19.

The encoded and the restored files stay in demo-out/ for a closer look.
"""

import shutil
import sys
import time
from pathlib import Path

from lacodec import api
from lacodec.cli._compiling import Compilations
from lacodec.cli._report import print_table, ratio_text, speed_text
from lacodec.codecs import registry
from lacodec.evaluation.bench import measure
from lacodec.evaluation.peers import PEERS

_ROOT = Path(__file__).resolve().parent.parent
_EFFORTS = [5, 9]


def main() -> int:
    """Print the table; 1 when anything did not come back as it was."""
    out = _ROOT / "demo-out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    inputs = sorted(path for path in (_ROOT / "examples").iterdir() if path.is_file())
    _warm_up(inputs, out)
    zstd = next(peer for peer in PEERS if peer.name == "zstd -19")
    rows, wrong = [], []
    totals = {effort: [0, 0, 0] for effort in _EFFORTS}
    for path in inputs:
        original = path.read_bytes()
        theirs = measure(zstd, path.name, original).encoded
        for effort in _EFFORTS:
            encoded, restored = out / f"{path.name}.e{effort}.lac", out / path.name
            encode_s = _timed(lambda p=path, e=encoded, n=effort: api.encode_file(p, e, effort=n, verify=False))
            decode_s = _timed(lambda e=encoded, r=restored: api.decode_file(e, r, force=True))
            facts = api.info(encoded)
            same = restored.read_bytes() == original
            if not same and registry.get(facts.codec).identical == "bytes":
                wrong.append(path.name)
            ours = encoded.stat().st_size
            totals[effort] = [a + b for a, b in zip(totals[effort], (len(original), ours, theirs), strict=True)]
            speeds = [speed_text(len(original), seconds) for seconds in (encode_s, decode_s)]
            sizes = [f"{len(original):,}", f"{ours:,}", ratio_text(len(original), ours)]
            peer = [f"{theirs:,}", ratio_text(len(original), theirs)]
            codec = f"{facts.codec} --effort {effort}"
            rows.append([path.name, codec, *sizes, *peer, *speeds, facts.identical if same else "DIFFERENT"])
    for effort, (size, ours, theirs) in totals.items():
        sizes = [f"{size:,}", f"{ours:,}", ratio_text(size, ours), f"{theirs:,}", ratio_text(size, theirs)]
        rows.append(["all", f"--effort {effort}", *sizes, "", "", ""])
    columns = ["input", "codec", "bytes", "encoded", "ratio", "zstd -19", "ratio", "encode", "decode", "identical"]
    print_table("", columns, rows)
    print(f"Encoded and restored files: {out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out}")
    for name in wrong:
        print(f"{name}: did NOT come back identical", file=sys.stderr)
    return int(bool(wrong))


def _warm_up(inputs: list[Path], out: Path) -> None:
    """Compile the kernels of the efforts before timing, and print how long it took."""
    print("Compiling kernels if this machine has none yet ...", flush=True)
    start = time.perf_counter()
    samples = {registry.by_content(path.read_bytes()[: registry.HEAD_SIZE]): path for path in inputs}  # one for each codec
    with Compilations() as compilations:
        for sample in samples.values():
            for effort in _EFFORTS:
                api.encode_file(sample, out / "warm.lac", effort=effort, force=True)
                api.decode_file(out / "warm.lac", out / sample.name, force=True)
                (out / "warm.lac").unlink()
    print(f"{compilations.count} kernels compiled, {time.perf_counter() - start:.1f} s.\n")


def _timed(action: object) -> float:
    start = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
