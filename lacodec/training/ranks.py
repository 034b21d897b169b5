"""Several processes that train one model, as torchrun starts them: each draws crops of its own, and gradients are averaged."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from lacodec.errors import BadInput


@dataclass(frozen=True)
class Ranks:
    """This process among `count`: number 0 validates, reports and saves. One alone talks to nobody."""

    rank: int = 0
    count: int = 1

    @staticmethod
    def join(device: torch.device) -> "Ranks":
        """Join the others that torchrun's environment variables tell of; with CUDA, on the GPU that is this process's."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return Ranks()
        if device.type == "cuda":
            place = int(os.environ.get("LOCAL_RANK", "0"))
            if place >= torch.cuda.device_count():
                raise BadInput(f"only {torch.cuda.device_count()} GPUs found, none for process {place}; start fewer processes")
            torch.cuda.set_device(place)
        distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        return Ranks(distributed.get_rank(), distributed.get_world_size())

    def wait(self) -> None:
        """For all others to come here: torchrun ends all processes when one ends with an error."""
        if self.count > 1:
            distributed.barrier()

    def leave(self) -> None:
        """The last thing a process does."""
        if self.count > 1:
            distributed.destroy_process_group()

    def seed(self, seed: int) -> int:
        """One for each process; that of the first is `seed`."""
        return seed + self.rank * 1_000_003

    def share(self, module: nn.Module) -> None:
        """Give all processes the parameters and buffers of the first."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                whole = tensor.contiguous()
                distributed.broadcast(whole, 0)
                tensor.copy_(whole)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over the processes, which must have gradients for the same parameters."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.count == 1 or not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        parts = (flat / self.count).split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def agree(self, *values: float) -> list[float]:
        """The largest of each value over the processes."""
        if self.count == 1:
            return [*values]
        known = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(known, distributed.ReduceOp.MAX)
        return known.tolist()

    def gather(self, state: Tensor) -> Tensor:
        """uint8[count, size]: the states, uint8[size] on the CPU, of all processes."""
        if self.count == 1:
            return state[None]
        states = [torch.empty_like(state) for _ in range(self.count)]
        distributed.all_gather(states, state)
        return torch.stack(states)


@contextmanager
def requests_to_stop() -> Iterator[Callable[[], bool]]:
    """While inside, SIGINT and SIGTERM only make the result true: the processes stop together, after the same step."""
    heard: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, frame: heard.append(number)) for number in numbers]
    try:
        yield lambda: bool(heard)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
