"""Training of codecs `image.walloc` and `audio.walloc`: main components of a wavelet packet's bands, and the decoder for them.

pictures or sound --analyse--> bands --covariance--> components --steps, rounding--> latents --least squares--> decoder
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lacodec.errors import BadInput, LacodecError
from lacodec.models.walloc.packet import analyse
from lacodec.models.walloc.transform import KINDS, UNIT, Floats, Transform, steps_of
from lacodec.training.options import says

_CROP = {"picture": 256, "sound": 1 << 17}
_RIDGE = 1e-4  # of the latents' mean square
_LEVELS = {"picture": 4, "sound": 8}


@dataclass(frozen=True)
class WallocOptions:
    """Raises BadInput."""

    kind: str = says("picture", "what is learned from: picture or sound", "KIND")
    levels: int | None = says(None, "levels of the wavelet packet (default: 4 of pictures, 8 of sound)")
    reduction: float = says(16.0, "values of the input for each of the latents", "X")
    step: float = says(40.0, "of latents: for pictures in levels of 255, for sound in thousandths", "X")
    crops: int = says(2, "crops of each file, of 256x256 pixels or three seconds")
    seed: int = says(0, "of the crops' places")

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"kind must be {' or '.join(KINDS)}, not {self.kind!r}")
        if not (self.reduction >= 1 and self.step > 0 and self.crops >= 1 and (self.levels is None or 1 <= self.levels <= 8)):
            raise BadInput("reduction, step and crops must be positive, levels from 1 to 8")


def train(paths: list[Path], options: WallocOptions) -> Transform:
    """The transform for the pictures or the sound in files."""
    levels = options.levels or _LEVELS[options.kind]
    crops = _crops(paths, options, np.random.default_rng(options.seed))
    bands = [part.reshape(len(part), -1) for part in (analyse(crop, levels) for crop in crops)]
    if not bands:
        raise BadInput(f"no {options.kind} of at least {_CROP[options.kind]} values a side was found")
    rows = np.concatenate(bands, axis=1)
    _, axes = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    kept = max(1, round(len(rows) / options.reduction))
    encoder = (axes[:, ::-1][:, :kept].T / (options.step * (1e-3 if options.kind == "sound" else 1))).astype(np.float16)
    draft = Transform(options.kind, levels, encoder.astype(np.float32), encoder.T.astype(np.float32))
    again = _crops(paths, options, np.random.default_rng(options.seed))
    known = np.concatenate([steps_of(draft.latents(crop, UNIT)[0]).reshape(kept, -1) for crop in again], axis=1)
    moment = (known @ known.T).astype(np.float64)
    moment += _RIDGE * np.trace(moment) / kept * np.eye(kept)
    decoder = np.linalg.solve(moment, (known @ rows.T).astype(np.float64)).T
    return Transform(options.kind, levels, draft.encoder, decoder.astype(np.float16).astype(np.float32))


def _crops(paths: list[Path], options: WallocOptions, rng: np.random.Generator) -> Iterator[Floats]:
    side = _CROP[options.kind]
    for path in paths:
        try:
            values = (picture_of if options.kind == "picture" else sound_of)(path)
        except (LacodecError, OSError):
            continue
        if min(values.shape[1:]) < side:
            continue
        for _ in range(options.crops):
            places = (slice(at, at + side) for at in (int(rng.integers(size - side + 1)) for size in values.shape[1:]))
            yield values[(slice(None), *places)]


def picture_of(path: Path) -> Floats:
    """f32[3, height, width], less 128."""
    from lacodec.training.pictures import read_rgb

    return read_rgb(path).transpose(2, 0, 1).astype(np.float32) - 128


def sound_of(path: Path) -> Floats:
    """f32[2, samples], one channel twice; peak 1/2."""
    import soundfile

    try:
        samples = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    except soundfile.LibsndfileError as error:
        raise BadInput(f"{path}: cannot be read as sound ({error})") from error
    both = samples[[0, -1]]
    return both / max(1e-6, 2 * float(np.abs(both).max(initial=0)))
