"""The one training loop: a `Task` says what is learned, the loop does the rest.

    crops --> task.loss --> gradients, clipped --> Adam --> average of weights      checkpoint, validation and curve now and then

Interrupted at any time it goes on from its last checkpoint, with the same crops, noise and rates as if nothing had happened.
"""

import copy
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from laconic.training import checkpoint
from laconic.training.curve import Curve
from laconic.training.options import TrainOptions

_WARM_UP = 100  # steps
_CLIP = 1.0  # largest norm of the gradient


class Task(ABC):
    """What is trained on what."""

    model: nn.Module

    @abstractmethod
    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Parameters with their learning rates."""

    @abstractmethod
    def loss(self, progress: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a fresh batch, drawn with `generator` (CPU), and figures for the curve. progress: from 0 to 1."""

    @abstractmethod
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Figures of the averaged model for the curve."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Plain values that are needed to build the model again, for the checkpoint."""


@dataclass(frozen=True)
class Clock:
    """How far a run is: by steps, or by the seconds it has trained."""

    options: TrainOptions

    def progress(self, step: int, seconds: float) -> float:
        """From 0 to 1."""
        if self.options.steps is not None:
            return min(1.0, step / self.options.steps)
        assert self.options.minutes is not None
        return min(1.0, seconds / 60 / self.options.minutes)


class Run:
    """A training with its state: step, seconds, random numbers, averaged model."""

    def __init__(self, task: Task, options: TrainOptions, folder: Path, tell: Callable[[str], None]) -> None:
        self.task, self.options, self.folder, self._tell = task, options, folder, tell
        self.device = next(task.model.parameters()).device
        torch.manual_seed(options.seed)
        self.generator = torch.Generator().manual_seed(options.seed)
        self.step, self.seconds = 0, 0.0
        self.average = copy.deepcopy(task.model).requires_grad_(False)
        fused = self.device.type == "cuda"
        torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark or fused  # all steps have the same shapes
        self.optimiser = torch.optim.Adam([{"params": p, "lr": r} for r, p in task.groups()], betas=(0.9, 0.98), fused=fused)
        self._rates = [group["lr"] for group in self.optimiser.param_groups]
        self.curve = Curve(folder / "curve.csv")

    @property
    def path(self) -> Path:
        """Where checkpoints go."""
        return self.folder / "checkpoint.pt"

    def train(self) -> None:
        """To the end, or until it is interrupted (KeyboardInterrupt leaves a checkpoint)."""
        clock = Clock(self.options)
        begin = saved = time.perf_counter()
        before, first = self.seconds, self.step
        sums: dict[str, Any] = {}
        try:
            while (progress := clock.progress(self.step, self.seconds)) < 1:
                figures = self._step(progress)
                self.step += 1
                self.seconds = before + time.perf_counter() - begin
                for name, value in figures.items():
                    sums[name] = sums.get(name, 0) + value
                if self.step % self.options.report == 0:
                    self._report({name: float(value) / (self.step - first) for name, value in sums.items()})
                    sums, first = {}, self.step
                if time.perf_counter() - saved > 60 * self.options.save:
                    pause = time.perf_counter()
                    self.keep()
                    saved = time.perf_counter()
                    begin += saved - pause
        finally:
            self.keep()

    def keep(self) -> None:
        """Validate, then write checkpoint and curve."""
        figures = self.task.validate(self.average)
        self._report(figures)
        state = {
            "average": self.average.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "generator": self.generator.get_state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
            "curve": self.curve.rows,
            "description": self.task.description(),
        }
        checkpoint.save(self.path, self.task.model, self.optimiser, state)
        self.curve.save()

    def resume(self) -> None:
        """Go on from the checkpoint in the folder."""
        content = checkpoint.load(self.path)
        checkpoint.restore(self.task.model, self.optimiser, content)
        self.average.load_state_dict(content["average"])
        self.step, self.seconds = content["step"], content["seconds"]
        self.generator.set_state(content["generator"])
        torch.set_rng_state(content["random"])
        if self.device.type == "cuda" and content["random_cuda"] is not None:
            torch.cuda.set_rng_state(content["random_cuda"])
        self.curve.rows = content["curve"]

    def _step(self, progress: float) -> dict[str, Tensor]:
        factor = min(1.0, (self.step + 1) / _WARM_UP) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bfloat16"):
            loss, figures = self.task.loss(progress, self.generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.task.model.parameters(), _CLIP)
        if torch.isfinite(norm):  # a step that overflowed teaches nothing
            self.optimiser.step()
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.task.model.parameters()), 1 - decay)
        return {"loss": loss.detach(), **figures}

    def _report(self, figures: dict[str, float]) -> None:
        row = {"step": self.step, "seconds": round(self.seconds, 1), **{name: float(f"{v:.5g}") for name, v in figures.items()}}
        self.curve.add(**row)
        self._tell("  ".join(f"{name} {value:g}" for name, value in row.items()))
