"""Where an image.learned encoder measures what its latents decode to: a tile, and the neighbours that its pixels depend on."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from lacodec.codecs.image.learned.boxes import Box
from lacodec.codecs.image.learned.tiles import Picture, Place, latents_of
from lacodec.models.exact import exactly
from lacodec.models.image.options import PATCH, distortion_weight
from lacodec.models.image.transforms import reach

_PIECE = 48  # latents a side whose synthesis is differentiated at a time: limits the memory
_PROBE = 16  # latents a side from which curvatures are measured
_CAUTION = 8.0, 4.0  # at qualities 1 and 100
LEAST = 1 / 16
"""Of the mean curvature: what hardly shows is moved no faster."""


class Piece(NamedTuple):
    """A part of a window of latents."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, values: Tensor) -> Tensor:
        """Its share of [..., rows, columns], as far as they go."""
        return values[..., self.top : self.bottom, self.left : self.right]

    def grown(self, halo: int, whole: "Piece") -> "Piece":
        """With what is around it."""
        return Piece(
            max(whole.top, self.top - halo),
            min(whole.bottom, self.bottom + halo),
            max(whole.left, self.left - halo),
            min(whole.right, self.right + halo),
        )

    def within(self, around: "Piece") -> "Piece":
        """Its place in a piece around it."""
        return Piece(self.top - around.top, self.bottom - around.top, self.left - around.left, self.right - around.left)

    def in_pixels(self) -> "Piece":
        """The pixels that its latents stand for."""
        return Piece(*(PATCH * edge for edge in self))

    def middle(self) -> tuple[int, int]:
        """About half of the way."""
        return self.top + (self.bottom - self.top) // 2, self.left + (self.right - self.left) // 2


class Window:
    """A tile and the parts of its neighbours that its pixels depend on; those keep the latents of analysis.

    latents: float32[latents, rows, columns] of the tile, as analysis makes them. price: bits that one unit of squared error is
    worth in regions, as in training; errors around them are weighed accordingly. curvature: of price * error,
    float32[latents, 1, 1] or [latents, rows, columns]. caution: parts of the way, of which the first step goes one: a channel's
    own curvature is less than it has with all others, the more so where most latents are zero.
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
        self._own = Piece((top - y0) // PATCH, -(-(bottom - y0) // PATCH), (left - x0) // PATCH, -(-(right - x0) // PATCH))
        self._whole = Piece(0, self._values.shape[1], 0, self._values.shape[2])
        self.latents = self._own.of(self._values).clone()
        self.caution = _CAUTION[0] + (_CAUTION[1] - _CAUTION[0]) * picture.quality.t
        self.price = distortion_weight(picture.network.options, picture.quality.t) / 3
        self._weights = self._weighed(self._absolute(self._whole))
        self.curvature = self._curvature(latents_of(place))

    def error(self, values: Tensor, differentiate: bool) -> tuple[float, Tensor]:
        """Squared error of the tile's pixels, all channels, and its slope over `values` (zeros if not wanted)."""
        self._own.of(self._values).copy_(values)
        total, slope = 0.0, torch.zeros_like(self._values)
        for piece in self._pieces():
            around = piece.grown(self._halo, self._whole)
            with self._differentiating(differentiate):
                known = around.of(self._values).clone().requires_grad_(differentiate)
                error = self._squared(self._decoded(known, around), around)
                total += float(piece.within(around).in_pixels().of(error.detach()).sum())
                if differentiate:
                    (found,) = torch.autograd.grad(error.sum(), known)
                    piece.of(slope).copy_(piece.within(around).of(found))
        return total, self._own.of(slope)

    def _squared(self, decoded: Tensor, around: "Piece") -> Tensor:
        pixels = around.in_pixels().of(self._pixels)
        error = (decoded[:, : pixels.shape[1], : pixels.shape[2]] - pixels).square()
        if self._weights is not None:
            error = error * _enlarged(around.of(self._weights))[: pixels.shape[1], : pixels.shape[2]]
        return error

    def _pieces(self) -> "Iterator[Piece]":
        """The tile, in parts whose synthesis can be differentiated."""
        own = self._own
        for top, bottom in pairwise(_parts(own.top, own.bottom)):
            for left, right in pairwise(_parts(own.left, own.right)):
                yield Piece(top, bottom, left, right)

    @staticmethod
    @contextmanager
    def _differentiating(differentiate: bool) -> "Iterator[None]":
        with exactly(torch.device("cpu")), torch.inference_mode(False), torch.set_grad_enabled(differentiate):
            yield

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
        return 2 * price * strength.clamp(min=LEAST * float(strength.mean()))[:, None, None]

    def _strength(self, t: float) -> Tensor:
        """float32[latents]: squared change of pixels for a change of one latent by 1, from the answer to random signs."""
        middle, half = self._own.middle(), _PROBE // 2
        near = Piece(max(0, middle[0] - half), middle[0] + half, max(0, middle[1] - half), middle[1] + half)
        with self._differentiating(True):
            values = near.of(self._values).clone().requires_grad_()
            decoded = self._synthesised(values, torch.tensor([t]))
            signs = torch.randint(0, 2, decoded.shape, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0
            (slope,) = torch.autograd.grad((decoded * signs).sum(), values)
        return slope.square().mean((1, 2))

    def _decoded(self, values: Tensor, piece: "Piece") -> Tensor:
        """Pixels of a piece of the window."""
        return self._synthesised(values, self._quality.positions(self._absolute(piece)))

    def _synthesised(self, values: Tensor, t: Tensor) -> Tensor:
        batch = values[None].contiguous(memory_format=torch.channels_last)
        decoded: Tensor = self._network.synthesis(batch, t)[0]
        return decoded

    def _absolute(self, piece: "Piece") -> Box:
        """Latents of the window, as the picture counts them."""
        return self._top + piece.top, self._top + piece.bottom, self._left + piece.left, self._left + piece.right


def _enlarged(values: Tensor) -> Tensor:
    """[rows, columns] of latents -> of pixels."""
    return values.repeat_interleave(PATCH, 0).repeat_interleave(PATCH, 1)


def _parts(start: int, stop: int) -> list[int]:
    """Edges of equal parts of at most _PIECE."""
    count = max(1, -(-(stop - start) // _PIECE))
    return [start + (stop - start) * i // count for i in range(count + 1)]
