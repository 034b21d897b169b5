"""Ways to ask an entropy network of image.learned the same question: threads, batches, layouts, orders, libraries, precisions."""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lacodec.models.exact import Conv, Mode
from lacodec.models.image.entropy import SCALES, Part
from lacodec.models.image.model import ImageModel


class Asked(nn.Module):
    """An entropy model that records its answers; `batch` others are computed with it."""

    def __init__(self, inner: nn.Module, batch: int) -> None:
        super().__init__()
        self.inner, self.batch = inner, batch
        self.means: list[np.ndarray] = []
        self.scales: list[np.ndarray] = []

    def hyper_part(self, level: Tensor, shape: tuple[int, ...]) -> Part:
        """As in EntropyModel."""
        return self._noted(self.inner.hyper_part(level, shape))

    def walk(self, hyper: Tensor, level: Tensor, size: tuple[int, int], coder: Callable[[list[Part]], list[Tensor]]) -> None:
        """As in EntropyModel."""

        def code(parts: list[Part]) -> list[Tensor]:
            values = coder([self._noted(replace(p, means=p.means[:1], scales=p.scales[:1])) for p in parts])
            return [self._beside(value) for value in values]

        self.inner.walk(self._beside(hyper), level.repeat(1 + self.batch), size, code)

    def _beside(self, value: Tensor) -> Tensor:
        return torch.cat([value, *(value.roll(i + 1, 1).flip(3) for i in range(self.batch))])

    def _noted(self, part: Part) -> Part:
        self.means.append(part.means.float().cpu().numpy().ravel())
        self.scales.append(torch.floor(part.scales.float() + 0.5).clamp(0, SCALES - 1).cpu().numpy().ravel())
        return part


@dataclass(frozen=True)
class Way:
    """One way to ask a network. `change` turns it into another one that means the same."""

    name: str
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    change: Callable[[ImageModel], None] = lambda network: None
    batch: int = 0
    device: str = "cpu"


@contextmanager
def threads(count: int) -> Iterator[None]:
    """This number of torch threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def precision(name: str) -> Iterator[None]:
    """The user's setting for float32 products."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def bfloat16() -> Iterator[None]:
    """Convolutions and products of oneDNN."""
    places = (torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul)
    before = [place.fp32_precision for place in places]
    for place in places:
        place.fp32_precision = "bf16"
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value


def permute(network: ImageModel) -> None:
    """Every dense layer adds its inputs up in another order."""
    for layer in network.entropy.modules():
        if isinstance(layer, Conv) and layer.groups == 1:
            weight = layer.weight if layer.mode == Mode.FLOAT else layer.codes
            order = torch.from_numpy(np.random.default_rng(5).permutation(weight.shape[1])).to(weight.device)
            if layer.mode == Mode.FLOAT:
                layer.weight = nn.Parameter(layer.weight.detach()[:, order], requires_grad=False)
            else:
                layer.codes = layer.codes[:, order]
            layer.register_forward_pre_hook(lambda _, given, order=order: (given[0][:, order],))


def channels_last(network: ImageModel) -> None:
    """Every layer sees its input with the channels last in memory."""
    for layer in network.entropy.modules():
        if isinstance(layer, Conv):
            layer.register_forward_pre_hook(lambda _, given: (given[0].contiguous(memory_format=torch.channels_last),))


def ways() -> list[Way]:
    """All ways on this machine; the others are compared with the first."""
    found = [
        Way("1 thread"),
        Way("2 threads", lambda: threads(2)),
        Way("batch of 2", batch=1),
        Way("batch of 5", batch=4),
        Way("channels last", change=channels_last),
        Way("other order of addition", change=permute),
        Way("oneDNN off", lambda: torch.backends.mkldnn.flags(enabled=False)),
        Way("products: medium", lambda: precision("medium")),
        Way("oneDNN in bfloat16", bfloat16),
        Way("bfloat16 autocast", lambda: torch.autocast("cpu", torch.bfloat16)),
    ]
    if torch.cuda.is_available():
        found += [
            Way("CUDA", device="cuda"),
            Way("CUDA, medium", lambda: precision("medium"), device="cuda"),
            Way("CUDA, float16 autocast", lambda: torch.autocast("cuda", torch.float16), batch=2, device="cuda"),
        ]
    return found


def changed(network: ImageModel, way: Way) -> tuple[ImageModel, Asked]:
    """A copy of the network for `way`, and its entropy model."""
    mine = copy.deepcopy(network).to(way.device)
    way.change(mine)
    asked = Asked(mine.entropy, way.batch)
    mine.entropy = asked
    return mine, asked
