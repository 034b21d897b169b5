"""A layer of a transformers cache that keeps the past coded; `live.py` makes caches of such layers.

    tokens 0 ... | chunk | chunk | ... | window, in the clear |
                   coded   coded   newest tokens, until another chunk of them is full

Attention needs all keys and values of one layer at a time, so only that layer's are decoded, and dropped afterwards.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicLayer

from lacodec.kv.chunks import ChunkCoder
from lacodec.kv.objects import cache_of, given_as
from lacodec.media.kv.value import Model

Pair = tuple[torch.Tensor, torch.Tensor]


class Layers:
    """Makes the layers of one cache, in their order."""

    def __init__(self, coder: ChunkCoder, chunk: int, window: int, model: Model) -> None:
        self._coder, self._sizes, self._model, self._made = coder, (chunk, window), model, 0

    def __call__(self) -> "CodedLayer":
        """The next one."""
        self._made += 1
        return CodedLayer(self._coder.of_layer(self._made - 1), *self._sizes, self._model)


class CodedLayer(DynamicLayer):
    """Keys and values of which all but the newest are coded: in chunks of `chunk` tokens, once `window` more have followed."""

    keys: Any  # tensors [batch, heads, tokens, width], None until the first update
    values: Any

    def __init__(self, coder: ChunkCoder, chunk: int, window: int, model: Model) -> None:
        super().__init__()
        self._coder, self._chunk, self._window, self._model = coder, chunk, window, model
        self._coded: list[bytes] = []
        self._rows: list[torch.Tensor | None] = []  # of each chunk: the sequences of its batch that are now in the batch

    @property
    def coded_bytes(self) -> int:
        """Bytes of the coded chunks."""
        return sum(map(len, self._coded))

    def states(self) -> Pair:
        """All keys and values, [batch, heads, tokens, width]."""
        pairs = [self._restored(number) for number in range(len(self._coded))]
        keys, values = zip(*pairs, (self.keys, self.values), strict=True)
        return torch.cat(keys, dim=-2), torch.cat(values, dim=-2)

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Pair:
        """Append tokens; returns all keys and values. New tokens take part exactly; they are coded afterwards."""
        super().update(key_states, value_states)
        found = self.states() if self._coded else (self.keys, self.values)
        while self.keys.shape[-2] >= self._chunk + self._window:
            first = (self.keys[..., : self._chunk, :], self.values[..., : self._chunk, :])
            self._coded.append(self._coder.encode(cache_of([first], self._model), len(self._coded)))
            self._rows.append(None)
            self.keys = self.keys[..., self._chunk :, :].clone()  # a view would keep the whole alive
            self.values = self.values[..., self._chunk :, :].clone()
        return found

    def get_seq_length(self) -> int:
        """Tokens, coded or not."""
        return self._chunk * len(self._coded) + super().get_seq_length()

    def crop(self, tokens_to_remove: int) -> None:
        """Remove the last tokens; the number is negative, as for every layer."""
        while self._coded and -tokens_to_remove > self.keys.shape[-2]:
            keys, values = self._restored(len(self._coded) - 1)
            self.keys, self.values = torch.cat([keys, self.keys], dim=-2), torch.cat([values, self.values], dim=-2)
            del self._coded[-1], self._rows[-1]
        super().crop(tokens_to_remove)

    def reset(self) -> None:
        """Forget everything."""
        self._coded, self._rows = [], []
        super().reset()

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Continue with these sequences of the batch."""
        super().reorder_cache(beam_idx)
        self._choose(beam_idx)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these sequences of the batch."""
        super().batch_select_indices(indices)
        self._choose(indices)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each sequence of the batch so many times."""
        if self.get_seq_length():
            self._choose(torch.arange(self.keys.shape[0]).repeat_interleave(repeats))
        super().batch_repeat_interleave(repeats)

    def _choose(self, indices: torch.Tensor) -> None:
        """Nothing is coded again: what is decoded is chosen from."""
        chosen = indices.cpu()
        self._rows = [chosen if rows is None else rows[chosen] for rows in self._rows]

    def _restored(self, number: int) -> Pair:
        cache = self._coder.decode(self._coded[number])
        ((keys, values),) = given_as("torch", list(cache.layers), cache.dtype, self.device)
        rows = self._rows[number]
        return (keys, values) if rows is None else (keys[rows.to(keys.device)], values[rows.to(values.device)])
