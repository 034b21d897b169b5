"""A trained language model as integers: what `steps` runs, and what a model file holds.

TextNetwork --freeze--> arrays (int8 weights, int32 multipliers and biases, merges) --Frozen--> rows in groups, tables

A model file has the arrays `freeze` returns. Everything is an integer; the tables of functions are part of the file, so that no
reader needs a logarithm or an exponential of its own.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput, CorruptFile
from lacodec.kernels.byte_vector import ROWS, SCALE_BITS, grouped
from lacodec.models.text.options import MOST_PIECES, TextOptions

TAPS = 3
BIAS_BITS = 8
TAP_BITS = 12
LOGIT_UNIT = 1024
"""Logits count 1024ths of a bit."""
TOP = 127
GATES = 2 * TOP + 1
_TABLES = {"keep": np.int32, "take": np.int32, "silu": np.int32, "power": np.int32}
_HALF = 1 << (SCALE_BITS - 1)
_KINDS = ("mixer.inner", "mixer.outer", "inner", "outer")


class Frozen(NamedTuple):
    """What kernels read. Matrices stand one behind the other: block by block mixer.inner, mixer.outer, inner, outer.

    Biases count 2^-SCALE_BITS and have half a unit more, which rounds. The head's rows are pieces by their bytes.
    """

    sizes: NDArray[np.int64]  # pieces, width, recurrence, hidden, blocks
    embedding: NDArray[np.int8]  # [pieces, width]
    embedding_scale: NDArray[np.int32]  # [pieces]: to 256ths of the stream, SCALE_BITS
    head: NDArray[np.int8]  # the embedding again, rows in groups
    head_scale: NDArray[np.int32]  # [pieces in whole groups]: to LOGIT_UNIT
    head_bias: NDArray[np.int64]
    weights: NDArray[np.int8]  # all matrices, rows in groups
    scales: NDArray[np.int32]
    biases: NDArray[np.int64]
    taps: NDArray[np.int32]  # [blocks, TAPS, width], TAP_BITS
    keep: NDArray[np.int32]  # [GATES]: sigmoid of the memory gate, 16 bits
    take: NDArray[np.int32]  # [GATES]: root of 1 - keep^2, 16 bits
    silu: NDArray[np.int32]  # [GATES]: 12 bits
    power: NDArray[np.int32]  # [LOGIT_UNIT]: 2^-i/LOGIT_UNIT, 24 bits


def shapes(options: TextOptions) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    """Name -> dtype and shape of each array in a model file, but the merges."""
    o = options
    wanted: dict[str, tuple[Any, tuple[int, ...]]] = {
        "embedding": (np.int8, (o.pieces, o.width)),
        "embedding_scale": (np.int32, (o.pieces,)),
        "head_scale": (np.int32, (o.pieces,)),
        "head_bias": (np.int32, (o.pieces,)),
        "taps": (np.int32, (o.blocks, TAPS, o.width)),
        "keep": (np.int32, (GATES,)),
        "take": (np.int32, (GATES,)),
        "silu": (np.int32, (GATES,)),
        "power": (np.int32, (LOGIT_UNIT,)),
    }
    for block in range(o.blocks):
        for kind, (rows, columns) in zip(_KINDS, matrices(o), strict=True):
            name = f"{block}.{kind}"
            wanted[name] = (np.int8, (rows, columns))
            wanted[f"{name}.scale"] = (np.int32, (rows,))
            wanted[f"{name}.bias"] = (np.int32, (rows,))
    return {name: (np.dtype(kind), shape) for name, (kind, shape) in wanted.items()}


def matrices(options: TextOptions) -> tuple[tuple[int, int], ...]:
    """Rows and columns of a block's four matrices."""
    o = options
    return (3 * o.recurrence, o.width), (o.width, o.recurrence), (2 * o.hidden, o.width), (o.width, o.hidden)


def frozen(arrays: Mapping[str, NDArray[Any]], order: NDArray[np.int32]) -> Frozen:
    """The arrays of a model file, checked and laid out for the kernels; raises CorruptFile. order: of pieces by their bytes."""
    options = checked(arrays)
    if len(order) != options.pieces:
        raise CorruptFile("a text model's pieces do not fit it")
    weights, scales, biases = [], [], []
    for block in range(options.blocks):
        for part in _KINDS:
            name = f"{block}.{part}"
            weights.append(grouped(arrays[name]).ravel())
            scales.append(_padded(arrays[f"{name}.scale"]))
            biases.append(_fine(_padded(arrays[f"{name}.bias"]), SCALE_BITS - BIAS_BITS))
    return Frozen(
        np.array([options.pieces, options.width, options.recurrence, options.hidden, options.blocks], np.int64),
        np.ascontiguousarray(arrays["embedding"]),
        arrays["embedding_scale"],
        grouped(arrays["embedding"][order]).ravel(),
        _padded(arrays["head_scale"][order]),
        _fine(_padded(arrays["head_bias"][order]), SCALE_BITS),
        np.concatenate(weights),
        np.concatenate(scales),
        np.concatenate(biases),
        arrays["taps"],
        *(np.ascontiguousarray(arrays[name]) for name in _TABLES),
    )


def checked(arrays: Mapping[str, NDArray[Any]]) -> TextOptions:
    """The sizes of a model file's model, all of whose arrays are as they must be; raises CorruptFile."""
    options = options_of(arrays)
    wanted = shapes(options)
    if not arrays.keys() - {"merges"} <= wanted.keys():
        raise CorruptFile("a text model has arrays that are not its own")
    for name, (kind, shape) in wanted.items():
        array = arrays.get(name)
        if array is None or array.dtype != kind or array.shape != shape:
            raise CorruptFile(f"a text model needs {name} as {kind}{list(shape)}")
    for name, least, most in (("keep", 0, 1 << 16), ("take", 0, 1 << 16), ("silu", -(1 << 16), 1 << 16), ("power", 0, 1 << 24)):
        if arrays[name].min() < least or arrays[name].max() > most:
            raise CorruptFile(f"a text model's table {name} is out of range")
    if abs(arrays["taps"].astype(np.int64)).max() > 1 << 20:
        raise CorruptFile("a text model's taps are out of range")
    return options


def options_of(arrays: Mapping[str, NDArray[Any]]) -> TextOptions:
    """The sizes of a model file's model; raises CorruptFile."""
    try:
        pieces, width = arrays["embedding"].shape
        blocks = arrays["taps"].shape[0]
        recurrence, hidden = arrays["0.mixer.outer"].shape[1], arrays["0.outer"].shape[1]
        options = TextOptions(pieces, width, recurrence, hidden, blocks)
    except (KeyError, ValueError, IndexError, BadInput) as error:
        raise CorruptFile("not a text model") from error
    if max(width, recurrence, hidden) > 4096 or pieces > MOST_PIECES:
        raise CorruptFile("a text model is too large")
    return options


def _padded(vector: NDArray[Any]) -> NDArray[Any]:
    return np.pad(vector, (0, -len(vector) % ROWS))


def _fine(bias: NDArray[np.int32], bits: int) -> NDArray[np.int64]:
    return (bias.astype(np.int64) << bits) + _HALF
