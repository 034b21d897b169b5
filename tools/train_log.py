"""Train the start of the line model of codec `log`: maps and weights for efforts 7 to 9.

    python tools/train_log.py DATA

DATA is a folder with the logs of `TRAINING`, which are marked for training and under Apache-2.0; all else is made up
(`log_samples.py`). Writes trained.npz into lacodec/codecs/log/mixed/. About a minute on one core.
"""

import lzma
import random
import sys
from pathlib import Path

import numpy as np
from log_samples import samples
from mixing_start import CARRIED, save, start_values

from lacodec.codecs.log.mixed import start as model_start
from lacodec.codecs.log.mixed.block import EFFORTS
from lacodec.codecs.log.mixed.kernel import code_lines
from lacodec.codecs.log.mixed.setup import Setup, setup

TARGET = Path(model_start.__file__).parent / "trained.npz"
TRAINING = ("logs/elastic_apache_access_2.4MB.log.xz", "logs/ml_training_1.9MB.log.xz")
PIECE = 100_000  # bytes that one model learns from before it starts again


def main() -> None:
    """Train every effort."""
    pieces = training_pieces(Path(sys.argv[1]))
    stored = {}
    for effort in EFFORTS:
        stored |= {f"{effort}_{key}": value for key, value in _train(setup(effort), pieces).items()}
        print(f"effort {effort}: {len(pieces)} pieces", flush=True)
    save(TARGET, stored)


def training_pieces(data: Path) -> list[bytes]:
    """Two pieces of each real log, one of each format, in random order."""
    pieces = [log for _, log in samples(1, PIECE)]
    for name in TRAINING:
        content = lzma.decompress((data / name).read_bytes())
        pieces += [content[begin : begin + PIECE] for begin in (len(content) // 4, len(content) // 2)]
    random.Random(1).shuffle(pieces)
    return pieces


def _train(plan: Setup, pieces: list[bytes]) -> dict[str, np.ndarray]:
    carried = None
    for piece in pieces:
        data = np.frombuffer(piece, np.uint8).copy()
        engine, model = model_start.fresh(plan, data.size, np.zeros(data.size, np.uint8), None)
        first = engine.weights.copy()
        if carried is not None:
            for name in CARRIED:
                getattr(engine, name)[:] = getattr(carried, name)
        code_lines(engine, model, data, 0, data.size, True, True)
        carried = engine
    return start_values(carried, first, plan.shape(0))


if __name__ == "__main__":
    main()
