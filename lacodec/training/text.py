"""The recipe `text`: trains a language model of text.

windows of the sources --network--> nats for each next piece          the last part of a run simulates the integers
"""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lacodec.errors import BadInput
from lacodec.models.exact import Mode, set_mode
from lacodec.models.text.network import TextNetwork
from lacodec.models.text.options import TextOptions
from lacodec.models.text.pieces import Pieces
from lacodec.training import text_data, text_pieces
from lacodec.training.loop import Task
from lacodec.training.muon import Muon
from lacodec.training.text_data import Sources, Texts
from lacodec.training.text_options import TextTrainOptions

_STRIDE = 8192  # pieces of a held-out text that are judged with one memory
_BEFORE = {"clock": "processor"}  # the behaviour of runs whose checkpoints lack these options


class TextTask(Task):
    """Next pieces. held_out: texts by name, whose bits per byte are the figures of a validation."""

    def __init__(
        self, model: TextNetwork, options: TextTrainOptions, pieces: Pieces, sources: Sources, held_out: Mapping[str, bytes]
    ) -> None:
        self.model: TextNetwork = model
        self.options, self.pieces, self.sources = options, pieces, sources
        if options.clock == "processor":
            self.clock = time.process_time
        some = {name: text[: options.judged] for name, text in held_out.items() if text}
        self._held_out = {name: (len(text), pieces.encode(text)) for name, text in some.items()}

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Matrices, embedding, vectors."""
        matrices = [p for name, p in self.model.named_parameters() if p.dim() == 3]
        rest = [p for name, p in self.model.named_parameters() if p.dim() < 3 and name != "embedding"]
        options = self.options
        return [(options.matrix_rate, matrices), (options.embedding_rate, [self.model.embedding]), (options.other_rate, rest)]

    def optimiser(self) -> torch.optim.Optimizer:
        """Muon for the matrices."""
        return Muon([{"params": p, "lr": rate, "orthogonal": p[0].dim() == 3} for rate, p in self.groups()])

    def loss(self, progress: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Nats a piece."""
        set_mode(self.model, Mode.SIMULATED if progress >= self.options.quantise_from else Mode.FLOAT)
        device = self.model.embedding.device
        windows = self.sources.sample(self.options.batch, self.options.length + 1, generator).to(device)
        return self.model.loss(windows), {}

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Bits per byte of each held-out text, as floats and as integers."""
        assert isinstance(model, TextNetwork)
        before = model.mode
        figures = {}
        for mode, end in ((Mode.FLOAT, ""), (Mode.SIMULATED, "_int8")):
            set_mode(model, mode)
            for name, (size, numbers) in self._held_out.items():
                figures[name + end] = bits_of(model, numbers) / size
        set_mode(model, before)
        return figures

    def description(self) -> dict[str, Any]:
        """The model's sizes, its pieces' merges and the run's settings."""
        merges = torch.from_numpy(self.pieces.merges)
        return {"task": "text", "options": asdict(self.model.options), "merges": merges, "run": asdict(self.options)}


def text_task(options: TextTrainOptions, texts: Texts, device: torch.device, model: TextNetwork, pieces: Pieces) -> TextTask:
    """The training of `model`: the text as it is wrapped, a part of it unwrapped, and the other text."""
    arrays, weights = [pieces.encode(texts.text)], [1 - options.unwrapped]
    if options.unwrapped:
        arrays.append(pieces.encode(text_data.unwrapped(texts.text)))
        weights.append(options.unwrapped)
    if texts.other and options.other_share:
        arrays.append(pieces.encode(texts.other))
        weights[0] -= options.other_share
        weights.append(options.other_share)
    sources = Sources(arrays, weights, options.length + 1)
    return TextTask(model.to(device), options, pieces, sources, texts.held_out)


def new_model(sizes: TextOptions, pieces: Pieces, seed: int) -> TextNetwork:
    """An untrained network for these pieces."""
    torch.manual_seed(seed)
    return TextNetwork(TextOptions(**{**asdict(sizes), "pieces": len(pieces)}))


def learn_pieces(texts: Texts, size: int) -> Pieces:
    """A set of up to `size` pieces, from all that is learnt from."""
    return text_pieces.learn(text_pieces.count(texts.text) + text_pieces.count(texts.other), size)


def model_of(content: Mapping[str, Any], averaged: bool = True) -> tuple[TextNetwork, Pieces]:
    """The model in a checkpoint's content, on the CPU, and its pieces; raises BadInput for a checkpoint of another recipe."""
    description = _description(content)
    model = TextNetwork(TextOptions(**description["options"]))
    model.load_state_dict(content["average" if averaged else "model"])
    return model, Pieces(description["merges"].numpy())


def options_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a checkpoint's run."""
    description = _description(content)
    had: dict[str, Any] = description.get("run", _BEFORE)
    return had


def _description(content: Mapping[str, Any]) -> dict[str, Any]:
    description: dict[str, Any] = content["description"]
    if description.get("task") != "text":
        raise BadInput("the checkpoint is not one of lacodec train text")
    return description


def bits_of(model: TextNetwork, numbers: NDArray[np.uint16]) -> float:
    """Bits of a text's pieces; memories begin empty at every 8,192nd piece."""
    device = model.embedding.device
    text = torch.from_numpy(numbers.astype(np.int64)).to(device)
    nats = math.log(len(model.bias))  # of the first piece
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for begin in range(0, len(text) - 1, _STRIDE):
            part = text[begin : begin + _STRIDE + 1]
            nats += float(model.loss(part[None])) * (len(part) - 1)
    return nats / math.log(2)
