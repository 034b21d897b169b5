"""Train the constants of the fast pixel model of `image.lossless`: predictors, their weights, expected errors, first tables.

    python tools/train_image_fast.py DATA      needs torch

DATA is a folder with an INFO.tsv (path, bytes, split, details); only pictures marked train are read. Writes fast.npz into
lacodec/codecs/image/. About four minutes on one core; the same machine gets the same constants.

The whole model is differentiable when all pixels are known, so its bits themselves are brought down, under a mixture of two
logistic distributions of the error. Counts for the first tables come from coding the pictures with the result.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from lacodec.codecs.image.lossless.fast import kernel as fast_kernel
from lacodec.codecs.image.lossless.fast import tile as fast
from lacodec.codecs.image.lossless.fast.vector import NEAR, PREDICTORS, TAPS, TOKENS, taps

TARGET = Path(fast.__file__).parent / "fast.npz"
STEPS = 2500
MARGIN = 6  # that no tap and no sum of errors reaches beyond
CROP, BATCH = 72, 10
SHRUNK = (1.4, 1.7, 2.0)  # several, so that pictures differ in sharpness
BINS = 40  # of expected errors, of those in `_fast_kernel`, that get counts of their own
MOST = 4096  # symbols of a context that one picture gives
UNIT = 4096  # constants are rounded to parts of this
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1))  # in the order of `near`
OWN_SIZES = ((-1, 0), (-1, 1), (-1, -1), (-2, 0), (0, -2), (0, -1))  # in the order of `expect`
OTHER_SIZES = ((0, 0), (0, 1), (0, -1), (1, 0))
# The start of the predictors: W, plus differences from it of own neighbours; each in three strengths of the planes before.
STARTS = (
    {(-1, 0): 1.0},
    {},
    {(-1, 0): 1.0, (-1, -1): -1.0},
    {(-1, 1): 0.5, (-1, 0): -0.5},
    {(-1, 0): 0.5},
    {(0, -2): -0.5},
)
STRENGTHS = (1.0, 0.5, 0.0)


class Model(torch.nn.Module):
    """Parameters by plane; those that stay positive are logarithms."""

    def __init__(self) -> None:
        super().__init__()
        parameter = torch.nn.Parameter
        self.weights = torch.nn.ParameterList([parameter(_first_weights(p)) for p in range(3)])
        self.near = parameter(torch.tensor([1.0, 2, 1, 1, 2]).mul(0.15).log().repeat(3, 1))
        self.added, self.gains = parameter(torch.full((3,), -1.5)), parameter(torch.zeros(3, PREDICTORS))
        self.expect = parameter(torch.full((3, 11), -2.2))
        self.base, self.mix = parameter(torch.full((3,), -2.0)), parameter(torch.tensor([[0.0, 1.0]] * 3))

    def coefficients(self, p: int) -> torch.Tensor:
        """[PREDICTORS, taps]: those in the own plane add up to one, those in another to nothing."""
        return _with_sums(self.weights[p], p)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Bits per sample of float[n, 3, height, width], margins left out."""
        bits, sizes = torch.zeros(()), []
        for p in range(3):
            near = torch.stack([_moved(pixels[:, p - back], dy, dx) for back, dy, dx in taps(p)], 1)
            guesses = torch.einsum("bkhw,ik->bihw", near, self.coefficients(p))
            value = _moved(pixels[:, p], 0, 0)
            errors = _padded((value[:, None] - guesses).abs())
            local = sum(self.near[p, k].exp() * _moved(errors, *place) for k, place in enumerate(AROUND))
            weight = self.gains[p].exp()[None, :, None, None] / (local + self.added[p].exp()) ** 2
            apart = value - ((weight * guesses).sum(1) / weight.sum(1)).clamp(0, 255)
            sizes.append(_padded(apart.abs()[:, None])[:, 0])
            features = [_moved(sizes[p], *place) for place in OWN_SIZES]
            if p == 0:
                w, n, nw, ne = (_moved(pixels[:, 0], *place) for place in ((0, -1), (-1, 0), (-1, -1), (-1, 1)))
                features += [(n - nw).abs(), (n - ne).abs(), (w - nw).abs()]
            else:
                features += [_moved(sizes[p - 1], *place) for place in OTHER_SIZES]
            features += [_moved(sizes[0], 0, 0)] if p == 2 else []
            scale = self.base[p].exp() + sum(self.expect[p, k].exp() * f for k, f in enumerate(features))
            share, wider = self.mix[p, 0].sigmoid(), 1 + self.mix[p, 1].exp()
            chance = (1 - share) * _logistic(apart, scale / 2) + share * _logistic(apart, scale / 2 * wider)
            bits = bits - torch.log2(chance * 0.9999 + 1e-6).mean() / 3
        return bits


def main() -> None:
    """Train, write, count with the files written, write again."""
    torch.set_num_threads(1)
    pictures = _pictures(Path(sys.argv[1]))
    found = _exported(_trained(pictures))
    _save(found | {"counts": np.ones((3, BINS, 2, TOKENS), np.uint16)})
    _save(found | {"counts": _counted(pictures)})


def _pictures(data: Path) -> list[np.ndarray]:
    """uint8[3, height, width] in coding order, smaller than the files: this hides that most were JPEGs once."""
    with (data / "INFO.tsv").open() as table:
        rows = [row["path"] for row in csv.DictReader(table, delimiter="\t") if row["split"] == "train"]
    pictures = []
    for number, path in enumerate(sorted(row for row in rows if row.startswith("images/train/"))):
        image = Image.open(data / path).convert("RGB")
        factor = SHRUNK[number % len(SHRUNK)]
        image = image.resize((int(image.width / factor), int(image.height / factor)), Image.Resampling.LANCZOS)
        pictures.append(np.asarray(image).transpose(2, 0, 1)[[1, 0, 2]])
    return pictures


def _trained(pictures: list[np.ndarray]) -> Model:
    torch.manual_seed(1)
    rng = np.random.default_rng(0)
    model = Model()
    others = [parameter for name, parameter in model.named_parameters() if not name.startswith("weights")]
    groups = [{"params": list(model.weights), "lr": 6e-3}, {"params": others, "lr": 2e-2}]
    optimiser = torch.optim.Adam(groups, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, eta_min=1e-4)
    for step in range(STEPS):
        crops = []
        for _ in range(BATCH):
            planes = pictures[rng.integers(len(pictures))]
            y, x = (rng.integers(n - CROP + 1) for n in planes.shape[1:])
            crops.append(planes[:, y : y + CROP, x : x + CROP][:, :, :: rng.choice((1, -1))])
        optimiser.zero_grad()
        bits = model(torch.from_numpy(np.stack(crops).astype(np.float32)))
        bits.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: {bits.item():.4f} bits per sample", flush=True)
    return model


def _exported(model: Model) -> dict[str, np.ndarray]:
    """Arrays as the kernel takes them, rounded."""
    coefficients = np.zeros((3, TAPS, PREDICTORS), np.float32)
    near = np.zeros((3, NEAR + 2, PREDICTORS), np.float32)
    expect = np.zeros((3, fast_kernel.SIZES), np.float32)
    with torch.no_grad():
        for p in range(3):
            coefficients[p, : len(taps(p))] = _with_sums(_rounded(model.coefficients(p)), p).T.numpy()
            near[p, :NEAR] = model.near[p].exp()[:, None].numpy()
            near[p, NEAR] = model.added[p].exp().item()
            near[p, NEAR + 1] = (model.gains[p] / 2).exp().numpy()
            expect[p, 0] = model.base[p].exp().item()
            used = len(OWN_SIZES) + (3, len(OTHER_SIZES), len(OTHER_SIZES) + 1)[p]
            expect[p, 1 : 1 + used] = model.expect[p, :used].exp().numpy()
    return {"coefficients": coefficients, "near": _rounded(near), "expect": _rounded(expect)}


def _counted(pictures: list[np.ndarray]) -> np.ndarray:
    """uint16[3, BINS, 2, TOKENS]: shares of the tokens in each context, out of 8192; rarely seen contexts follow others."""
    seen = np.zeros((3, fast_kernel.BINS, 2, TOKENS))
    for planes in pictures:
        state = fast.new_state(planes.shape, 255, 0, np.zeros(1, np.uint32), np.empty(planes.size, np.uint64), decoding=False)
        pad = fast_kernel.PAD
        state.pixels[:, pad:-1, pad : pad + planes.shape[2]] = planes
        state.counts[:] = 0
        state.due[:] = 2**32 - 1  # so that they are never halved
        fast_kernel.code_planes(state, 0, len(planes) + planes.shape[1] - 1)
        here = state.counts.reshape(seen.shape) / fast_kernel.GAIN
        seen += here * np.minimum(1, MOST / np.maximum(here.sum(-1, keepdims=True), 1))
    shares = np.zeros((3, BINS, 2, TOKENS))
    everywhere = seen.sum(0)
    for p, b, half in np.ndindex(3, BINS, 2):
        here = seen[p, b, half] + everywhere[b, half] * min(1.0, 300 / (everywhere[b, half].sum() + 1)) + 0.02
        if b >= 4 and here.sum() < 3000:
            here = here + shares[p, b - 4, half] * 1000
        shares[p, b, half] = here / here.sum()
    return np.maximum(np.round(shares * 8192), 1).astype(np.uint16)


def _save(arrays: dict[str, np.ndarray]) -> None:
    np.savez_compressed(TARGET, **arrays)
    fast._model.cache_clear()
    fast._start.cache_clear()
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


def _first_weights(plane: int) -> torch.Tensor:
    weights = torch.randn(PREDICTORS, len(taps(plane))) * 0.02
    for i in range(PREDICTORS):
        start, strength = STARTS[i % len(STARTS)], STRENGTHS[i // len(STARTS)]
        for k, (back, dy, dx) in enumerate(taps(plane)):
            if back == 0:
                weights[i, k] += start.get((dy, dx), 0.0)
            elif back == 1:  # minus the prediction of its own neighbours there
                weights[i, k] -= strength * (start.get((dy, dx), 0.0) + ((dy, dx) == (0, -1)) * (1.0 - sum(start.values())))
    return weights


def _with_sums(weights: torch.Tensor, plane: int) -> torch.Tensor:
    """Those of the own plane made to add up to one by W, those of others to nothing by the pixel at the same place."""
    fixed = weights.clone()
    for back in range(plane + 1):
        places = [k for k, place in enumerate(taps(plane)) if place[0] == back]
        rest = (1.0 if back == 0 else 0.0) - weights[:, places].sum(1)
        fixed[:, places[0] if back else places[-1]] += rest
    return fixed


def _rounded(array):  # an array or a tensor, as was given
    return (array * UNIT).round() / UNIT


def _moved(t: torch.Tensor, dy: int, dx: int) -> torch.Tensor:
    """The inner part of t[..., y, x], seen from (dy, dx)."""
    height, width = t.shape[-2:]
    return t[..., MARGIN + dy : height - MARGIN + dy, MARGIN + dx : width - MARGIN + dx]


def _padded(t: torch.Tensor) -> torch.Tensor:
    """With margins that repeat the edge."""
    return functional.pad(t, (MARGIN,) * 4, mode="replicate")


def _logistic(apart: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Chance of an error within half a step of `apart`."""
    return (((apart + 0.5) / scale).sigmoid() - ((apart - 0.5) / scale).sigmoid()).clamp_min(1e-9)


if __name__ == "__main__":
    main()
