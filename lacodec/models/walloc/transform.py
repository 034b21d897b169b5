"""`Transform`: pictures or sound <-> small tensors of whole numbers, by a wavelet packet and one matrix each way.

    values --analyse--> N bands --encoder f32[K, N]--> K channels --step, companding--> int8 latents
    latents --levels, step--> K channels --decoder f32[N, K]--> N bands --synthesise--> values

The encoder's matrix has the K main components of the packet's bands in steps of one size; the decoder's is the one with the least
squared error, given what rounding leaves of them. Steps may be larger, by a factor for the whole picture or sound: where much is
left out anyway, fine steps are wasted. Latents decide what is stored. Restored values are computed in single precision and may
differ in the last bit between machines.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import UnsupportedFile
from lacodec.models.walloc.packet import analyse, synthesise

Floats = NDArray[np.float32]
Latents = NDArray[np.int8]

_LINEAR, _GROWTH, _MOST = 40, 1.035, 127
LEVELS = np.concatenate([np.arange(_LINEAR), _LINEAR + np.cumsum(_GROWTH ** np.arange(_MOST + 1 - _LINEAR)) - 1]).astype(
    np.float32
)
"""f32[128]: what a latent from 0 to 127 stands for, in steps: even at first, then growing to 800."""
_ROUNDED = 0.58  # of the way to the next level is still rounded down: zeros are cheap
_EDGES = LEVELS[:-1] + np.float32(_ROUNDED) * np.diff(LEVELS)
UNIT = 16
"""Steps of a file are counted in sixteenths of the model's."""
_MOST_STEP = 8 * UNIT
_NOISE = 0.5  # of what the channels leave out: what rounding may add
_KIND = "walloc"
KINDS = ("picture", "sound")
MOST_LEVELS = 10
_MOST_NUMBERS = 1 << 24


@dataclass(frozen=True, eq=False)
class Transform:
    """kind: of KINDS. levels: of the packet. encoder: f32[K, N], in steps. decoder: f32[N, K]. Raises UnsupportedFile.

    A picture is RGB from 0 to 255, less 128; sound is two channels from -1 to 1.
    """

    kind: str
    levels: int
    encoder: Floats
    decoder: Floats

    def __post_init__(self) -> None:
        bands = 3 * 4**self.levels if self.kind == "picture" else 2 << self.levels
        if not (
            1 <= self.levels <= MOST_LEVELS
            and self.encoder.shape == self.decoder.shape[::-1]
            and self.encoder.shape[1] == bands
            and 1 <= self.encoder.shape[0] <= bands
            and self.encoder.size <= _MOST_NUMBERS
            and np.isfinite(self.encoder).all()
            and np.isfinite(self.decoder).all()
        ):
            raise UnsupportedFile("this model is none of codecs image.walloc and audio.walloc: its axes are impossible")

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "Transform":
        """Of a model file; raises UnsupportedFile."""
        facts, encoder, decoder = (arrays.get(f"{_KIND}.{name}") for name in ("facts", "encoder", "decoder"))
        if facts is None or encoder is None or decoder is None or facts.shape != (2,) or {encoder.ndim, decoder.ndim} != {2}:
            raise UnsupportedFile("this model is none of codecs image.walloc and audio.walloc; give one of lacodec train walloc")
        kind, levels = (int(fact) for fact in facts)
        if not 0 <= kind < len(KINDS) or not 1 <= levels <= MOST_LEVELS or {encoder.dtype, decoder.dtype} != {np.dtype("f2")}:
            raise UnsupportedFile("this model is of a newer kind; update lacodec")
        return cls(KINDS[kind], levels, encoder.astype(np.float32), decoder.astype(np.float32))

    def arrays(self) -> dict[str, Any]:
        """For a model file."""
        facts = np.array([KINDS.index(self.kind), self.levels], np.int32)
        matrices = {"encoder": self.encoder.astype(np.float16), "decoder": self.decoder.astype(np.float16)}
        return {f"{_KIND}.{name}": array for name, array in {"facts": facts, **matrices}.items()}

    @cached_property
    def id(self) -> bytes:
        """SHA-256 of the arrays."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays().items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
        return digest.digest()

    @property
    def channels(self) -> int:
        """K, of the latents."""
        return self.encoder.shape[0]

    @property
    def side(self) -> int:
        """Values along an axis that one latent stands for."""
        return 1 << self.levels

    def latents(self, values: Floats, step: int | None = None) -> tuple[Latents, int]:
        """i8[K, ...] of f32[C, ...], whose ends are repeated up to whole latents, and their step in sixteenths of the model's.

        Unless a step is given it is the one at which rounding adds half as much squared error as the channels leave out, from 1
        to 8 of the model's.
        """
        spread = [(0, 0), *((0, -size % self.side) for size in values.shape[1:])]
        bands = analyse(np.pad(values.astype(np.float32), spread, mode="edge"), self.levels)
        found = self.encoder @ bands.reshape(len(bands), -1)
        step = step or self._step(bands, found)
        sizes = np.searchsorted(_EDGES, np.abs(found) * np.float32(UNIT / step), side="right")
        return np.where(found < 0, -sizes, sizes).astype(np.int8).reshape(self.channels, *bands.shape[1:]), step

    def _step(self, bands: Floats, found: Floats) -> int:
        """In sixteenths; takes the encoder's rows for orthogonal, and rounding for even."""
        sizes = 1 / np.maximum(np.square(self.encoder).sum(axis=1, dtype=np.float64), 1e-30)  # squares of the model's steps
        kept = (np.square(found).sum(axis=1, dtype=np.float64) * sizes).sum()
        missed = max(0.0, np.square(bands).sum(dtype=np.float64) - kept) / max(1, found.shape[1])
        wanted = UNIT * np.sqrt(12 * _NOISE * missed / sizes.sum())
        return int(min(max(UNIT, np.rint(wanted)), _MOST_STEP))

    def values(self, latents: Latents, step: int = UNIT) -> Floats:
        """f32[C, ...], longer than those that were encoded by less than a latent's side; step: in sixteenths of the model's."""
        bands = self.decoder @ steps_of(latents, step).reshape(self.channels, -1)
        return synthesise(bands.reshape(-1, *latents.shape[1:]), self.levels)


def steps_of(latents: Latents, step: int = UNIT) -> Floats:
    """What latents stand for, in steps of the model; step: their own, in sixteenths of that."""
    sizes = LEVELS[np.minimum(np.abs(latents.astype(np.int16)), _MOST)] * np.float32(step / UNIT)
    return np.where(latents < 0, -sizes, sizes)
