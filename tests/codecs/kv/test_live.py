"""`lacodec.kv.live_cache` and `Store` with a model of transformers."""

import numpy as np
import pytest

import lacodec.kv
from lacodec.errors import BadInput

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=64,
        max_position_embeddings=512, pad_token_id=0, eos_token_id=None, bos_token_id=None,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def books(data_dir):
    folder = data_dir / "models" / "llama-books-5M"
    if not folder.is_dir():
        pytest.skip("LACODEC_DATA has no llama-books-5M")
    return transformers.AutoModelForCausalLM.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)


def prompt(length, batch=1, vocabulary=64):
    return torch.randint(1, vocabulary, (batch, length), generator=torch.Generator().manual_seed(length))


@pytest.mark.parametrize(("chunk", "window"), [(16, 8), (7, 0), (512, 8)])
@pytest.mark.parametrize("how", [{}, {"num_beams": 3, "num_return_sequences": 2}])
def test_generating_is_the_same(model, chunk, window, how):
    ids, how = prompt(50, 2), {"max_new_tokens": 20, "do_sample": False, **how}
    cache = lacodec.kv.live_cache(chunk, window)
    found = model.generate(ids, past_key_values=cache, **how)
    assert torch.equal(found, model.generate(ids, **how))
    assert cache.get_seq_length() == 69
    for layer in cache.layers:
        assert layer.keys.shape[-2] < chunk + max(window, 1) and bool(layer.coded_bytes) == (chunk < 50)


def test_prefix_in_steps_then_saved(model):
    """Several tokens at a time, then lacodec.kv.encode as of any cache."""
    ids = prompt(60, 2)
    plain, cache = transformers.DynamicCache(), lacodec.kv.live_cache(8, 4)
    with torch.no_grad():
        for start in range(0, 60, 15):
            for past in (plain, cache):
                model(ids[:, start : start + 15], past_key_values=past)
    for one, other in zip(cache.layers, plain.layers, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.states(), (other.keys, other.values), strict=True))
    assert lacodec.kv.encode(cache, model) == lacodec.kv.encode(plain, model)


@pytest.mark.parametrize("count", [0, 3, 4, 30, 59])
def test_crop(model, count):
    ids, cache, plain = prompt(60), lacodec.kv.live_cache(8, 4), transformers.DynamicCache()
    with torch.no_grad():
        for past in (plain, cache):
            model(ids, past_key_values=past)
            past.crop(-count)
            model(ids[:, :30], past_key_values=past)
    assert cache.get_seq_length() == plain.get_seq_length() == 90 - count
    assert torch.equal(cache.layers[1].states()[1], plain.layers[1].values)


def test_batches_are_chosen_and_repeated(model):
    cache, plain = lacodec.kv.live_cache(8, 4), transformers.DynamicCache()
    with torch.no_grad():
        for past in (plain, cache):
            model(prompt(40, 3), past_key_values=past)
            past.batch_repeat_interleave(2)
            past.reorder_cache(torch.tensor([5, 0, 0, 3, 2, 1]))
            past.batch_select_indices(torch.tensor([0, 3, 5]))
    for one, other in zip(cache.layers, plain.layers, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.states(), (other.keys, other.values), strict=True))
    cache.reset()
    assert cache.get_seq_length() == 0 and not cache.layers[0].coded_bytes


def test_refused():
    for wrong in ({"chunk": 0}, {"window": -1}, {"chunk": True}, {"effort": 11}, {"nonsense": 1}):
        with pytest.raises(BadInput):
            lacodec.kv.live_cache(**wrong)


def test_books_generate_the_same_in_two_thirds(books):
    model, tokenizer = books
    ids = tokenizer("It was the best of times, it was the worst of times, " * 12, return_tensors="pt").input_ids
    how = {"max_new_tokens": 20, "do_sample": False}
    cache = lacodec.kv.live_cache(64, 16)
    assert torch.equal(model.generate(ids, past_key_values=cache, **how), model.generate(ids, **how))
    coded = sum(layer.coded_bytes for layer in cache.layers)
    shape = cache.layers[0].keys.shape
    tokens = cache.get_seq_length() - shape[-2]
    assert 0 < coded < 0.75 * len(cache.layers) * 2 * 2 * tokens * shape[1] * shape[3]


def test_store_once_answer_several_queries(books, tmp_path):
    """A context is stored by one store and found by another; the likelihood of each answer is that with the exact cache."""
    model, tokenizer = books
    context = tokenizer("The old house stood on a hill, and nobody had lived in it for many years. " * 12).input_ids
    with torch.no_grad():
        stored = model(torch.tensor([context]), use_cache=True).past_key_values
        n = lacodec.kv.Store(tmp_path, 1 << 24, model, chunk=64).put(context, stored)
        assert n == len(context) // 64 * 64 > 64
        for query in (" The door was", " In the garden", " She said that"):
            ids = context + tokenizer(query, add_special_tokens=False).input_ids
            found, cache = lacodec.kv.Store(tmp_path, 1 << 24, model, chunk=64).get(ids[:-1])
            assert found == n and cache.get_seq_length() == n
            exact = transformers.DynamicCache()
            for number, layer in enumerate(stored.layers):
                exact.update(layer.keys[:, :, :n], layer.values[:, :, :n], number)
            rest = torch.tensor([ids[n:]])
            logits = model(rest, past_key_values=cache).logits
            assert torch.equal(logits, model(rest, past_key_values=exact).logits)
            whole = model(torch.tensor([ids])).logits[:, n:]
            assert (logits.float().log_softmax(-1) - whole.float().log_softmax(-1)).abs().mean() < 0.1  # BF16 in another order


@pytest.fixture(scope="module")
def bases(books):
    """Files of bases for llama-books-5M by kind; its own text is good enough here."""
    model, tokenizer = books
    ids = tokenizer("It was a dark night. He said that he had seen the house, and nobody was there. " * 40).input_ids[:600]
    ids = torch.tensor(ids).reshape(2, 300)
    return {kind: lacodec.kv.calibrate(model, ids, kind, predicted=80) for kind in ("layer", "steps")}


def apart(found, exact):
    """Mean divergence, nats a token."""
    found, exact = (logits.float().log_softmax(-1) for logits in (found, exact))
    return float((exact.exp() * (exact - found)).sum(-1).mean())


@pytest.mark.parametrize("kind", ["layer", "steps", None])
def test_lossy_chunks_know_where_they_start(books, bases, kind, tmp_path):
    """Live cache and store: each chunk is turned back by its own places, and only the first begins with exact tokens."""
    model, tokenizer = books
    text = "The old house stood on a hill, and nobody had lived in it for many years. She said that it was cold. " * 12
    ids = tokenizer(text, return_tensors="pt").input_ids[:, :260]
    options = {"quality": 55, **({} if kind is None else {"basis": bases[kind]})}
    live, plain = lacodec.kv.live_cache(64, 0, model, **options), transformers.DynamicCache()
    with torch.no_grad():
        for past in (live, plain):
            model(ids[:, :256], past_key_values=past)
        store = lacodec.kv.Store(tmp_path, 1 << 24, model, chunk=64, **options)
        assert store.put(ids[:, :256], plain) == 256
        n, stored = store.get(ids[:, :256])
        assert n == 256
        for number, layer in enumerate(plain.layers):
            one, two = live.layers[number].states(), (stored.layers[number].keys, stored.layers[number].values)
            assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True)), "the store keeps what the live cache does"
            for found, exact in zip(one, (layer.keys, layer.values), strict=True):
                same = (found == exact).all(-1).all(1)[0]
                assert same[:2].all() and not same[2:].any()
                error = (found - exact).float().square().mean(dim=(0, 1, 3)).reshape(4, 64).mean(1)
                assert error.max() < 2 * error.min(), "chunks are alike"
        exact = model(ids[:, 256:], past_key_values=plain).logits
        found = [model(ids[:, 256:], past_key_values=past).logits for past in (live, stored)]
        assert torch.equal(*found) and apart(found[0], exact) < 0.02
    whole = lacodec.kv.encode([(layer.keys[:, :, :256], layer.values[:, :, :256]) for layer in plain.layers], model)
    assert store.size() < 0.45 * len(whole)


def test_bases_of_stores_and_live_caches(books, bases, tmp_path):
    model, tokenizer = books
    ids = tokenizer("Nobody had lived there. " * 30, return_tensors="pt").input_ids[:, :64]
    (tmp_path / "b").write_bytes(bases["layer"])
    with torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
    how = {"model": model, "chunk": 32, "quality": 50}
    assert lacodec.kv.Store(tmp_path, 1 << 24, **how, basis=str(tmp_path / "b")).put(ids, cache) == 64
    assert lacodec.kv.Store(tmp_path, 1 << 24, **how, basis=bases["layer"]).get(ids)[0] == 64
    for other in ({**how, "basis": bases["steps"]}, how, {**how, "basis": bases["layer"], "quality": 51}):
        assert lacodec.kv.Store(tmp_path, 1 << 24, **other).get(ids) == (0, None)
    with pytest.raises(BadInput, match="another rotary embedding"):
        lacodec.kv.live_cache(16, 0, quality=50, basis=bases["layer"]).update(cache.layers[0].keys, cache.layers[0].values, 0)
    with pytest.raises(BadInput, match="cannot be read"):
        lacodec.kv.live_cache(quality=50, basis=str(tmp_path / "none"))


def test_a_store_gives_what_a_model_takes(model, tmp_path):
    ids = prompt(40)
    with torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
        store = lacodec.kv.Store(tmp_path, 1 << 20, model, chunk=16)
        assert store.put(ids, cache) == 32
        n, found = store.get(ids[0])
        assert n == 32 and torch.equal(found.layers[1].keys, cache.layers[1].keys[:, :, :32])
        assert np.array_equal(store.get(ids, to="torch")[1][0][1].numpy(), cache.layers[0].values[:, :, :32].numpy())
