"""Codec `weights.quantised`: tensors as whole numbers of steps, chosen by rate and distortion, entropy-coded. See docs/weights-quantised.md."""
