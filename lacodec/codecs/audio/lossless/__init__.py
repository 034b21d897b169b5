"""Lossless coding of sound; `codec.py` has the codec."""

BY_CONTENT = "lacodec.media.audio.files:AUDIO"
"""The media of the codec here, for `registry`: a file's codec is found without importing all of them."""
