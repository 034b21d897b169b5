"""Train the start of the models of codec `text`: maps and weights for every effort, primers, and how the encoder tells languages.

    python tools/train_text.py DATA

DATA is a folder with an INFO.tsv (path, bytes, split, details); only files marked train are read (`text_data.py`). Writes
trained.npz, primers.bin and looks.npz into lacodec/codecs/text/. About six minutes on one core.
"""

import io
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from text_data import english, multilingual, pieces, primer_texts

from lacodec.codecs.text import kernel as tk
from lacodec.codecs.text import start as model_start
from lacodec.codecs.text import state
from lacodec.codecs.text.mixer import FINALS
from lacodec.codecs.text.primers import ENGLISH, LOOKS, NAMES, choose_primer, look, packed_primers, parts_of
from lacodec.codecs.text.run import run
from lacodec.codecs.text.setup import EFFORTS, Setup, setup
from lacodec.entropy.mixing_state import aligned_copy

TARGET = Path(model_start.__file__).parent
PIECE = 120_000  # bytes that one model learns from before it starts again
MOST_COUNT = 60  # trained probabilities stay quick to correct
CARRIED = ("maps", "run_maps", "expect_maps", "weights", "final_weights")


def main() -> None:
    """Looks, every effort, then the primers with the results."""
    data = Path(sys.argv[1])
    looks = _looks({"english": english(data), **multilingual(data)})
    _save(TARGET / "looks.npz", {"looks": looks})
    texts = [np.frombuffer(text, np.uint8) for text in primer_texts(data)]
    print("primers:", [text.size for text in texts], flush=True)
    stored: dict[str, np.ndarray] = {}
    for effort in EFFORTS:
        primers = {n: np.concatenate([texts[i] for i in parts_of(n, effort)]) for n in range(ENGLISH, len(NAMES))}
        trained = _train(setup(effort), [np.frombuffer(p, np.uint8) for p in pieces(data, PIECE)], primers, looks)
        stored |= {f"{effort}_{key}": value for key, value in trained.items()}
        print(f"effort {effort} trained", flush=True)
    _save(TARGET / "trained.npz", stored)
    model_start.trained.cache_clear()
    (TARGET / "primers.bin").write_bytes(packed_primers([(text.size, _coded(text)) for text in texts]))
    print(f"primers.bin: {(TARGET / 'primers.bin').stat().st_size} bytes")


def _looks(texts: dict[str, bytes]) -> np.ndarray:
    """int8[primers but none, LOOKS]: 8 log2 of the share of each hashed 3-gram, at least -128."""
    rows = []
    for name in NAMES[ENGLISH:]:
        counts = look(np.frombuffer(texts[name][:4_000_000], np.uint8))
        shares = (counts + 0.2) / (counts.sum() + 0.2 * LOOKS)
        rows.append(np.maximum(np.round(8 * np.log2(shares)), -128).astype(np.int8))
    return np.array(rows)


def _train(plan: Setup, found: list[np.ndarray], primers: dict[int, np.ndarray], looks: np.ndarray) -> dict[str, np.ndarray]:
    carried, ready = None, {}
    first = np.zeros(0, np.int32)
    for piece in found:
        number = choose_primer(piece, looks)
        primer = primers[number]
        bits = plan.line_bits(primer.size + piece.size)
        if (number, bits) not in ready:
            ready.clear()
            coder = state.new_coder(plan, state.untrained(plan), bits, np.zeros(primer.size, np.uint8), decoding=False)
            first = coder.weights.copy()
            ready[number, bits] = model_start.read(primer, coder, state.new_model(plan, bits))
        coder, model = (
            part._replace(**{name: aligned_copy(pool) for name, pool in part._asdict().items() if pool.flags.writeable})
            for part in ready[number, bits]
        )
        coder = coder._replace(stream=np.zeros(piece.size, np.uint8))
        if carried is not None:
            for name in CARRIED:
                getattr(coder, name)[:] = getattr(carried, name)
        whole = np.concatenate([primer, piece])
        tk.code_bytes(coder, model, whole, primer.size, whole.size, True, True)
        carried = coder
    return _mean_start(plan, carried, first)


def _mean_start(plan: Setup, carried, first: np.ndarray) -> dict[str, np.ndarray]:
    sets = carried.weights.reshape(-1, plan.width)
    moved = (sets != first.reshape(sets.shape)).any(1)
    bounds = np.concatenate([[0], np.cumsum(state.weight_sets(plan))])
    weights = [sets[a:b][moved[a:b]].mean(0) for a, b in pairwise(bounds)]
    final = carried.final_weights.reshape(FINALS, 256, -1)[:, :, : len(plan.selectors)]
    rows = (final != final[:, :1]).any(2)
    found = {
        "weights": np.round(np.array(weights) / model_start.WEIGHT_UNIT).astype(np.int16),
        "final": np.round([row[kept].mean(0) for row, kept in zip(final, rows, strict=True)]).astype(np.int32),
    }
    for name, size in (("maps", 256), ("run_maps", 128), ("expect_maps", 128)):
        pool = getattr(carried, name).reshape(-1, size)
        found[name] = (pool >> 16).astype(np.uint16)
        found[f"{name}_counts"] = np.minimum(pool & 1023, MOST_COUNT).astype(np.uint8)
    return found


def _coded(text: np.ndarray) -> bytes:
    plan = setup(model_start.STORED_EFFORT)
    bits = plan.line_bits(text.size)
    coder = state.new_coder(plan, model_start.trained(plan), bits, np.zeros(text.size, np.uint8), decoding=False)
    used = run(coder, state.new_model(plan, bits), text.copy(), 0)
    return coder.stream[:used].tobytes()


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    path.write_bytes(buffer.getvalue())
    print(f"{path.name}: {len(buffer.getvalue())} bytes", flush=True)


if __name__ == "__main__":
    main()
