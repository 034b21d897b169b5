"""Error-bounded floats (form 6); `codec.py` has encode_bounded and decode_bounded."""

from lacodec.codecs.columns.bounded.codec import decode_bounded, encode_bounded

__all__ = ["decode_bounded", "encode_bounded"]
