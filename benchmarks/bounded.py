"""Error-bounded floats against zfp and SZ3, at equal absolute bounds, in one run, on one thread.

    python benchmarks/bounded.py [FILE ...] [--efforts 5,9] [--bounds 1e-2,1e-4,1e-6] [--repeat 3] [--only NAME] [--json FILE]

FILE: .npy arrays of floats, measured after the synthetic fields. Bounds are shares of a field's range. zfp: fixed accuracy
(zfpy); SZ3: the smallest of its three algorithms (pysz). Speeds in MB/s of processor time, the best of `--repeat` runs. A star
marks a bound at which a peer is smaller.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.columns.bounded import decode_bounded, encode_bounded

Array = np.ndarray
Coder = tuple[Callable[[], Any], Callable[[Any], Array]]


def main() -> None:
    """Measure, print, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--efforts", default="5,9")
    parser.add_argument("--bounds", default="1e-2,1e-3,1e-4,1e-5,1e-6")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    efforts = [int(effort) for effort in arguments.efforts.split(",")]
    rows = []
    for name, field in fields(arguments.files):
        if arguments.only not in name:
            continue
        for share in map(float, arguments.bounds.split(",")):
            bound = share * (float(np.nanmax(field)) - float(np.nanmin(field)))
            row = {"field": name, "share": share, "raw": field.nbytes, **_measured(field, bound, efforts, arguments.repeat)}
            rows.append(row)
            _print(row, efforts)
    _summary(rows, efforts)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def fields(files: list[Path]) -> Iterator[tuple[str, Array]]:
    """(name, field): smooth ones of one, two and three axes, and those of the files."""
    for dimensions, shape in (("1-D", (1 << 18,)), ("2-D", (512, 512)), ("3-D", (64, 64, 64))):
        high = {1: 300.0, 2: 6.0, 3: 3.0}[len(shape)]
        yield f"{dimensions} waves f4", waves(shape, high).astype(np.float32)
        yield f"{dimensions} blobs f8", blobs(shape)
        yield f"{dimensions} k^-5/3 f4", spectrum(shape, 5 / 3).astype(np.float32)
        yield f"{dimensions} k^-3 f4", spectrum(shape, 3).astype(np.float32)
        yield f"{dimensions} smoothed noise f4", smoothed(shape, 3.0).astype(np.float32)
        yield f"{dimensions} waves and noise f4", (waves(shape, high) + 0.003 * _random().normal(size=shape)).astype(np.float32)
    yield "3-D k^-11/3 f4, 128", spectrum((128, 128, 128), 11 / 3).astype(np.float32)
    for path in files:
        yield path.stem, np.load(path)


def waves(shape: tuple[int, ...], high: float) -> Array:
    """A sum of plane waves with up to `high` periods."""
    random, grid, out = _random(), _grid(shape), np.zeros(shape)
    for _ in range(12):
        turns = random.uniform(-high, high, len(shape)) * 2 * np.pi
        phase = sum(turn * axis for turn, axis in zip(turns, grid, strict=True)) + random.uniform(0, 2 * np.pi)
        out += random.uniform(0.2, 1) * np.sin(phase)
    return out


def blobs(shape: tuple[int, ...]) -> Array:
    """A sum of Gaussian blobs."""
    random, grid, out = _random(), _grid(shape), np.zeros(shape)
    for _ in range(20):
        centre, width = random.uniform(0, 1, len(shape)), random.uniform(0.02, 0.2)
        out += random.uniform(-1, 1) * np.exp(-sum((a - c) ** 2 for a, c in zip(grid, centre, strict=True)) / (2 * width**2))
    return out


def spectrum(shape: tuple[int, ...], slope: float) -> Array:
    """A random field whose energy falls with the wave number to the power -slope, as turbulence does."""
    square = _wave_numbers(shape)
    square.flat[0] = 1
    amplitude = square ** (-(slope + len(shape) - 1) / 4)
    amplitude.flat[0] = 0
    return _from_noise(amplitude, shape)


def smoothed(shape: tuple[int, ...], width: float) -> Array:
    """Noise after a Gaussian of that width, in points."""
    scales = [2 * np.pi / n for n in shape]
    return _from_noise(np.exp(-_wave_numbers(shape, scales) * width**2 / 2), shape)


def _random() -> np.random.Generator:
    return np.random.default_rng(2026)


def _grid(shape: tuple[int, ...]) -> list[Array]:
    return np.meshgrid(*[np.linspace(0, 1, n) for n in shape], indexing="ij", sparse=True)


def _wave_numbers(shape: tuple[int, ...], scales: list[float] | None = None) -> Array:
    """Squares of wave numbers, as rfftn has them."""
    each = [np.fft.fftfreq(n) * n for n in shape[:-1]] + [np.arange(shape[-1] // 2 + 1.0)]
    scaled = [k * s for k, s in zip(each, scales or [1.0] * len(shape), strict=True)]
    return np.asarray(sum(axis**2 for axis in np.meshgrid(*scaled, indexing="ij")))


def _from_noise(amplitude: Array, shape: tuple[int, ...]) -> Array:
    random = _random()
    waves = amplitude * (random.normal(size=amplitude.shape) + 1j * random.normal(size=amplitude.shape))
    field = np.fft.irfftn(waves, shape, axes=range(len(shape)))
    return field / field.std()


def _measured(field: Array, bound: float, efforts: list[int], repeat: int) -> dict[str, tuple[int, float, float]]:
    coders: dict[str, list[Coder]] = {f"effort {effort}": [_ours(field, bound, effort)] for effort in efforts}
    coders |= {"zfp": _zfp(field, bound), "sz3": _sz3(field, bound)}
    out = {}
    for name, some in coders.items():
        found = [_run(field, bound, coder, repeat) for coder in some]
        if found:
            out[name] = min(found)
    return out


def _run(field: Array, bound: float, coder: Coder, repeat: int) -> tuple[int, float, float]:
    """(bytes, MB/s of encoding, MB/s of decoding), after a check of the bound."""
    encode, decode = coder
    data = encode()
    decoded = decode(data)
    known = np.isfinite(field)
    error = np.abs(decoded.reshape(field.shape)[known].astype(np.float64) - field[known]).max(initial=0)
    if error > bound * (1 + 1e-6):
        print(f"bound {bound:g} broken: {error:g}")
    encoding, decoding = (_seconds(encode, repeat), _seconds(lambda: decode(data), repeat))
    size = data.nbytes if isinstance(data, np.ndarray) else len(data)
    return size, field.nbytes / encoding / 1e6, field.nbytes / decoding / 1e6


def _seconds(run: Callable[[], Any], repeat: int) -> float:
    best = math.inf
    for _ in range(repeat):
        begin = time.process_time()
        run()
        best = min(best, time.process_time() - begin)
    return best


def _ours(field: Array, bound: float, effort: int) -> Coder:
    wanted = Bound(absolute=bound)
    return lambda: encode_bounded(field, wanted, effort=effort), lambda data: decode_bounded(data, field.dtype, field.shape)


def _zfp(field: Array, bound: float) -> list[Coder]:
    try:
        import zfpy
    except ImportError:
        return []
    return [(lambda: zfpy.compress_numpy(field, tolerance=bound), zfpy.decompress_numpy)]


def _sz3(field: Array, bound: float) -> list[Coder]:
    try:
        from pysz import sz, szAlgorithm, szConfig, szErrorBoundMode
    except ImportError:
        return []
    coders: list[Coder] = []
    for algorithm in (szAlgorithm.INTERP_LORENZO, szAlgorithm.INTERP, szAlgorithm.LORENZO_REG):
        config = szConfig(field.shape)
        config.errorBoundMode, config.absErrorBound, config.cmprAlgo = szErrorBoundMode.ABS, bound, algorithm
        coders.append(
            (
                lambda config=config: sz.compress(field, config)[0],  # type: ignore[misc]
                lambda data: sz.decompress(data, field.dtype, field.shape)[0],
            )
        )
    return coders


def _print(row: dict[str, Any], efforts: list[int]) -> None:
    peers = [row[name][0] for name in ("zfp", "sz3") if name in row]
    star = "*" if peers and row[f"effort {efforts[0]}"][0] > min(peers) else " "
    text = "".join(
        f"  {name} {row[name][0]:8} ({row[name][1]:4.0f}/{row[name][2]:5.0f})"
        for name in (*(f"effort {effort}" for effort in efforts), "zfp", "sz3")
        if name in row
    )
    print(f"{row['field']:26}{row['share']:8g}{star}{text}", flush=True)


def _summary(rows: list[dict[str, Any]], efforts: list[int]) -> None:
    for effort in efforts:
        for peer in ("zfp", "sz3"):
            some = [(row[f"effort {effort}"][0], row[peer][0]) for row in rows if peer in row]
            if some:
                mean = math.exp(sum(math.log(ours / theirs) for ours, theirs in some) / len(some))
                share = sum(ours for ours, _ in some) / sum(theirs for _, theirs in some)
                worst = max(ours / theirs for ours, theirs in some)
                print(
                    f"effort {effort} / {peer}: {share:.3f} of all bytes, {mean:.3f} in the geometric mean, {worst:.3f} at most"
                )
        taken = [sum(row["raw"] / row[f"effort {effort}"][k] for row in rows) for k in (1, 2)]
        raw = sum(row["raw"] for row in rows)
        print(f"effort {effort}: {raw / taken[0]:.0f} MB/s encoding, {raw / taken[1]:.0f} MB/s decoding")


if __name__ == "__main__":
    main()
