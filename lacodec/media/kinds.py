"""Which codec a file asks for, by its first bytes; called when the user names none.

Each kind of data has a media module, `lacodec/media/<kind>.py`, whose `sniff(head)` says whether it can read such a file, and may
have `remark(head)`: a line for the user about files of that kind that it leaves to codec `bytes`. Importing one must be cheap.
"""

import importlib
import importlib.util
from typing import Any

HEAD_SIZE = 256
"""First bytes of a file that `sniff` and `remark` get; fewer when the file is shorter."""

CODECS = {"image": "image.lossless", "audio": "audio.lossless", "tensors": "weights"}
"""The codec for each kind of file that is recognised."""


def codec_for(head: bytes, size: int | None = None) -> str | None:
    """The codec for a file of `size` bytes that begins with `head`, None when no kind is recognised, or its header would cost
    more than is gained (a media module may name the SMALLEST file that is worth it)."""
    for kind, codec in CODECS.items():
        module = _module(kind)
        if module is not None and module.sniff(head) and (size is None or size >= getattr(module, "SMALLEST", 0)):
            return codec
    return None


def remark_on(head: bytes) -> str | None:
    """What the user should know about a file that begins with `head` and goes to codec `bytes`; mostly None."""
    for kind in CODECS:
        module = _module(kind)
        text = module.remark(head) if hasattr(module, "remark") else None
        if text:
            return str(text)
    return None


def _module(kind: str) -> Any:
    name = f"lacodec.media.{kind}.files"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None
