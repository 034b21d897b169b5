"""Sets of pictures of codec `image.pc`, coded with the tiny circuit in `circuit-model.npz`."""

from pathlib import Path

import numpy as np

from tools.golden import FOLDER

CODEC = "image.pc"
WANTED = [("chunk40", "marks"), ("chunk100", "marks"), ("chunk40", "strange"), ("chunk40", "bright")]
MODEL = FOLDER / "circuit-model.npz"


def content(name: str) -> bytes:
    """The pixels of uint8[90, 5, 4]: marks, noise, and noise with values that the circuit does not have."""
    from tests.circuits import marks

    pixels = marks(90)
    if name != "marks":
        pixels = (np.arange(pixels.size, dtype=np.uint32) * 2654435761 >> 24).reshape(pixels.shape) % (
            8 if name == "strange" else 256
        )
    return pixels.astype(np.uint8).tobytes()


def make(setting: str, name: str) -> bytes:
    """The pictures, so many in a chunk."""
    import lacodec

    return lacodec.encode(
        np.frombuffer(content(name), np.uint8).reshape(90, 5, 4),
        "image.pc",
        model=str(MODEL),
        chunk=int(setting.removeprefix("chunk")),
    )


def exact(setting: str, name: str) -> bool:
    """All whole numbers."""
    return True


def restored(path: Path) -> bytes:
    """The pixels."""
    import lacodec

    return lacodec.decode(path).tobytes()


def make_model() -> None:
    """Write the circuit, which was made once."""
    from tests.circuits import circuit

    np.savez_compressed(MODEL, **circuit().arrays())
