"""The plan for NUMBERS: the best predictor, by samples, then bins."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import forms, predict, splits
from lacodec.codecs.columns._fields import Writer
from lacodec.codecs.columns.bins import encode_bins
from lacodec.codecs.columns.candidates import candidates, signless
from lacodec.codecs.columns.estimate import bits_of_rows
from lacodec.codecs.columns.mixed.payload import encode_mixed
from lacodec.codecs.columns.plan import MIXING, NODE, Plan, Profile, Work, sample_places

_STEP = 0.01  # bits a value that a step of a predictor must save, for its time
_LEAST_RAW = 2048  # values below which floats are always taken in their order
_FEW, _FEW_INSIDE = 256, 2048  # values for which the first candidates do: of an array, of a node in another
_TINY = 16  # bytes of bins that nothing beats
_TABLE = 160.0  # bits of bins and their table, at least


def numbers(flat: NDArray[Any], shape: tuple[int, ...], work: Work) -> Plan:
    """Predictors, bins and places."""
    dropped = splits.zero_bits(flat)
    latents = splits.ordered(flat, dropped)
    profile = work.profile
    simple = profile.simple or len(flat) < (_FEW if work.depth == 0 else _FEW_INSIDE)
    bits, steps = _best_steps(latents, candidates(shape, simple), profile)
    order = forms.ORDER
    if flat.dtype.kind == "f" and not profile.simple and len(flat) >= _LEAST_RAW:
        raw = splits.shifted(flat, dropped)
        raw_bits, raw_steps = _best_steps(raw, signless(shape), profile)
        if raw_bits < bits:
            bits, steps, latents, order = raw_bits, raw_steps, raw, forms.SIGN_FIRST
    shaped = latents.reshape(shape)
    write = partial(_write, flat, shaped, 2 * dropped + order, steps, work)
    return Plan(bits + _TABLE + NODE, write, forms.NUMBERS)


def _best_steps(latents: splits.Latents, tried: Sequence[predict.Steps], profile: Profile) -> tuple[float, predict.Steps]:
    """(bits of all values, steps) of the best candidate: the likely ones of a small sample are compared on a larger one."""
    n = len(latents)
    tried = [steps for steps in tried if 2 * predict.reach(steps) <= n]
    if not tried:
        return float("inf"), ()
    for most, kept in profile.rounds if n > profile.rounds[0][0] else profile.rounds[-1:]:
        places = sample_places(n, max(predict.reach(steps) for steps in tried), most)
        sampled = predict.Sampled(latents, places)
        bits = bits_of_rows(np.stack([sampled.residuals(steps) for steps in tried]), n)
        order = np.argsort(bits + np.array([_STEP * len(steps) * n for steps in tried]), kind="stable")[:kept]
        tried = [tried[i] for i in order]
    return float(bits[order[0]]), tried[0]


def _write(flat: NDArray[Any], latents: splits.Latents, order: int, steps: predict.Steps, work: Work, out: Writer) -> None:
    """The shortest of bins, mixing (from its effort on) and the bytes."""
    found = Writer()
    found.write(bytes([forms.NUMBERS]))
    found.number(order)
    predict.write_steps(found, steps)
    encode_bins(found, predict.residuals(latents.reshape(-1), steps), work.profile.fine)
    if work.effort >= MIXING and len(found) > _TINY:
        mixed = Writer()
        mixed.write(bytes([forms.MIXED]))
        mixed.number(order)
        mixed.piece(encode_mixed(latents, effort=work.effort, report=work.session.report))
        found = min(found, mixed, key=len)
    if len(found) > flat.nbytes:
        forms.write_stored(flat, out)
    else:
        out.append(found)
