"""Lossless coding of model weights; `codec.py` has the codec."""

from typing import Any


def add_base(path: Any) -> None:
    """Make the tensors in the file at `path` known to this process, to decode files that were stored as differences to it.

    Reads all of the file, and keeps it open; raises BadInput or UnsupportedFile.
    """
    from laconic.codecs.weights._bases import add_base as add

    add(path)
