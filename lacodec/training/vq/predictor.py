"""The predictor of indices: trained in floating point, its numbers rounded as they will be, then made whole.

maps of indices --six around each--> logits of the words --cross-entropy--> weights in steps of 1/64
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.models.vq.predictor import AROUND, AROUND_SECOND, SEEN, TOP, Predictor

_WEIGHT, _ACTIVATION, _LOGIT = 64, 16, 1024  # steps in 1
_WIDTH, _CHANNELS = 16, 64
_MAPS = 4  # in a batch
_ALONE = 0.25  # maps whose rows are told nothing of those above
_RATE = 4e-3

Map = np.ndarray
"""i32[rows, columns]."""


@dataclass(frozen=True)
class Parents:
    """What a second layer's predictor sees of the first: its maps, one for each of the second's, and the embedding of its words
    that the training begins with, i8[P + 1, E]."""

    maps: list[Map]
    embed: np.ndarray


class _Net(nn.Module):
    """What `Predictor` computes, differentiably. parents: words of the layer before and one, 0 if there is none."""

    def __init__(self, words: int, parents: int) -> None:
        super().__init__()
        self.words = words
        self.embed = nn.Parameter(torch.randn(words + 1 + parents, _WIDTH))
        self.first = nn.Linear(len(AROUND) * _WIDTH, _CHANNELS)
        self.second = nn.Linear(_CHANNELS, _CHANNELS)
        self.last = nn.Linear(_CHANNELS, words)
        self.seen = nn.Parameter(torch.zeros(SEEN))
        with torch.no_grad():
            self.last.weight *= 0.5
            self.last.bias.zero_()

    def forward(self, around: Tensor, seen: Tensor) -> Tensor:
        """Logits in nats of i64[n, 6], as `around` finds them, and of how often words have occurred, i64[n, words]."""
        x = _rounded(self.embed, _ACTIVATION, 127)[around].flatten(1)
        for layer in (self.first, self.second):
            x = F.linear(x, _rounded(layer.weight, _WEIGHT, 127), _rounded(layer.bias, _LOGIT, 1 << 23))
            x = _rounded(x.clamp(0, TOP / _ACTIVATION), _ACTIVATION, TOP)
        x = F.linear(x, _rounded(self.last.weight, _WEIGHT, 127), _rounded(self.last.bias, _LOGIT, 1 << 23))
        return (x + _rounded(self.seen, _LOGIT, 1 << 23)[seen]) * math.log(2)

    @torch.no_grad()
    def take(self, numbers: Predictor) -> None:
        """Begin with these."""
        embed = numbers.embed if numbers.parents is None else np.concatenate([numbers.embed, numbers.parents])
        for mine, theirs, steps in (
            (self.embed, embed, _ACTIVATION),
            (self.first.weight, numbers.first, _WEIGHT),
            (self.first.bias, numbers.first_bias, _LOGIT),
            (self.second.weight, numbers.second, _WEIGHT),
            (self.second.bias, numbers.second_bias, _LOGIT),
            (self.last.weight, numbers.last, _WEIGHT),
            (self.last.bias, numbers.last_bias, _LOGIT),
            (self.seen, numbers.seen, _LOGIT),
        ):
            mine.copy_(torch.from_numpy(theirs / steps))


def train_predictor(
    maps: list[Map],
    words: int,
    seconds: float,
    report: Callable[[str], None],
    start: Predictor | None = None,
    parents: Parents | None = None,
    seed: int = 0,
) -> tuple[Predictor, float]:
    """The predictor for maps of indices, after so much processor time, and its bits per index at the end of the training.

    start: what it begins with; otherwise random numbers, and how often each word occurs. parents: for a second layer's."""
    torch.manual_seed(seed)
    net, rng = _Net(words, 0 if parents is None else len(parents.embed)), np.random.default_rng(seed)
    if start is None:
        counts = np.bincount(np.concatenate([one.reshape(-1) for one in maps]), minlength=words) + 1.0
        with torch.no_grad():
            net.last.bias.copy_(torch.from_numpy(np.log2(counts / counts.sum()) + math.log2(words)).float())
            if parents is not None:
                net.embed[words + 1 :] = torch.from_numpy(parents.embed / _ACTIVATION).float()
    else:
        net.take(start)
    rate = _RATE if start is None else _RATE / 4
    optimiser = torch.optim.Adam(net.parameters(), rate, betas=(0.9, 0.98))
    begun, bits, step = time.process_time(), [], 0
    while (part := (time.process_time() - begun) / seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = rate * (1 - part) + 1e-5
        drawn = rng.integers(len(maps), size=_MAPS).tolist()
        pairs = [(maps[i], None if parents is None else parents.maps[i]) for i in drawn]
        asked, seen, wanted = _batch(pairs, words, len(net.embed) - words - 2, rng)
        loss = F.cross_entropy(net(asked, seen), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        bits.append(float(loss.detach()) / math.log(2))
        step += 1
        if step % 100 == 0:
            report(f"predictor of {words}: step {step}, {np.mean(bits[-100:]):.3f} bits per index")
    return _whole(net), float(np.mean(bits[-100:]))


def split(predictor: Predictor, parents: np.ndarray, counts: np.ndarray) -> Predictor:
    """The predictor for a finer book, from that of a coarser one: each word is told as its parent, with its share of it.

    parents: i64[K], the word of the coarser book that stands for each. counts: f64[K], how often each occurs, above 0.
    """
    shares = counts / np.bincount(parents, counts, len(predictor.last))[parents]
    outside = len(predictor.last)
    return Predictor(
        predictor.embed[np.append(parents, outside)],
        predictor.first,
        predictor.first_bias,
        predictor.second,
        predictor.second_bias,
        predictor.last[parents],
        (predictor.last_bias[parents] + np.rint(np.log2(shares) * _LOGIT)).astype("<i4"),
        predictor.seen,
    )


def around(grid: Map, words: int, apart: bool, parents: Map | None = None, parent_words: int = 0) -> np.ndarray:
    """i64[rows * columns, 6]: the indices that the predictor sees; `words` for places outside. Those of the first layer begin
    at `words` + 1."""
    rows, columns = grid.shape
    layers = [_widened(grid, words)]
    if parents is not None:
        layers.append(_widened(parents, parent_words) + words + 1)
    seen = []
    for of_first, row, column in AROUND if parents is None else AROUND_SECOND:
        wide = layers[of_first]
        part = wide[2 + row : 2 + row + rows, 2 + column : 2 + column + columns]
        seen.append(np.full(grid.size, wide[0, 0]) if apart and row else part.reshape(-1))
    return np.stack(seen, axis=1)


def _widened(grid: Map, outside: int) -> np.ndarray:
    return np.pad(grid.astype(np.int64), ((2, 0), (2, 2)), constant_values=outside)


def _batch(
    maps: list[tuple[Map, Map | None]], words: int, parent_words: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    asked, seen, wanted = [], [], []
    for one, parents in maps:
        asked.append(around(one, words, rng.random() < _ALONE, parents, parent_words))
        flat = one.reshape(-1)
        came = np.zeros((flat.size, words), np.int16)
        came[np.arange(1, flat.size), flat[:-1]] = 1
        seen.append(np.minimum(np.cumsum(came, axis=0, dtype=np.int16), SEEN - 1))
        wanted.append(flat)
    parts = (np.concatenate(part).astype(np.int64) for part in (asked, seen, wanted))
    one, two, three = (torch.from_numpy(part) for part in parts)
    return one, two, three


def _rounded(x: Tensor, steps: int, most: int) -> Tensor:
    """In whole steps, at most so many; the gradient passes."""
    whole = torch.round(x.detach() * steps).clamp(-most, most) / steps
    return x + (whole - x.detach())


def _whole(net: _Net) -> Predictor:
    def numbers(x: Tensor, steps: int, kind: str) -> np.ndarray:
        most = 127 if kind == "i1" else 1 << 23
        return np.clip(np.round(x.detach().double().numpy() * steps), -most, most).astype(kind)

    embed = numbers(net.embed, _ACTIVATION, "i1")
    return Predictor(
        embed[: net.words + 1],
        numbers(net.first.weight, _WEIGHT, "i1"),
        numbers(net.first.bias, _LOGIT, "<i4"),
        numbers(net.second.weight, _WEIGHT, "i1"),
        numbers(net.second.bias, _LOGIT, "<i4"),
        numbers(net.last.weight, _WEIGHT, "i1"),
        numbers(net.last.bias, _LOGIT, "<i4"),
        numbers(net.seen, _LOGIT, "<i4"),
        embed[net.words + 1 :] if len(embed) > net.words + 1 else None,
    )
