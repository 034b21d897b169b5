"""Very small causal models of transformers for tests, with byte-level pieces, as folders that transformers loads."""

import json
from pathlib import Path
from typing import Any

from tests import languages


def folder(where: Path, seed: int = 0, pieces: int = 300, room: int = 256) -> Path:
    """Random weights; pieces of `languages.TEXT`, 257 for bytes alone."""
    import tokenizers
    import torch
    import transformers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
        vocab_size=pieces, max_position_embeddings=room, tie_word_embeddings=True, initializer_range=0.4,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(where)
    words = tokenizers.Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet: Any = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=pieces, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False)
    words.train_from_iterator([languages.TEXT.decode()], trainer)
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>").save_pretrained(where)
    return where


def gguf_file(where: Path, pieces: int = 300) -> Path:
    """Random weights and pieces in a GGUF file, as llama.cpp names them."""
    import gguf
    import numpy as np

    tokenizer = json.loads((folder(where / "folder", pieces=pieces) / "tokenizer.json").read_text())["model"]
    rng, width, hidden, half = np.random.default_rng(1), 32, 48, 16
    writer = gguf.GGUFWriter(where / "model.gguf", "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(pieces)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(sorted(tokenizer["vocab"], key=tokenizer["vocab"].__getitem__))
    writer.add_token_types([3] + [1] * (pieces - 1))
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    shapes = {
        "token_embd": (pieces, width), "blk.0.attn_q": (width, width), "blk.0.attn_k": (half, width),
        "blk.0.attn_v": (half, width), "blk.0.attn_output": (width, width), "blk.0.ffn_gate": (hidden, width),
        "blk.0.ffn_up": (hidden, width), "blk.0.ffn_down": (width, hidden), "blk.0.attn_norm": (width,),
        "blk.0.ffn_norm": (width,), "output_norm": (width,),
    }  # fmt: skip
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", (0.4 * rng.standard_normal(shape) + (len(shape) == 1)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return where / "model.gguf"
