"""Make the golden files of `image.learned`: a tiny model and pictures coded with it, that every later version must decode.

    python tools/make_golden_learned.py      adds what is missing; never touches a file that exists

`tests/golden/learned-model.npz` holds the model's arrays, `tests/golden/learned-<picture>.lac` the pictures of make_golden_image.
What must stay are the latents (the content hash in each chunk): pixels may differ by one between machines.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.golden import FOLDER, write_missing
from tools.make_golden_image import content

PICTURES = ("photo", "alpha")
MODEL = FOLDER / "learned-model.npz"


def make(name: str) -> bytes:
    """The file."""
    import lacodec

    return lacodec.encode(content(name), "image.learned", model=str(MODEL), quality=70)


def main() -> None:
    """Write the missing ones."""
    if not MODEL.exists():
        from lacodec.models.image.model import pack
        from tests.learned import model

        with tempfile.TemporaryFile() as file:
            np.savez_compressed(file, **pack(model()))
            file.seek(0)
            MODEL.write_bytes(file.read())
    write_missing({f"learned-{name}": partial(make, name) for name in PICTURES})


if __name__ == "__main__":
    main()
