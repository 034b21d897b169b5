"""Checkpoints: everything that a run needs to go on as if it had not stopped.

Moments of the optimiser are kept as bfloat16 in the file, and rounded so in the running optimiser at the same moment: the run
that goes on and the one that is resumed are the same.
"""

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lacodec.errors import BadInput
from lacodec.io.output import atomic_file

_KIND = "lacodec checkpoint 1"
_KINDS = (_KIND, "laconic checkpoint 1")  # the same, under the name that the project had before
_MOMENTS = ("exp_avg", "exp_avg_sq")


def round_moments(optimiser: torch.optim.Optimizer) -> None:
    """Make the moments what a checkpoint keeps of them; `save` does, processes that do not save have to as well."""
    for moments in optimiser.state.values():
        for key in _MOMENTS:
            if key in moments:
                moments[key].copy_(moments[key].bfloat16())


def save(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all. `state`: plain values and tensors, what else the loop must remember."""
    round_moments(optimiser)
    kept = optimiser.state_dict()
    kept["state"] = {
        index: {key: value.bfloat16() if key in _MOMENTS else value for key, value in moments.items()}
        for index, moments in kept["state"].items()
    }
    content = {"kind": _KIND, "model": model.state_dict(), "optimiser": kept, **state}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, force=True) as file:
        torch.save(content, file)


def load(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> dict[str, Any]:
    """A checkpoint's content; raises BadInput for what is none. Loads tensors and plain values only, no code."""
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # torch raises many kinds for files that are no checkpoint
        raise BadInput(f"{path}: is not a checkpoint ({' '.join(str(error).split())[:100]})") from error
    if not isinstance(content, dict) or content.get("kind") not in _KINDS:
        raise BadInput(f"{path}: is not a checkpoint of lacodec train")
    return content


def restore(model: nn.Module, optimiser: torch.optim.Optimizer, content: dict[str, Any]) -> None:
    """Put a checkpoint's parameters and moments back."""
    model.load_state_dict(content["model"])
    kept = content["optimiser"]
    kept["state"] = {
        index: {key: value.float() if key in _MOMENTS else value for key, value in moments.items()}
        for index, moments in kept["state"].items()
    }
    optimiser.load_state_dict(kept)
