"""Codec `weights.quantised`: tensors as whole numbers of steps, chosen by rate and distortion, and entropy-coded."""
