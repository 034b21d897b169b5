"""A torch model whose linear layers keep their weights coded; each block's are made when it runs, and dropped after it.

    weight bits -> exponent (8 bits, one rANS stream for all weights of a block) and sign with mantissa (as they are)
    block starts -> both -> the same bits again -> block runs -> dropped

The idea is that of DFloat11 (Zhang et al., 2025). On CUDA devices one kernel makes the weights, where Triton is installed
(`codecs/weights/gpu.py`); else the kernels of the CPU decode the stream. Outputs are those of the plain model, bit for bit: its
layers run on the same weights.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from lacodec.entropy import segments
from lacodec.entropy.segments import Directory
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput
from lacodec.integrations.torch.files import Tensor, has_kernels, require_torch
from lacodec.io.threads import ordered_map

ALIGNMENT = 256  # elements: every weight of a block begins at a multiple, so that matrix kernels see what they are used to
FREQ_BITS = 12
MINIMUM = 1 << 14  # elements of a weight: below, it stays as it is

_PIECE = 1 << 22  # elements that a thread puts together at a time
_STREAM, _REST = "_lacodec_stream", "_lacodec_rest"


@dataclass
class CodedModel:
    """What `keep_coded` did. plain_size, coded_size: bytes of the weights before and now."""

    plain_size: int
    coded_size: int
    _units: list["_Unit"] = field(repr=False)

    def restore(self) -> None:
        """Give the model its plain weights back, as parameters."""
        for unit in self._units:
            unit.restore()
        self._units.clear()


def keep_coded(model: Any, *, threads: int | None = None) -> CodedModel:
    """Code the weights of the model's linear layers (bfloat16, float16, float32) in place, block by block.

    A block is a child of a ModuleList (a transformer's layers), or else a linear layer by itself. Weights that are shared, such
    as tied embeddings, and small ones stay plain. For inference: coded weights are no parameters and get no gradients; they are
    not in `state_dict()` until `restore()`. `model.to(device)` moves them. `threads`: how many decode on a CPU, by default all.
    """
    torch = require_torch()
    if not isinstance(model, torch.nn.Module):
        raise BadInput(f"a {type(model).__name__} is not a torch module; pass the model")
    count = threads or os.cpu_count() or 1
    units = [_Unit(block, weights, count) for block, weights in _plan(model)]
    if not units:
        raise BadInput("the model has no linear layers with plain weights that are worth coding")
    return CodedModel(sum(unit.plain_size for unit in units), sum(unit.coded_size for unit in units), units)


@dataclass
class _Weight:
    """A parameter that is taken out of its module; `begin` is its place among the elements of its unit."""

    module: Any
    parameter: Any
    shape: tuple[int, ...]
    begin: int
    trains: bool = False

    @property
    def stop(self) -> int:
        return self.begin + prod(self.shape)


def _plan(model: Any) -> Iterator[tuple[Any, list[Any]]]:
    """(block, linear layers in it whose weights have one type) for everything that is to be coded."""
    torch = require_torch()
    users: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            users[id(parameter)] = users.get(id(parameter), 0) + 1
    blocks = [child for module in model.modules() if isinstance(module, torch.nn.ModuleList) for child in module]
    taken: set[int] = set()
    for block in [*blocks, *(module for module in model.modules() if isinstance(module, torch.nn.Linear))]:
        by_type: dict[Any, list[Any]] = {}
        for layer in block.modules():
            weight = layer._parameters.get("weight") if isinstance(layer, torch.nn.Linear) else None
            if weight is None or id(layer) in taken or users[id(weight)] > 1 or weight.numel() < MINIMUM:
                continue
            if weight.dtype in (torch.bfloat16, torch.float16, torch.float32):
                taken.add(id(layer))
                by_type.setdefault((weight.dtype, weight.device), []).append(layer)
        yield from ((block, layers) for layers in by_type.values())


class _Unit:
    """The weights of one type in a block, coded together."""

    def __init__(self, block: Any, layers: list[Any], threads: int) -> None:
        torch = require_torch()
        self._block, self._threads = block, threads
        self._weights: list[_Weight] = []
        at = 0
        for layer in layers:
            weight = _Weight(layer, layer.weight, tuple(layer.weight.shape), at)
            self._weights.append(weight)
            at = -(-weight.stop // ALIGNMENT) * ALIGNMENT
        flat = torch.zeros(at, dtype=layers[0].weight.dtype)
        for weight in self._weights:
            flat[weight.begin : weight.stop] = weight.parameter.detach().reshape(-1).cpu()
        self._dtype = flat.dtype
        symbols, rest = _split(flat)
        self._tables = Tables.from_counts(torch.bincount(symbols, minlength=256).numpy(), FREQ_BITS)
        stream = segments.encode_segments(symbols.numpy(), self._tables, threads=threads)
        self._directory: Directory = segments.read_directory(stream, at, len(stream))
        self._work: Any = None  # of the kernel, on the device where the stream is
        self._suffix = f"_{str(self._dtype)[6:]}_{len(layers)}"
        device = layers[0].weight.device
        block.register_buffer(
            _STREAM + self._suffix, torch.frombuffer(bytearray(stream), dtype=torch.uint8).to(device), persistent=False
        )
        block.register_buffer(_REST + self._suffix, rest.to(device), persistent=False)
        self.plain_size = sum(weight.parameter.nbytes for weight in self._weights)
        self.coded_size = len(stream) + rest.nbytes
        for weight in self._weights:
            del weight.module._parameters["weight"]
            weight.trains = weight.parameter.requires_grad
            weight.parameter = None
        self._running = 0
        self._drop()
        self._hooks = [block.register_forward_pre_hook(self._before), block.register_forward_hook(self._after, always_call=True)]

    def restore(self) -> None:
        torch = require_torch()
        flat = self._made()
        for hook in self._hooks:
            hook.remove()
        for name in _STREAM, _REST:
            delattr(self._block, name + self._suffix)
        for weight in self._weights:
            del weight.module.weight
            own = flat[weight.begin : weight.stop].reshape(weight.shape).clone()
            parameters = weight.module._parameters
            others = dict(parameters)
            parameters.clear()  # the weight of a linear layer comes first, and optimisers go by the order
            parameters.update(weight=torch.nn.Parameter(own, requires_grad=weight.trains), **others)

    def _before(self, *_: Any) -> None:
        self._running += 1
        if self._running == 1:
            flat = self._made()
            for weight in self._weights:
                weight.module.weight = flat[weight.begin : weight.stop].view(weight.shape)

    def _after(self, *_: Any) -> None:
        self._running -= 1
        if not self._running:
            self._drop()

    def _drop(self) -> None:
        """Leave what tells shape and type, and takes no memory."""
        torch = require_torch()
        for weight in self._weights:
            weight.module.weight = torch.empty(weight.shape, dtype=self._dtype, device="meta")

    def _made(self) -> Tensor:
        """All weights of the unit, one after the other, on the device where the coded ones are."""
        torch = require_torch()
        stream, rest = (getattr(self._block, name + self._suffix) for name in (_STREAM, _REST))
        if has_kernels(stream.device):
            return self._made_by_triton(stream, rest)
        symbols = segments.decode_segments(
            memoryview(stream.cpu().numpy()), self._tables, self._directory.count, threads=self._threads
        )
        if stream.device.type == "cpu":
            return _merge_by_kernel(torch.from_numpy(symbols), rest, self._dtype, self._threads)
        return _merge(torch.from_numpy(symbols).to(stream.device), rest, self._dtype)

    def _made_by_triton(self, stream: Tensor, rest: Tensor) -> Tensor:
        from lacodec.codecs.weights.gpu import plain_work

        torch, size = require_torch(), self._dtype.itemsize
        if self._work is None or self._work.device != stream.device:
            self._work = plain_work(self._tables, self._directory, size, "the coded weights", stream.device)
        out = torch.empty(size * self._directory.count, dtype=torch.uint8, device=stream.device)
        self._work.run(stream.view(torch.int16), rest, out)
        return out.view(self._dtype)


def _split(flat: Tensor) -> tuple[Tensor, Tensor]:
    """(u8[n] exponents, u8[bytes, n] signs and mantissas, the lowest byte first) of values of 2 or 4 bytes.

    float16 has five bits of exponent: three of its mantissa come with them.
    """
    torch = require_torch()
    if flat.element_size() == 2:
        bits = flat.view(torch.int16)
        rest = [bits >> 8 & 0x80 | bits & 0x7F]
        symbols = bits >> 7 & 0xFF
    else:
        bits = flat.view(torch.int32)
        rest = [bits & 0xFF, bits >> 8 & 0xFF, bits >> 24 & 0x80 | bits >> 16 & 0x7F]
        symbols = bits >> 23 & 0xFF
    return symbols.to(torch.uint8), torch.stack([part.to(torch.uint8) for part in rest])


def _merge_by_kernel(symbols: Tensor, rest: Tensor, dtype: Any, threads: int) -> Tensor:
    """The inverse of `_split` on the CPU."""
    from lacodec.integrations.torch._coded_kernel import join_narrow, join_wide

    out = require_torch().empty(len(symbols), dtype=dtype)
    narrow = rest.shape[0] == 1
    values = out.view(require_torch().int16 if narrow else require_torch().int32).numpy().view(np.uint16 if narrow else np.uint32)
    parts = (symbols.numpy(), *(part.numpy() for part in rest), values)

    def work(begin: int) -> None:
        (join_narrow if narrow else join_wide)(*parts, np.uint64(begin), np.uint64(min(begin + _PIECE, len(values))))

    for _ in ordered_map(work, range(0, len(values), _PIECE), threads):
        pass
    return out


def _merge(symbols: Tensor, rest: Tensor, dtype: Any) -> Tensor:
    """The inverse of `_split` on any device, with at most two more arrays of the size of the result."""
    torch = require_torch()
    narrow = rest.shape[0] == 1
    kind = torch.int16 if narrow else torch.int32
    top = rest[-1].to(kind)
    bits = symbols.to(kind).bitwise_left_shift_(7 if narrow else 23)
    bits |= (top & 0x80).bitwise_left_shift_(8 if narrow else 24)
    top &= 0x7F
    bits |= top if narrow else top.bitwise_left_shift_(16)
    for place in range(rest.shape[0] - 1):
        bits |= rest[place].to(kind).bitwise_left_shift_(8 * place)
    return bits.view(dtype)
