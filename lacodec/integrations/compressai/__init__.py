"""CompressAI's models in our container, with our coder and checks: `encode(model, pixels)`, `decode(model, data)`."""

from lacodec.integrations.compressai.codec import decode, encode

__all__ = ["decode", "encode"]
