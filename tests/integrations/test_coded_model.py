"""Models whose weights stay coded: the same outputs, bit for bit, and no plain weights between the calls."""

import copy
import importlib.util
import os
import subprocess
import sys
from typing import Any

import pytest

from lacodec.errors import BadInput

torch = pytest.importorskip("torch")
from lacodec.integrations.torch.coded_model import MINIMUM, _merge, _merge_by_kernel, _split  # noqa: E402
from lacodec.torch import keep_coded  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.torch]


class Block(torch.nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, 2 * width)
        self.down = torch.nn.Linear(2 * width, width, bias=False)
        self.small = torch.nn.Linear(width, 1)

    def forward(self, x: Any) -> Any:
        if x.shape[0] == 13:
            raise RuntimeError("thirteen")
        return x + self.down(torch.relu(self.up(self.norm(x)))) * self.small(x)


class Model(torch.nn.Module):
    def __init__(self, width: int = 136, layers: int = 3) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(150, width)
        self.layers = torch.nn.ModuleList(Block(width) for _ in range(layers))
        self.middle = torch.nn.Linear(width, width)
        self.head = torch.nn.Linear(width, 150, bias=False)
        self.head.weight = self.embed.weight  # tied: stays plain

    def forward(self, tokens: Any) -> Any:
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.middle(x))


def model(dtype: Any) -> Any:
    torch.manual_seed(1)
    return Model().to(dtype).eval()


def devices() -> list[str]:
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def plain_weights(module: Any) -> list[Any]:
    return [layer.weight for layer in module.modules() if isinstance(layer, torch.nn.Linear) and layer.weight.numel() >= MINIMUM]


@pytest.mark.parametrize("device", devices())
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_outputs_are_the_same_bits(dtype: Any, device: str) -> None:
    plain = model(dtype).to(device)
    coded = copy.deepcopy(plain)
    done = keep_coded(coded, threads=2)
    assert 0.5 < done.coded_size / done.plain_size < 0.9
    tokens = torch.arange(40, device=device)[None]
    with torch.no_grad():
        for _ in range(2):
            assert torch.equal(coded(tokens), plain(tokens))
    held = [weight for weight in plain_weights(coded) if weight.device.type != "meta"]
    assert len(held) == 1 and held[0] is coded.embed.weight
    assert coded.layers[0].up.weight.shape == plain.layers[0].up.weight.shape
    assert sum(buffer.nbytes for buffer in coded.buffers()) == done.coded_size
    done.restore()
    assert list(coded.state_dict()) == list(plain.state_dict()) and not list(coded.buffers())
    assert all(torch.equal(a, b) for a, b in zip(coded.parameters(), plain.parameters(), strict=True))
    assert all(parameter.requires_grad for parameter in coded.parameters())
    with torch.no_grad():
        assert torch.equal(coded(tokens), plain(tokens))


INTERPRETED = """
import torch
from lacodec.integrations.torch import coded_model
coded_model.has_kernels = lambda device: True
for dtype in torch.bfloat16, torch.float16, torch.float32:
    torch.manual_seed(1)
    plain = torch.nn.Linear(128, 136).to(dtype)
    x = torch.randn(3, 128).to(dtype)
    expected = plain(x)
    coded_model.keep_coded(plain)
    assert torch.equal(plain(x), expected), dtype
"""


def test_the_way_of_the_gpu_in_the_interpreter() -> None:
    if torch.cuda.is_available() or not importlib.util.find_spec("triton"):
        pytest.skip("a GPU is there, or Triton is not installed")
    subprocess.run([sys.executable, "-c", INTERPRETED], env={**os.environ, "TRITON_INTERPRET": "1"}, check=True, timeout=900)


def test_one_block_at_a_time_has_weights() -> None:
    coded = model(torch.bfloat16)
    keep_coded(coded)
    seen = []

    def look(*_: Any) -> None:
        seen.append([weight.device.type for weight in plain_weights(coded.layers)].count("cpu"))

    for layer in coded.layers:
        layer.norm.register_forward_hook(look)
    coded(torch.arange(5))
    assert seen == [2, 2, 2]


def test_an_exception_in_a_block_leaves_no_weights() -> None:
    coded = model(torch.bfloat16)
    keep_coded(coded)
    with pytest.raises(RuntimeError, match="thirteen"):
        coded(torch.arange(13))
    assert all(weight.device.type == "meta" for weight in plain_weights(coded.layers))
    assert torch.isfinite(coded(torch.arange(12))).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_every_bit_pattern_survives(dtype: Any) -> None:
    wide = dtype == torch.float32
    bits = torch.randint(-(1 << 31), 1 << 31, (1 << 16,)).to(torch.int32) if wide else torch.arange(1 << 16).to(torch.int16)
    flat = bits.view(dtype)
    symbols, rest = _split(flat)
    for merged in (_merge(symbols, rest, dtype), _merge_by_kernel(symbols, rest, dtype, 2)):
        assert torch.equal(merged.view(bits.dtype), bits)
    odd = torch.nn.Linear(256, 256, bias=False)
    odd.weight = torch.nn.Parameter(flat.reshape(256, 256))
    done = keep_coded(odd)
    done.restore()
    assert torch.equal(odd.weight.detach().flatten().view(bits.dtype), bits)


def test_weights_that_are_all_the_same() -> None:
    same = torch.nn.Linear(256, 256, bias=False)
    torch.nn.init.zeros_(same.weight)
    done = keep_coded(same)
    assert done.coded_size < 0.76 * done.plain_size  # signs and mantissas are kept as they are
    assert not same(torch.ones(256)).any()


def test_layers_that_are_called_within_themselves() -> None:
    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(136, 136)
            self.depth = 0

        def forward(self, x: Any) -> Any:
            self.depth += 1
            inner = self(x) if self.depth % 2 else x
            return self.linear(inner)

    torch.manual_seed(1)
    plain = torch.nn.Module()
    plain.blocks = torch.nn.ModuleList([Twice()])
    coded = copy.deepcopy(plain)
    keep_coded(coded)
    x = torch.randn(3, 136)
    assert torch.equal(coded.blocks[0](x), plain.blocks[0](x))


def test_what_cannot_be_coded() -> None:
    with pytest.raises(BadInput, match="not a torch module"):
        keep_coded({"a": torch.zeros(3)})
    with pytest.raises(BadInput, match="no linear layers"):
        keep_coded(torch.nn.Linear(3, 4))
    coded = model(torch.bfloat16)
    keep_coded(coded)
    with pytest.raises(BadInput, match="no linear layers"):
        keep_coded(coded)
