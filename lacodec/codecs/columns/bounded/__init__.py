"""Error-bounded floats (form 6); `payload.py` has encode_bounded and decode_bounded."""

from lacodec.codecs.columns.bounded.payload import decode_bounded, encode_bounded

__all__ = ["decode_bounded", "encode_bounded"]
