"""Steps and feedback by a text and the model: less output error, for the right model only; and what names tell without data."""

import json
import sys

import numpy as np
import pytest

import lacodec
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised._calibration import Calibrated, Calibration
from lacodec.codecs.weights.quantised._columns import column_exponents
from lacodec.codecs.weights.quantised._names import in_layer, of_logits, of_words
from lacodec.codecs.weights.quantised._payload import Part, decode_parts, encode_parts
from lacodec.codecs.weights.quantised._weighing import exponents_of, frequencies, in_steps, lowers_error, triangle
from lacodec.errors import BadInput, MissingDependency
from reference.decode import restore

RNG = np.random.default_rng(11)


def correlated(columns, count=4000):
    mixing = RNG.normal(0, 1, (columns, columns // 2))
    x = RNG.normal(0, 1, (count, columns // 2)) @ mixing.T + 0.3 * RNG.normal(0, 1, (count, columns))
    return (x * np.exp(RNG.normal(0, 0.7, columns))).astype(np.float32)


def moments(x):
    return x.T @ x / np.float32(len(x))


def made(part):
    out = Writer()
    sections = encode_parts(out, [part])[0]
    again = decode_parts(Reader(out.data), [part.values.shape])[0]
    assert np.array_equal(again.values(), sections.values())
    return len(out.data), again.values()


def output_error(values, restored, h):
    errors = (restored - values).astype(np.float64)
    return float(np.einsum("ij,ij->", errors @ h, errors))


def test_triangle():
    h = moments(correlated(40)).astype(np.float64)
    found = triangle(h)
    inverse = found.inverse / found.diagonal[:, None]
    damped = h + 0.01 * h.trace() / 40 * np.eye(40)
    assert np.allclose(np.linalg.inv(inverse) @ np.linalg.inv(inverse).T, damped, rtol=1e-6)
    assert np.allclose(np.diag(found.inverse), 1) and not np.tril(found.inverse, -1).any()


def test_feedback_lowers_the_output_error_of_other_inputs():
    x, values = correlated(128), RNG.normal(0, 1, (400, 128)).astype(np.float32)
    kept, judge = moments(x[:3000]), moments(x[3000:]).astype(np.float64)
    factors = triangle(kept)
    columns, _ = exponents_of(-np.log2(factors.diagonal))
    square = in_steps(factors, columns)
    costs = []
    for part in (Part(values, 0.8), Part(values, 0.8, columns, 0, None, square)):
        size, restored = made(part)
        costs.append(output_error(values, restored, judge) * 4.0 ** (8 * size / values.size))  # 6 dB for a bit
    assert costs[1] < 0.3 * costs[0]
    assert lowers_error(values, np.ones(400), columns, square, judge)


def test_feedback_is_that_of_plain_loops():
    values, square = RNG.normal(0, 2, (20, 150)).astype(np.float32), np.triu(RNG.normal(0, 0.05, (150, 150)), 1) + np.eye(150)
    numbers, left = np.zeros((20, 150)), values.astype(np.float64)
    for j in range(150):
        numbers[:, j] = np.sign(left[:, j]) * np.floor(np.abs(left[:, j]) + 0.5)
        left[:, j + 1 :] -= np.outer(left[:, j] - numbers[:, j], square[j, j + 1 :])
    work, chosen, errors = values.copy(), np.zeros((20, 150), np.int16), np.zeros((20, 150), np.float32)
    kernels.choose_fed(
        work, 0, 150, square.astype(np.float32), np.ones(150, np.float32).view(np.int32), np.zeros(20, np.uint8), 0, 0,
        np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.float32), 0.0, np.zeros(2), chosen, errors,
        counts := np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.int64), np.zeros((2, 2)),
    )  # fmt: skip
    assert np.mean(chosen == numbers) > 0.995  # single precision
    assert np.allclose(errors, work - chosen, atol=1e-5) and np.abs(errors).max() < 0.501
    assert np.array_equal(counts.sum(0), np.bincount(chosen.ravel() + kernels.MOST, minlength=2 * kernels.MOST + 1))


def test_uncorrelated_inputs_need_no_feedback():
    values = RNG.normal(0, 1, (64, 96)).astype(np.float32)
    factors = triangle(np.eye(96))
    columns, octaves = exponents_of(-np.log2(factors.diagonal))
    assert not columns.any() and abs(octaves) < 0.01
    square = in_steps(factors, columns)
    assert np.allclose(square, np.eye(96))
    error = [np.square(made(Part(values, 0.7, None, 0, None, one))[1] - values).mean() for one in (None, square)]
    assert abs(error[1] / error[0] - 1) < 0.05


def test_rows_with_steps_of_their_own():
    values, rows = RNG.normal(0, 1, (64, 80)).astype(np.float32), np.arange(-32, 32).astype(np.int8)
    error = np.square(made(Part(values, 0.5, None, 0, rows))[1] - values).mean(1)
    assert error[:8].mean() < 0.01 * error[-8:].mean()


def test_frequencies_trust_what_was_seen():
    rank = np.arange(3000) + 1.0
    rows = np.where(np.arange(3000) % 7 == 0, 7.0, 0.0) / rank
    found = frequencies(rows, 10_000)
    assert found.min() > 0 and found[100:200].mean() > 3 * found[2000:2100].mean()
    assert found[0] > 3 * found[1]


def layer(number, style):
    gguf = ["attn_norm", "attn_q", "attn_k", "attn_v", "ffn_norm", "ffn_gate", "ffn_up"]
    ours = ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "post_attention_layernorm",
            "mlp.gate_proj", "mlp.up_proj"]  # fmt: skip
    return [f"blk.{number}.{one}.weight" if style else f"model.layers.{number}.{one}.weight" for one in (gguf if style else ours)]


@pytest.mark.parametrize("style", [0, 1])
def test_columns_that_large_inputs_meet_are_finer(style):
    names = [*layer(0, style), "token_embd.weight" if style else "model.embed_tokens.weight", "other"]
    squares = [np.ones(32) for _ in names[:-1]] + [None]
    squares[0][3] = squares[4][5] = 16.0
    squares[7][9] = 4.0
    found = column_exponents(names, squares)
    assert [one is None for one in found] == [True, False, False, False, True, False, False, False, True]
    for number, finest in ((1, 3), (2, 3), (3, 3), (5, 5), (6, 5), (7, 9)):
        assert found[number].argmin() == finest
    assert column_exponents(names[1:3], squares[1:3]) == [None, None]  # without norms
    assert column_exponents([*names[:8], "lm_head.weight"], [*squares[:8], np.ones(32)])[7] is None  # not tied


def test_names():
    assert (
        in_layer("blk.12.attn_output.weight") == in_layer("model.layers.12.self_attn.o_proj.weight") == (12, "self_attn.o_proj")
    )
    assert in_layer("token_embd.weight") is None and of_words("token_embd.weight") and not of_logits("token_embd.weight")
    assert of_logits("lm_head.weight") and of_logits("output.weight") and not of_logits("blk.0.attn_output.weight")


def test_exponents_of_rows_and_columns_are_read_by_the_reference(tmp_path, monkeypatch):
    value = {name: RNG.normal(0, 1, (48, 64)).astype(np.float32) for name in ("a", "b", "c")}
    np.save(tmp_path / "square.npy", np.triu(RNG.normal(0, 0.03, (64, 64)), 1).astype(np.float32) + np.eye(64, dtype=np.float32))
    rows, columns = RNG.integers(-9, 9, 48).astype(np.int8), RNG.integers(-9, 9, 64).astype(np.int8)

    class Told(Calibration):
        def __init__(self, *given):
            self.tensors = {0: Calibrated(0.5, rows, columns, tmp_path / "square.npy"), 1: Calibrated(1.0, rows)}

    monkeypatch.setattr("lacodec.codecs.weights.quantised.codec.Calibration", Told)
    encoded = lacodec.encode(value, "weights", bits=6, calibrate="text", model="model")
    restored, by_reference = lacodec.decode(encoded), restore(encoded).content
    for name, array in restored.items():
        assert array.tobytes() in by_reference, name
        assert 0 < np.square(array - value[name]).mean() < 0.1, name
    assert np.square(restored["b"] - value["b"]).mean() > 2 * np.square(restored["a"] - value["a"]).mean()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("transformers")
    from tests import causal_models, languages

    folder = tmp_path_factory.mktemp("model")
    text = folder / "text.txt"
    text.write_bytes(languages.TEXT * (20_000 // len(languages.TEXT) + 1))
    return causal_models.folder(folder / "one"), causal_models.folder(folder / "other", seed=1), text


def test_a_calibrated_file(model, tmp_path):
    folder, other, text = model
    source, target = folder / "model.safetensors", tmp_path / "model.lac"
    given = {"codec": "weights", "bits": 5, "calibrate": str(text)}
    lacodec.encode_file(source, target, **given, model=str(folder))
    told = lacodec.info(target).metadata
    assert told["profile"] == "entropy-coded, calibrated"
    weights = sum(int(np.prod(tensor["shape"])) for tensor in told["tensors"].values())
    assert abs(8 * target.stat().st_size / weights / 5 - 1) < 0.005
    assert 0 < told["tensors"]["model.layers.0.self_attn.q_proj.weight"]["error"] < 0.2
    assert str(text) not in json.dumps(str(told)) and str(folder) not in json.dumps(str(told))
    lacodec.decode_file(target, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == restore(target.read_bytes()).content
    with pytest.raises(BadInput, match="has other values"):
        lacodec.encode_file(source, tmp_path / "wrong.lac", **given, model=str(other))
    (tmp_path / "short.txt").write_text("too short")
    with pytest.raises(BadInput, match="too few"):
        lacodec.encode_file(source, tmp_path / "a.lac", **{**given, "calibrate": str(tmp_path / "short.txt")}, model=str(folder))
    with pytest.raises(BadInput, match="cannot be read"):
        lacodec.encode_file(source, tmp_path / "a.lac", **{**given, "calibrate": str(tmp_path / "none.txt")}, model=str(folder))
    with pytest.raises(BadInput, match="cannot be calibrated"):
        lacodec.encode({"a": np.ones((64, 64), np.float32)}, "weights", bits=8, calibrate=str(text), model=str(folder))


def test_a_calibrated_gguf_file(model, tmp_path):
    pytest.importorskip("gguf")
    from tests import causal_models

    file = causal_models.gguf_file(tmp_path)
    lacodec.encode_file(file, tmp_path / "m.lac", "weights", bits=8, calibrate=str(model[2]), model=str(file))
    assert lacodec.info(tmp_path / "m.lac").metadata["profile"] == "entropy-coded, calibrated"


def test_moments_are_those_of_a_whole_pass(model):
    import torch

    from lacodec.models.text.causal.loading import load
    from lacodec.models.text.causal.moments import gradients, input_moments

    network = load(model[0])[1].float()
    windows = RNG.integers(0, 300, (4, 64))
    seen, hooks = {}, []
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Linear):
            see = lambda _, x, name=name: seen.setdefault(name, []).append(x[0][0].detach().numpy())  # noqa: E731
            hooks.append(module.register_forward_pre_hook(see))
    for window in windows:
        network(input_ids=torch.from_numpy(window[None]))
    for hook in hooks:
        hook.remove()
    seen = {name: np.stack(x).astype(np.float64) for name, x in seen.items()}
    found = list(input_moments(network, windows, 1))
    assert sum((moment.names for moment in found), ()) == tuple(name for name in seen if name != "lm_head")
    assert len(found) == 4  # of queries, keys and values; of the output; of gate and up; of down
    for moment in found:
        for name in moment.names:
            kept, judge = seen[name][:3].reshape(192, -1), seen[name][3]
            assert np.allclose(moment.kept, kept.T @ kept / 192, rtol=1e-3, atol=1e-4), name
            assert np.allclose(moment.held_out, judge.T @ judge / 64, rtol=1e-3, atol=1e-4), name
    told = gradients(network, windows, 1)
    assert told.tokens == 256
    head = seen["lm_head"][:4]
    assert np.allclose(told.head, np.einsum("wti,wtj->ij", head[:3], head[:3]) / 192, rtol=1e-3, atol=1e-4)
    weight, x = network.lm_head.weight.detach().double().numpy(), head.reshape(256, -1)
    logits = (head @ weight.T)[:, :-1]
    share = np.exp(logits - logits.max(-1, keepdims=True))
    share /= share.sum(-1, keepdims=True)
    np.put_along_axis(share, windows[:, 1:, None], np.take_along_axis(share, windows[:, 1:, None], 2) - 1, 2)
    assert np.allclose(told.outputs["lm_head"], np.square(share).sum((0, 1)) / 256, rtol=1e-3, atol=1e-6) and len(x) == 256
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_without_transformers(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependency, match=r"lacodec\[lm\]"):
        value = {"blk.0.attn_q.weight": RNG.normal(0, 1, (64, 64)).astype(np.float32)}
        lacodec.encode(value, "weights", bits=8, calibrate=str(model[2]), model=str(model[0]))


def test_options_of_calibration():
    value = {"a": np.ones((64, 64), np.float32)}
    for wrong in ({"calibrate": "x", "bits": 4}, {"model": "x", "bits": 4}, {"calibrate": "x", "model": "y"}):
        with pytest.raises(BadInput, match="give"):
            lacodec.encode(value, "weights", **wrong)
