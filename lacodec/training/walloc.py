"""Training of codecs `image.walloc` and `audio.walloc`: main components of a wavelet packet's bands, and the decoder for them.

pictures or sound --crops, mixes, analyse--> bands --weighted covariance--> components --steps, rounding--> latents
latents, bands --least squares--> decoder

A crop weighs the less, the more of it is left out: so the mean of decibels counts, and not the loudest or the most detailed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput, LacodecError
from lacodec.models.walloc.packet import analyse, synthesise
from lacodec.models.walloc.transform import KINDS, Floats, Transform, steps_of
from lacodec.training.options import says

_CROP = {"picture": 256, "sound": 1 << 17}
_RIDGE = 1e-4  # of the latents' mean square
_LEVELS = {"picture": 4, "sound": 8}
_ROUNDS = 3  # of weighing
_LEAST = 1e-3  # of a crop's energy: what is left out counts for no less
_PARTS, _LOUD, _SIDE = (3, 9), 20.0, 0.7  # of a mix: files, decibels between them at most, how far from the middle


@dataclass(frozen=True)
class WallocOptions:
    """Raises BadInput."""

    kind: str = says("picture", "what is learned from: picture or sound", "KIND")
    levels: int | None = says(None, "levels of the wavelet packet (default: 4 of pictures, 8 of sound)")
    reduction: float = says(16.0, "values of the input for each of the latents", "X")
    step: float = says(40.0, "the finest of latents: for pictures in levels of 255, for sound in thousandths", "X")
    crops: int = says(2, "crops of each file, of 256x256 pixels or three seconds")
    mixes: int = says(0, "further crops, of several sounds at a time, each from a direction of its own")
    seed: int = says(0, "of the crops' places and of mixes")

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"kind must be {' or '.join(KINDS)}, not {self.kind!r}")
        if not (self.reduction >= 1 and self.step > 0 and self.crops >= 1 and (self.levels is None or 1 <= self.levels <= 8)):
            raise BadInput("reduction, step and crops must be positive, levels from 1 to 8")
        if self.mixes < 0 or (self.mixes and self.kind != "sound"):
            raise BadInput("mixes must be 0 or more, and need kind sound")


def train(paths: list[Path], options: WallocOptions) -> Transform:
    """The transform for the pictures or the sound in files."""
    levels = options.levels or _LEVELS[options.kind]
    crops = [analyse(crop, levels) for crop in _crops(paths, options, np.random.default_rng(options.seed))]
    if not crops:
        raise BadInput(f"no {options.kind} of at least {_CROP[options.kind]} values a side was found")
    shape, rows = crops[0].shape, np.concatenate([crop.reshape(len(crop), -1) for crop in crops], axis=1)
    kept = max(1, round(len(rows) / options.reduction))
    axes, weights = _components(rows, len(crops), kept)
    encoder = (axes / (options.step * (1e-3 if options.kind == "sound" else 1))).astype(np.float16).astype(np.float32)
    draft = Transform(options.kind, levels, encoder, encoder.T)
    known = np.concatenate([_restored(draft, bands.reshape(shape)) for bands in np.split(rows, len(crops), axis=1)], axis=1)
    moment = ((known * weights) @ known.T).astype(np.float64)
    moment += _RIDGE * np.trace(moment) / kept * np.eye(kept)
    decoder = np.linalg.solve(moment, ((known * weights) @ rows.T).astype(np.float64)).T
    return Transform(options.kind, levels, encoder, decoder.astype(np.float16).astype(np.float32))


def _components(rows: Floats, crops: int, kept: int) -> tuple[NDArray[np.float64], Floats]:
    """f64[kept, N] of rows f32[N, crops * n], and what each column of the rows weighs."""
    energy = np.square(rows).sum(axis=0).reshape(crops, -1).sum(axis=1) + 1e-9
    missed = energy
    for _ in range(_ROUNDS + 1):
        weights = np.repeat(1 / missed, rows.shape[1] // crops).astype(np.float32)
        axes = np.linalg.eigh(((rows * weights) @ rows.T).astype(np.float64))[1][:, ::-1][:, :kept].T
        found = np.square(axes.astype(np.float32) @ rows).sum(axis=0).reshape(crops, -1).sum(axis=1)
        missed = np.maximum(energy - found, _LEAST * energy)
    return axes, weights


def _restored(draft: Transform, bands: Floats) -> Floats:
    """f32[K, n]: what a decoder knows of the components of a crop, in steps of the model."""
    latents, step = draft.latents(synthesise(bands, draft.levels))
    return steps_of(latents, step).reshape(draft.channels, -1)


def _crops(paths: list[Path], options: WallocOptions, rng: np.random.Generator) -> Iterator[Floats]:
    sounds: list[Floats] = []
    for path in paths:
        try:
            values = (picture_of if options.kind == "picture" else sound_of)(path)
        except (LacodecError, OSError):
            continue
        if options.kind == "picture" and min(values.shape[1:]) < _CROP["picture"]:
            continue
        for _ in range(options.crops):
            yield _crop(values, _CROP[options.kind], rng)
        if options.mixes:
            sounds.append(values)
    for _ in range(options.mixes if sounds else 0):
        yield _mixed(sounds, rng)


def _crop(values: Floats, side: int, rng: np.random.Generator) -> Floats:
    """Silence after what is shorter."""
    values = np.pad(values, [(0, 0), *((0, max(0, side - size)) for size in values.shape[1:])])
    places = (slice(at, at + side) for at in (int(rng.integers(size - side + 1)) for size in values.shape[1:]))
    return values[(slice(None), *places)]


def _mixed(sounds: list[Floats], rng: np.random.Generator) -> Floats:
    """Some sounds with volumes and directions of their own; short ones several times."""
    side = _CROP["sound"]
    mix = np.zeros((2, side), np.float32)
    for which in rng.integers(len(sounds), size=int(rng.integers(*_PARTS))):
        place, sound = rng.uniform(-_SIDE, _SIDE), sounds[which]
        gains = 10 ** (rng.uniform(-_LOUD, 0) / 20) * np.array([[min(1, 1 - place)], [min(1, 1 + place)]])
        for _ in range(1 + side // (3 * max(side // 24, sound.shape[1]))):
            part = _crop(sound, side, rng)
            mix += np.roll(part, int(rng.integers(side)), axis=1) * gains.astype(np.float32)
    return _scaled(mix)


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
    return _scaled(samples[[0, -1]])


def _scaled(sound: Floats) -> Floats:
    return sound / max(1e-6, 2 * float(np.abs(sound).max(initial=0)))
