"""Speed and size of the rANS coder against constriction, CompressAI's coder and zstd -1, in one run on one thread.

    python benchmarks/entropy.py [--symbols 4000000] [--rounds 7] [--json]

Rounds are interleaved (every coder once, then again), best and median are shown. The public call is timed, with tables
made beforehand: symbols in, bytes out, and back into an array. Peers that are not installed are left out with a note.
"""

import argparse
import importlib.util
import itertools
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.entropy import distributions
from lacodec.entropy import rans_dispatch as dispatch
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import Tables, cost_bits, normalise

Symbols = np.ndarray[Any, Any]


@dataclass
class Job:
    """One coder on one input: `encode() -> stream`, `decode(stream) -> symbols`, and its measurements (seconds)."""

    name: str
    encode: Callable[[], Any]
    decode: Callable[[Any], Any]
    size: Callable[[Any], int] = len
    encode_times: list[float] = field(default_factory=list)
    decode_times: list[float] = field(default_factory=list)
    bytes: int = 0
    table_bits: float = 0.0
    """The bound of the tables, for coders that take ours."""
    rounds: int = 1 << 30


def main() -> None:
    """Run all comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    notes: list[str] = []
    static_symbols, static_ideal = static_data(options.symbols)
    static = measure(static_jobs(static_symbols, notes), static_symbols, options.rounds)
    values, index, scales, ideal = gaussian_data(options.symbols)
    indexed = measure(gaussian_jobs(values, index, scales, notes), values, options.rounds)
    report = {
        "symbols": options.symbols,
        "static": [row(job, options.symbols, static_ideal) for job in static],
        "gaussian": [row(job, options.symbols, ideal) for job in indexed],
        "short": short_streams(),
        "notes": notes,
    }
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        show(report)


def static_data(n: int) -> tuple[Symbols, float]:
    """Bytes of about four bits each, and the bits of their empirical entropy."""
    p = np.exp(-np.abs(np.arange(256) - 60) / 3.0)
    symbols = np.random.default_rng(0).choice(256, n, p=p / p.sum()).astype(np.uint8)
    counts = np.bincount(symbols, minlength=256)
    counts = counts[counts > 0]
    return symbols, float(-(counts * np.log2(counts / n)).sum())


def gaussian_data(n: int) -> tuple[Symbols, Symbols, Symbols, float]:
    """Values, index u8, scale of each table, and the bits that the true probabilities give."""
    rng = np.random.default_rng(1)
    scales = distributions.scale_of("gaussian-12")
    index = rng.integers(0, len(scales), n).astype(np.uint8)
    values = np.round(rng.normal(0, 1, n) * scales[index]).astype(np.int16)
    bits = 0.0
    for t, scale in enumerate(scales):
        counts = np.bincount(np.abs(values[index == t]))
        upper = [math.erfc((k + 0.5) / scale / math.sqrt(2)) / 2 for k in range(len(counts))]
        p = np.array([1 - 2 * upper[0], *(a - b for a, b in itertools.pairwise(upper))])
        bits -= float((counts * np.log2(np.maximum(p, 1e-300))).sum())
    return values, index, scales, bits


def static_jobs(symbols: Symbols, notes: list[str]) -> list[Job]:
    """Everything that codes bytes with one table."""
    counts = np.bincount(symbols, minlength=256)
    jobs = []
    for width, bits in ((32, 12), (32, 14), (64, 24)):
        jobs += ours(f"R{width}, {bits}-bit table", width, symbols, Tables.from_counts(counts, bits), None)
    jobs += ours("R32, 14 bits, rare escaped", 32, symbols, Tables.sparing(counts, 14), None)
    if has("zstandard", notes):
        import zstandard

        raw = symbols.tobytes()
        jobs.append(
            Job(
                "zstd -1", lambda: zstandard.ZstdCompressor(1).compress(raw), lambda s: zstandard.ZstdDecompressor().decompress(s)
            )
        )
    if has("constriction", notes):
        jobs.append(constriction_static(symbols, counts))
    if ans := compressai(notes):
        cdf = [0, *np.cumsum(normalise(np.append(counts, 1), 16)).tolist()]
        zeros = np.zeros(len(symbols), np.int32)
        jobs.append(compressai_job(ans, symbols, zeros, [cdf], [0]))
    return jobs


def gaussian_jobs(values: Symbols, index: Symbols, scales: Symbols, notes: list[str]) -> list[Job]:
    """Everything that codes integers with one of 64 Gaussian tables each."""
    jobs = []
    for bits in (12, 14):
        jobs += ours(
            f"R32, {bits}-bit tables", 32, values, distributions.load(f"gaussian-{bits}") if bits == 12 else wide(scales), index
        )
    jobs += ours("R64, 14-bit tables", 64, values, wide(scales), index)
    if has("constriction", notes):
        jobs.append(constriction_gaussian(values, scales[index]))
    if ans := compressai(notes):
        tables = wide(scales)
        ends = tables.offsets.tolist()
        cdfs = [[0, *np.cumsum(tables.freqs[a:b].astype(int) * 4).tolist()] for a, b in itertools.pairwise(ends)]
        jobs.append(compressai_job(ans, values, index, cdfs, tables.origins.tolist()))
    return jobs


def wide(scales: Symbols) -> Tables:
    """14-bit Gaussian tables of the same scales as the 12-bit set, at most 255 values each."""
    parts, reaches = [], []
    for scale in scales:
        reach = min(126, int(4.2 * scale) + 1)
        upper = [math.erfc((k + 0.5) / scale / math.sqrt(2)) / 2 for k in range(reach + 1)]
        half = [1 - 2 * upper[0], *(a - b for a, b in itertools.pairwise(upper))]
        p = np.array([*half[:0:-1], *half, 2 * upper[-1]])
        parts.append(normalise(np.maximum(1, p * 2.0**50).astype(np.int64), 14))
        reaches.append(reach)
    offsets = np.cumsum([0] + [len(part) for part in parts])
    return Tables(np.concatenate(parts), offsets.astype(np.uint32), 14, True, -np.array(reaches, np.int32))


def ours(name: str, width: int, values: Symbols, tables: Tables, index: Symbols | None) -> list[Job]:
    """Our coder, portable and (for width 32, where the CPU has it) AVX-512."""
    out = np.empty(len(values), values.dtype)

    def encode(simd: str) -> bytes:
        choose(simd)
        return RansEncoder(width).push(values, tables, index).finish()

    def decode(stream: bytes, simd: str) -> Symbols:
        choose(simd)
        decoder = RansDecoder(stream)
        decoder.pull(len(values), tables, index, out=out)
        decoder.finish()
        return out

    kinds = [("portable", "0")]
    choose("1")
    if width == 32 and dispatch.avx512() is not None:
        kinds.append(("AVX-512", "1"))
    bits = cost_bits(values, tables, index)
    return [
        Job(f"lacodec {name}, {kind}", lambda flag=flag: encode(flag), lambda s, flag=flag: decode(s, flag), table_bits=bits)  # type: ignore[misc]
        for kind, flag in kinds
    ]


def choose(simd: str) -> None:
    """Portable ("0") or vector ("1") kernels from now on."""
    if os.environ.get("LACODEC_SIMD") != simd:
        os.environ["LACODEC_SIMD"] = simd
        dispatch.avx512.cache_clear()


def constriction_static(symbols: Symbols, counts: Symbols) -> Job:
    """constriction's ANS stack with a categorical model."""
    import constriction

    model = constriction.stream.model.Categorical((counts / counts.sum()).astype(np.float32), perfect=False)
    wide_symbols = symbols.astype(np.int32)

    def encode() -> Symbols:
        coder = constriction.stream.stack.AnsCoder()
        coder.encode_reverse(wide_symbols, model)
        return coder.get_compressed()

    return Job(
        "constriction ANS",
        encode,
        lambda s: constriction.stream.stack.AnsCoder(s).decode(model, len(symbols)),
        lambda s: 4 * len(s),
        rounds=3,
    )


def constriction_gaussian(values: Symbols, deviations: Symbols) -> Job:
    """constriction's ANS stack with its quantised Gaussian, a deviation for each symbol."""
    import constriction

    model = constriction.stream.model.QuantizedGaussian(-250, 250)
    wide_values, means = values.astype(np.int32), np.zeros(len(values))

    def encode() -> Symbols:
        coder = constriction.stream.stack.AnsCoder()
        coder.encode_reverse(wide_values, model, means, deviations)
        return coder.get_compressed()

    def decode(stream: Symbols) -> Symbols:
        return constriction.stream.stack.AnsCoder(stream).decode(model, means, deviations)

    return Job("constriction ANS", encode, decode, lambda s: 4 * len(s), rounds=3)


def compressai(notes: list[str]) -> Any:
    """CompressAI's `ans` extension, loaded by path: its package would import torch."""
    for folder in sys.path:
        for path in Path(folder).glob("compressai/ans*.so"):
            spec = importlib.util.spec_from_file_location("ans", path)
            if spec and spec.loader:
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
    note = "CompressAI left out: pip install --no-deps compressai==1.2.8"
    if note not in notes:
        notes.append(note)
    return None


def compressai_job(ans: Any, values: Symbols, index: Symbols, cdfs: list[list[int]], origins: list[int]) -> Job:
    """Arrays in and arrays out, as for the others: its list conversions count."""
    sizes = [len(cdf) for cdf in cdfs]

    def encode() -> bytes:
        return bytes(ans.RansEncoder().encode_with_indexes(values.tolist(), index.tolist(), cdfs, sizes, origins))

    def decode(stream: bytes) -> Symbols:
        return np.array(ans.RansDecoder().decode_with_indexes(stream, index.tolist(), cdfs, sizes, origins))

    return Job("CompressAI ans", encode, decode, rounds=2)


def has(module: str, notes: list[str]) -> bool:
    """Whether a peer is installed; adds a note if not."""
    found = importlib.util.find_spec(module) is not None
    if not found and (note := f"{module} left out: not installed") not in notes:
        notes.append(note)
    return found


def measure(jobs: list[Job], wanted: Symbols, rounds: int) -> list[Job]:
    """Check every coder once (this also compiles), then time them in interleaved rounds."""
    for job in jobs:
        stream = job.encode()
        got = job.decode(stream)
        if not np.array_equal(np.frombuffer(got, np.uint8) if isinstance(got, bytes) else got, wanted):
            raise SystemExit(f"{job.name}: decodes to other symbols")
        job.bytes = job.size(stream)
    for k in range(rounds):
        for job in jobs:
            if k < job.rounds:
                start = time.perf_counter()
                stream = job.encode()
                middle = time.perf_counter()
                job.decode(stream)
                job.encode_times.append(middle - start)
                job.decode_times.append(time.perf_counter() - middle)
    return jobs


def row(job: Job, n: int, ideal_bits: float) -> dict[str, Any]:
    """Speeds in Msym/s, size, and the excess over the entropy and over the bound of the tables, in per cent."""
    speeds = {
        f"{way}_{kind}": round(n / pick(times) / 1e6, 1)
        for way, times in (("encode", job.encode_times), ("decode", job.decode_times))
        for kind, pick in (("best", min), ("median", statistics.median))
    }
    excess = {"over_entropy_percent": round((job.bytes * 8 / ideal_bits - 1) * 100, 4)}
    if job.table_bits:
        excess["over_tables_percent"] = round((job.bytes * 8 / job.table_bits - 1) * 100, 4)
    return {"coder": job.name, **speeds, "bytes": job.bytes, **excess}


def short_streams() -> list[dict[str, Any]]:
    """Streams of about 5 kB: bytes beyond the ideal cost of the table, mean and worst of 50."""
    out = []
    for width, bits in ((32, 14), (64, 24)):
        beyond = []
        for seed in range(50):
            symbols = np.clip(np.random.default_rng(seed).normal(128, 4, 9700), 0, 255).astype(np.uint8)
            tables = Tables.from_counts(np.bincount(symbols, minlength=256), bits)
            beyond.append(len(RansEncoder(width).push(symbols, tables).finish()) - cost_bits(symbols, tables) / 8)
        out.append({"width": width, "mean": round(statistics.mean(beyond), 1), "worst": round(max(beyond), 1)})
    return out


def show(report: dict[str, Any]) -> None:
    """The report as text."""
    for part, base, title in (
        ("static", "zstd -1", "bytes, one table"),
        ("gaussian", "constriction ANS", "integers, 64 Gaussian tables by index"),
    ):
        rows = report[part]
        against = next((r for r in rows if r["coder"] == base), None)
        print(f"\n{report['symbols'] / 1e6:g} M {title}; Msym/s best (median); x = times {base}")
        for r in rows:
            ratio = {
                way: f"{r[f'{way}_best'] / against[f'{way}_best']:6.2f} x" if against else "" for way in ("encode", "decode")
            }
            line = "  ".join(
                f"{way} {r[f'{way}_best']:7.1f} ({r[f'{way}_median']:7.1f}) {ratio[way]}" for way in ("encode", "decode")
            )
            size = f"entropy {r['over_entropy_percent']:+.4f} %"
            if "over_tables_percent" in r:
                size += f", tables {r['over_tables_percent']:+.4f} %"
            print(f"  {r['coder']:42s} {line}  {r['bytes']:9d} bytes {size}")
    print()
    for r in report["short"]:
        print(f"5 kB streams, R{r['width']}: {r['mean']} bytes beyond ideal, worst {r['worst']}")
    for note in report["notes"]:
        print(note)


if __name__ == "__main__":
    main()
