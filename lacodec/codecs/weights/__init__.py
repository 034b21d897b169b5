"""Lossless coding of model weights; `codec.py` has the codec."""

BY_CONTENT = "lacodec.media.tensors.files:TENSORS"
"""The media of the codec here, for `registry`: a file's codec is found without importing all of them."""
