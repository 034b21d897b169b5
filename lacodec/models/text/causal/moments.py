"""What a text tells of the linear layers of a causal model: second moments of their inputs, and of the loss's gradients.

Inputs are collected layer by layer (as in GPTQ, 2022): the activations between two layers are kept, and the moments of one layer
at a time. Gradients are those of single windows, so memory grows with neither the text nor, but for the activations, the model.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from lacodec.errors import BadInput

Square = NDArray[np.float32]
_GRADIENT_LENGTH = 512  # tokens of a window whose gradients are taken


@dataclass(frozen=True)
class InputMoments:
    """f32[columns, columns], mean of x x^T over the input x of linear layers that share it.

    names: of these layers in the network; kept: over most windows; held_out: over the others, for judging.
    """

    names: tuple[str, ...]
    kept: Square
    held_out: Square


@dataclass(frozen=True)
class Gradients:
    """Mean squared gradients of a token's loss.

    outputs: f64[rows] by name of linear layer. embedded: f64[columns], of embeddings. tokens: how many were seen.
    """

    outputs: dict[str, NDArray[np.float64]]
    embedded: NDArray[np.float64]
    head: Square
    """Mean of x x^T over the inputs of the last linear layer, which gives the logits; `head_held_out` over other windows."""
    head_held_out: Square
    tokens: int


class _Stop(Exception):
    """The inputs of the first layer are known."""


def input_moments(network: Any, windows: NDArray[np.int64], held_out: int) -> Iterator[InputMoments]:
    """Of all linear layers inside the repeated layers, in their order.

    windows: tokens [windows, length]; the last `held_out` ones judge. Raises BadInput if the network has no list of layers.
    """
    layers = layers_of(network)
    prefix = next(name for name, module in network.named_modules() if module is layers)
    with torch.inference_mode():
        hidden, arguments = _before(network, layers[0], windows)
        for number, layer in enumerate(layers):
            collector = _Collector(layer, f"{prefix}.{number}.", len(hidden) - held_out)
            for at, state in enumerate(hidden):
                collector.window = at
                out = layer(state, **arguments)
                hidden[at] = out[0] if isinstance(out, tuple) else out
            yield from collector.finish()


def gradients(network: Any, windows: NDArray[np.int64], held_out: int) -> Gradients:
    """Over the first tokens of windows [windows, length], each on its own; the last `held_out` ones judge."""
    outputs: dict[str, Any] = {}
    found: dict[str, Any] = {}
    counts = [0, 0]
    head = network.get_output_embeddings()
    hooks = [network.get_input_embeddings().register_forward_hook(lambda _, __, out: _watched(out, found))]
    hooks.append(
        head.register_forward_pre_hook(lambda _, inputs: _add(found, f"head {counts[1] > 0}", _square(inputs[0].detach())))
    )
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Linear):
            hooks.append(module.register_forward_hook(lambda _, __, out, name=name: _squares_into(outputs, name, out)))
    wanted = [value.requires_grad for value in network.parameters()]
    network.requires_grad_(False)
    try:
        with torch.enable_grad():
            for number, window in enumerate(windows[:, :_GRADIENT_LENGTH]):
                counts[number >= len(windows) - held_out] += len(window)
                ids = torch.from_numpy(window)[None]
                logits = network(input_ids=ids, use_cache=False).logits
                functional.cross_entropy(logits[0, :-1].float(), ids[0, 1:], reduction="sum").backward()
    finally:
        for hook in hooks:
            hook.remove()
        for value, needed in zip(network.parameters(), wanted, strict=True):
            value.requires_grad_(needed)
    tokens = sum(counts)
    return Gradients(
        {name: value.double().numpy() / tokens for name, value in outputs.items()},
        found["embedded"].double().numpy() / tokens,
        found["head False"].numpy() / np.float32(counts[0]),
        found["head True"].numpy() / np.float32(counts[1]),
        tokens,
    )


def layers_of(network: Any) -> Any:
    """The longest list of modules: the layers that follow each other. Raises BadInput without one."""
    lists = [module for module in network.modules() if isinstance(module, torch.nn.ModuleList)]
    if not lists:
        raise BadInput(f"a {type(network).__name__} has no list of layers, so it cannot be used for calibration")
    return max(lists, key=lambda found: sum(value.numel() for value in found.parameters()))


def _before(network: Any, first: Any, windows: NDArray[np.int64]) -> tuple[list[Any], dict[str, Any]]:
    """The states that enter the first layer, and the other arguments, which are the same for all windows."""
    hidden: list[Any] = []
    arguments: dict[str, Any] = {}

    def stop(_: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        hidden.append(inputs[0] if inputs else named.pop("hidden_states"))
        arguments.update(named)
        raise _Stop

    hook = first.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        for window in windows:
            try:
                network(input_ids=torch.from_numpy(window)[None], use_cache=False)
            except _Stop:
                continue
    finally:
        hook.remove()
    return hidden, arguments


class _Collector:
    """Sums x x^T in the linear layers of one layer; those that get the same tensor share a sum."""

    def __init__(self, layer: Any, prefix: str, kept: int) -> None:
        self.window, self._kept, self._counts = 0, kept, [0, 0]
        self._sharing: dict[str, list[str]] = {}
        self._sums: dict[str, list[Any]] = {}
        self._last: tuple[Any, str] = (None, "")
        linear = [(name, module) for name, module in layer.named_modules() if isinstance(module, torch.nn.Linear)]
        self._hooks = [
            module.register_forward_pre_hook(lambda _, inputs, name=prefix + name: self._see(name, inputs[0]))
            for name, module in linear
        ]

    def _seeing(self, name: str) -> Callable[[Any, tuple[Any, ...]], None]:
        return lambda _, inputs: self._see(name, inputs[0])

    def _see(self, name: str, x: Any) -> None:
        if self._last[0] is x:
            if self.window == 0:
                self._sharing[self._last[1]].append(name)
            return
        self._last = (x, name)
        self._sharing.setdefault(name, [name])
        sums = self._sums.setdefault(name, [torch.zeros(x.shape[-1], x.shape[-1]) for _ in range(2)])
        sums[self.window >= self._kept] += _square(x)
        if next(iter(self._sums)) == name:
            self._counts[self.window >= self._kept] += x.shape[-2]

    def finish(self) -> Iterator[InputMoments]:
        for hook in self._hooks:
            hook.remove()
        for name, (kept, held_out) in self._sums.items():
            yield InputMoments(tuple(self._sharing[name]), *(
                total.numpy() / np.float32(max(1, count)) for total, count in zip((kept, held_out), self._counts, strict=True)
            ))  # fmt: skip


def _square(x: Any) -> Any:
    rows = x.reshape(-1, x.shape[-1]).float()
    return rows.T @ rows


def _add(found: dict[str, Any], name: str, value: Any) -> None:
    found[name] = found.get(name, 0.0) + value


def _watched(out: Any, found: dict[str, Any]) -> Any:
    out = out.detach().requires_grad_(True)
    out.register_hook(lambda grad: _add(found, "embedded", grad[0].float().square().sum(0)))
    return out


def _squares_into(outputs: dict[str, Any], name: str, out: Any) -> None:
    out.register_hook(lambda grad: _add(outputs, name, grad.reshape(-1, grad.shape[-1]).float().square().sum(0)))
