"""`lacodec.kv`: caches of torch and transformers, and whether a cache suits a model."""

import numpy as np
import pytest

import lacodec
import lacodec.kv
from lacodec.errors import BadInput

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


class Rotary(torch.nn.Module):
    def __init__(self, base=10000.0, kind="default", scaling=1.0):
        super().__init__()
        self.rope_type, self.attention_scaling = kind, scaling
        self.register_buffer("inv_freq", base ** (-torch.arange(0, 8, 2) / 8), persistent=False)


class Net(torch.nn.Module):
    def __init__(self, seed=1, **rotary):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(20, 30, generator=torch.Generator().manual_seed(seed)))
        self.rotary = Rotary(**rotary)


def pairs(dtype=torch.bfloat16, layers=3):
    generator = torch.Generator().manual_seed(2)
    return [tuple(torch.randn(2, 3, 40, 8, generator=generator).to(dtype) for _ in "kv") for _ in range(layers)]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_tensors(dtype):
    wanted = pairs(dtype)
    wanted[0][0][0, 0, 0, :3] = torch.tensor([float("nan"), float("inf"), -0.0])
    turned = [(k.transpose(1, 2).contiguous().transpose(1, 2), v.requires_grad_()) for k, v in wanted]
    coded = lacodec.kv.encode(turned)
    bits = torch.int32 if dtype == torch.float32 else torch.int16
    for pair, other in zip(lacodec.kv.decode(coded, to="torch"), wanted, strict=True):
        assert all(
            one.dtype == dtype and one.view(bits).equal(two.detach().view(bits)) for one, two in zip(pair, other, strict=True)
        )
    part = lacodec.kv.decode(coded, layers=slice(1, 3), tokens=slice(5, 9))
    kind = {torch.bfloat16: np.uint16, torch.float16: np.float16, torch.float32: np.float32}[dtype]
    assert len(part) == 2 and part[0][0].shape == (2, 3, 4, 8) and part[0][0].dtype == kind
    again = lacodec.kv.encode(part, threads=1) if dtype != torch.bfloat16 else None
    assert again is None or (lacodec.kv.decode(again)[1][1] == part[1][1]).all()


def test_the_right_model_is_known(tmp_path):
    (tmp_path / "x.lac").write_bytes(lacodec.kv.encode(pairs(), Net()))
    for same in (Net(), lacodec.kv.describe(Net())):
        assert len(lacodec.kv.decode(tmp_path / "x.lac", model=same)) == 3
    for other in (Net(2), Net(base=500.0), Net(kind="yarn"), Net(scaling=1.5), torch.nn.Linear(2, 2)):
        with pytest.raises(BadInput, match="made by Net, of which the"):
            lacodec.kv.decode(tmp_path / "x.lac", model=other)
    with pytest.raises(BadInput, match="without a name"):
        lacodec.kv.decode(lacodec.kv.encode(pairs()), model=Net())


def test_models_that_are_not_described():
    for kind in ("dynamic", "longrope"):
        with pytest.raises(BadInput, match="changes with the number of tokens"):
            lacodec.kv.describe(Net(kind=kind))
    two = Net()
    two.local = Rotary(500.0)
    with pytest.raises(BadInput, match="2 different"):
        lacodec.kv.describe(two)
    with pytest.raises(BadInput, match="not a model"):
        lacodec.kv.describe("SmolLM2")


def test_refused():
    keys, values = pairs()[0]
    for wrong in (
        3,
        [],
        [keys],
        [(keys, keys.numpy)],
        [(keys, values.float())],
        [(keys.to(torch.int32), values)],
        [(keys[0], values)],
    ):
        with pytest.raises(BadInput):
            lacodec.kv.encode(wrong)
    coded = lacodec.kv.encode(pairs())
    whole = {"to": "transformers"}
    for wrong in ({"to": "jax"}, {"device": "cpu"}, {**whole, "layers": slice(1)}, {**whole, "tokens": slice(1, 2)}):
        with pytest.raises(BadInput):
            lacodec.kv.decode(coded, **wrong)
    with pytest.raises(BadInput, match="codec 'bytes'"):
        lacodec.kv.decode(lacodec.encode(b"text"))


def test_transformers():
    """A cache that was stored goes on as if it had not been."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50}
    torch.manual_seed(1)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(num_hidden_layers=2, **sizes)).eval()
    ids = torch.randint(0, 50, (2, 30))
    with torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
        coded = lacodec.kv.encode(cache, model)
        wanted = model(ids[:, :1], past_key_values=cache).logits
        found = model(ids[:, :1], past_key_values=lacodec.kv.decode(coded, model=model, to="transformers")).logits
    assert found.equal(wanted)
    assert lacodec.kv.decode(coded, to="transformers", tokens=slice(0, 9)).get_seq_length() == 9
    with pytest.raises(BadInput, match="StaticLayer"):
        lacodec.kv.encode(transformers.StaticCache(model.config, max_cache_len=8))
