"""Bottlenecks inside networks: the linear start, what training gains, files."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from lacodec.training.bottleneck import Bottleneck, Rate, Training, load, save, spectrum, train  # noqa: E402


@pytest.fixture(scope="module")
def network():
    """Activations [240, 6, 8, 8] that are correlated, and a tail that hardly looks at the strongest direction."""
    generator = torch.Generator().manual_seed(1)
    mix = torch.randn(6, 6, generator=generator)
    deviation = torch.tensor([9.0, 3, 2, 1, 0.5, 0.2])[:, None, None]
    drawn = torch.randn(240, 6, 8, 8, generator=generator) * deviation
    values = torch.einsum("ij,njhw->nihw", mix, drawn) + 2
    answers = torch.randn(5, 6, generator=generator)
    answers[:, 0] *= 0.001
    blind = answers @ torch.linalg.inv(mix)

    def tail(activations):
        seen = torch.einsum("ij,njhw->nihw", blind, activations - 2)
        return torch.tanh(seen).mean((2, 3)) * 20

    return values, tail


def batches(values, size=24):
    return (values[i : i + size] for i in range(0, len(values), size))


def divergence(tail, values, again):
    wanted, found = tail(values).log_softmax(1), tail(again).log_softmax(1)
    return float((wanted.exp() * (wanted - found)).sum(1).mean())


def test_the_start_is_a_transform_and_its_inverse(network):
    values, tail = network
    bottleneck = Bottleneck(6, 6)
    bottleneck.start(spectrum(batches(values), tail), 0.5)
    assert torch.allclose(bottleneck.decode(bottleneck.encode(values)), values, atol=1e-3)
    rows = bottleneck.encode(values).detach().permute(1, 0, 2, 3).flatten(1)
    correlation = torch.corrcoef(rows)
    assert (correlation - torch.eye(6)).abs().max() < 0.02


def test_errors_that_the_tail_does_not_see_cost_nothing(network):
    """At equal divergence, far fewer bits than steps of the plain principal components: one strong direction is not looked at."""
    values, tail = network
    found = spectrum(batches(values), tail)
    blind = type(found)(found.mean, found.covariance, torch.eye(6).double())

    def bits_at(spread, wanted):
        for step in 2.0 ** np.arange(-4, 6, 0.25):
            bottleneck = Bottleneck(6, 6)
            bottleneck.start(spread, float(step))
            with torch.no_grad():
                latents = bottleneck.encode(values).round()
                if divergence(tail, values, bottleneck.decode(latents)) > wanted:
                    break
            counts = [torch.unique(latents[:, c], return_counts=True)[1].double() for c in range(6)]
            bits = sum(float(-(n * (n / n.sum()).log2()).sum()) for n in counts)
        return bits

    assert bits_at(found, 0.01) < 0.8 * bits_at(blind, 0.01)


def test_training_gains(network):
    values, tail = network
    torch.manual_seed(0)
    bottleneck = Bottleneck(6, 6, hidden=12)
    bottleneck.start(spectrum(batches(values), tail), 4.0)
    price, seen = 1e-4, []

    def endless():
        while True:
            yield from batches(values)

    def cost():
        with torch.no_grad():
            latents = bottleneck.encode(values).round()
            wanted, found = tail(values), tail(bottleneck.decode(latents))
            error = float((found - wanted).square().mean() / wanted.var())
            return error + price * float(bottleneck.rate(latents).sum((1, 2, 3)).mean())

    before = cost()
    train(bottleneck, lambda found: [tail(found)], endless(), Training(price, 150, 3e-3), lambda *found: seen.append(found))
    assert cost() < 0.9 * before and [step for step, _, _ in seen] == list(range(150))


def test_rates_add_up_to_one():
    """Chances of all whole numbers at a place, given those before it."""
    torch.manual_seed(0)
    rate = Rate(2)
    rate.start(torch.tensor([3.0, 1.0]))
    latents = torch.randint(-3, 4, (1, 2, 3, 3)).float()
    total = 0.0
    for number in range(-60, 61):
        changed = latents.clone()
        changed[0, 1, 2, 2] = number
        total += 2.0 ** -float(rate(changed)[0, 1, 2, 2].detach())
    assert abs(total - 1) < 1e-3


def test_files(network, tmp_path):
    values, tail = network
    bottleneck = Bottleneck(6, 4, hidden=8)
    bottleneck.start(spectrum(batches(values), tail), 1.0)
    save(bottleneck, tmp_path / "bottleneck.pt")
    again = load(tmp_path / "bottleneck.pt")
    with torch.no_grad():
        assert torch.equal(again.encode(values), bottleneck.encode(values))
        assert again.encode(values).shape == (240, 4, 8, 8)
