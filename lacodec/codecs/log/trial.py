"""Whether columns make a log smaller than what it is coded by without them: tried on a sample."""

from lacodec.codecs import registry
from lacodec.codecs.embedded import embed
from lacodec.io.source import Source

_SAMPLE = 1 << 20
"""Bytes from the middle of a log."""
_LEAST = 1 << 17
"""Bytes of a log below which nothing is tried: templates take too large a part."""


def columns_win(source: Source, effort: int) -> bool:
    """Whether codec `log` makes the sample smaller at this effort than codec `text`, or `bytes` where `text` is not for it."""
    sample = _lines(source)
    if len(sample) < _LEAST:
        return False
    text = registry.get("text")
    rival = "text" if text.suits(source, {"effort": effort}) else "bytes"
    return len(embed("log", sample, effort=effort)) < len(embed(rival, sample, effort=effort))


def _lines(source: Source) -> bytes:
    """Whole lines, unless there is one of that size; of a stream, the first."""
    begin = max(0, (source.size or 0) - _SAMPLE) // 2
    sample = source.read(begin, _SAMPLE) if begin else source.peek(_SAMPLE)
    if begin:
        sample = sample[sample.find(b"\n") + 1 :]
    return sample[: sample.rfind(b"\n") + 1] or sample
