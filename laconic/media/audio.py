"""`Audio`: sampled sound and all that is needed to write the same file again.

WAV and AIFF are read and written here (`wav`, `aiff`): what surrounds the samples is kept as it is, so files come back byte for
byte. FLAC goes through the `soundfile` library, and its samples come back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from laconic.errors import BadInput, UnsupportedFile
from laconic.source import BytesSource, IteratorSource, Source, SpooledSource, seekable

if TYPE_CHECKING:
    import numpy as np

LAYOUTS = ("u8", "i8", "i16le", "i24le", "i32le", "f32le", "i16be", "i24be", "i32be", "f32be")
"""How one sample is stored: type, bits, byte order. A file's number of bits that is no multiple of 8 is rounded up."""

SUFFIXES = {".wav": "wav", ".wave": "wav", ".aif": "aiff", ".aiff": "aiff", ".aifc": "aiff", ".flac": "flac"}
"""Formats that are written: what the name of a file ends with -> what `format` calls it."""

MAX_CHANNELS = 8
MAX_AROUND = 8 << 20  # bytes before, and behind, the samples
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Audio:
    """Sound of one or more channels.

    rate: samples per second and channel. layout: one of LAYOUTS. pcm: the samples as the file has them, channels interleaved.
    head, tail: the file's bytes before and behind them. format: "wav", "aiff", "flac" or None. The tail of something that is
    being decoded is known once `pcm` has been read.
    """

    codec: ClassVar[str] = "audio.lossless"

    rate: int
    channels: int
    layout: str
    pcm: Source
    format: str | None = None
    head: bytes = b""
    tail: Source = field(default_factory=lambda: BytesSource(b""))

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise BadInput(f"sample layout {self.layout!r} is unknown; there are: {', '.join(LAYOUTS)}")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise UnsupportedFile(f"{self.pcm.name}: {self.channels} channels; audio can have 1 to {MAX_CHANNELS}")
        if not 0 <= self.rate < 1 << 32:
            raise BadInput(f"a rate of {self.rate} Hz cannot be stored")

    @classmethod
    def from_samples(cls, samples: Any, rate: int) -> "Audio":
        """From an array [samples, channels] (or [samples]) of uint8, int8, int16, int32 or float32."""
        import numpy as np

        names = {"u1": "u8", "i1": "i8", "i2": "i16le", "i4": "i32le", "f4": "f32le"}
        array = np.asarray(samples)
        kind = f"{array.dtype.kind}{array.dtype.itemsize}"
        if kind not in names or array.ndim not in (1, 2):
            raise BadInput(f"{array.dtype} samples in {array.ndim} dimensions; give uint8, int16, int32 or float32 [n, channels]")
        array = array.reshape(array.shape[0], -1) if array.size else array.reshape(0, array.shape[1] if array.ndim == 2 else 1)
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
        return cls(rate, array.shape[1], names[kind], BytesSource(little.tobytes()))

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * sample_size(self.layout)

    @property
    def samples(self) -> "np.ndarray":
        """int32 or float32[samples, channels]; reads all of `pcm`."""
        from laconic.media._samples import from_bytes, to_float

        data = self.pcm.read(0, self.pcm.size or 0)
        numbers = from_bytes(data, self.layout, self.channels)
        return to_float(numbers).T if self.layout.startswith("f") else numbers.astype("int32").T


def sample_size(layout: str) -> int:
    """Bytes of one sample."""
    return int(layout[1:].rstrip("lbe")) // 8


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is WAV, AIFF or FLAC."""
    return head[:4] == b"fLaC" or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE") or is_aiff(head)


def remark(head: bytes) -> str | None:
    """Lossy formats: decoding them first would only make them larger."""
    if head[:4] == b"OggS":
        return "Ogg is lossy audio already; codec bytes keeps it as it is"
    if head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "MP3 is lossy audio already; codec bytes keeps it as it is"
    return None


def is_aiff(head: bytes) -> bool:
    """Whether a file that begins so is AIFF or AIFC."""
    return head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")


def from_source(source: Source) -> Audio:
    """The sound in a file or pipe; raises UnsupportedFile for what cannot be restored exactly."""
    from laconic.media import aiff, flac, wav

    source = seekable(source)
    head = source.peek(12)
    if not sniff(head):
        raise UnsupportedFile(f"{source.name}: is no WAV, AIFF or FLAC; use --codec bytes")
    return flac.read(source) if head[:4] == b"fLaC" else aiff.read(source) if is_aiff(head) else wav.read(source)


def from_object(value: Any) -> Audio:
    """What a caller of the Python interface passes: an Audio, or the bytes of a file."""
    if isinstance(value, Audio):
        return value
    if isinstance(value, Source):
        return from_source(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return from_source(BytesSource(value))
    raise BadInput(f"a {type(value).__name__} is no audio; pass Audio.from_samples(array, rate), a path, or a file's bytes")


def to_object(value: Audio) -> Audio:
    """The same with everything in memory."""
    pcm = b"".join(_blocks(value.pcm))
    return replace(value, pcm=BytesSource(pcm), tail=BytesSource(b"".join(_blocks(value.tail))))


def written(value: Audio, suffix: str) -> str:
    """The format of the file that `to_blocks` gives: what `suffix` names, else the one that the sound came from."""
    return SUFFIXES.get(suffix) or value.format or "wav"


def to_blocks(value: Audio, suffix: str = "") -> Iterator[bytes]:
    """The file again, or another format where `suffix` names one: the format `written`."""
    from laconic.media import aiff, flac, wav

    wanted = written(value, suffix)
    if wanted == value.format and value.head and wanted != "flac":
        yield value.head
        yield from _blocks(value.pcm)
        yield from _blocks(value.tail)
        return
    if value.pcm.size is None:
        value = replace(value, pcm=SpooledSource(value.pcm))
    yield from {"wav": wav.write, "aiff": aiff.write, "flac": flac.write}[wanted](value)


def _blocks(source: Source) -> Iterator[bytes]:
    return source.pieces() if isinstance(source, IteratorSource) else source.blocks(_BLOCK)
