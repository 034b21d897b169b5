"""Lossless coding of video; `codec.py` has the codec."""

BY_CONTENT = "lacodec.media.video.files:VIDEO"
"""The media of the codec here, for `registry`: a file's codec is found without importing all of them."""
