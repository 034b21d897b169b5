"""An optimiser that learns matrices in fewer steps than Adam: the momentum's directions all get the same length (Muon).

Groups say with `orthogonal` which of the two rules their parameters follow; matrices are the last two dimensions.
Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_MOMENTUM = 0.95
_BETAS = (0.9, 0.98)
_EPSILON = 1e-10
_ROUNDS = 5
_POLYNOMIAL = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Groups: {"params", "lr", "orthogonal"}; those that are not orthogonal learn by Adam."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        super().__init__(groups, {"lr": 1e-3, "orthogonal": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Change the parameters by their gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rule = self._orthogonal if group["orthogonal"] else self._adam
                    rule(parameter, parameter.grad, self.state[parameter], group["lr"])

    @staticmethod
    def _orthogonal(parameter: Tensor, gradient: Tensor, state: dict[str, Any], rate: float) -> None:
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter)
        momentum = state["exp_avg"].lerp_(gradient, 1 - _MOMENTUM)
        direction = orthogonalised(gradient.lerp(momentum, _MOMENTUM))
        rows, columns = parameter.shape[-2:]
        parameter.add_(direction, alpha=-rate * max(1.0, rows / columns) ** 0.5)

    @staticmethod
    def _adam(parameter: Tensor, gradient: Tensor, state: dict[str, Any], rate: float) -> None:
        if not state:
            state["step"] = 0
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        first, second = state["exp_avg"], state["exp_avg_sq"]
        first.lerp_(gradient, 1 - _BETAS[0])
        second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        correction = (1 - _BETAS[1] ** state["step"]) ** 0.5
        scale = rate / (1 - _BETAS[0] ** state["step"])
        parameter.addcdiv_(first, second.sqrt().div_(correction).add_(_EPSILON), value=-scale)


def orthogonalised(matrices: Tensor) -> Tensor:
    """[..., rows, columns] with all singular values near 1, by Newton-Schulz rounds in bfloat16."""
    x = matrices.bfloat16()
    turned = x.shape[-2] > x.shape[-1]
    x = x.mT if turned else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = _POLYNOMIAL
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if turned else x).to(matrices.dtype)
