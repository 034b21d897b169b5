"""What a user's own network sees in a picture, as a part of the distortion.

    original, decoded --frozen network--> features --squared differences--> / what noise does to them --> like a squared error

Any network that gradients pass through: a classifier or detector whose task shall go on working on decoded pictures, or one whose
features are near to what people see (VGG, for a perceptual loss).
"""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.errors import BadInput

_NOISE = 5.0  # standard deviation of what features are measured against, of 0..255
_DRAWS = 4


class TaskLoss:
    """Distance of features, on the scale of squared errors: white noise costs what its squared error is, times `weight`.

    network: an `nn.Module`, float32[n, 3, h, w] of RGB from 0 to 1 -> a tensor, or a list, tuple or dict of them, first axis n.
    It is frozen and put into evaluation mode. layers: names of submodules whose outputs are compared instead of the network's.
    Each feature tensor counts the same. Raises BadInput for a network that cannot be used.
    """

    def __init__(self, network: nn.Module, weight: float, layers: Sequence[str] = ()) -> None:
        if not isinstance(network, nn.Module):
            raise BadInput(f"a task network must be a torch.nn.Module, not a {type(network).__name__}")
        if not weight > 0:
            raise BadInput(
                f"the weight of a task network must be above 0, not {weight}; with 1 it counts as much as the squared error"
            )
        self.network, self.weight = network.eval(), weight
        self._caught: dict[str, Any] = {}
        self._worth: list[Tensor] = []
        modules = dict(network.named_modules())
        for name in layers:
            if name not in modules:
                raise BadInput(f"the task network has no layer {name!r}; it has {', '.join(filter(None, modules))[:300]}")
            modules[name].register_forward_hook(self._catch(name))
        self._layers = [*layers]

    def measure(self, pixels: Tensor) -> None:
        """Find what each feature is worth, from pictures like those of the training; to be called before the first use."""
        self.network.to(pixels.device)
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randn((_DRAWS, *pixels.shape), generator=generator).to(pixels.device) * _NOISE
        try:
            with torch.no_grad(), torch.autocast(pixels.device.type, enabled=False):
                clean, changed = self._features(pixels), [self._features(pixels + noise) for noise in drawn]
                pairs = [zip(clean, features, strict=True) for features in changed]
                errors = torch.stack([torch.stack([(one - other).square().mean() for one, other in pair]) for pair in pairs])
                changes = errors.mean(0)
            self.network.requires_grad_(False)  # not before: lazy layers have got their parameters only now
        except Exception as error:  # a user's code
            raise BadInput(f"the task network fails on {tuple(pixels.shape)}: {type(error).__name__}: {error}") from error
        if not bool((torch.isfinite(changes) & (changes > 0)).all()):
            raise BadInput("the task network's features do not change with the picture, or are not finite")
        self._worth = [_NOISE**2 / change for change in changes]

    def __call__(self, original: Tensor, decoded: Tensor, weights: Tensor | None = None) -> Tensor:
        """float32[n], of float32[n, 3, h, w] of 0..255. weights: float32[n, 1, h, w] of 0..1, for features that are maps."""
        with torch.autocast(original.device.type, enabled=False):
            total = torch.zeros(len(original), device=original.device)
            with torch.no_grad():
                wanted = self._features(original)
            for one, other, worth in zip(wanted, self._features(decoded), self._worth, strict=True):
                error = (one - other).square()
                if weights is not None and error.ndim == 4:
                    error = error * F.adaptive_avg_pool2d(weights, list(error.shape[2:]))
                total = total + worth * error.flatten(1).mean(1)
            return total * (self.weight / len(self._worth))

    def _features(self, pixels: Tensor) -> list[Tensor]:
        found = self.network(pixels.float() / 255)
        if self._layers:
            found = [self._caught[name] for name in self._layers]
            self._caught.clear()
        return [tensor.float() for tensor in _tensors(found)]

    def _catch(self, name: str) -> Any:
        def hook(module: nn.Module, given: Any, result: Any) -> None:
            self._caught[name] = result

        return hook


def load_network(name: str) -> nn.Module:
    """What `module:function` returns; the module is searched in the current folder too. Raises BadInput."""
    place, _, function = name.partition(":")
    if not place or not function:
        raise BadInput(f"--task-network {name}: give module:function, a Python function that returns a torch.nn.Module")
    if "" not in sys.path:
        sys.path.append("")
    try:
        network = getattr(importlib.import_module(place), function)()
    except Exception as error:  # a user's code
        raise BadInput(f"--task-network {name}: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise BadInput(f"--task-network {name}: returns a {type(network).__name__}, not a torch.nn.Module")
    return network


def _tensors(found: Any) -> Iterator[Tensor]:
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, Mapping):
        yield from (tensor for value in found.values() for tensor in _tensors(value))
    elif isinstance(found, Sequence) and not isinstance(found, str):
        yield from (tensor for value in found for tensor in _tensors(value))
    else:
        raise TypeError(f"returns a {type(found).__name__}, not tensors")
