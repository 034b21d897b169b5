"""torch and Triton for kernels on GPUs, imported nowhere else in this layer; without them this raises MissingDependency."""

from typing import Any

from lacodec.errors import BadInput, MissingDependency

try:
    import torch
    import triton
    import triton.language as tl
except ImportError as error:
    raise MissingDependency(
        f"coding on a GPU needs torch and Triton ({error}); install lacodec[learned] with a CUDA build of torch"
    ) from error

__all__ = ["Tensor", "launch", "tl", "torch", "triton"]

Tensor = Any  # torch.Tensor, which mypy does not follow


def launch(kernel: Any, grid: tuple[int, ...], where: Tensor, *arguments: Any) -> None:
    """Run one program of one warp per segment (and block) on the device of `where`."""
    if where.device.type == "cuda":
        with torch.cuda.device(where.device):
            kernel[grid](*arguments, num_warps=1)
    elif triton.knobs.runtime.interpret:
        kernel[grid](*arguments)
    else:
        raise BadInput(f"segments: the tensor is on {where.device}; use a CUDA device, or lacodec.entropy.segments for the CPU")
