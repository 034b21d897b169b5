"""Where a block's model starts: trained values, and a model that has read a primer.

A primer is a text that stands before the block, as it were. Most of it is only absorbed; the end is coded, so that weights and
APMs settle.
"""

import io
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import TypeVar

import numpy as np

from lacodec.codecs.text import kernel as tk
from lacodec.codecs.text.model import Model
from lacodec.codecs.text.primers import parts_of, stored_primers
from lacodec.codecs.text.run import run
from lacodec.codecs.text.setup import Setup, setup
from lacodec.codecs.text.slots import DECODING, Coder
from lacodec.codecs.text.state import Trained, new_coder, new_model
from lacodec.entropy.mixing import READ_AHEAD
from lacodec.entropy.mixing_state import aligned_copy
from lacodec.errors import MissingModel

WEIGHT_UNIT = 16  # trained weights are stored in 12 fractional bits
CODED_END = 65_536  # bytes at a primer's end that are coded
STORED_EFFORT = 5  # at which primers are stored

_Part = TypeVar("_Part", Coder, Model)
_kept: dict[tuple[Setup, int, int], tuple[Coder, Model]] = {}
_lock = Lock()


def primed(plan: Setup, primer: int, size: int, stream: np.ndarray, *, decoding: bool) -> tuple[Coder, Model]:
    """Coder and model for a block of `size` bytes behind a primer, which then has to stand before the block's own bytes."""
    bits = plan.line_bits(size + primer_text(primer, plan.effort).size)
    key = plan, primer, bits
    with _lock:
        if key not in _kept and plan.keeps(size, bits):
            _kept.clear()  # one is enough: a process seldom changes its effort
            _kept[key] = _read_primer(plan, primer, bits)
        kept = _kept.get(key)
    coder, model = _read_primer(plan, primer, bits) if kept is None else (_copied(kept[0]), _copied(kept[1]))
    coder.plan[DECODING] = decoding
    return coder._replace(stream=stream), model


@cache
def primer_text(primer: int, effort: int) -> np.ndarray:
    """uint8[n]: the primer of that number, as far as an effort reads it."""
    text = np.concatenate([np.zeros(0, np.uint8), *(_part(number) for number in parts_of(primer, effort))])
    text.flags.writeable = False
    return text


@cache
def _part(number: int) -> np.ndarray:
    size, coded = stored_primers(_data("primers.bin"))[number]
    text = np.zeros(size, np.uint8)
    plan = setup(STORED_EFFORT)
    bits = plan.line_bits(size)
    coder = new_coder(plan, trained(plan), bits, np.frombuffer(coded, np.uint8).copy(), decoding=True)
    if run(coder, new_model(plan, bits), text, 0) != len(coded) + READ_AHEAD:
        raise MissingModel(f"primers.bin in {__package__} belongs to another version; reinstall lacodec")
    return text


@cache
def trained(plan: Setup) -> Trained:
    """Start values of this setup."""
    with np.load(io.BytesIO(_data("trained.npz"))) as stored:
        name = f"{plan.effort}_"

        def entries(kind: str) -> np.ndarray:
            return (stored[name + kind].astype(np.uint32) << 16) | stored[f"{name}{kind}_counts"]

        return Trained(
            maps=entries("maps"),
            run_maps=entries("run_maps"),
            expect_maps=entries("expect_maps"),
            weights=stored[name + "weights"].astype(np.int32) * WEIGHT_UNIT,
            final=stored[name + "final"].astype(np.int32),
        )


def _data(name: str) -> bytes:
    try:
        return (files(__package__) / name).read_bytes()
    except FileNotFoundError as error:
        raise MissingModel(f"{name} is missing from {__package__}; reinstall lacodec") from error


def _read_primer(plan: Setup, primer: int, bits: int) -> tuple[Coder, Model]:
    text = primer_text(primer, plan.effort)
    return read(text, new_coder(plan, trained(plan), bits, np.zeros(text.size, np.uint8), decoding=False), new_model(plan, bits))


def read(text: np.ndarray, coder: Coder, model: Model) -> tuple[Coder, Model]:
    """The coder and the model, having read a text."""
    text = text.copy()
    at = max(0, text.size - CODED_END)
    tk.absorb_bytes(coder, model, text, at)
    tk.code_bytes(coder, model, text, at, text.size, True, True)
    coder.registers[:] = 0
    return coder, model


def _copied(part: _Part) -> _Part:
    """A copy of all pools; slots stay aligned to cache lines."""
    return part._replace(**{name: aligned_copy(pool) for name, pool in part._asdict().items() if pool.flags.writeable})
