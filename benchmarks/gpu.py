"""Speed of segmented rANS on a CUDA device, beside the CPU's kernels for the same bytes.

    python benchmarks/gpu.py [--symbols 268435456] [--rounds 5] [--threads 1] [--json]

GB/s count decoded bytes (one per symbol, 10**9). On the device, symbols and stream stay there, and times are CUDA events around
the public call: checks, kernels and the few bytes that travel to the host are in, compilation and making the tables are not.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from laconic.entropy.segments import decode_segments, encode_segments
from laconic.entropy.tables import Tables, cost_bits

CPU_SYMBOLS = 1 << 24


def main() -> None:
    """Measure all kinds of data on what is there and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=1 << 28)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    missing = no_device()
    rows = []
    for bits in (12, 14):
        for scale in (0.5, 1.5, 20.0):
            rows.append(measure(bits, scale, options, device=not missing))
    if options.json:
        print(json.dumps({"device": missing or device_name(), "symbols": options.symbols, "rows": rows}, indent=1))
        return
    print(f"GPU: {missing or device_name()}")
    if not missing:
        print(f"{options.symbols} symbols on the device; {min(options.symbols, CPU_SYMBOLS)} on {options.threads} CPU thread(s)")
    print(
        f"{'table':>8} {'bits/symbol':>12} {'over ideal':>11} | {'enc GB/s':>9} {'dec GB/s':>9} | {'CPU enc':>8} {'CPU dec':>8}"
    )
    for row in rows:
        rates = [f"{row[name]:.2f}" if row[name] else "-" for name in ("gpu_encode", "gpu_decode", "cpu_encode", "cpu_decode")]
        shares = f"{row['freq_bits']:>3} bits {row['bits_per_symbol']:>12.3f} {row['over_ideal_percent']:>9.2f} %"
        print(f"{shares} | {rates[0]:>9} {rates[1]:>9} | {rates[2]:>8} {rates[3]:>8}")


def no_device() -> str:
    """Why the kernels cannot run here, or nothing."""
    for name in ("torch", "triton"):
        if not importlib.util.find_spec(name):
            return f"not measured: {name} is not installed"
    import torch

    return "" if torch.cuda.is_available() else "not measured: torch finds no CUDA device"


def device_name() -> str:
    """The device, torch and Triton."""
    import torch
    import triton

    return f"{torch.cuda.get_device_name()}, torch {torch.__version__}, Triton {triton.__version__}"


def measure(freq_bits: int, scale: float, options: argparse.Namespace, device: bool) -> dict[str, Any]:
    """Rates in GB/s for rounded Laplace samples of a scale; 0 where not measured."""
    n = min(options.symbols, CPU_SYMBOLS)
    noise = np.random.default_rng(0).laplace(0, scale, n)
    symbols = np.clip(np.round(noise) + 128, 0, 255).astype(np.uint8)
    tables = Tables.from_counts(np.bincount(symbols, minlength=256), freq_bits)
    stream = encode_segments(symbols, tables)
    row = {
        "freq_bits": freq_bits,
        "bits_per_symbol": 8 * len(stream) / n,
        "over_ideal_percent": 100 * (8 * len(stream) / cost_bits(symbols, tables) - 1),
        "cpu_encode": n / 1e9 / best(lambda: encode_segments(symbols, tables, threads=options.threads), options.rounds),
        "cpu_decode": n / 1e9 / best(lambda: decode_segments(stream, tables, n, threads=options.threads), options.rounds),
        "gpu_encode": 0.0,
        "gpu_decode": 0.0,
    }
    if device:
        row |= on_device(symbols, tables, stream, options)
    return row


def on_device(symbols: Any, tables: Tables, stream: bytes, options: argparse.Namespace) -> dict[str, float]:
    """The two rates of the device, after a check against the CPU's bytes."""
    import torch

    from laconic.entropy import gpu

    ready = gpu.DeviceTables(tables, torch.device("cuda", torch.cuda.current_device()))
    small = torch.from_numpy(symbols).cuda()
    if gpu.encode_segments(small, ready).cpu().numpy().tobytes() != stream:
        raise SystemExit("the device made other bytes than the CPU")
    n = options.symbols
    large = small.repeat(-(-n // len(symbols)))[:n].contiguous()
    coded = gpu.encode_segments(large, ready)
    if not torch.equal(gpu.decode_segments(coded, ready, n), large):
        raise SystemExit("the device decoded other symbols than it encoded")

    def timed(call: Callable[[], Any]) -> float:
        times = []
        for _ in range(options.rounds):
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            call()
            end.record()
            torch.cuda.synchronize()
            times.append(begin.elapsed_time(end) / 1000)
        return min(times)

    encode_time, decode_time = (
        timed(lambda: gpu.encode_segments(large, ready)),
        timed(lambda: gpu.decode_segments(coded, ready, n)),
    )
    return {"gpu_encode": n / 1e9 / encode_time, "gpu_decode": n / 1e9 / decode_time}


def best(call: Callable[[], Any], rounds: int) -> float:
    """Seconds of the fastest of some rounds, the first left out."""
    call()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


if __name__ == "__main__":
    main()
