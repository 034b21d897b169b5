"""A very small image model for tests, and the file it is kept in."""

import functools
import tempfile
from pathlib import Path

import torch

from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import ModelOptions
from lacodec.testing import photo
from lacodec.training.export import export_image_model
from lacodec.training.klt import start_from_klt
from lacodec.training.pictures import Pictures

SIZES = ModelOptions(latents=32, hyper_latents=8, width=16, blocks=1, coarse=1, coarse_inner=8, fine=2, fine_inner=8, high=0.05)


def pictures(side=128, count=3, device="cpu"):
    arrays = [torch.from_numpy(photo(side, side + 16 * i, seed=i + 1)) for i in range(count)]
    sizes = torch.tensor([array.numel() for array in arrays])
    shapes = torch.tensor([array.shape[:2] for array in arrays])
    pixels = torch.cat([array.reshape(-1) for array in arrays])
    return Pictures(pixels.to(device), sizes.cumsum(0) - sizes, shapes[:, 0], shapes[:, 1])


def model(seed=0, sizes=SIZES):
    """From the KLT, with some noise in what begins at zero."""
    torch.manual_seed(seed)
    network = ImageModel(sizes)
    start_from_klt(network, pictures(), rounds=1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.abs().sum() == 0:
                parameter.normal_(0, 0.02 if "quality" in name or "bias" in name else 0.005)
        if sizes.entropy != "factorized":
            for head in network.entropy.heads:
                head.weight.normal_(0, 0.3)
    return network


@functools.cache
def model_file(seed=0, sizes=SIZES):
    """Path of the file; made once per process."""
    path = Path(tempfile.mkdtemp(prefix="lacodec-test-")) / "tiny.lac"
    export_image_model(model(seed, sizes), path)
    return str(path)
