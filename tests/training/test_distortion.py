"""Distortions: equal to the metrics they are named after, weighted by masks, differentiable; task networks."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from lacodec.errors import BadInput  # noqa: E402
from lacodec.evaluation import metrics  # noqa: E402
from lacodec.models.image.similarity import ms_ssim  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from lacodec.training.distortion import DISTORTIONS, squared, together  # noqa: E402
from lacodec.training.pyramid import perceptual  # noqa: E402
from lacodec.training.task_loss import TaskLoss, load_network  # noqa: E402

pytestmark = pytest.mark.torch

ALL = sorted(DISTORTIONS)


def pictures(height=192, width=256, count=2):
    arrays = np.stack([photo(height, width, seed=seed) for seed in range(count)])
    return torch.from_numpy(arrays.transpose(0, 3, 1, 2).astype(np.float32))


def noisy(pixels, deviation, seed=1):
    return pixels + deviation * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("deviation", [2, 12, 60])
def test_ms_ssim_is_that_of_the_evaluation(deviation):
    one = pictures()
    other = noisy(one, deviation).clamp(0, 255).round()
    wanted = [
        metrics.ms_ssim(*(p.numpy().astype(np.uint8).transpose(1, 2, 0) for p in pair)) for pair in zip(one, other, strict=True)
    ]
    assert torch.allclose(ms_ssim(one, other), torch.tensor(wanted, dtype=torch.float32), atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_all_distortions_count_like_squared_errors(name):
    one = pictures()
    distortion = DISTORTIONS[name]
    assert distortion(one, one).abs().max() < 1e-2
    assert torch.all(distortion(one, noisy(one, 6)) < distortion(one, noisy(one, 9)))
    for deviation in (4, 8):
        assert torch.all((distortion(one, noisy(one, deviation)) / deviation**2 - 1.5).abs() < 1.4)
    decoded = noisy(one, 8).requires_grad_()
    distortion(one, decoded).sum().backward()
    better = decoded.detach() - 2000 * decoded.grad
    assert torch.all(distortion(one, better) < distortion(one, decoded))


@pytest.mark.parametrize("name", ALL)
def test_masks_weigh_places(name):
    one, distortion = pictures(), DISTORTIONS[name]
    mask = torch.ones(2, 1, 192, 256)
    assert torch.allclose(distortion(one, noisy(one, 8), mask), distortion(one, noisy(one, 8), None), rtol=1e-4)
    mask[:, :, :, :128] = 0
    decoded = noisy(one, 8).requires_grad_()
    distortion(one, decoded, mask).sum().backward()
    assert decoded.grad[..., :64].abs().mean() < 0.2 * decoded.grad[..., 128:].abs().mean()
    assert squared(one, one + 3, mask).tolist() == [4.5, 4.5]


def test_what_is_seen_is_what_counts():
    """Noise costs more in a smooth picture than in one full of contrast; a plane made brighter costs too."""
    smooth = torch.full((1, 3, 64, 64), 120.0)
    rough = noisy(smooth, 40)
    assert perceptual(smooth, noisy(smooth, 4, 2)) > 2 * perceptual(rough, noisy(rough, 4, 2))
    assert perceptual(smooth, smooth + 4) > 0.2 * 4**2


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3, stride=2), nn.Flatten(), nn.LazyLinear(5))


@pytest.mark.parametrize("layers", [(), ("0",), ("0", "2")])
def test_a_task_network_counts_like_squared_errors(layers):
    one = pictures(64, 64, 6)
    loss = TaskLoss(network(), 0.5, layers)
    loss.measure(one)
    cost = loss(one, noisy(one, 5, 7))
    assert abs(float(cost.mean()) / (0.5 * 25) - 1) < (0.2 if layers else 0.6)  # five numbers vary more than maps
    assert float(loss(one, one).abs().max()) == 0
    decoded = noisy(one, 5).requires_grad_()
    together([squared, loss])(one, decoded, torch.ones(6, 1, 64, 64)).sum().backward()
    assert decoded.grad.abs().sum() > 0
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in loss.network.parameters())


def test_task_networks_that_cannot_be_used(tmp_path, monkeypatch):
    one = pictures(64, 64)
    for broken in (nn.Linear(3, 3), nn.Sequential(nn.Conv2d(3, 4, 3), nn.Threshold(1e9, 0.0))):
        with pytest.raises(BadInput):
            TaskLoss(broken, 1.0).measure(one)
    with pytest.raises(BadInput, match="no layer"):
        TaskLoss(network(), 1.0, ["last"])
    with pytest.raises(BadInput):
        TaskLoss(lambda x: x, 1.0)
    with pytest.raises(BadInput):
        TaskLoss(network(), 0.0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_task_network.py").write_text(
        "import torch\ndef build():\n    return torch.nn.Conv2d(3, 4, 3)\ndef wrong():\n    return 5\n"
    )
    assert isinstance(load_network("my_task_network:build"), nn.Conv2d)
    for name in ("my_task_network:wrong", "my_task_network:none", "my_task_network", "no_such_module:build"):
        with pytest.raises(BadInput):
            load_network(name)
