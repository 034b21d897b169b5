"""Speed of segmented rANS, and of codec `weights`, on a CUDA device, against the CPU's kernels for the same bytes.

    python benchmarks/gpu.py [--symbols 268435456] [--weights 1073741824] [--rounds 5] [--threads 1] [--json]

GB/s count decoded bytes (symbols: one each; weights: the raw values; 10**9). On the device, coded and decoded bytes stay there,
and times are CUDA events around the call: checks, kernels and the few bytes that travel to the host are in, compilation and
making the tables are not. `plan` is the time that the host takes for the tables of all payloads, in GB/s of decoded bytes.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lacodec.entropy.segments import decode_segments, encode_segments
from lacodec.entropy.tables import Tables, cost_bits

CPU_SYMBOLS = 1 << 24
CPU_CHUNKS = 8  # of weights
ROW = 8192  # bytes of a row of weights


def main() -> None:
    """Measure all kinds of data on the available devices and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=1 << 28)
    parser.add_argument("--weights", type=int, default=1 << 30, help="bytes of weights on the device")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    missing = no_device()
    rows = []
    for bits in (12, 14):
        for scale in (0.5, 1.5, 20.0):
            rows.append(measure(bits, scale, options, device=not missing))
    weights = [measure_weights(dtype, options, device=not missing) for dtype in ("BF16", "F32")]
    if options.json:
        sizes = {"symbols": options.symbols, "weights_size": options.weights}
        print(json.dumps({"device": missing or device_name(), **sizes, "rows": rows, "weights": weights}, indent=1))
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
    print(f"\n{'weights':>8} {'coded':>8} | {'dec GB/s':>9} {'plan':>9} | {'CPU dec':>8}")
    for row in weights:
        rates = [f"{row[name]:.2f}" if row[name] else "-" for name in ("gpu_decode", "plan", "cpu_decode")]
        print(f"{row['dtype']:>8} {row['coded_percent']:>6.2f} % | {rates[0]:>9} {rates[1]:>9} | {rates[2]:>8}")


def no_device() -> str:
    """Why the kernels cannot run on this machine, or nothing."""
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

    from lacodec.entropy import gpu

    ready = gpu.DeviceTables(tables, torch.device("cuda", torch.cuda.current_device()))
    small = torch.from_numpy(symbols).cuda()
    if gpu.encode_segments(small, ready).cpu().numpy().tobytes() != stream:
        raise SystemExit("the bytes of the device differ from those of the CPU")
    n = options.symbols
    large = small.repeat(-(-n // len(symbols)))[:n].contiguous()
    coded = gpu.encode_segments(large, ready)
    if not torch.equal(gpu.decode_segments(coded, ready, n), large):
        raise SystemExit("the symbols decoded by the device differ from those it encoded")

    encode_time, decode_time = (
        device_seconds(lambda: gpu.encode_segments(large, ready), options.rounds),
        device_seconds(lambda: gpu.decode_segments(coded, ready, n), options.rounds),
    )
    return {"gpu_encode": n / 1e9 / encode_time, "gpu_decode": n / 1e9 / decode_time}


def measure_weights(dtype: str, options: argparse.Namespace, device: bool) -> dict[str, Any]:
    """Rates in GB/s for normal values, which are coded as a file's chunks are; 0 where not measured. The CPU takes one thread."""
    from lacodec.codecs.weights._chunks import CHUNK, Plan, Run
    from lacodec.codecs.weights._payload import Surroundings, decode_payload, encode_payload

    count = CPU_CHUNKS * CHUNK // (2 if dtype == "BF16" else 4)
    values = np.random.default_rng(0).normal(0, 0.02, count).astype(np.float32).view(np.uint32)
    if dtype == "BF16":
        values = (values >> 16).astype(np.uint16)
    data = values.view(np.uint8)
    parts = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    payloads = [encode_payload(part.data, Plan(0, (Run(dtype, len(part), ROW),)), 5, refuse) for part in parts]
    around = Surroundings(refuse, refuse, refuse)
    seconds = best(lambda: [decode_payload(payload, CHUNK, around) for payload in payloads], options.rounds)
    row = {
        "dtype": dtype,
        "coded_percent": 100 * sum(map(len, payloads)) / len(data),
        "cpu_decode": len(data) / 1e9 / seconds,
        "gpu_decode": 0.0,
        "plan": 0.0,
    }
    return row | (weights_on_device(parts, payloads, options) if device else {})


def weights_on_device(
    parts: list[Any], payloads: list[bytes], options: argparse.Namespace, device: str = "cuda"
) -> dict[str, float]:
    """The device's rates, after a check of its bytes: chunks like these, as many as --weights says."""
    import torch

    from lacodec.codecs.weights._payload import Surroundings
    from lacodec.codecs.weights.gpu import Arena, Plan, Work, add_payload, placed

    size, count = len(parts[0]), max(1, options.weights // len(parts[0]))
    around = Surroundings(refuse, refuse, refuse)
    plan, arena, begin = Plan(), Arena(), time.perf_counter()
    for k in range(count):
        if add_payload(plan, arena, f"chunk {k}", payloads[k % len(payloads)], size, k * size, around) != []:
            raise SystemExit("a payload is not all for the device")
    planned = time.perf_counter() - begin
    coded, out = placed(arena, device), torch.empty(count * size, dtype=torch.uint8, device=device)
    work = Work(plan, device)
    work.run(coded.view(torch.int16), coded, out)
    expected = [torch.from_numpy(part).to(device) for part in parts]
    if not all(torch.equal(out[k * size : (k + 1) * size], expected[k % len(parts)]) for k in range(count)):
        raise SystemExit("the weights decoded by the device differ from those that were encoded")
    seconds = device_seconds(lambda: work.run(coded.view(torch.int16), coded, out), options.rounds)
    return {"gpu_decode": len(out) / 1e9 / seconds, "plan": len(out) / 1e9 / planned}


def refuse(*_: Any) -> Any:
    """For requests that a payload of plain values never makes."""
    raise SystemExit("the payload needs data outside of it")


def device_seconds(call: Callable[[], Any], rounds: int) -> float:
    """Seconds of the fastest of some rounds, by the device's clock."""
    import torch

    times = []
    for _ in range(rounds):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1000)
    return min(times)


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
