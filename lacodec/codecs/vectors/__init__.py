"""Codec `vectors`: embeddings in as many bytes as asked for; `codec.py` has the codec."""
