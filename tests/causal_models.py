"""Very small causal models of transformers for tests, with byte-level pieces, as folders that transformers loads."""

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
