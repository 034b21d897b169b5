"""Caches of models of every kind of attention and rotary embedding, coded and used again."""

import numpy as np
import pytest

import lacodec.kv
from lacodec.errors import BadInput

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.torch

ROTARY = {
    "default": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "llama3": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
}  # fmt: skip


def llama(heads=4, key_heads=2, rotary="default", seed=1):
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=heads, num_key_value_heads=key_heads,
        vocab_size=64, max_position_embeddings=256, rope_parameters={"rope_theta": 10000.0, **ROTARY[rotary]},
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


def neox(share):
    """A part of the channels of each head is turned."""
    torch.manual_seed(1)
    config = transformers.GPTNeoXConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, vocab_size=64,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": share},
    )  # fmt: skip
    return transformers.GPTNeoXForCausalLM(config).eval()


def gptj():
    """Neighbouring channels are turned together."""
    torch.manual_seed(1)
    config = transformers.GPTJConfig(n_embd=32, n_layer=2, n_head=4, rotary_dim=4, vocab_size=64)
    return transformers.GPTJForCausalLM(config).eval()


MODELS = {
    "one key head": lambda: llama(4, 1),
    "grouped heads": lambda: llama(4, 2),
    "a key head for each": lambda: llama(4, 4),
    **{kind: lambda kind=kind: llama(rotary=kind) for kind in ROTARY},
    "partial": lambda: neox(0.25),
    "neighbours": gptj,
    "none": lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=64)).eval(),
}


def apart(model, pasts, ids, **how):
    """Mean divergence of what a model says after the second cache from what it says after the first, nats a token."""
    with torch.no_grad():
        exact, found = (model(ids, past_key_values=past, **how).logits.log_softmax(-1) for past in pasts)
    return float((exact.exp() * (exact - found)).sum(-1).mean())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("batch", [1, 3])
def test_used_again(name, batch):
    """Lossless: the same bits. Lossy: nearly the same, the nearer the higher the quality."""
    model = MODELS[name]()
    ids = torch.randint(0, 64, (batch, 100), generator=torch.Generator().manual_seed(batch))
    with torch.no_grad():
        made = model(ids[:, :80], use_cache=True).past_key_values
    data = lacodec.kv.encode(made, model)
    for layer, (keys, values) in zip(made.layers, lacodec.kv.decode(data, model=model, to="torch"), strict=True):
        assert torch.equal(layer.keys, keys) and torch.equal(layer.values, values)
    far, sizes = [], []
    for quality in (40, 70):
        coded = lacodec.kv.encode(made, model, quality=quality)
        pasts = [lacodec.kv.decode(each, model=model, to="transformers") for each in (data, coded)]
        far.append(apart(model, pasts, ids[:, 80:]))
        sizes.append(len(coded))
    assert far[1] < far[0] < 0.01 and far[1] < 1e-4, far
    assert sizes[0] < sizes[1] < 0.6 * len(data)


def test_padded_on_the_left():
    """Places by position ids: not those that the codec assumes, so keys cost more, and come back all the same."""
    model = llama()
    ids = torch.randint(1, 64, (2, 100), generator=torch.Generator().manual_seed(1))
    seen = torch.ones_like(ids)
    seen[1, :30] = 0
    places = (seen.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        made = model(ids[:, :80], attention_mask=seen[:, :80], position_ids=places[:, :80], use_cache=True).past_key_values
    pasts = [
        lacodec.kv.decode(lacodec.kv.encode(made, model, **how), model=model, to="transformers") for how in ({}, {"quality": 60})
    ]
    assert apart(model, pasts, ids[:, 80:], attention_mask=seen, position_ids=places[:, 80:]) < 1e-3


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_embeddings_that_change_are_refused(kind):
    rotary = {"rope_theta": 10000.0, "rope_type": kind, "factor": 2.0, "original_max_position_embeddings": 64}
    rotary |= {"short_factor": [1.0] * 4, "long_factor": [2.0] * 4} if kind == "longrope" else {}
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, vocab_size=64, rope_parameters=rotary
    )
    model = transformers.LlamaForCausalLM(config)
    with pytest.raises(BadInput, match="changes with the number of tokens"):
        lacodec.kv.encode([(torch.zeros(1, 4, 2, 8), torch.zeros(1, 4, 2, 8))], model)


def test_another_model_is_refused():
    """The same weights with another rotary embedding, and the same embedding with other weights."""
    coded = lacodec.kv.encode([(torch.zeros(1, 2, 3, 8), torch.zeros(1, 2, 3, 8))] * 2, llama())
    for other, what in (
        (llama(rotary="yarn"), "kind of rotary"),
        (llama(rotary="linear"), "kind of"),
        (llama(seed=2), "weights"),
    ):
        with pytest.raises(BadInput, match=f"of which the {what}"):
            lacodec.kv.decode(coded, model=other)


def test_weights_show_what_the_end_of_a_text_depends_on():
    """Long keys draw all attention, so errors in these tokens matter more."""
    model = llama()
    ids = torch.randint(0, 64, (1, 200), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        made = model(ids, use_cache=True).past_key_values
        pairs = [(layer.keys, layer.values) for layer in made.layers]
        for layer in made.layers:
            layer.keys[:, :, 50:53] *= 500
    weights = lacodec.kv.weigh(model, ids, made, window=40)
    assert weights.shape == (2, 200) and weights.dtype == np.float32 and (weights > 0).all()
    assert (weights[:, 51] > 3 * np.median(weights[:, :160])).all()
    assert (np.diff(weights[:, 160:]) > 0).all() and weights[0, 199] > 10 * np.median(weights[0, :160])
    coded = lacodec.kv.encode(pairs, model, weights=weights, quality=50)
    assert lacodec.kv.decode(coded, model=model)[0][0].shape == (1, 2, 200, 8)
    with torch.no_grad():
        batch = model(ids.reshape(2, 100), use_cache=True).past_key_values
    assert lacodec.kv.weigh(model, ids.reshape(2, 100), batch, window=20).shape == (2, 100)
    for wrong in ({"ids": ids[:, :100]}, {"window": 200}, {"window": 1}, {"window": 2.5}, {"cache": []}):
        with pytest.raises(BadInput):
            lacodec.kv.weigh(model, **{"ids": ids, "cache": made, **wrong})
    with pytest.raises(BadInput, match="weights have shape"):
        lacodec.kv.encode(pairs, model, weights=weights[:, :100], quality=50)
