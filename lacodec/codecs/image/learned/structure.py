"""What the encoder measures for a model that was trained for MS-SSIM: that, in units of squared errors as in training."""

import torch
from torch import Tensor
from torch.nn import functional as F

from lacodec.codecs.image.learned.tiles import Picture, Place
from lacodec.codecs.image.learned.window import LEAST, Window
from lacodec.models.image.options import PATCH
from lacodec.models.image.similarity import SIDE, structural

_CAUTION = 12.0  # curvatures change on the way
_TINY = 1e-9
_CHANGE = 0.5  # of latents, from which curvatures are measured


class StructuralWindow(Window):
    """1 - MS-SSIM of a tile, whose neighbours do not count. It has no regions."""

    @staticmethod
    def fits(picture: Picture, place: Place) -> bool:
        """Whether MS-SSIM can be measured: not in small pictures, and not for two qualities at once."""
        top, bottom, left, right = place
        return min(bottom - top, right - left) >= SIDE and not picture.quality.regions

    def __init__(self, picture: Picture, place: Place) -> None:
        super().__init__(picture, place)
        pixels = self._own.in_pixels().of(self._pixels)
        beyond = [-side % PATCH for side in pixels.shape[1:]]
        self._original = F.pad(pixels[None], (0, beyond[1], 0, beyond[0]), mode="replicate")
        self._is_measured, self.caution = False, _CAUTION

    def error(self, values: Tensor, differentiate: bool) -> tuple[float, Tensor]:
        """1 - MS-SSIM of all pixels, on the scale of squared errors, and its slope; the first one finds curvatures, too."""
        total, slope = self._lost(values, differentiate)
        if differentiate and not self._is_measured:
            self.curvature, self._is_measured = self._measured(values, slope), True
        return total, slope

    def _lost(self, values: Tensor, differentiate: bool) -> tuple[float, Tensor]:
        self._own.of(self._values).copy_(values)
        slope = torch.zeros_like(self._values)
        total, found = self._structure(self._tile(), differentiate)
        if differentiate:
            rows, columns = (PATCH * side for side in self._values.shape[1:])
            pull = found.new_zeros((3, rows, columns))
            self._own.in_pixels().of(pull).copy_(found)
            for piece in self._pieces():
                around = piece.grown(self._halo, self._whole)
                with self._differentiating(True):
                    known = around.of(self._values).clone().requires_grad_()
                    decoded = self._decoded(known, around)
                    (found,) = torch.autograd.grad(decoded, known, around.in_pixels().of(pull))
                piece.of(slope).copy_(piece.within(around).of(found))
        return total, self._own.of(slope)

    def _tile(self) -> Tensor:
        """float32[3, 16 rows, 16 columns]."""
        decoded = torch.empty_like(self._original[0])
        for piece in self._pieces():
            around = piece.grown(self._halo, self._whole)
            with self._differentiating(False):
                pixels = self._decoded(around.of(self._values), around)
            piece.within(self._own).in_pixels().of(decoded).copy_(piece.within(around).in_pixels().of(pixels))
        return decoded

    def _structure(self, decoded: Tensor, differentiate: bool) -> tuple[float, Tensor]:
        with self._differentiating(differentiate):
            pixels = decoded.clone().requires_grad_(differentiate)
            total = structural(self._original, pixels[None]).sum() * pixels.numel()
            slope = torch.autograd.grad(total, pixels)[0] if differentiate else decoded
        return float(total.detach()), slope

    def _measured(self, values: Tensor, slope: Tensor) -> Tensor:
        """float32[latents, rows, columns]: of channels times of places, from the answer to a small change of all values."""
        signs = torch.randint(0, 2, values.shape, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0
        answer = self._lost(values + _CHANGE * signs, True)[1] - slope
        found = self.price * answer * signs / _CHANGE
        channels = _raised(found.mean((1, 2), keepdim=True))
        places = (found / channels).mean(0, keepdim=True)
        places = F.avg_pool2d(places[None], 3, 1, 1, count_include_pad=False)[0]
        return channels * _raised(places)


def _raised(curvatures: Tensor) -> Tensor:
    """None of them far below their mean; above zero even if a picture, such as a black one, has no structure."""
    return curvatures.clamp(min=max(_TINY, LEAST * float(curvatures.mean())))
