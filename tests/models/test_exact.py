"""Exact layers: equal to integer arithmetic, and equal under everything a user or a machine may change."""

import operator

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lacodec.errors import CorruptFile  # noqa: E402
from lacodec.models.exact import TOP, UNIT, Conv, Embedding, Gate, Linear, Mode, Table, add, exactly, freeze, set_mode  # noqa: E402

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
PLACES = ("mkldnn.matmul", "mkldnn.conv", "cuda.matmul", "cudnn.conv", "cudnn.rnn")


def network(seed=0, width=96):
    torch.manual_seed(seed)
    layers = [
        Conv(24, 2 * width, 3),
        Gate(),
        Conv(width, 2 * width),
        Conv(2 * width, 2 * width, 3, depthwise=True),
        Gate(),
        Table(TOP, lambda x: 90 * torch.tanh(x / 40)),
        Conv(width, 12, top=8000),
    ]
    net = torch.nn.Sequential(*layers)
    for layer in net:
        if isinstance(layer, Conv):
            torch.nn.init.normal_(layer.weight, 0, 0.25 if layer.groups > 1 else 0.12)
            torch.nn.init.normal_(layer.bias)
    return net


def frozen(seed=0):
    net = network(seed)
    freeze(net)
    set_mode(net, Mode.EXACT)
    return net


def activations(*shape, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).integers(-TOP, TOP + 1, shape).astype(np.float32))


def reference_conv(layer, x):
    """Integers by numpy, in the order of the definition."""
    n, _, height, width = x.shape
    codes, kernel = layer.codes.numpy().astype(np.int64), layer.kernel
    padded = np.pad(x.numpy().astype(np.int64), ((0, 0), (0, 0), (kernel // 2,) * 2, (kernel // 2,) * 2))
    total = np.zeros((n, len(codes), height, width), np.int64)
    for row in range(kernel):
        for column in range(kernel):
            window = padded[:, :, row : row + height, column : column + width]
            if layer.groups > 1:
                total += window * codes[None, :, 0, row, column, None, None]
            else:
                total += np.einsum("oi,nihw->nohw", codes[:, :, row, column], window)
    assert abs(total).max() < 1 << 24
    total = (total + layer.offset.numpy()[:, None, None]) * layer.multiplier.numpy().astype(np.int64)[:, None, None]
    return np.clip((total + (1 << 23)) >> 24, -layer.top, layer.top)


def answer(net, x):
    with exactly(CPU):
        return net(x).numpy().copy()


@pytest.mark.parametrize("shape", [(1, 24, 1, 1), (2, 24, 5, 7), (1, 24, 33, 20)])
def test_convolutions_equal_integer_arithmetic(shape):
    torch.manual_seed(3)
    for layer in (Conv(24, 40), Conv(24, 40, 3), Conv(24, 24, 5, depthwise=True), Conv(24, 8, top=8191)):
        torch.nn.init.normal_(layer.bias)
        layer.freeze()
        set_mode(layer, Mode.EXACT)
        x = activations(*shape)
        assert np.array_equal(answer(layer, x), reference_conv(layer, x))
    linear = Linear(24, 9)
    linear.freeze()
    set_mode(linear, Mode.EXACT)
    x = activations(6, 24)
    assert np.array_equal(answer(linear, x), reference_conv(linear, x[:, :, None, None])[:, :, 0, 0])


@pytest.fixture
def hostile():
    """Every setting that makes multiplication less exact."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision(precision)


def variants(net, x):
    """The same question, asked differently."""
    threads = torch.get_num_threads()
    for count in (1, 2):
        torch.set_num_threads(count)
        yield f"{count} threads", answer(net, x)
    torch.set_num_threads(threads)
    yield "channels last", answer(net, x.to(memory_format=torch.channels_last))
    yield "one by one", np.concatenate([answer(net, part) for part in x.split(1)])
    yield "larger batch", answer(net, torch.cat([x, x, x]))[: len(x)]
    with torch.backends.mkldnn.flags(enabled=False):
        yield "oneDNN off", answer(net, x)
    with torch.autocast("cpu", torch.bfloat16):
        yield "autocast", answer(net, x)


def permuted(net, x):
    """The first convolution's inputs, so its additions, in another order."""
    order = torch.from_numpy(np.random.default_rng(5).permutation(x.shape[1]))
    first = net[0]
    first.codes = first.codes[:, order]
    return answer(net, x[:, order])


def test_nothing_changes_the_integers(hostile):
    net, x = frozen(), activations(3, 24, 40, 30)
    expected = answer(net, x)
    assert len(np.unique(expected)) > 100 and np.array_equal(expected, np.rint(expected))
    for name, result in variants(net, x):
        assert np.array_equal(result, expected), name
    assert np.array_equal(permuted(net, x), expected)


def test_a_float_network_does_change(hostile):
    """What the integers protect from: the same network in floating point gives other numbers almost every time."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(24, 96, 3, padding=1), torch.nn.SiLU(), torch.nn.Conv2d(96, 12, 1))
    x = torch.randn(3, 24, 40, 30)
    with torch.no_grad():
        expected = net(x).numpy().copy()
        with torch.backends.mkldnn.flags(enabled=False):
            assert not np.array_equal(net(x).numpy(), expected)
        with torch.autocast("cpu", torch.bfloat16):
            assert not np.array_equal(net(x).float().numpy(), expected)
        order = torch.from_numpy(np.random.default_rng(5).permutation(24))
        net[0].weight.copy_(net[0].weight[:, order].clone())
        assert not np.array_equal(net(x[:, order]).numpy(), expected)


def test_settings_come_back(hostile):
    with exactly(CPU), exactly(CPU):
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "medium"


@pytest.mark.parametrize("place", ["mkldnn.matmul", "mkldnn.conv", "cuda.matmul", "cudnn.conv", ""])
def test_newer_settings_come_back(place):
    """With these set, torch refuses to tell some of the older ones."""
    if not hasattr(torch.backends, "fp32_precision"):
        pytest.skip("this torch has only the older settings")

    def settings():
        return [operator.attrgetter(name)(torch.backends).fp32_precision for name in PLACES]

    before = settings()
    (operator.attrgetter(place)(torch.backends) if place else torch.backends).fp32_precision = (
        "bf16" if place.startswith("mkldnn") else "tf32"
    )
    try:
        hostile_settings, net, x = settings(), frozen(), activations(2, 24, 9, 9)
        assert hostile_settings != before or place == "cudnn.conv"  # which allows it by default
        with exactly(CPU):
            assert set(settings()) == {"ieee"}
            assert np.array_equal(net(x).numpy(), answer(net, x))
        assert settings() == hostile_settings
    finally:
        torch.backends.fp32_precision = "none"
        for name, value in zip(PLACES, before, strict=True):
            operator.attrgetter(name)(torch.backends).fp32_precision = value
    assert settings() == before and torch.get_float32_matmul_precision() == "highest"


def test_the_simulation_is_close_to_the_integers():
    net = network(2)
    x = activations(2, 24, 20, 20)
    set_mode(net, Mode.SIMULATED)
    with torch.no_grad():
        simulated = net(x).numpy()
    freeze(net)
    set_mode(net, Mode.EXACT)
    exact = answer(net, x)
    assert np.abs(simulated - exact).mean() < 0.02 * np.abs(exact).mean()


def test_gradients_pass_the_simulation():
    net = network(4)
    set_mode(net, Mode.SIMULATED)
    net(activations(1, 24, 8, 8) / 8).square().mean().backward()
    assert all(torch.isfinite(p.grad).all() and p.grad.abs().sum() > 0 for p in net.parameters())


def test_thawing_gives_the_same_codes():
    net = frozen(6)
    expected = [layer.codes.clone() for layer in net if isinstance(layer, Conv)]
    for layer in net:
        if isinstance(layer, Conv):
            layer.thaw()
    freeze(net)
    again = [layer.codes for layer in net if isinstance(layer, Conv)]
    assert all((a.int() - b.int()).abs().max() <= 1 for a, b in zip(expected, again, strict=True))


def test_sums_out_of_range_are_refused():
    layer = Conv(2000, 4)
    layer.freeze()
    layer.check()
    layer.codes = torch.full_like(layer.codes, TOP)
    with pytest.raises(CorruptFile):
        layer.check()
    layer.freeze()
    for name, value in (("multiplier", 0), ("multiplier", 1 << 28), ("offset", 1 << 24), ("offset", -(1 << 31))):
        layer.freeze()
        setattr(layer, name, torch.full_like(getattr(layer, name), value))
        with pytest.raises(CorruptFile):
            set_mode(layer, Mode.EXACT)
    layer.freeze()
    layer.codes = torch.full_like(layer.codes, -128)
    with pytest.raises(CorruptFile):
        layer.check()


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 10.0, 1e4])
def test_any_weights_freeze_into_the_exact_range(scale):
    torch.manual_seed(1)
    layer = Conv(3000, 5)
    with torch.no_grad():
        layer.weight.mul_(scale)
        layer.bias.normal_(0, 3 * scale)
        layer.weight[2] = 0
    layer.freeze()
    layer.check()


def test_embedding_and_gate_and_add():
    embedding = Embedding(65, 9, 3)
    torch.nn.init.normal_(embedding.weight)
    level = torch.tensor([0, 8, 12, 64])
    real = embedding(level)
    embedding.freeze()
    set_mode(embedding, Mode.EXACT)
    whole = embedding(level)
    assert whole.shape == (4, 3, 1, 1) and (whole - real).abs().max() <= 0.5
    assert torch.allclose(real[0, :, 0, 0], embedding.weight[0] * UNIT)
    assert torch.allclose(real[2, :, 0, 0], embedding.weight[1:3].mean(0) * UNIT, atol=1e-5)
    gate = Gate()
    gate.mode = Mode.EXACT
    x = activations(1, 6, 9, 9).numpy().astype(np.int64)
    product = x[:, :3] * np.maximum(x[:, 3:], 0)
    assert np.array_equal(gate(torch.from_numpy(x).float()).numpy(), np.clip((product + 8) >> 4, -TOP, TOP))
    assert add(torch.tensor(100.0), torch.tensor(90.0)) == TOP


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_integers(hostile):
    """Of the layers, and of a whole entropy model (its known answer is checked when it is loaded)."""
    from lacodec.models.image.model import pack, unpack
    from tests import learned

    x = activations(3, 24, 40, 30)
    expected, device = answer(frozen(), x), torch.device("cuda")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    net = frozen().to(device)
    with torch.autocast("cuda", torch.float16):
        for question in (x, x.to(memory_format=torch.channels_last)):
            with exactly(device):
                assert np.array_equal(net(question.to(device)).cpu().numpy(), expected)
    assert unpack(pack(learned.model()), device).entropy.heads[0].codes.device.type == "cuda"


def test_layers_say_what_freezing_makes() -> None:
    layers = [Conv(3, 5, 3), Conv(4, 4, 3, depthwise=True), Linear(6, 2), Gate()]
    layers += [Table(20, torch.tanh), Embedding(9, 3, 4)]
    for layer in layers:
        layer.freeze()
        made = {name: (value.dtype, tuple(value.shape)) for name, value in layer.named_buffers(recurse=False)}
        assert layer.integers() == made
