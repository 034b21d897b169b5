"""Text in any language; `codec.py` has the codec."""

BY_CONTENT = "lacodec.codecs.text.media:TEXTS"
"""The media of the codec here, for `registry`: a file's codec is found without importing all of them."""
