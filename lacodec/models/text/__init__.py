"""A small language model of text: pre-tokens, pieces and the network. No codec uses it yet."""
