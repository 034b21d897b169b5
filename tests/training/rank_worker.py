"""One process of several that train a tiny model: the command, with steps to interrupt and to save at, and its parameters kept.

Arguments: the folder for parameters, the step at which process 1 is asked to stop (0: never), and those of `lacodec train`.
"""

import os
import signal
import sys
from pathlib import Path

import torch

import lacodec.cli._train_image
from lacodec.cli import main
from lacodec.models.image.options import PROFILES
from lacodec.training.loop import Run
from tests import learned

KEEP_AT = 3

folder, stop_at, *arguments = sys.argv[1:]
rank = int(os.environ["RANK"])
ordinary_step, ordinary_keep = Run._step, Run.keep


def step(self, progress):
    figures = ordinary_step(self, progress)
    if self.step + 1 == int(stop_at) and rank == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    if self.step + 1 == KEEP_AT and not int(stop_at):
        self.step += 1
        self.keep()
        self.step -= 1
    return figures


def keep(self):
    ordinary_keep(self)
    content = {"step": self.step, "drawn": self.generator.get_state(), **dict(self.average.named_parameters())}
    torch.save(content, Path(folder) / f"{rank}.pt")


Run._step, Run.keep = step, keep
PROFILES["small"] = learned.SIZES
lacodec.cli._train_image._export = lambda *_: None
torch.set_num_threads(1)
sys.exit(main(arguments))
