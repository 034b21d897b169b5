"""Train what the coefficient model of `image.jpeg` starts from.

    python tools/train_jpeg.py FOLDER      needs torch; FOLDER holds JPEG files, as made by tools/make_jpegs.py

Three steps: predictions of values by least squares, of sizes by descent on a coding cost (samples of blocks); then the models
code all files one after the other, and what they have learned becomes start.bin and fast.bin. About ten minutes on one core.
"""

import random
import sys
from pathlib import Path

import numpy as np
import torch

from lacodec.codecs.image.jpeg.frame import Frame
from lacodec.codecs.image.jpeg.model import coder, fast_coder, fast_setup
from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.setup import SETUPS, ZIGZAG, coding_order, new_state
from lacodec.codecs.image.jpeg.model.start import Start, pack, start_values
from lacodec.codecs.image.jpeg.stream.parse import analyse
from lacodec.entropy.mixing import HIGH

TARGET = Path(coder.__file__).parent
SAMPLES = (700, 350)  # blocks from a component: luma, chroma
STEPS, BATCH = 1500, 768
LEAST_SEEN, LEAST_AGE = 240, 120  # counters and rows that were met less often keep their plain start
OWN, LEFT, ABOVE, CORNER, RIGHT, LUMA, BESIDE, QUANT = range(8)
RANK = np.argsort(coding_order())


def column(k: int) -> list[int]:
    """Natural places of the frequencies above and below k."""
    return [k % 8 + 8 * i for i in range(8)]


def row(k: int) -> list[int]:
    """Natural places of the frequencies beside k."""
    return [k // 8 * 8 + i for i in range(8)]


def sampled(frames: list[Frame]) -> list[np.ndarray]:
    """For luma, for chroma: int16[blocks, 8, 64], dequantised, in natural order: the block and what is known around it."""
    chance = np.random.default_rng(1)
    found: list[list[np.ndarray]] = [[], []]
    for frame in frames:
        first = frame.components[0]
        wide = [c.coefficients[..., np.argsort(ZIGZAG)].astype(np.int32) * c.quant[np.argsort(ZIGZAG)] for c in frame.components]
        for index, (component, values) in enumerate(zip(frame.components, wide, strict=True)):
            rows, columns = values.shape[:2]
            padded = np.pad(values, ((1, 0), (1, 1), (0, 0)))
            count = min(rows * columns // 2, SAMPLES[min(index, 1)])
            y, x = chance.integers(0, rows, count), chance.integers(0, columns, count)
            own = padded[y + 1, x + 1]
            luma = np.zeros_like(own)
            if index:
                down, across = first.v // component.v, first.h // component.h
                places = [(y * down + i, x * across + j) for i in range(down) for j in range(across)]
                limits = wide[0].shape[0] - 1, wide[0].shape[1] - 1
                sizes = [abs(wide[0][np.minimum(a, limits[0]), np.minimum(b, limits[1])]) for a, b in places]
                luma = sum(sizes) // len(places)
            beside = wide[1][y, x] if index > 1 else np.zeros_like(own)
            quant = np.broadcast_to(component.quant[np.argsort(ZIGZAG)].astype(np.int32), own.shape)
            parts = [own, padded[y + 1, x], padded[y, x + 1], padded[y, x], padded[y, x + 2], luma, beside, quant]
            found[min(index, 1)].append(np.stack(parts, 1).clip(-16384, 16383).astype(np.int16))
    return [np.concatenate(part) for part in found]


def signed_features(blocks: np.ndarray, k: int) -> np.ndarray:
    """float32[blocks, 32]: above and own by column, left and own by row; what is coded later is zero."""
    own = blocks[:, OWN] * (RANK[k] > RANK)
    return np.concatenate([blocks[:, ABOVE][:, column(k)], own[:, column(k)], blocks[:, LEFT][:, row(k)], own[:, row(k)]], 1)


def fit_signed(blocks: np.ndarray) -> np.ndarray:
    """float64[66, 32]: weights of every value; the last two rows are of DC from above or from the left alone."""
    blocks = blocks.astype(np.float32)
    around = abs(blocks[:, [LEFT, ABOVE], 1:]).sum(1).mean(1) + blocks[:, QUANT].mean(1) * 0.25
    weights = np.zeros((66, 32))
    for line in range(66):
        k = line if line < 64 else 0
        x, y = signed_features(blocks, k), blocks[:, OWN, k]
        if line >= 64:
            x = x * (np.arange(32) // 8 != (2 if line == 64 else 0))
        trust = 1 / (around + abs(blocks[:, [LEFT, ABOVE], k]).sum(1) * (line < 64) + blocks[:, QUANT, k] * (line >= 64))
        x, y = x * trust[:, None], y * trust
        products = (x.T @ x).astype(np.float64)
        ridge = (1e-3 if line < 64 else 1e-4) * np.trace(products) / 32 + 1e-6
        weights[line] = np.linalg.solve(products + np.eye(32) * ridge, x.T @ y) * (np.diag(products) > 0)
    return weights


def size_features() -> tuple[np.ndarray, np.ndarray]:
    """(int[64, 48] places in a sample, bool[64, 48] which count): of every coefficient. No value stands twice, no DC."""
    places, used = np.zeros((64, 48), int), np.ones((64, 48), bool)
    for k in range(64):
        groups = [(ABOVE, column(k)), (ABOVE, row(k)), (LEFT, row(k)), (LEFT, column(k)), (OWN, column(k)), (OWN, row(k))]
        places[k] = [64 * part + j for part, cells in groups for j in cells]
        used[k, [8 + k % 8, 24 + k // 8]] = False
        used[k, 32:] = RANK[places[k, 32:]] < RANK[k]
        used[k, places[k] % 64 == 0] = False
    return places, used


def fit_sizes(blocks: np.ndarray, signed: np.ndarray, luma: bool) -> np.ndarray:
    """float64[64, 56]: weights of the sizes around, found by descent on the cost of a geometric distribution."""
    places, used = size_features()
    extras = np.tile(np.array([True, True, not luma, not luma, True]), (64, 1))
    mask = torch.tensor(np.concatenate([used, extras], 1).astype(np.float32))
    raw = torch.full((64, 53), -5.0)
    raw[:, 48:] = -4
    raw.requires_grad_(True)
    optimiser = torch.optim.Adam([raw], lr=0.08)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    chance, index = np.random.default_rng(0), torch.tensor(places.reshape(-1))
    for _ in range(STEPS):
        batch = blocks[chance.integers(0, len(blocks), BATCH)].astype(np.float32)
        sizes = torch.tensor(abs(batch))
        around = sizes.reshape(BATCH, -1)[:, index].reshape(BATCH, 64, 48)
        quant, target = sizes[:, QUANT], sizes[:, OWN].clone()
        target[:, 0] = torch.tensor(abs(batch[:, OWN, 0] - signed_features(batch, 0) @ signed[0].astype(np.float32)))
        all_sizes = torch.cat([around, sizes[:, [CORNER, RIGHT, LUMA, BESIDE, QUANT]].transpose(1, 2)], 2)
        size = (all_sizes * torch.nn.functional.softplus(raw) * mask).sum(2) + 0.02 * quant
        decay = torch.exp(-quant / torch.maximum(size, 0.05 * quant))
        zero = (1 - decay**0.55).clamp(1e-4, 0.9999)
        level = torch.round(target / quant)
        cost = torch.where(level == 0, -zero.log(), -(1 - zero).log() - (level - 1) * decay.log() - (1 - decay).log())
        loss = cost[:, 1:].mean() + cost[:, 0].mean() / 64
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    weights = np.zeros((64, 56))
    weights[:, :53] = (torch.nn.functional.softplus(raw) * mask).detach().numpy()
    weights[:, 52] += 0.02
    return weights


def fixed(weights: list[np.ndarray]) -> np.ndarray:
    """Weights with 14 + 8 fractional bits, the lower eight empty."""
    coarse = np.clip(np.round(np.stack(weights).reshape(-1) * (1 << st.WEIGHT_BITS)), -32767, 32767)
    return coarse.astype(np.int32) << 8


def mixed_start(frames: list[Frame], signed: np.ndarray, sizes: np.ndarray) -> bytes:
    """Code all frames with one state; what it has learned."""
    none = np.zeros(0, np.int64)
    start = Start(none, none.astype(np.uint32), none, np.zeros((0, 13), np.int32), signed, sizes)
    s = new_state(SETUPS[9], np.zeros(1 << 23, np.uint8), decoding=False, start=start)
    before = s.weights.copy()
    for i, frame in enumerate(frames):
        done = i / len(frames)
        s.registers[:] = 0
        s.registers[HIGH] = 0xFFFFFFFF
        s.plan[st.SIGNED_RATE] = 32 if done < 0.4 else 12 if done < 0.7 else 4
        s.plan[st.MIX_RATE] = 400 if done < 0.6 else 250
        sampling = [(c.h, c.v) for c in frame.components]
        coder._code(s, [c.coefficients for c in frame.components], [c.quant for c in frame.components], sampling, lambda _: None)
    counters = s.slots ^ st.HALF
    places = np.flatnonzero((counters & 1023) >= LEAST_SEEN)
    width = s.inputs.size
    trained = s.weights.reshape(-1, width)
    rows = np.flatnonzero((s.weights != before).reshape(-1, width).any(1))
    used = trained[rows][:, [*range(12), width - 1]]
    return pack(places, (counters[places] >> 20).astype(np.int64), rows, used, s.signed_weights, s.size_weights)


def fast_start(frames: list[Frame]) -> bytes:
    """The same for the models of efforts 1 and 2; `start.bin` must be in place."""
    plain = fast_setup.plain_rows()
    chances, rows, seen = plain.chances.copy(), [], []
    for effort in (2, 1):
        c = fast_setup.new_symbols(plain, effort, notes=np.empty(1 << 24, np.uint32), plain=np.empty(1 << 23, np.uint32))
        for frame in frames:
            c.registers[:] = 0
            arrays, quants = [part.coefficients for part in frame.components], [part.quant for part in frame.components]
            fast_coder._code(c, chances, arrays, quants, effort, False, lambda _: None)
        rows.append(c.rows)
        seen.append(c.ages >= LEAST_AGE)
    return fast_setup.pack_rows(np.concatenate(rows), np.concatenate(seen), chances)


def main() -> None:
    """Command line."""
    frames = []
    for path in sorted(Path(sys.argv[1]).glob("*.jpg")):
        parsed = analyse(path.read_bytes())
        if parsed is not None:
            frames.append(parsed.frame)
    random.Random(5).shuffle(frames)
    blocks = sampled(frames)
    signed = [fit_signed(part) for part in blocks]
    sizes = [fit_sizes(part, weights, i == 0) for i, (part, weights) in enumerate(zip(blocks, signed, strict=True))]
    (TARGET / "start.bin").write_bytes(mixed_start(frames, fixed(signed), fixed(sizes)))
    start_values.cache_clear()
    (TARGET / "fast.bin").write_bytes(fast_start(frames))


if __name__ == "__main__":
    main()
