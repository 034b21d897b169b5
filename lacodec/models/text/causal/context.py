"""What a causal model remembers of one stream: keys and values of the tokens read, and of branches that may turn out wrong.

    Reading --read(token)--> Reading      a branch: any reading can be read on from, again and again

Keys and values stand in one buffer for each layer, by place. A reading keeps those of its own token, so that a branch can be
put back when another one has overwritten it. A token is always read alone, in the same shapes, by encoder and decoder; when the
room is used up, both read the newer half of the tokens again, at once.
"""

import inspect
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.cache_utils import Cache, DynamicLayer


@dataclass(eq=False)
class Reading:
    """A token read after others. kept: keys and values of each layer, while they may have to be put back."""

    before: "Reading | None"
    token: int
    place: int
    kept: list[tuple[torch.Tensor, torch.Tensor]] = field(default_factory=list)
    again: tuple[int, ...] = ()

    def tokens(self) -> list[int]:
        """All tokens up to this one, as far as the context has them, without the first."""
        found: list[int] = []
        reading: Reading | None = self
        while reading is not None and reading.before is not None:
            found.append(reading.token)
            reading = reading.before
        return [*(reading.again if reading is not None else ()), *reversed(found)]


class Context:
    """The memory of one stream. model: of transformers, with a cache of keys and values; first: token before all others."""

    def __init__(self, model: Any, first: int, room: int) -> None:
        self._model, self._first, self.room = model, first, room
        self._cache = Cache(layer_class_to_replicate=partial(_Layer, room))
        self._held: list[Reading | None] = [None] * room
        self._fewer = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
        self.steps = 0

    def begin(self) -> tuple[Reading, NDArray[np.float32]]:
        """Nothing but the first token, and the logits of the next one, float32[tokens]."""
        return self._start(())

    def read(self, before: Reading, token: int) -> tuple[Reading, NDArray[np.float32]]:
        """Read a token after `before`, whose place must be below room - 1."""
        self._put_back(before)
        logits = self._run([token], before.place + 1)
        reading = Reading(before, token, before.place + 1, [layer.newest for layer in self._cache.layers])
        self._held[reading.place] = reading
        return reading, logits

    def again(self, reading: Reading) -> tuple[Reading, NDArray[np.float32]]:
        """Forget the older half of the tokens up to a reading, and read the newer ones at once; other readings end."""
        return self._start(tuple(reading.tokens()[1 - self.room // 2 :]))

    def settle(self, reading: Reading) -> None:
        """No other branch is left: nothing before this reading will have to be put back."""
        self._put_back(reading)
        one: Reading | None = reading
        while one is not None and one.kept:
            one.kept = []
            one = one.before

    def _start(self, tokens: tuple[int, ...]) -> tuple[Reading, NDArray[np.float32]]:
        logits = self._run([self._first, *tokens], 0)
        reading = Reading(None, self._first, len(tokens), again=tokens)
        self._held[reading.place] = reading
        return reading, logits

    def _put_back(self, reading: Reading) -> None:
        one: Reading | None = reading
        while one is not None and self._held[one.place] is not one:
            for layer, (keys, values) in zip(self._cache.layers, one.kept, strict=True):
                layer.put(one.place, keys, values)
            self._held[one.place] = one
            one = one.before

    def _run(self, tokens: list[int], place: int) -> NDArray[np.float32]:
        self.steps += 1
        for layer in self._cache.layers:
            layer.length = place
        found = self._model(input_ids=torch.tensor([tokens]), past_key_values=self._cache, use_cache=True, **self._fewer)
        logits: NDArray[np.float32] = found.logits[0, -1].float().numpy()
        return logits


class _Layer(DynamicLayer):
    """Keys and values [1, heads, room, size] of one layer, of which the first `length` places are in use."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room, self.length = room, 0
        self.newest: tuple[torch.Tensor, torch.Tensor]

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Make the buffers."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys, self.values = (
            states.new_zeros(*states.shape[:2], self._room, states.shape[3]) for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **named: Any) -> Any:
        """Append; returns all keys and all values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.put(self.length, key_states, value_states)
        self.length += key_states.shape[2]
        self.newest = key_states, value_states
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def put(self, place: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Write some at a place."""
        self.keys[:, :, place : place + keys.shape[2]] = keys
        self.values[:, :, place : place + values.shape[2]] = values

    def get_seq_length(self) -> int:
        """Places in use."""
        return self.length
