"""Lossless neural and context-mixing compression: `encode`, `decode`, `open`, `codec`."""
