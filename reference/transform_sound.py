"""Codec `audio.transform`: the symbols of all chunks -> samples (docs/audio-transform.md, *From symbols to sound*)."""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin, sqrt

from reference.stream import Stream
from reference.transform_symbols import Block, Rule, find_steps, read_chunk
from reference.transform_tables import band_edges, like

IN_ZEROS = 0.32
LEAST = -24  # eighths of an octave that a level may lie below the step of a band with coefficients


@dataclass
class Coded:
    """A chunk: its first sample, the one after its last, its payload."""

    begin: int
    stop: int
    payload: bytes


def read_sound(chunks: list[Coded], rate: int, channels: int) -> list[list[float]]:
    """The samples of every channel, in 16-bit steps, for all chunks of a file."""
    parts = [(chunk, read_chunk(chunk.payload, rate, channels, chunk.stop - chunk.begin)) for chunk in chunks]
    found = []
    for first in range(0, channels, 2):
        count = min(2, channels - first)
        rows: list[list[float]] = [[] for _ in range(count)]
        lengths: list[int] = []
        for chunk, groups in parts:
            rule, at = Rule.read(Stream(chunk.payload)), 0
            for block in groups[first // 2]:
                seeds = [2 * chunk.begin + first + c + at for c in range(count)]
                for row, values in zip(rows, block_spectra(block, seeds, rule, rate), strict=True):
                    row += dct4(values)
                lengths.append(len(block.coefficients[0]))
                at += lengths[-1]
        for row in rows:
            unfold(row, lengths)
            found.append(row[: chunks[-1].stop])
    return found


def block_spectra(block: Block, seeds: list[int], rule: Rule, rate: int) -> list[list[float]]:
    """The spectra of the channels of a block, turned back."""
    found = [spectrum(block, c, seed, rule, rate) for c, seed in enumerate(seeds)]
    if len(found) == 2:
        edges = band_edges(rate, block.size)
        for angle, (low, high) in zip(block.angles, pairwise(edges), strict=True):
            turn = pi * angle / 16
            for k in range(low, high):
                x, y = found[0][k], found[1][k]
                found[0][k], found[1][k] = x * cos(turn) - y * sin(turn), y * cos(turn) + x * sin(turn)
    return found


def spectrum(block: Block, c: int, seed: int, rule: Rule, rate: int) -> list[float]:
    """Coefficients, and noise where they are 0."""
    steps = find_steps(block.levels[c], like(rate, 0, block.size), rule)
    state = (seed * 2654435761 + 12345) % 2**32
    found: list[float] = []
    bands = zip(block.levels[c], steps, pairwise(band_edges(rate, block.size)), strict=True)
    for level, step, (low, high) in bands:
        numbers = block.coefficients[c][low:high]
        values = [number * 2 ** (step / 8) for number in numbers]
        zeros = numbers.count(0)
        if level and zeros and rule.noise:
            rest = (high - low) * 4 ** ((4 * level - 64) / 8) - sum(value * value for value in values)
            size = sqrt(max(rest, 0.0) / zeros)
            if 4 * level - 64 - step >= LEAST:
                size = min(size, IN_ZEROS * 2 ** (step / 8))
            for k, number in enumerate(numbers):
                state = (state * 1664525 + 1013904223) % 2**32
                if not number:
                    values[k] = (size if state >> 31 else -size) * rule.noise / 16
        found += values
    return found


def dct4(values: list[float]) -> list[float]:
    """The orthonormal DCT-IV."""
    n = len(values)
    table = [cos(pi / (4 * n) * k) * sqrt(2 / n) for k in range(8 * n)]
    return [sum(x * table[(2 * i + 1) * (2 * k + 1) % (8 * n)] for k, x in enumerate(values)) for i in range(n)]


def unfold(row: list[float], lengths: list[int]) -> None:
    """Undo the overlaps of blocks of these lengths, in place."""
    border = 0
    for before, after in pairwise(lengths):
        border += before
        overlap = min(before, after)
        for i in range(overlap // 2):
            t = pi / 2 * sin(pi / 4 * (1 + (2 * i + 1) / overlap)) ** 2
            u, v = row[border - 1 - i], row[border + i]
            row[border - 1 - i], row[border + i] = u * sin(t) + v * cos(t), v * sin(t) - u * cos(t)
