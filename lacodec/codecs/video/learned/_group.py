"""A group of frames in one stream: vectors, hyper-latents and latents of each frame, after those of the frame before.

    frame before --vectors--> moved --analysis (exact)--> latents foreseen --synthesis (exact)--> moved frame, less what is beside
    hyper-latents --entropy networks (exact)--> means and scales of latents, step by step --+
    latents foreseen -----------------------------------------------------------------------+--> `_latent_kernel` --> latents
    latents --synthesis (exact)--> picture, plus what is beside --> frame

So latents that are as foreseen give the moved frame itself, and nothing is lost from frame to frame. The first frame has no
vectors and nothing foreseen. Frames are the same on every machine.

stream = u8 by how much the first frame's quality is ahead, the range coder's bytes
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lacodec.codecs.image.learned.latents import hyper_size, latent_count
from lacodec.codecs.video.learned._colour import luma_of, pixels_of, planes_of
from lacodec.codecs.video.learned._latent_kernel import MOST, PAD, code_step, code_whole
from lacodec.codecs.video.learned._motion_kernel import BLOCK, MARGIN, code_vectors, moved, phases, search
from lacodec.codecs.video.learned._state import State, new_state
from lacodec.entropy.mixing import HIGH, POSITION, READ_AHEAD
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report
from lacodec.media.video.value import Form
from lacodec.models.exact import exactly
from lacodec.models.image.entropy import Part as Step
from lacodec.models.image.fixed import FixedTransforms
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import PATCH, distortion_weight, level_of
from lacodec.models.threads import one_thread

_VECTOR_PRICE = 2.0
_PRICE = 1.0  # of a bit, when latents are rounded: 1.5 is worse
_AHEAD = 10  # of a group's first frame, on which all others build; fewer in short groups
_QUALITIES = 99
_FURTHEST = 4096  # sixteenths of a gray level from the middle
_ROOM = 1 << 16  # bytes of a stream beside those that samples may take
_SMALL = 1 << 17  # pixels of a frame, up to which a second thread makes torch slower


@dataclass(frozen=True)
class Manner:
    """How the frames of a video are coded. t: quality from 0 to 1. chroma: colour differences count so many times."""

    network: ImageModel
    form: Form
    t: float
    chroma: float


class _Quality:
    """What depends on a quality t from 0 to 1."""

    def __init__(self, network: ImageModel, t: float) -> None:
        self.t, self.fixed = t, FixedTransforms(network, t)
        self.level = torch.tensor([level_of(1 + 99 * t)])
        with exactly(torch.device("cpu")):
            part = network.entropy.hyper_part(self.level, (1, network.options.hyper_latents, 1, 1))
        self.hyper_levels = part.scales.numpy().reshape(-1).astype(np.uint8)


@dataclass
class _Past:
    """What is left of a frame for the one after it. hyper: int32[h / 4, w / 4, hyper_latents]; the others as in `code_step`."""

    hyper: np.ndarray
    sizes: np.ndarray
    sums: np.ndarray
    vectors: np.ndarray
    pixels: np.ndarray  # int32[3, 16 h, 16 w]


@dataclass(frozen=True)
class _Foreseen:
    """What is known of a frame before its latents: vectors, the latents of the moved frame before, int32[h, w, latents].

    beside: int32[3, 16 h, 16 w], what the moved frame has beside the synthesis of these latents.
    """

    vectors: np.ndarray
    latents: np.ndarray
    beside: np.ndarray


def encode_group(planes: Sequence[np.ndarray], manner: Manner, report: Report) -> tuple[bytes, list[np.ndarray]]:
    """(stream, the planes as they will decode) of planes [frames, height, width]."""
    form = manner.form
    ahead = min(len(planes[0]) - 1, _AHEAD)
    frames = _frames(manner, ahead, np.zeros(len(planes[0]) * form.frame_size * 2 + _ROOM, np.uint8), decoding=False)
    found = []
    with _torch_threads(form):
        for t in range(len(planes[0])):
            found.append(frames.encode([plane[t] for plane in planes]))
            report(form.frame_size)
    return bytes([ahead]) + frames.stream(), [np.stack(list(plane)) for plane in zip(*found, strict=True)]


def decode_group(stream: bytes, count: int, manner: Manner, report: Report) -> list[np.ndarray]:
    """The planes of so many frames; raises CorruptFile."""
    if not stream or stream[0] > _QUALITIES:
        raise CorruptFile("its stream has no valid beginning")
    frames, found = _frames(manner, stream[0], np.frombuffer(stream[1:], np.uint8).copy(), decoding=True), []
    with _torch_threads(manner.form):
        for _ in range(count):
            found.append(frames.decode())
            report(manner.form.frame_size)
    frames.finish()
    return [np.stack(list(plane)) for plane in zip(*found, strict=True)]


def _torch_threads(form: Form) -> AbstractContextManager[None]:
    return one_thread() if form.width * form.height <= _SMALL else nullcontext()


def _frames(manner: Manner, ahead: int, stream: np.ndarray, decoding: bool) -> "Frames":
    options = manner.network.options
    return Frames(manner, ahead, new_state(options.latents, options.family, stream, decoding), decoding)


class Frames:
    """Codes one frame after another. ahead: by how much the first one is better, in 99ths of all qualities."""

    def __init__(self, manner: Manner, ahead: int, state: State, decoding: bool) -> None:
        self._manner, self._decoding, self._state = manner, int(decoding), state
        self._size = latent_count(manner.form.height), latent_count(manner.form.width)
        self._past: _Past | None = None
        self._at = _Quality(manner.network, min(manner.t + ahead / _QUALITIES, 1.0))

    def stream(self) -> bytes:
        """What an encoder wrote."""
        registers = self._state.registers
        data = self._state.stream[: int(registers[POSITION])].tobytes()
        return data + (int(registers[HIGH]) >> 16).to_bytes(2, "big")

    def finish(self) -> None:
        """Of a decoder: everything must have been read."""
        if int(self._state.registers[POSITION]) != len(self._state.stream) + READ_AHEAD - 1:
            raise CorruptFile("its stream does not end with its last frame")

    def encode(self, planes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Code a frame; the planes as they will decode."""
        manner = self._manner
        network, pixels = manner.network, pixels_of(planes, manner.form, manner.chroma)
        foreseen = self._foreseen(None if self._past is None else self._found_vectors(pixels))
        pixels = pixels - foreseen.beside.astype(np.float32) / 16
        with exactly(torch.device("cpu")):
            latents = network.analysis(torch.from_numpy(pixels)[None], torch.tensor([self._at.t]))
            hyper = self._no_hyper()
            if network.hyper_analysis is not None:
                padded = torch.nn.functional.pad(latents, (0, -self._size[1] % 4, 0, -self._size[0] % 4))
                whole = torch.floor(network.hyper_analysis(padded)[0] + 0.5).clamp(-MOST, MOST)
                hyper = _last(whole).astype(np.int32)
        return self._code(_last(latents[0]), hyper, foreseen)

    def decode(self) -> list[np.ndarray]:
        """The planes of the next frame."""
        if int(self._state.registers[POSITION]) > len(self._state.stream) + READ_AHEAD:
            raise CorruptFile("its stream ends before its last frame")
        latents = np.zeros((*self._size, self._manner.network.options.latents), np.float32)
        vectors = None if self._past is None else np.zeros(self._grid(), np.int16)
        return self._code(latents, self._no_hyper(), self._foreseen(vectors))

    def _foreseen(self, vectors: np.ndarray | None) -> _Foreseen:
        """Code the vectors, or decode into them; what they make of the frame before."""
        past = self._past
        if past is None or vectors is None:
            shape = (*self._size, self._manner.network.options.latents)
            nothing = np.zeros((3, self._size[0] * PATCH, self._size[1] * PATCH), np.int32)
            return _Foreseen(np.zeros(self._grid(), np.int16), np.zeros(shape, np.int32), nothing)
        if code_vectors(self._state, self._decoding, vectors):
            raise CorruptFile("it holds a vector that no encoder produces")
        shifted = np.zeros_like(past.pixels)
        moved(np.pad(past.pixels, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), "edge"), vectors, shifted)
        latents = self._at.fixed.analysis(shifted)
        return _Foreseen(vectors, _last(latents), shifted - self._at.fixed.synthesis(latents))

    def _code(self, latents: np.ndarray, hyper: np.ndarray, foreseen: _Foreseen) -> list[np.ndarray]:
        """Code, or decode where the arguments are empty."""
        past = self._past
        before = np.zeros_like(hyper) if past is None else past.hyper
        if code_whole(self._state, self._decoding, self._at.hyper_levels, before, hyper):
            raise CorruptFile("it holds a hyper-latent that no encoder produces")
        values, sizes, sums = self._code_latents(latents, hyper, foreseen.latents)
        pixels = self._at.fixed.synthesis(np.ascontiguousarray(values.transpose(2, 0, 1))) + foreseen.beside
        pixels = np.clip(pixels, -_FURTHEST, _FURTHEST)
        self._past = _Past(hyper, sizes, sums, foreseen.vectors, pixels)
        if self._at.t != self._manner.t:
            self._at = _Quality(self._manner.network, self._manner.t)
        return planes_of(pixels, self._manner.form, self._manner.chroma)

    def _code_latents(
        self, latents: np.ndarray, hyper: np.ndarray, foreseen: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        past, (height, width, channels) = self._past, latents.shape
        values, means, scales = (np.zeros(latents.shape, np.int32) for _ in range(3))
        sizes = np.zeros((height + 2 * PAD, width + 2 * PAD, channels), np.uint8)
        sums = np.zeros((3, height + 2, width + 2), np.int32)
        sizes_before = np.zeros_like(sizes) if past is None else past.sizes
        sums_before = np.zeros_like(sums) if past is None else past.sums
        bad = 0

        def code(parts: list[Step]) -> list[Tensor]:
            nonlocal bad
            jobs = np.array([(p.channels.start, p.channels.stop, p.row, p.column) for p in parts], np.int64)
            for part in parts:
                place = slice(part.row, None, 2), slice(part.column, None, 2), part.channels
                means[place], scales[place] = _last(part.means[0]), _last(part.scales[0])
            bad |= code_step(
                self._state, jobs, self._decoding, int(past is not None), _PRICE, means, scales, foreseen, latents, values,
                sizes, sizes_before, sums, sums_before,
            )  # fmt: skip
            known = torch.from_numpy(values.transpose(2, 0, 1).astype(np.float32))[None]
            return [part.of(known) for part in parts]

        with exactly(torch.device("cpu")):
            z = torch.from_numpy(hyper.transpose(2, 0, 1).astype(np.float32))[None]
            self._manner.network.entropy.walk(z, self._at.level, self._size, code)
        if bad:
            raise CorruptFile("it holds a latent that no encoder produces")
        return values, sizes, sums

    def _found_vectors(self, pixels: np.ndarray) -> np.ndarray:
        """Of the frame before, improved for this one."""
        assert self._past is not None
        now = np.rint((pixels - 127.5) * 16).astype(np.int32)
        plane = luma_of(now).astype(np.int16)
        padded = np.pad(luma_of(self._past.pixels), MARGIN + 3, "edge")
        phased = np.zeros((4, 4, *padded.shape), np.int16)
        phases(padded, phased)
        inner = np.ascontiguousarray(phased[:, :, 3:-3, 3:-3])
        vectors = self._past.vectors.copy()
        price = _VECTOR_PRICE * distortion_weight(self._manner.network.options, self._at.t) ** -0.5
        search(plane, inner, price, vectors)
        return vectors

    def _no_hyper(self) -> np.ndarray:
        return np.zeros((*hyper_size(self._size), self._manner.network.options.hyper_latents), np.int32)

    def _grid(self) -> tuple[int, int, int]:
        """Of vectors."""
        return self._size[0] * PATCH // BLOCK, self._size[1] * PATCH // BLOCK, 2


def _last(x: Tensor | np.ndarray) -> np.ndarray:
    """[c, h, w] -> [h, w, c], contiguous."""
    found = x if isinstance(x, np.ndarray) else x.numpy()
    return np.ascontiguousarray(found.transpose(1, 2, 0))
