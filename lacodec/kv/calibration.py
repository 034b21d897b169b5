"""Calibration: what a model's caches look like, and what errors in them do, from some text -> a basis for lossy coding.

    passages, and what the model says by itself
             --model--> keys before the rotary embedding, values --> covariance C of the channels
                    --> gradients of the log-likelihood of what the model would say next --> Fisher information G
    C, G --> the transform in which errors of all coefficients weigh the same, and coefficients are uncorrelated --> Basis

To second order, an error e costs e^T G e / 2 nats. With steps of one size in coordinates G^(1/2) x, turned so that their
covariance is diagonal, bits go where they matter: to layers, heads, keys or values, and directions, with one number for the rate
(the Karhunen-Loeve transform for a weighted error; the attention weights of "AATC", arXiv 2608.14191, are a part of G).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.kv.lossy.basis import Basis, Transform
from lacodec.codecs.kv.lossy.turning import Turns, rows_of
from lacodec.errors import BadInput, MissingDependency
from lacodec.kv.models import describe
from lacodec.media.kv.value import Model

KINDS = ("layer", "head", "steps")
_SINKS = 4  # first tokens, which are kept exactly
_EVEN = 0.5  # share of the mean that is added to G's diagonal: it is known from a few thousand gradients
_DIVERGENCE = 0.0006  # nats a token that quality 50 costs by this estimate; measured, it is about five times as much
_CACHED = 1024  # tokens of the cache for which it should
Matrix = NDArray[np.float64]


@dataclass
class Statistics:
    """Of the keys or values of a layer: rows seen, sums f64[C], products f64[C, C], those of gradients a predicted token."""

    width: int
    count: int
    sums: NDArray[np.float64]
    products: Matrix
    gradients: Matrix

    @classmethod
    def empty(cls, channels: int, width: int) -> "Statistics":
        """Nothing seen."""
        return cls(width, 0, np.zeros(channels), np.zeros((channels, channels)), np.zeros((channels, channels)))

    def add(self, rows: NDArray[np.float32], gradients: NDArray[np.float32], predicted: int) -> None:
        """Rows f32[n, C], and the gradients of the likelihood of so many tokens."""
        wide, steep = rows.astype(np.float64), gradients.astype(np.float64)
        self.count += len(rows)
        self.sums += wide.sum(axis=0)
        self.products += wide.T @ wide
        self.gradients += steep.T @ steep / predicted


def calibrate(
    model: Any, passages: Iterable[Any] = (), kind: str = "layer", predicted: int = 256, seed: int = 1, own: int = 16
) -> bytes:
    """A basis file for a transformers model. passages: token ids, each longer than `predicted`; 8 of 1,280 tokens do.

    kind: "layer" (one matrix over all heads of a layer), "head" (smaller, and faster to decode) or "steps" (no matrices: coded
    caches do without the file). own: passages that the model says by itself, as long as the longest of the others, which are
    added: with them, other text than that of the passages is coded well, too. Raises BadInput for models of which no cache can
    be described.
    """
    statistics, found = observe(model, passages, predicted, seed, own)
    return basis_of(statistics, found, kind).to_bytes()


def observe(
    model: Any, passages: Iterable[Any], predicted: int = 256, seed: int = 1, own: int = 0
) -> tuple[list[tuple[Statistics, Statistics]], Model]:
    """What `basis_of` needs, of (keys, values) of each layer; see `calibrate`."""
    try:
        import torch

        from lacodec.kv.gradients import forward, gradients
        from lacodec.kv.sampling import said
    except ImportError as error:
        raise MissingDependency(f"calibration needs transformers ({error}); install lacodec[transformers]") from error
    described, generator = describe(model), torch.Generator().manual_seed(seed)
    found: list[tuple[Statistics, Statistics]] = []
    chosen = [torch.as_tensor(np.asarray(passage, np.int64)) for passage in passages]
    if type(own) is not int or own < 0:
        raise BadInput(f"own is {own!r}; give a number of passages")
    if own:
        chosen += said(model, own, max((len(ids) for ids in chosen), default=_CACHED + predicted), generator)
    for ids in chosen:
        cached = len(ids) - predicted
        if cached <= _SINKS:
            raise BadInput(f"a passage of {len(ids)} tokens is too short to predict {predicted}")
        with torch.no_grad():
            made = model(ids[None, :cached], use_cache=True).past_key_values
        logits, leaves = forward(model, [(layer.keys, layer.values) for layer in made.layers], ids[None, cached:])
        words = torch.multinomial(logits[0].detach().softmax(-1), 1, generator=generator)[:, 0]
        steep = gradients(logits, leaves, words[None])
        arrays = [(part.detach().float().numpy(), grad.float().numpy()) for part, grad in zip(leaves, steep, strict=True)]
        if not found:
            sizes = [(array.shape[1] * array.shape[3], array.shape[3]) for array, _ in arrays]
            found = [(Statistics.empty(*one), Statistics.empty(*two)) for one, two in zip(sizes[::2], sizes[1::2], strict=True)]
        turns = Turns(described, np.arange(cached), back=True)
        for number, both in enumerate(arrays):
            rows = [rows_of(array, "F32") for array in both]
            if number % 2 == 0:  # the gradient turns as the keys do
                rows = [turns(one, both[0].shape[3]) for one in rows]
            found[number // 2][number % 2].add(rows[0][_SINKS:], rows[1][_SINKS:], predicted)
    if not found:
        raise BadInput("there are no passages to calibrate with")
    return found, described


def basis_of(statistics: Sequence[tuple[Statistics, Statistics]], model: Model, kind: str = "layer") -> Basis:
    """The basis of a kind."""
    if kind not in KINDS:
        raise BadInput(f"kind is {kind!r}; give one of {', '.join(KINDS)}")
    made = [(_transform(keys, kind), _transform(values, kind)) for keys, values in statistics]
    step = _step_for([spread for pair in made for spread in (pair[0][1], pair[1][1])])
    return Basis(tuple((_in_steps(keys[0], step), _in_steps(values[0], step)) for keys, values in made), model)


@dataclass(frozen=True)
class _Spread:
    """variances f64[C] of the coefficients; costs f64[C]: e^T G e of a unit error in each."""

    variances: NDArray[np.float64]
    costs: NDArray[np.float64]

    def divergence(self, step: float) -> float:
        """Nats, from all tokens of a cache."""
        return float(_CACHED / 2 * (self.costs * np.minimum(self.variances, step * step / 12)).sum())


def _transform(seen: Statistics, kind: str) -> tuple[Transform, _Spread]:
    """The transform whose steps have size 1."""
    channels = len(seen.sums)
    mean, groups = seen.sums / seen.count, 1 if kind == "layer" else channels // seen.width
    n = channels // groups if kind != "steps" else 1
    shared = np.kron(np.eye(channels // n), np.ones((n, n)))
    covariance = (seen.products / seen.count - np.outer(mean, mean)) * shared
    fisher = seen.gradients / seen.count * shared
    weight = fisher + np.eye(channels) * (_EVEN * np.trace(fisher) / channels + 1e-30)
    matrices = []
    for at in range(0, channels, n):
        block = slice(at, at + n)
        values, vectors = np.linalg.eigh(weight[block, block])
        root, inverse = vectors * np.sqrt(values) @ vectors.T, vectors / np.sqrt(values) @ vectors.T
        turn = np.linalg.eigh(root @ covariance[block, block] @ root)[1][:, ::-1]
        matrices.append(turn.T @ inverse)
    full = np.zeros((channels, channels))
    for at, matrix in zip(range(0, channels, n), matrices, strict=True):
        full[at : at + n, at : at + n] = matrix
    back = np.linalg.inv(full)
    variances = np.maximum(np.einsum("ji,jk,ki->i", back, covariance, back), 0)
    spread = _Spread(variances, np.einsum("ij,jk,ik->i", full, fisher, full))
    units, scales = np.linalg.norm(full, axis=1), np.sqrt(variances)
    matrix = np.stack(matrices).astype(np.float32) if kind != "steps" else None
    return Transform(units.astype(np.float32), mean.astype(np.float32), scales.astype(np.float32), matrix), spread


def _step_for(spreads: list[_Spread]) -> float:
    """The step with which all errors together cost what they should."""
    low, high = 1e-9, 1e9
    for _ in range(100):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if sum(spread.divergence(middle) for spread in spreads) < _DIVERGENCE else (low, middle)
    return low


def _in_steps(made: Transform, step: float) -> Transform:
    factor = np.float32(step)
    matrix = None if made.matrix is None else made.matrix * factor
    return Transform(made.units * factor, made.mean, made.scales / factor, matrix)
