"""Causal language models of transformers as predictors of bytes, in floating point: bound to a kind of machine."""
