"""A causal model ready to predict bytes: its network, its pieces, and what tells machines apart that compute otherwise."""

import hashlib
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from llvmlite import binding
from numpy.typing import NDArray

from lacodec.errors import BadInput
from lacodec.models.exact import exactly
from lacodec.models.text.causal import kernel
from lacodec.models.text.causal.context import Context
from lacodec.models.text.causal.halves import halve
from lacodec.models.text.causal.vocabulary import Vocabulary
from lacodec.models.threads import one_thread

ROOM = 2048
"""Tokens that a context holds at most; when they are used up, the newer half is read again."""
_LEAST_ROOM = 64
_ASKED, _ASKED_AT_ONCE = 6, 24  # tokens of the known answer
_FINITE = 1e30
_FAST_BFLOAT16 = {"avx512bf16", "amx-bf16", "bf16"}
"""Features of processors that multiply bfloat16; the last one is ARM's."""


@dataclass(frozen=True, eq=False)
class CausalLanguage:
    """A model of transformers on the CPU. first: the token before all others; room: tokens of a context.

    id: SHA-256 of weights and pieces. environment: what computes, in words; answer: SHA-256 of what it computes.
    """

    network: Any
    words: Vocabulary
    power: NDArray[np.uint64]
    first: int
    room: int
    id: bytes
    environment: str
    answer: bytes
    parameters: int

    @property
    def seal(self) -> bytes:
        """8 bytes, equal where everything is computed alike."""
        return hashlib.sha256(self.environment.encode() + self.answer).digest()[:8]

    def context(self) -> Context:
        """Of a new stream."""
        return Context(self.network, self.first, self.room)

    def memory(self) -> int:
        """Bytes of the weights and of one context, about."""
        config = self.network.config.get_text_config()
        keys = 2 * int(config.num_hidden_layers) * int(config.hidden_size)
        return 4 * (self.parameters + 2 * self.room * keys + 4 * len(self.words.texts) * kernel.MEMORIES)


def causal_language(network: Any, words: Vocabulary, first: int) -> CausalLanguage:
    """From a model of transformers in bfloat16, which is changed. Raises BadInput if it cannot be used.

    It computes in float32, but matrices stay in bfloat16 where the processor multiplies that.
    """
    if getattr(network, "_is_stateful", False):
        raise BadInput(f"a {type(network).__name__} has a state that cannot branch; models with plain attention can be used")
    config = network.config.get_text_config()
    room = min(ROOM, int(getattr(config, "max_position_embeddings", None) or ROOM))
    if room < _LEAST_ROOM:
        raise BadInput(f"a model with a context of {room} tokens cannot be used; at least {_LEAST_ROOM} are needed")
    digest = hashlib.sha256(words.digest())
    for name, value in sorted(network.named_parameters()):
        digest.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        digest.update(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    network.eval()
    for value in [*network.parameters(), *network.buffers()]:
        if value.is_floating_point():  # cloned, out of mapped files: sums may depend on how numbers are aligned in memory
            value.data = value.data.float().clone()
    if _FAST_BFLOAT16 & _features():
        halve(network)
    power = kernel.powers()
    with computing():
        answer = _answer(Context(network, first, room), words, power)
    parameters = sum(value.numel() for value in network.parameters())
    return CausalLanguage(network, words, power, first, room, digest.digest(), environment(), answer, parameters)


@contextmanager
def computing() -> Iterator[None]:
    """Where such models run: no gradients, full precision, one thread, with any settings of the user."""
    with one_thread(), exactly(torch.device("cpu")):
        yield


def environment() -> str:
    """What floating-point results may depend on, in words: versions, and the processor with a hash of its features."""
    import transformers

    features = _features()
    seen = hashlib.sha256(" ".join(sorted(features)).encode()).hexdigest()[:8]
    return (
        f"torch {torch.__version__}, transformers {transformers.__version__}, {platform.system()} {platform.machine()}, "
        f"{binding.get_host_cpu_name()} ({seen}), {torch.backends.cpu.get_cpu_capability()}, "
        f"{'bfloat16 matrices' if _FAST_BFLOAT16 & features else 'float32'}"
    )


def _features() -> set[str]:
    return {name for name, there in binding.get_host_cpu_features().items() if there}


def _answer(context: Context, words: Vocabulary, power: NDArray[np.uint64]) -> bytes:
    """SHA-256 of masses that the model gives to pieces after some tokens, read one by one and at once."""
    digest, sums = hashlib.sha256(), np.zeros(len(words.ids) + 1, np.uint64)

    def note(logits: NDArray[np.float32]) -> None:
        if not (np.abs(logits[words.ids]) < _FINITE).any():
            raise BadInput("the model's logits are not numbers")
        kernel.fill(logits, words.ids, power, sums)
        digest.update(sums.tobytes())

    reading, logits = context.begin()
    note(logits)
    for i in range(_ASKED_AT_ONCE):
        reading, logits = context.read(reading, int(words.numbers[i * 7919 % len(words.numbers)]))
        if i < _ASKED:
            note(logits)
    note(context.again(reading)[1])
    return digest.digest()
