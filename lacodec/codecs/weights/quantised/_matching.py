"""Which tensor of a file is which layer of a model of transformers: by names of safetensors and GGUF, and by what they hold."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised._names import in_layer, of_logits, of_words
from lacodec.codecs.weights.quantised._pieces import columns_of
from lacodec.codecs.weights.quantised._subjects import Subjects
from lacodec.errors import BadInput

_ALIKE = 0.9  # correlation from which on two tensors are the same one


@dataclass(frozen=True, eq=False)
class Match:
    """A tensor, by number, and f64[rows], the mean squared gradients of its outputs."""

    tensor: int
    rows: NDArray[np.float64]


class Matching:
    """Of the tensors of a file to the layers of a network. tied: the last matrix is that of the embeddings."""

    def __init__(self, subjects: Subjects, network: Any, model: str | os.PathLike[str]) -> None:
        self._subjects, self._model = subjects, os.fspath(model)
        self._modules = dict(network.named_modules())
        self._layers: dict[tuple[int, str], int] = {}
        self._words: list[int] = []
        config = network.config.get_text_config()
        self._heads = {int(config.num_attention_heads), int(getattr(config, "num_key_value_heads", None) or 1)}
        for number, item in enumerate(subjects.items):
            if not columns_of(item.entry):
                continue
            if place := in_layer(item.entry.name):
                self._layers[place] = number
            elif of_words(item.entry.name):
                self._words.append(number)
        if not self._layers:
            raise BadInput(
                f"{subjects.source.name}: no tensor is named like a layer of a language model, so it cannot be calibrated"
            )
        head = network.get_output_embeddings()
        self.tied = head.weight is network.get_input_embeddings().weight
        self.head_name = next(name for name, module in self._modules.items() if module is head)

    def layer(self, name: str, rows: NDArray[np.float64] | None) -> Match | None:
        """The tensor of a linear layer of this name; None without one. rows: squared gradients, or None where none reach it."""
        place = in_layer(name)
        number = self._layers.get(place) if place else None
        if number is None or rows is None:
            return None
        return self._checked(number, name, rows)

    def head(self, rows: NDArray[np.float64]) -> Match | None:
        """The tensor of the last matrix; None if the file leaves it out."""
        shaped = [number for number in self._words if self._subjects.items[number].entry.shape[0] == len(rows)]
        if not shaped:
            return None
        last = [number for number in shaped if of_logits(self._subjects.items[number].entry.name)]
        if not last and not self.tied:
            return None
        return self._checked((last or shaped)[0], self.head_name, rows)

    def _checked(self, number: int, name: str, rows: NDArray[np.float64]) -> Match:
        """Raises BadInput if the tensor holds something else than the layer; rows in the order of GGUF are turned into it."""
        item, weight = self._subjects.items[number], self._modules[name].weight
        if tuple(weight.shape) != item.entry.shape:
            raise BadInput(
                f"{self._model}: {name} has the shape {tuple(weight.shape)}, tensor {item.entry.name!r} of the file another"
            )
        columns = columns_of(item.entry)
        probe = np.random.default_rng(1).normal(0, 1, columns).astype(np.float32)
        values = item.read(self._subjects.source, 0, len(rows) * columns).reshape(-1, columns) @ probe
        model = weight.detach().float().numpy() @ probe
        for order in self._orders(len(rows)):
            if abs(float(np.corrcoef(model[order], values)[0, 1])) > _ALIKE:
                return Match(number, rows[order])
        raise BadInput(f"{self._model}: {name} has other values than tensor {item.entry.name!r} of the file; give the same model")

    def _orders(self, rows: int) -> list[NDArray[np.int64]]:
        """As they are, and with the halves of heads interleaved, as GGUF's rotary embeddings need them."""
        plain = np.arange(rows)
        possible = [heads for heads in sorted(self._heads) if rows % (2 * heads) == 0]
        return [plain, *(plain.reshape(heads, 2, -1).transpose(0, 2, 1).ravel() for heads in possible)]
