"""The search of an image.learned encoder, by effort, for latents that cost less than those of analysis.

    latents --exact networks, rounding--> values --slope of the bits and of the squared error--> moved latents, coded again ...

A step is one of Newton's. The error's slope comes from the real synthesis, so that the errors of neighbours and channels may
cancel; its curvature is that of each channel alone. The slope of the bits is that of the contexts, from the entropy networks in
floating point: the effect of a value on the bits of all later ones. Rounding handles its own bits (`rounding.py`).
Decoders know nothing of it; the best of all visited latents is taken.
"""

from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from lacodec.codecs.image.learned.boxes import Box
from lacodec.codecs.image.learned.latents import Encoder
from lacodec.codecs.image.learned.tiles import Picture, Place, latents_of
from lacodec.models.exact import ExactLayer, exactly
from lacodec.models.image.entropy import EntropyModel
from lacodec.models.image.entropy import Part as Step
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import PATCH, distortion_weight
from lacodec.models.image.rate import bits_of_each
from lacodec.models.image.transforms import reach

STEPS = (0, 0, 0, 1, 2, 3, 5, 8, 16)
"""Of efforts 1 to 9."""
_CAUTION = 4  # parts of the way that the first step goes: a channel's own curvature is less than it has with all others
_FURTHEST = 1.0  # that a step looks
_PIECE = 48  # latents a side whose synthesis is differentiated at a time: limits the memory
_PROBE = 16  # latents a side from which curvatures are measured
_LEAST = 1 / 16  # of the mean curvature: a channel that hardly shows is moved no faster


def searched(picture: Picture, place: Place, effort: int) -> Encoder:
    """The latents of a tile, coded with an effort of 1 to 9."""
    steps = STEPS[effort - 1]
    if not steps:
        return picture.coded(picture.latents(place), place)
    window = _Window(picture, place)
    latents = window.latents
    best, least = None, float("inf")
    for step in range(steps + 1):
        coder = picture.coded(latents, place)
        error, slope = window.error(coder.values, step < steps)
        cost = coder.bits() + window.price * error
        if best is None or cost < least:
            best, least = coder, cost
        if step < steps:
            slope = window.price * slope + _context_slope(picture, coder)
            move = (slope / window.curvature).clamp(-_FURTHEST, _FURTHEST)
            latents = latents + (coder.values - move - latents) / (_CAUTION + step)
    assert best is not None
    return best


class _Window:
    """A tile and the parts of its neighbours that its pixels depend on; those keep the latents of analysis.

    latents: float32[latents, rows, columns] of the tile, as analysis makes them. price: bits that one unit of squared error is
    worth in regions, as in training; errors around them are weighed accordingly. curvature: of price * error,
    float32[latents, 1, 1] or [latents, rows, columns].
    """

    def __init__(self, picture: Picture, place: Place) -> None:
        self._network, self._quality = picture.network, picture.quality
        height, width, channels = picture.pixels.shape
        self._halo = reach(picture.network.options)
        top, bottom, left, right = place
        margin = self._halo * PATCH
        y0, y1 = max(0, top - margin), min(height, bottom + margin)
        x0, x1 = max(0, left - margin), min(width, right + margin)
        self._values = picture.latents((y0, y1, x0, x1)).clone()
        self._top, _, self._left, _ = latents_of((y0, y1, x0, x1))
        pixels = torch.from_numpy(picture.pixels[y0:y1, x0:x1, : channels - (channels in (2, 4))].copy())
        self._pixels = pixels.permute(2, 0, 1).float().expand(3, -1, -1)
        self._rows = range((top - y0) // PATCH, -(-(bottom - y0) // PATCH))
        self._columns = range((left - x0) // PATCH, -(-(right - x0) // PATCH))
        self.latents = self._inner(self._values).clone()
        self.price = distortion_weight(picture.network.options, picture.quality.t) / 3
        rows, columns = self._values.shape[1:]
        self._weights = self._weighed(self._absolute(0, rows, 0, columns))
        self.curvature = self._curvature(latents_of(place))

    def error(self, values: Tensor, differentiate: bool) -> tuple[float, Tensor]:
        """Squared error of the tile's pixels, all channels, and its slope over `values` (zeros if not wanted)."""
        self._inner(self._values).copy_(values)
        total, slope = 0.0, torch.zeros_like(self._values)
        for rows in _pieces(self._rows):
            for columns in _pieces(self._columns):
                part, found = self._piece(rows, columns, differentiate)
                total += part
                slope[:, rows.start : rows.stop, columns.start : columns.stop] = found
        return total, self._inner(slope)

    def _piece(self, rows: range, columns: range, differentiate: bool) -> tuple[float, Tensor | float]:
        height, width = self._values.shape[1:]
        y0, y1 = max(0, rows.start - self._halo), min(height, rows.stop + self._halo)
        x0, x1 = max(0, columns.start - self._halo), min(width, columns.stop + self._halo)
        own = (
            slice((rows.start - y0) * PATCH, (rows.stop - y0) * PATCH),
            slice((columns.start - x0) * PATCH, (columns.stop - x0) * PATCH),
        )
        pixels = self._pixels[:, y0 * PATCH : y1 * PATCH, x0 * PATCH : x1 * PATCH]
        with exactly(torch.device("cpu")), torch.inference_mode(False), torch.set_grad_enabled(differentiate):
            values = self._values[:, y0:y1, x0:x1].clone().requires_grad_(differentiate)
            rest = self._decoded(values, self._quality.positions(self._absolute(y0, y1, x0, x1)))
            error = (rest[:, : pixels.shape[1], : pixels.shape[2]] - pixels).square()
            if self._weights is not None:
                error = error * _enlarged(self._weights[y0:y1, x0:x1])[: pixels.shape[1], : pixels.shape[2]]
            total = float(error.detach()[:, own[0], own[1]].sum())
            if not differentiate:
                return total, 0.0
            (slope,) = torch.autograd.grad(error.sum(), values)
        return total, slope[:, rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0]

    def _weighed(self, window: Box) -> Tensor | None:
        """What squared errors count beside those of regions, float32[rows, columns]; None without regions."""
        if not self._quality.regions:
            return None
        options = self._network.options
        around = distortion_weight(options, self._quality.around) / distortion_weight(options, self._quality.t)
        return torch.where(self._quality.inside(window), 1.0, around)

    def _curvature(self, tile: Box) -> Tensor:
        found = self._curvature_at(self._quality.t)
        if not self._quality.regions:
            return found
        return torch.where(self._quality.inside(tile), found, self._curvature_at(self._quality.around))

    def _curvature_at(self, t: float) -> Tensor:
        strength, price = self._strength(t), distortion_weight(self._network.options, t) / 3
        return 2 * price * strength.clamp(min=_LEAST * float(strength.mean()))[:, None, None]

    def _strength(self, t: float) -> Tensor:
        """float32[latents]: squared change of pixels for a change of one latent by 1, from the answer to random signs."""
        rows, columns = len(self._rows) // 2 + self._rows.start, len(self._columns) // 2 + self._columns.start
        half = _PROBE // 2
        with exactly(torch.device("cpu")), torch.inference_mode(False), torch.enable_grad():
            near = self._values[:, max(0, rows - half) : rows + half, max(0, columns - half) : columns + half]
            near = near.clone().requires_grad_()
            decoded = self._decoded(near, torch.tensor([t]))
            signs = torch.randint(0, 2, decoded.shape, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0
            (slope,) = torch.autograd.grad((decoded * signs).sum(), near)
        return slope.square().mean((1, 2))

    def _decoded(self, values: Tensor, t: Tensor) -> Tensor:
        batch = values[None].contiguous(memory_format=torch.channels_last)
        decoded: Tensor = self._network.synthesis(batch, t)[0]
        return decoded

    def _absolute(self, y0: int, y1: int, x0: int, x1: int) -> Box:
        """Latents of the window, as the picture counts them."""
        return self._top + y0, self._top + y1, self._left + x0, self._left + x1

    def _inner(self, around: Tensor) -> Tensor:
        return around[:, self._rows.start : self._rows.stop, self._columns.start : self._columns.stop]


def _context_slope(picture: Picture, coder: Encoder) -> Tensor:
    """Slope of all bits over the values, except those of a value itself."""
    entropy = _differentiable(picture.network)
    if entropy.steps == 1:
        return torch.zeros_like(coder.values)
    with exactly(torch.device("cpu")), torch.inference_mode(False), torch.enable_grad():
        values = coder.values[None].clone().requires_grad_()
        bits = torch.zeros(())

        def code(parts: list[Step]) -> list[Tensor]:
            nonlocal bits
            for part in parts:
                rest = part.of(values).detach() - part.means / 16
                bits = bits + bits_of_each(rest, part.scales, picture.network.options.family).sum()
            return [part.of(values) * 16 for part in parts]

        entropy.walk(coder.hyper.clone(), coder.level, (values.shape[2], values.shape[3]), code)
        (slope,) = torch.autograd.grad(bits, values)
    return slope[0]


@lru_cache(2)  # networks are large
def _differentiable(network: ImageModel) -> EntropyModel:
    """The exact entropy networks in floating point, not rounded."""
    with torch.device("meta"):
        entropy = EntropyModel(network.options)
    entropy.to_empty(device="cpu")
    for layer, exact in zip(entropy.modules(), network.entropy.modules(), strict=True):
        if isinstance(layer, ExactLayer):
            for name, value in exact.named_buffers(recurse=False):
                layer._put(name, value)
            if hasattr(layer, "thaw"):
                layer.thaw()
    return entropy.eval().requires_grad_(False)


def _enlarged(values: Tensor) -> Tensor:
    """[rows, columns] of latents -> of pixels."""
    return values.repeat_interleave(PATCH, 0).repeat_interleave(PATCH, 1)


def _pieces(whole: range) -> list[range]:
    """Equal parts of at most _PIECE."""
    count = max(1, -(-len(whole) // _PIECE))
    edges = [whole.start + len(whole) * i // count for i in range(count + 1)]
    return [range(start, stop) for start, stop in pairwise(edges)]
