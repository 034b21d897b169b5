"""Calibration, from statistics to a file; with transformers, on a small model."""

import numpy as np
import pytest

import lacodec
import lacodec.kv
from lacodec.codecs.kv.lossy.basis import Basis
from lacodec.errors import BadInput
from lacodec.io.source import BytesSource
from lacodec.kv.calibration import KINDS, Statistics, basis_of, calibrate
from lacodec.media.kv.value import Model


def statistics(channels=12, width=4, seed=1):
    """Channels that vary together, and some for which errors matter a hundred times as much as for others."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(channels, channels)) * 2.0 ** -np.arange(channels)[:, None]
    found = Statistics.empty(channels, width)
    weights = np.where(np.arange(channels) % 2, 0.1, 0.01)
    for _ in range(4):
        rows = rng.normal(size=(500, channels)) @ mix + 3
        found.add(rows.astype("f4"), (rng.normal(size=(500, channels)) * weights).astype("f4"), 100)
    return found, mix, weights


@pytest.mark.parametrize("kind", KINDS)
def test_coefficients_do_not_vary_together_and_errors_weigh_the_same(kind):
    seen, mix, weights = statistics()
    part = basis_of([(seen, seen)], Model(), kind).layers[0][0]
    assert (part.matrix is None) == (kind == "steps")
    if kind == "steps":
        assert part.units[1::2].mean() < part.units[::2].mean() / 1.4
        return
    assert part.matrix.shape == {"layer": (1, 12, 12), "head": (3, 4, 4)}[kind]
    rows = (np.random.default_rng(5).normal(size=(4000, 12)) @ mix + 3).astype("f4")
    found = np.cov(part.analysis(rows).T)
    n = part.matrix.shape[1]
    block = found[:n, :n] / np.sqrt(np.outer(np.diag(found)[:n], np.diag(found)[:n]))
    assert np.abs(block - np.eye(n)).max() < 0.2
    assert np.allclose(np.sqrt(np.diag(found)), part.scales, rtol=0.15)
    even = np.square(weights) + np.square(weights).mean() / 2  # a share of the mean is added to all
    costs = (np.square(part.matrix) * even.reshape(-1, 1, n)).sum(-1)
    assert costs.max() / costs.min() < 1.2
    again = Basis.of_source(BytesSource(basis_of([(seen, seen)], Model(), kind).to_bytes())).layers[0][0]
    assert np.allclose(again.matrix, part.matrix, rtol=2e-3, atol=1e-6)


def test_kinds():
    seen, _, _ = statistics()
    with pytest.raises(BadInput, match="give one of layer, head, steps"):
        basis_of([(seen, seen)], Model(), "none")


@pytest.mark.torch
def test_a_small_model(tmp_path):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50}
    torch.manual_seed(1)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(num_hidden_layers=2, **sizes)).eval()
    ids = torch.randint(0, 50, (3, 120))
    (tmp_path / "layer.basis").write_bytes(calibrate(model, ids[:2], "layer", predicted=40, own=2))
    with torch.no_grad():
        cache = model(ids[2:], use_cache=True).past_key_values
        coded = lacodec.kv.encode(cache, model, quality=50, basis=str(tmp_path / "layer.basis"))
        found = lacodec.kv.decode(coded, model=model, basis=tmp_path / "layer.basis", to="transformers")
        for one, two in zip(cache.layers, found.layers, strict=True):
            assert one.keys.shape == two.keys.shape and one.values[:, :, :2].equal(two.values[:, :, :2])
            assert not one.values.equal(two.values)
        exact, other = (model(ids[:1, :50], past_key_values=past).logits.log_softmax(-1) for past in (cache, found))
    assert (exact.exp() * (exact - other)).sum(-1).mean() < 0.005
    assert len(coded) < 0.5 * len(lacodec.kv.encode(found, model))
    with pytest.raises(BadInput, match="too short"):
        calibrate(model, ids[:, :20], predicted=40, own=0)
    with pytest.raises(BadInput, match="no passages"):
        calibrate(model, own=0)
    with pytest.raises(BadInput, match="number of passages"):
        calibrate(model, own=-1)
    own, without = (calibrate(model, ids[:1], "steps", predicted=40, own=count) for count in (1, 0))
    assert own != without and Basis.of_source(BytesSource(own)).layers[0][0].channels == 16


@pytest.mark.torch
def test_what_a_model_says():
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from lacodec.kv.sampling import said

    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50}
    torch.manual_seed(1)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(num_hidden_layers=2, bos_token_id=7, **sizes)).eval()
    model.lm_head.weight.data *= 40  # of few words each time
    found = said(model, 9, 20, torch.Generator().manual_seed(1))
    assert [ids.shape for ids in found] == [(20,)] * 9 and all(int(ids[0]) == 7 for ids in found)
    assert len({tuple(ids.tolist()) for ids in found}) == 9
    assert all(map(torch.equal, found, said(model, 9, 20, torch.Generator().manual_seed(1))))
    with torch.no_grad():
        likely = model(torch.stack(found)).logits[:, :-1].softmax(-1).gather(-1, torch.stack(found)[:, 1:, None])
    assert likely.mean() > 0.2  # 0.02 by chance: each word is drawn given all before it
