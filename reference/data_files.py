"""The data files of the package that are part of the format: trained start values and constants, each with its SHA-256."""

import hashlib
import io
from functools import cache
from pathlib import Path

import numpy as np

from reference.stream import need

_PACKAGE = Path(__file__).resolve().parent.parent / "lacodec"
_CODECS = _PACKAGE / "codecs"
FILES = {
    "trained.npz": (_CODECS / "bytes/mixed/trained.npz", "600cfaa5660ecefd4d04f1b694130930ca17f2e957a52fbb6e5e23681e3f8711"),
    "primer.bin": (_CODECS / "bytes/mixed/primer.bin", "7c811cd4d6311f6766d56ae34bbd4fe4580afaf6fca7e7d184e311e61eec7beb"),
    "log.npz": (_CODECS / "log/mixed/trained.npz", "5b33cf4e493269d4b65321fa686bbfd3144d19b69828d01b053d910038dab639"),
    "text/trained.npz": (_CODECS / "text/trained.npz", "1e3058d6826966572c83e79b1d4765fd57ddf25836990ee2a82533d28f60bd32"),
    "text/primers.bin": (_CODECS / "text/primers.bin", "b22431e162214ab691540cc457a00cfc0ec23fcd3c05ffc6393bc878d423472a"),
    "fast.npz": (_CODECS / "image/lossless/fast/fast.npz", "60c1c877f33ee6ea9716782a498da490bcafe63805d8fff0c2033c318295785e"),
    "transform.npz": (_CODECS / "audio/transform/start.npz", "68df8a9e121024f28ec38f48af0ed9628324fea06f4634bbc3a15aa06a4b8362"),
    "video.npz": (_CODECS / "video/learned/start.npz", "4ef9b4c88ff6ff2afdb010ed6831b92bbc3f4877a5efeb8123be04f8ce88aa0f"),
    "field.npz": (_CODECS / "image/field/start.npz", "51918190292d12cffac86bb001bf3777795df873607c69c2dc12834c85099ee8"),
    "start.bin": (_CODECS / "image/jpeg/model/start.bin", "d1971956fbce9f2c276599afe6f424752d2170938249a82acce8f3f3005179fe"),
    "distributions.npz": (
        _PACKAGE / "entropy/distributions.npz",
        "31934ac8b3e2a1686a05f8ea377c251d36460eac18db2621adb5b3a9f0d15cf3",
    ),
    "fast.bin": (_CODECS / "image/jpeg/model/fast.bin", "b39516b74dd7cc0536413323d3699ce1a125afa8ff8845186975b21bf9b237d5"),
}
"""Name -> where it lies, SHA-256."""


@cache
def read(name: str) -> bytes:
    """The bytes of a file; Damaged when they are not those of the format."""
    path, digest = FILES[name]
    data = path.read_bytes()
    need(hashlib.sha256(data).hexdigest() == digest, f"{path} is not the file that the format names")
    return data


@cache
def arrays(name: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name."""
    with np.load(io.BytesIO(read(name))) as stored:
        return {key: stored[key] for key in stored.files}
