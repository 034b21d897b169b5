"""Train the start of the models of codec `bytes`: maps and weights for every effort, and the primer that text models read.

    python tools/train_bytes.py DATA

DATA is a folder with an INFO.tsv (path, bytes, split, details); only files marked train are read. Writes trained.npz and
primer.bin (coded by this codec, effort 4) into lacodec/codecs/bytes/. About three minutes on one core.
"""

import csv
import lzma
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mixing_start import CARRIED, save, start_values
from primer import make_primer

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.bytes.mixed import start as model_start
from lacodec.codecs.bytes.mixed.block import cm_encode
from lacodec.codecs.bytes.mixed.profile import record_stride
from lacodec.codecs.bytes.mixed.setup import Setup, setup
from lacodec.entropy.mixing_state import new_engine

TARGET = Path(model_start.__file__).parent
PIECE = 150_000  # bytes that one model learns from before it starts again


def main() -> None:
    """Train every effort and profile, then code the primer with the results."""
    data = Path(sys.argv[1])
    text = list(_text_pieces(data))
    binary = list(_binary_pieces(data))
    stored = {}
    for effort in range(4, 10):
        for is_text, pieces in ((True, text), (False, binary)):
            print(f"effort {effort} {'text' if is_text else 'binary'}: {len(pieces)} pieces", flush=True)
            name = f"{effort}{'t' if is_text else 'b'}_"
            stored |= {name + key: value for key, value in _train(setup(effort, is_text), pieces).items()}
    save(TARGET / "trained.npz", stored)
    model_start.trained.cache_clear()
    primer = make_primer(b"".join(_books(data)))
    coded = cm_encode(np.frombuffer(primer, np.uint8), 4)
    (TARGET / "primer.bin").write_bytes(len(primer).to_bytes(4, "little") + coded)
    print(f"primer: {len(primer)} bytes, coded {len(coded)}")


def _train(plan: Setup, pieces: list[np.ndarray]) -> dict[str, np.ndarray]:
    carried = None
    for piece in pieces:
        stream = np.zeros(piece.size, np.uint8)
        engine = new_engine(plan.shape(piece.size), stream, decoding=False)
        first = engine.weights.copy()
        if carried is not None:
            for name in CARRIED:
                getattr(engine, name)[:] = getattr(carried, name)
        model = model_start.new_model(plan, engine)
        stride = 1 if plan.text else record_stride(piece, 1024)
        mk.code_bytes(engine, model, piece.copy(), 0, piece.size, stride, True, True)
        carried = engine
    return start_values(carried, first, plan.shape(0))


def _train_files(data: Path, *folders: str) -> Iterator[tuple[Path, bytes]]:
    with (data / "INFO.tsv").open() as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if row["split"] == "train" and row["path"].split("/")[0] in folders:
                content = (data / row["path"]).read_bytes()
                yield Path(row["path"]), lzma.decompress(content) if row["path"].endswith(".xz") else content


def _books(data: Path) -> Iterator[bytes]:
    return (content for path, content in _train_files(data, "text") if "books" in path.name)


def _text_pieces(data: Path) -> Iterator[np.ndarray]:
    """Some pieces of every text, log and table, in random order."""
    rng = random.Random(1)
    pieces = []
    for path, content in _train_files(data, "text", "logs"):
        starts = list(range(0, max(1, len(content) - PIECE // 2), PIECE))
        most = 16 if "books" in path.name else 6
        pieces += [content[a : a + PIECE] for a in rng.sample(starts, min(most, len(starts)))]
    rng.shuffle(pieces)
    return (np.frombuffer(piece, np.uint8) for piece in pieces)


def _binary_pieces(data: Path) -> Iterator[np.ndarray]:
    """Pictures and sound as raw samples, and machine code, byte code and arrays of the installed Python."""
    from PIL import Image

    rng = random.Random(1)
    pictures = [path for path, _ in _train_files(data, "images") if path.suffix in (".jpg", ".png")]
    pieces = []
    for path in rng.sample(pictures, 6):
        picture = Image.open(data / path).convert(rng.choice(("RGB", "L", "1")))
        pieces.append(picture.tobytes()[:PIECE])
    sounds = b"".join(content[44:] for path, content in _train_files(data, "audio") if path.suffix == ".wav")
    pieces += [sounds[:PIECE], sounds[PIECE : 2 * PIECE]]
    libraries = sorted(Path(np.__file__).parent.rglob("*.so"))
    for path in rng.sample(libraries, 5):
        content = path.read_bytes()
        pieces.append(content[len(content) // 4 :][:PIECE])
    compiled = sorted(Path(np.__file__).parent.rglob("*.pyc"))
    pieces.append(b"".join(path.read_bytes() for path in rng.sample(compiled, 12))[:PIECE])
    table = np.zeros(6000, np.dtype([("kind", "<u2"), ("row", "<u2"), ("column", "<u2"), ("style", "<u2"), ("value", "<f8")]))
    table["kind"], table["row"], table["column"] = 0x203, np.arange(6000) // 12, np.arange(6000) % 12
    table["value"] = np.round(np.random.default_rng(1).gamma(2.0, 50.0, 6000), 2)
    pieces.append(table.tobytes())
    rng.shuffle(pieces)
    return (np.frombuffer(piece, np.uint8) for piece in pieces)


if __name__ == "__main__":
    main()
