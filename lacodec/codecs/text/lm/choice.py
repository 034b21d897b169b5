"""Whether the language model makes a text smaller, by coding samples of it both ways."""

from lacodec.codecs.embedded import embed
from lacodec.codecs.session import DEFAULT
from lacodec.codecs.text.lm.codec import TextLM
from lacodec.io.source import Source

_PLACES, _SAMPLE = 3, 4096
_NAMED = 64  # bytes at most by which a header grows that names a model
_GAIN = 100  # the model has to save one byte in so many


def language_helps(source: Source) -> bool:
    """Whether samples of a file, coded as one block, are smaller with the language model that comes with lacodec.

    That is decided by coded bytes, and costs about a second. Of a pipe only the start is seen.
    """
    sample = _samples(source)
    if not sample:
        return False
    others = len(embed("text", sample, effort=9))
    needed = max(others // _GAIN, _NAMED * len(sample) // (source.size or _PLACES * _SAMPLE))
    return len(TextLM().encode_model(sample, DEFAULT)) + needed < others


def _samples(source: Source) -> bytes:
    whole = _PLACES * _SAMPLE
    if source.size is None or source.size <= whole:
        return source.peek(whole)
    step = (source.size - _SAMPLE) // (_PLACES - 1)
    return b"".join(source.read(step * i, _SAMPLE) for i in range(_PLACES))
