"""The one training loop: a `Task` defines what is learned, the loop does the rest.

    crops --> task.loss --> gradients, clipped --> optimiser --> average    checkpoint, validation and curve now and then

Interrupted at any time it continues from its last checkpoint, with the same crops, qualities and rates as if nothing had
happened.
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

from lacodec.training import checkpoint
from lacodec.training.curve import Curve
from lacodec.training.options import RunOptions
from lacodec.training.ranks import Ranks, requests_to_stop

_WARM_UP = 100  # steps
_CLIP = 1.0  # largest norm of the gradient
_SILENCE_S = 10.0
_ALONE = Ranks()


class Task(ABC):
    """The model and data of a training."""

    model: nn.Module
    clock: Callable[[], float] = staticmethod(time.perf_counter)
    """Seconds, of which those between steps count as trained."""

    @abstractmethod
    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Parameters with their learning rates."""

    def optimiser(self) -> torch.optim.Optimizer:
        """The optimiser: Adam, unless a task has another one."""
        fused = next(self.model.parameters()).device.type == "cuda"
        return torch.optim.Adam([{"params": p, "lr": r} for r, p in self.groups()], betas=(0.9, 0.98), fused=fused)

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

    options: RunOptions

    def progress(self, step: int, seconds: float) -> float:
        """From 0 to 1."""
        if self.options.steps is not None:
            return min(1.0, step / self.options.steps)
        assert self.options.minutes is not None
        return min(1.0, seconds / 60 / self.options.minutes)


class Run:
    """A training with its state: step, seconds, random numbers, averaged model."""

    def __init__(self, task: Task, options: RunOptions, folder: Path, tell: Callable[[str], None], ranks: Ranks = _ALONE) -> None:
        self.task, self.options, self.folder, self._tell, self.ranks = task, options, folder, tell, ranks
        self.device = next(task.model.parameters()).device
        torch.manual_seed(ranks.seed(options.seed))
        self.generator = torch.Generator().manual_seed(ranks.seed(options.seed))
        ranks.share(task.model)
        self.step, self.seconds = 0, 0.0
        self.average = copy.deepcopy(task.model).requires_grad_(False)
        cuda = self.device.type == "cuda"
        torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark or cuda  # all steps have the same shapes
        self.optimiser = task.optimiser()
        self._rates = [group["lr"] for group in self.optimiser.param_groups]
        self.curve = Curve(folder / "curve.csv")

    @property
    def path(self) -> Path:
        """Where checkpoints go."""
        return self.folder / "checkpoint.pt"

    def train(self) -> None:
        """Run to the end or an interruption: KeyboardInterrupt leaves a checkpoint, SIGTERM too with several processes."""
        if self.ranks.count == 1:
            try:
                self._go(lambda: False)
            finally:
                self.keep()
            return
        with requests_to_stop() as asked:  # a process that fails must not wait for the others, so nothing is kept then
            stopped = self._go(asked)
            self.keep()
        if stopped:
            raise KeyboardInterrupt

    def keep(self) -> None:
        """Validate, then write checkpoint and curve; all processes take part, the first one writes."""
        random = {
            "generator": self.ranks.gather(self.generator.get_state()),
            "random": self.ranks.gather(torch.get_rng_state()),
            "random_cuda": self.ranks.gather(torch.cuda.get_rng_state()) if self.device.type == "cuda" else None,
        }
        if self.ranks.rank > 0:
            checkpoint.round_moments(self.optimiser)
            return
        figures = self.task.validate(self.average)
        self._report(figures)
        state = {
            "average": self.average.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve.rows,
            "description": self.task.description(),
            **random,
        }
        checkpoint.save(self.path, self.task.model, self.optimiser, state)
        self.curve.save()

    def resume(self) -> None:
        """Continue from the checkpoint in the folder. With another number of processes than before, other crops are drawn."""
        content = checkpoint.load(self.path)
        checkpoint.restore(self.task.model, self.optimiser, content)
        self.average.load_state_dict(content["average"])
        self.step, self.seconds = content["step"], content["seconds"]
        self.curve.rows = content["curve"]
        states = content["generator"].reshape(-1, len(self.generator.get_state()))
        if len(states) != self.ranks.count:
            torch.manual_seed(self.ranks.seed(self.options.seed + self.step))
            self.generator.manual_seed(self.ranks.seed(self.options.seed + self.step))
            return
        rank = self.ranks.rank  # states are copied because torch reads views of them from a wrong place
        self.generator.set_state(states[rank].clone())
        torch.set_rng_state(content["random"].reshape(self.ranks.count, -1)[rank].clone())
        if self.device.type == "cuda" and content["random_cuda"] is not None:
            torch.cuda.set_rng_state(content["random_cuda"].reshape(self.ranks.count, -1)[rank].clone())

    def _go(self, asked_to_stop: Callable[[], bool]) -> bool:
        """Step after step, with a checkpoint now and then. Returns whether it was asked to stop."""
        clock = Clock(self.options)
        begin = saved = self.task.clock()
        before, first = self.seconds, self.step
        sums: dict[str, Any] = {}
        told = -math.inf  # when the user last heard something; the first step tells how fast it goes
        while (progress := clock.progress(self.step, self.seconds)) < 1:
            figures = self._step(progress)
            self.step += 1
            now = self.task.clock()
            first_one = self.ranks.rank == 0  # whose clock it is: others wait for it while it validates
            due = first_one and now - saved > 60 * self.options.save
            self.seconds, save, stop = self.ranks.agree(first_one * (before + now - begin), due, asked_to_stop())
            for name, value in figures.items():
                sums[name] = sums.get(name, 0) + value
            if self.step % self.options.report == 0:
                self._report({name: float(value) / (self.step - first) for name, value in sums.items()})
                sums, first, told = {}, self.step, now
            elif now - told > _SILENCE_S:  # steps are slow on this machine; the curve keeps its own distances
                self._tell(_line(self._row({name: float(value) / (self.step - first) for name, value in sums.items()})))
                told = now
            if stop:
                return True
            if save:
                pause = self.task.clock()
                self.keep()
                saved = self.task.clock()
                begin += saved - pause
        return False

    def _step(self, progress: float) -> dict[str, Tensor]:
        factor = min(1.0, (self.step + 1) / _WARM_UP) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._in_bfloat16()):
            loss, figures = self.task.loss(progress, self.generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.ranks.average(self.task.model.parameters())
        norm = nn.utils.clip_grad_norm_(self.task.model.parameters(), _CLIP)
        if torch.isfinite(norm):  # a step that overflowed teaches nothing
            self.optimiser.step()
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():  # else the average would remember every step
            torch._foreach_lerp_(list(self.average.parameters()), list(self.task.model.parameters()), 1 - decay)
        return {"loss": loss.detach(), **figures}

    def _in_bfloat16(self) -> bool:
        """Without AVX-512 a CPU only imitates it, many times slower."""
        if self.options.precision != "auto":
            return self.options.precision == "bfloat16"
        return self.device.type != "cpu" or torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "AVX2")

    def _report(self, figures: dict[str, float]) -> None:
        row = self._row(figures)
        self.curve.add(**row)
        self._tell(_line(row))

    def _row(self, figures: dict[str, float]) -> dict[str, Any]:
        return {"step": self.step, "seconds": round(self.seconds, 1), **{name: float(f"{v:.5g}") for name, v in figures.items()}}


def _line(row: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value:g}" for name, value in row.items())
