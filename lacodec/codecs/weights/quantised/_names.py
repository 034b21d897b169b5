"""What tensors of language models are, by their names in safetensors and GGUF files."""

import re

_IN_LAYER = re.compile(r"(?:^|\.)(?:blk|layers?|h|blocks?)\.(\d{1,6})\.(.+?)(?:\.weight)?$")
_GGUF = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}  # fmt: skip
"""GGUF's names in the layers of llama-like models -> those of transformers."""
_WORDS = re.compile(r"(^|[._])(token_embd|embed_tokens|wte|word_embeddings|lm_head)([._]|$)|^output\.weight$")
_HEAD = re.compile(r"(^|\.)lm_head(\.|$)|^output\.weight$")


def in_layer(name: str) -> tuple[int, str] | None:
    """(number of the layer, what transformers calls the module in it)."""
    found = _IN_LAYER.search(name)
    return None if found is None else (int(found[1]), _GGUF.get(found[2], found[2]))


def of_words(name: str) -> bool:
    """Whether rows are the words of a vocabulary: the first are the most used, as byte-pair encoding finds them first."""
    return bool(_WORDS.search(name))


def of_logits(name: str) -> bool:
    """Whether these words are those of the last matrix alone."""
    return bool(_HEAD.search(name))
