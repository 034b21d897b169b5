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


def test_a_store_gives_what_a_model_takes(model, tmp_path):
    ids = prompt(40)
    with torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
        store = lacodec.kv.Store(tmp_path, 1 << 20, model, chunk=16)
        assert store.put(ids, cache) == 32
        n, found = store.get(ids[0])
        assert n == 32 and torch.equal(found.layers[1].keys, cache.layers[1].keys[:, :, :32])
        assert np.array_equal(store.get(ids, to="torch")[1][0][1].numpy(), cache.layers[0].values[:, :, :32].numpy())
